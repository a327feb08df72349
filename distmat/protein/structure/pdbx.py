"""mmCIF and BinaryCIF, read by biotite."""

import io
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from distmat.protein.chain import Chain
from distmat.protein.structure.entry import (
    Experiment,
    MalformedError,
    parse_resolution,
    parser_at_work,
)
from distmat.protein.structure.polymer_chain import (
    numbered,
    observed_chain,
    polymer_chains,
    whole_chain,
)
from distmat.protein.structure.sniff import decode

_MOST_VALUES = 20_000_000
"""A BinaryCIF file can claim any number of values; the largest entries have 15 million atoms."""

_MOST_RESIDUES = 100_000
"""Of one polymer; titin, the longest protein, has 35,000."""

_NO_LINE_ENDS = re.compile("[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
"""Python ends a line at these, CIF doesn't."""

_CIF_WORDS = re.compile(r"^(?:;|[ \t]*(_\S+|loop_|data_\S*))", re.MULTILINE | re.IGNORECASE)
"""What begins a line that is no row of a table: a text's first or last line, a tag, a keyword."""

_MIXED_CASE = {
    name.lower(): name
    for name in (
        "Cartn_x", "Cartn_y", "Cartn_z", "B_iso_or_equiv", "group_PDB",
        "pdbx_PDB_model_num", "pdbx_PDB_ins_code",
    )
}  # fmt: skip
"""Names of columns, by which biotite knows them."""


def read_cif(data: bytes) -> tuple[Experiment, Iterator[Chain]]:
    """What an mmCIF file says of the experiment, and its chains."""
    from biotite.structure.io.pdbx import CIFFile

    text = _plain_cif(decode(data))
    with parser_at_work():
        file = CIFFile.read(io.StringIO(text))
    return _read_pdbx(file)


def _plain_cif(text: str) -> str:
    """The same with the case of tags and the ends of lines as biotite expects them."""
    text = _NO_LINE_ENDS.sub(" ", text)
    within = False

    def plain(found: re.Match) -> str:
        nonlocal within
        word = found[1]
        if word is None:
            within = not within
            return ";"
        if within:
            # A line of a text that looks like a tag is none.
            return f" {found[0]}"
        if word[:5].lower() in ("loop_", "data_"):
            return word[:5].lower() + word[5:]
        category, _, column = word.lower().partition(".")
        return f"{category}.{_MIXED_CASE.get(column, column)}"

    return _CIF_WORDS.sub(plain, text)


def read_bcif(data: bytes) -> tuple[Experiment, Iterator[Chain]]:
    """What a BinaryCIF file says of the experiment, and its chains."""
    import msgpack
    from biotite.structure.io.pdbx import BinaryCIFFile

    with parser_at_work():
        content = msgpack.unpackb(data, use_list=True, raw=False)
    _check_claims(content)
    with parser_at_work():
        file = BinaryCIFFile.deserialize(content)
    return _read_pdbx(file)


def _check_claims(content: Any) -> None:
    """Refuse a few bytes that claim to unpack to more than memory holds."""
    if isinstance(content, dict):
        if isinstance(content.get("srcSize"), int) and content["srcSize"] > _MOST_VALUES:
            raise MalformedError(f"a column claims {content['srcSize']:,} values")
        if content.get("kind") == "RunLength" and "srcSize" not in content:
            raise MalformedError("a run-length encoded column doesn't say how long it is")
    if isinstance(content, dict | list):
        for part in content.values() if isinstance(content, dict) else content:
            _check_claims(part)


def _read_pdbx(file: Any) -> tuple[Experiment, Iterator[Chain]]:
    with parser_at_work():
        name = next((name for name in file if "atom_site" in file[name]), None)
        if name is None:
            return Experiment(), iter(())
        block = file[name]
    return _experiment(block), _chains(file, name)


def _column(block: Any, table: str, column: str) -> list[str]:
    """A column's values as texts; empty if the file has none."""
    with parser_at_work():
        if table not in block or column not in block[table]:
            return []
        return block[table][column].as_array(str).tolist()


def _experiment(block: Any) -> Experiment:
    def value(table: str, column: str) -> str:
        return "; ".join(word for word in _column(block, table, column) if word not in (".", "?"))

    resolutions = (
        value(table, column)
        for table, column in (
            ("refine", "ls_d_res_high"),
            ("em_3d_reconstruction", "resolution"),
            ("reflns", "d_resolution_high"),
        )
    )
    stated = next((text for text in resolutions if text), "")
    return Experiment(
        parse_resolution(stated.partition(";")[0]),
        value("exptl", "method").upper(),
        value("struct", "title"),
    )


def _chains(file: Any, name: str) -> Iterator[Chain]:
    from biotite.structure.io.pdbx import get_structure

    block = file[name]
    with parser_at_work():
        _complete(block)
        columns = ("occupancy", "label_seq_id", "label_asym_id", "label_entity_id")
        atoms = get_structure(
            file,
            model=1,
            data_block=name,
            altloc="all",
            extra_fields=[column for column in columns if column in block["atom_site"]],
        )
    parents = _parents(block)
    by_asym, by_entity = _polymer_sequences(block)
    for found in polymer_chains(atoms, parents):
        polymer = by_asym.get(found.asym) or by_entity.get(found.entity) or []
        placed = numbered(found, polymer, parents)
        yield whole_chain(found, placed, polymer, parents) if placed else observed_chain(found)


def _complete(block: Any) -> None:
    """Fill in the columns that programs other than the PDB's leave out, and drop the unit cell."""
    atom_site = block["atom_site"]
    n = atom_site.row_count
    for column in ("seq_id", "comp_id", "asym_id", "atom_id"):
        if f"auth_{column}" not in atom_site:
            atom_site[f"auth_{column}"] = atom_site[f"label_{column}"]
    defaults = {
        "pdbx_PDB_model_num": np.ones(n, dtype=np.int32),
        "pdbx_PDB_ins_code": np.full(n, ""),
        "label_alt_id": np.full(n, "."),
        "group_PDB": np.full(n, "ATOM"),
        "type_symbol": np.full(n, "?"),
    }
    for column, values in defaults.items():
        if column not in atom_site:
            atom_site[column] = values
    _split_numbers(atom_site)
    if "cell" in block:
        del block["cell"]


def _split_numbers(atom_site: Any) -> None:
    """Take insertion codes out of the author's numbers, where a program wrote them there."""
    numbers = atom_site["auth_seq_id"].as_array(str).tolist()
    if all(number.removeprefix("-").isdecimal() for number in set(numbers)):
        return
    codes = atom_site["pdbx_PDB_ins_code"].as_array(str).tolist()
    labels = (
        atom_site["label_seq_id"].as_array(str).tolist()
        if "label_seq_id" in atom_site
        else [""] * len(numbers)
    )
    for at, (number, label) in enumerate(zip(numbers, labels, strict=True)):
        found = re.fullmatch(r"(-?\d+)([A-Za-z]?)", number)
        if found:
            numbers[at], codes[at] = found[1], found[2] or codes[at]
        else:
            # Only the file's own number is left; ligands have none.
            numbers[at] = label if label.isdecimal() else "0"
    atom_site["auth_seq_id"] = np.array(numbers)
    atom_site["pdbx_PDB_ins_code"] = np.array(codes)


def _parents(block: Any) -> dict[str, str]:
    table = "pdbx_struct_mod_residue"
    names = (_column(block, table, column) for column in ("label_comp_id", "parent_comp_id"))
    return dict(zip(*names, strict=False))


def _polymer_sequences(block: Any) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Residue names of the polymers: by chain, and by entity, of which chains are copies."""
    return (
        _names_in_order(block, "pdbx_poly_seq_scheme", "asym_id", "seq_id"),
        _names_in_order(block, "entity_poly_seq", "entity_id", "num"),
    )


def _names_in_order(block: Any, table: str, of: str, position: str) -> dict[str, list[str]]:
    columns = (_column(block, table, column) for column in (of, position, "mon_id"))
    polymers: dict[str, dict[int, str]] = {}
    for key, number, name in zip(*columns, strict=False):
        if not number.isdecimal() or not 0 < int(number) <= _MOST_RESIDUES:
            raise MalformedError(f"{table} numbers a residue {number[:20]}")
        # Of two kinds of residue seen in one place, the first is kept.
        polymers.setdefault(key, {}).setdefault(int(number), name)
    return {
        key: [names.get(number, "UNK") for number in range(1, max(names) + 1)]
        for key, names in polymers.items()
    }
