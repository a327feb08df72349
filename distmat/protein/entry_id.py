"""Ids of the Protein Data Bank and of their chains, in the one form in which they are compared."""

import re
from typing import NamedTuple

_ID = re.compile(
    r"(?P<entry>[0-9][A-Za-z0-9]{3}|[Pp][Dd][Bb]_[0-9A-Za-z]{8})"
    r"(?:[_:](?P<chain>[\w.+-]{1,20}))?"
)
_EXTENDED = re.compile(r"pdb_0000([0-9][0-9a-z]{3})")


class EntryId(NamedTuple):
    """An entry, and a chain of it.

    Parameters
    ----------
    entry : str
        Lower case, and of four letters where it has such an id: ``"1hml"``.
    chain : str
        The author's name of the chain, in which case counts; ``""`` for the whole entry.
    """

    entry: str
    chain: str

    def __str__(self) -> str:
        return f"{self.entry}_{self.chain}" if self.chain else self.entry


def parse_id(text: str) -> EntryId | None:
    """An id such as ``1HML``, ``1hml_A``, ``1hml:A`` or ``pdb_00001hml_A``; None if it is none.

    The PDB gives each entry an extended id besides its own of four letters (``pdb_00001hml`` is
    ``1hml``), and only that one to entries from 2028 on.
    """
    match = _ID.fullmatch(text.strip())
    if match is None:
        return None
    entry = match["entry"].lower()
    short = _EXTENDED.fullmatch(entry)
    return EntryId(short[1] if short else entry, match["chain"] or "")


def normal_id(text: str) -> str:
    """The form in which ids are compared: ``PDB_00001HML_A`` and ``1hml:A`` are ``1hml_A``.

    A name that is no id of the PDB stays as it is.
    """
    found = parse_id(text)
    return text if found is None else str(found)
