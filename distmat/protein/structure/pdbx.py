"""mmCIF and BinaryCIF, read by biotite."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from distmat.protein.chain import Chain
from distmat.protein.structure.entry import Experiment, parse_resolution
from distmat.protein.structure.polymer_chain import (
    numbered,
    observed_chain,
    polymer_chains,
    whole_chain,
)
from distmat.protein.structure.sniff import decode

_MOST_VALUES = 100_000_000
"""No column of a structure has more values than this; a BinaryCIF file can claim any number."""


def read_cif(data: bytes) -> tuple[Experiment, Iterator[Chain]]:
    """What an mmCIF file says of the experiment, and its chains."""
    from biotite.structure.io.pdbx import CIFFile

    return _read_pdbx(CIFFile.read(io.StringIO(decode(data))))


def read_bcif(data: bytes) -> tuple[Experiment, Iterator[Chain]]:
    """What a BinaryCIF file says of the experiment, and its chains."""
    import msgpack
    from biotite.structure.io.pdbx import BinaryCIFFile

    content = msgpack.unpackb(data, use_list=True, raw=False)
    _check_claims(content)
    return _read_pdbx(BinaryCIFFile.deserialize(content))


def _check_claims(content: Any) -> None:
    """Refuse a few bytes that claim to unpack to more than memory holds."""
    if isinstance(content, dict):
        if isinstance(content.get("srcSize"), int) and content["srcSize"] > _MOST_VALUES:
            raise ValueError(f"a column claims {content['srcSize']:,} values")
        if content.get("kind") == "RunLength" and "srcSize" not in content:
            raise ValueError("a run-length encoded column doesn't say how long it is")
    if isinstance(content, dict | list):
        for part in content.values() if isinstance(content, dict) else content:
            _check_claims(part)


def _read_pdbx(file: Any) -> tuple[Experiment, Iterator[Chain]]:
    name = next((name for name in file if "atom_site" in file[name]), None)
    if name is None:
        return Experiment(), iter(())
    return _experiment(file[name]), _chains(file, name)


def _experiment(block: Any) -> Experiment:
    def value(table: str, column: str) -> str:
        if table not in block or column not in block[table]:
            return ""
        return "; ".join(
            word for word in block[table][column].as_array(str).tolist() if word not in (".", "?")
        )

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
        yield (whole_chain(found, placed, polymer, parents) if placed else observed_chain(found))


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
    if "cell" in block:
        del block["cell"]


def _parents(block: Any) -> dict[str, str]:
    if "pdbx_struct_mod_residue" not in block:
        return {}
    table = block["pdbx_struct_mod_residue"]
    names = (table[column].as_array(str) for column in ("label_comp_id", "parent_comp_id"))
    return dict(zip(*names, strict=True))


def _polymer_sequences(block: Any) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Residue names of the polymers: by chain, and by entity, of which strands are copies."""
    return (
        _names_in_order(block, "pdbx_poly_seq_scheme", "asym_id", "seq_id"),
        _names_in_order(block, "entity_poly_seq", "entity_id", "num"),
    )


def _names_in_order(block: Any, table: str, of: str, position: str) -> dict[str, list[str]]:
    if table not in block:
        return {}
    columns = (block[table][column].as_array(str) for column in (of, position, "mon_id"))
    polymers: dict[str, dict[int, str]] = {}
    for key, number, name in zip(*columns, strict=True):
        # Of two kinds of residue seen in one place, the first is kept.
        polymers.setdefault(key, {}).setdefault(int(number), name)
    return {
        key: [names.get(number, "UNK") for number in range(1, max(names) + 1)]
        for key, names in polymers.items()
        if max(names) <= _MOST_VALUES // 1000
    }
