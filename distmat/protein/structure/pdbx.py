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
    make_chain,
    make_observed_chain,
    polymer_chains,
    take_numbers,
)
from distmat.protein.structure.sniff import decode

_FEW_VALUES = 100_000
"""Of a column; more than this are believed of a BinaryCIF file of four bytes or more for each."""

_MOST_RESIDUES = 100_000
"""Of one polymer; titin, the longest protein, has 35,000."""

_NO_LINE_ENDS = re.compile("[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
"""Python ends a line at these, CIF doesn't."""

_CIF_WORDS = re.compile(r"^(?:;|[ \t]*(_\S+|loop_|data_\S*))", re.MULTILINE | re.IGNORECASE)
"""What begins a line that is no row of a table: a text's first or last line, a tag, a keyword."""

_TABLES = ("_atom_site", "_entity_poly_seq", "_pdbx_poly_seq_scheme")
"""Tables of many rows. Their values are short."""

_NO_VALUE = re.compile(r"\S{65}|[^\n]{513}")
"""A word or a line that no row of these has."""

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
    """The same as biotite expects it: case of tags, ends of lines, and no rows without need."""
    text = _NO_LINE_ENDS.sub(" ", text)
    pieces: list[str] = []
    at, category, columns, within = 0, "", list[str](), False
    for found in _CIF_WORDS.finditer(text):
        word = found[1]
        if category in _TABLES and not within:
            _check_rows(text, at, found, category)
        pieces.append(_rows(text[at : found.start()], category, columns))
        at = found.end()
        if word is None:
            within = not within
            pieces.append(found[0])
        elif within:
            # A line of a text that looks like a tag is none.
            pieces.append(f" {found[0]}")
        elif word.startswith("_"):
            table, _, column = word.lower().partition(".")
            columns = [*columns, column] if table == category else [column]
            category = table
            pieces.append(f"{table}.{_MIXED_CASE.get(column, column)}")
        else:
            category = ""
            pieces.append(word[:5].lower() + word[5:])
    return "".join([*pieces, _rows(text[at:], category, columns)])


_PLACE = {
    "label_asym_id", "auth_asym_id", "label_seq_id", "auth_seq_id", "label_comp_id",
    "auth_comp_id", "pdbx_pdb_ins_code",
}  # fmt: skip
"""Columns in which the residues of a model differ."""


def _rows(text: str, category: str, columns: list[str]) -> str:
    """Of the table of atoms the first model's Cα, and one atom of each residue without.

    biotite takes 30 µs for each row, and memory for each value. Rows that aren't one line of
    plain words for each are left to it.
    """
    name = next((at for at, column in enumerate(columns) if column.endswith("atom_id")), None)
    if category != "_atom_site" or len(columns) < 2 or name is None:
        return text
    place = [at for at, column in enumerate(columns) if column in _PLACE]
    model = columns.index(_MODEL) if _MODEL in columns else None
    first = None
    kept: dict[tuple[str, ...], list[str]] = {}
    with_ca: set[tuple[str, ...]] = set()
    for line in text.split("\n"):
        values = line.split()
        if not values or values[0].startswith("#"):
            continue
        if len(values) != len(columns):
            return text
        first = first or (model is not None and values[model])
        if model is not None and values[model] != first:
            continue
        key = tuple([values[at] for at in place])
        if values[name].strip("'\"") == "CA":
            if key not in with_ca:
                kept[key] = []
                with_ca.add(key)
            kept[key].append(line)
        elif key not in kept:
            kept[key] = [line]
    return "".join(f"\n{line}" for lines in kept.values() for line in lines) + "\n"


_MODEL = "pdbx_pdb_model_num"


def _check_rows(text: str, at: int, end: re.Match[str], category: str) -> None:
    """Refuse a table with a value so long that a column of such values fills the memory."""
    if end[1] is None or _NO_VALUE.search(text, at, end.start()):
        line = text.count("\n", 0, end.start()) + 1
        raise MalformedError(f"before line {line}, a long text stands among {category}")


def read_bcif(data: bytes) -> tuple[Experiment, Iterator[Chain]]:
    """What a BinaryCIF file says of the experiment, and its chains."""
    import msgpack
    from biotite.structure.io.pdbx import BinaryCIFFile

    with parser_at_work():
        content = msgpack.unpackb(data, use_list=True, raw=False)
    _check_claims(content, max(_FEW_VALUES, len(data) // 4))
    with parser_at_work():
        file = BinaryCIFFile.deserialize(content)
    return _read_pdbx(file)


def _check_claims(content: Any, most: int) -> None:
    """Refuse a few bytes that claim to unpack to more than memory holds."""
    if isinstance(content, dict):
        if isinstance(content.get("srcSize"), int) and content["srcSize"] > most:
            raise MalformedError(f"a column claims {content['srcSize']:,} values")
        if content.get("kind") == "RunLength" and "srcSize" not in content:
            raise MalformedError("a run-length encoded column doesn't say how long it is")
    if isinstance(content, dict | list):
        for part in content.values() if isinstance(content, dict) else content:
            _check_claims(part, most)


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
        values: list[str] = block[table][column].as_array(str).tolist()
        return values


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
        wanted = ("occupancy", "label_seq_id", "label_asym_id", "label_entity_id")
        columns = [column for column in wanted if column in block["atom_site"]]
        atoms = get_structure(
            file,
            model=1,
            data_block=name,
            altloc="all",
            extra_fields=columns,
        )
    parents = _parents(block)
    by_asym, by_entity = _polymer_sequences(block)
    if not by_asym and not by_entity:
        # Who knows no polymers, as Biopython, gives each stretch between ligands an id of its own.
        for column in {"label_asym_id", "label_entity_id"} & set(columns):
            atoms.set_annotation(column, np.full(atoms.array_length(), ""))
    for found in polymer_chains(atoms, parents):
        polymer = by_asym.get(found.asym) or by_entity.get(found.entity) or []
        placed = take_numbers(found, polymer, parents)
        yield make_chain(found, placed, polymer, parents) if placed else make_observed_chain(found)


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
