"""One structure by its id: of the PDB, or a model of AlphaFold DB; kept once it is here.

AlphaFold DB: ``https://alphafold.ebi.ac.uk/api/prediction/ACCESSION`` answers with a list of
models, of which ``cifUrl`` is the file and ``latestVersion`` its version; the B-factor of its atoms
is the pLDDT. A UniProt accession is as https://www.uniprot.org/help/accession_numbers says.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from distmat.access import check_may_change
from distmat.dataset.download import SERVER, DownloadPolicy, cached_path, download
from distmat.documents import DocumentError, parse_json
from distmat.errors import DatasetError
from distmat.protein.chain import describe_model
from distmat.protein.entry_id import parse_id
from distmat.protein.query import Query, read_query_file
from distmat.protein.sequence import quote
from distmat.protein.structure.all_atoms import AllAtoms
from distmat.protein.structure.sniff import MAX_BYTES
from distmat.workspace import replace_file, workspace

ALPHAFOLD_SERVER = "https://alphafold.ebi.ac.uk"

_ACCESSION = re.compile(
    r"(?:AF-)?([OPQ][0-9][A-Z0-9]{3}[0-9]|[A-NR-Z][0-9](?:[A-Z][A-Z0-9]{2}[0-9]){1,2})"
    r"(?:-F1(?:-model_v\d+)?)?"
)
_PATIENCE = 15.0
"""Seconds without a byte until a person is told that the server can't be reached."""
_QUICK = DownloadPolicy(attempts=2, silence=_PATIENCE, patience=120.0)


@dataclass(frozen=True)
class Fetched:
    """A structure file that came by its id.

    Parameters
    ----------
    filename : str
        As files of this id are called.
    data : bytes
    chain_id : str
        Which of its chains was asked for; empty for any.
    is_model : bool
        Whether it is AlphaFold's model, and not an experiment.
    """

    filename: str
    data: bytes
    chain_id: str = ""
    is_model: bool = False


def read_entry(fetched: Fetched) -> list[Query]:
    """The chains of a structure that came by its id, or the one that was asked for.

    Of a model its name says that it is one, and the note how sure of it AlphaFold is.

    Raises
    ------
    DatasetError
        If there is no such chain.
    StructureError
        If the file can't be read.
    """
    queries = read_query_file(fetched.data, fetched.filename)
    if fetched.chain_id:
        queries = [q for q in queries if q.structure and q.structure.chain_id == fetched.chain_id]
        if not queries:
            raise DatasetError(
                f"{fetched.filename.partition('.')[0]} has no protein chain '{fetched.chain_id}'; "
                "leave it out to see which there are."
            )
    return [_as_model(query, fetched) for query in queries] if fetched.is_model else queries


def _as_model(query: Query, fetched: Fetched) -> Query:
    if query.structure is None:
        return query
    plddt = AllAtoms(fetched.data, fetched.filename, query.structure).ca_bfactors()
    name = f"{fetched.filename.partition('.')[0]}, a model and no experiment"
    chain = replace(query.structure, name=name, plddt=plddt)
    return replace(query, name=name, structure=chain, note=describe_model(chain))


def is_entry_id(text: str) -> bool:
    """Whether a text is an id of the PDB, with a chain or not, or of AlphaFold DB."""
    return parse_id(text) is not None or _accession(text) is not None


def fetch_entry(
    text: str, pdb_server: str = SERVER, alphafold_server: str = ALPHAFOLD_SERVER
) -> Fetched:
    """The structure of an id.

    Parameters
    ----------
    text : str
        Such as ``1abc``, ``1abc_A``, ``P00520`` or ``AF-P00520-F1``.
    pdb_server, alphafold_server : str
        Addresses without a path.

    Raises
    ------
    AccessError
        If this server lets nobody fetch.
    DatasetError
        If it is no id, there is no such entry, or the server can't be reached.
    """
    entry, accession = parse_id(text), _accession(text)
    if entry is None and accession is None:
        raise DatasetError(
            f"{quote(text, 40)} is no id of the PDB, such as 1abc or 1abc_A, nor of AlphaFold DB, "
            "such as P00520."
        )
    check_may_change("fetch structures")
    if entry is not None:
        failed = download([entry.entry], pdb_server, _QUICK)
        if entry.entry in failed:
            raise DatasetError(f"{entry.entry} can't be fetched. {failed[entry.entry]} {_ADVICE}")
        return Fetched(f"{entry.entry}.bcif.gz", cached_path(entry.entry).read_bytes(), entry.chain)
    assert accession is not None  # noqa: S101  one of the two is there
    path = _model_path(accession)
    if not path.exists():
        with replace_file(path) as file:
            file.write(_fetch_model(accession, alphafold_server.rstrip("/")))
    return Fetched(f"AF-{accession}-F1.cif", path.read_bytes(), "", True)


_ADVICE = "Check the network, or upload the file."


def _accession(text: str) -> str | None:
    found = _ACCESSION.fullmatch(text.strip().upper().replace("MODEL_V", "model_v"))
    return None if found is None else found[1]


def _model_path(accession: str) -> Path:
    return workspace() / "cache" / "alphafold" / f"{accession}.cif"


def _fetch_model(accession: str, server: str) -> bytes:
    try:
        listed = parse_json(_get(f"{server}/api/prediction/{accession}", accession), 2**20)
        url = str(listed[0]["cifUrl"])
    except (DocumentError, LookupError, TypeError):
        raise DatasetError(
            f"AlphaFold DB's answer on {accession} isn't understood. {_ADVICE}"
        ) from None
    # The file lies where the list does; nothing that an answer says leads elsewhere.
    if urlsplit(url)[:2] != urlsplit(server)[:2]:
        raise DatasetError(f"AlphaFold DB's answer on {accession} leads elsewhere. {_ADVICE}")
    data = _get(url, accession)
    if b"_atom_site." not in data:
        raise DatasetError(f"What AlphaFold DB sent of {accession} is no mmCIF file. {_ADVICE}")
    return data


def _get(url: str, accession: str) -> bytes:
    import requests

    try:
        with requests.get(
            url,
            headers={"User-Agent": "distmat"},
            timeout=_PATIENCE,
            stream=True,
            allow_redirects=False,
        ) as answer:
            if answer.status_code in (400, 404, 410, 422):
                raise DatasetError(
                    f"AlphaFold DB has no model of {accession}; check the accession, or upload the "
                    "file."
                )
            if answer.status_code != 200:
                raise DatasetError(
                    f"AlphaFold DB answered {answer.status_code} on {accession}. {_ADVICE}"
                )
            data = answer.raw.read(MAX_BYTES + 1, decode_content=True)
    except requests.RequestException as error:
        raise DatasetError(
            f"AlphaFold DB can't be reached ({type(error).__name__}). {_ADVICE}"
        ) from None
    if len(data) > MAX_BYTES:
        raise DatasetError(f"The model of {accession} is too large. {_ADVICE}")
    return bytes(data)
