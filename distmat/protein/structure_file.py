"""Structure files: PDB, mmCIF and BinaryCIF, each also gzipped, read and written by biotite.

Of a file come its protein chains: first model, the altloc of highest occupancy, modified
residues as their parents. Where the file says what the polymer was (SEQRES, or mmCIF's
polymer sequence), residues that were not observed are there too, without coordinates.
"""

import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from distmat.errors import StructureError
from distmat.protein.chain import Chain
from distmat.protein.residue_names import STANDARD
from distmat.protein.sequence import MIN_RESIDUES, UNKNOWN, quoted
from distmat.protein.strand import (
    aligned,
    is_protein,
    numbered,
    observed_chain,
    strands,
    whole_chain,
)

MAX_BYTES = 256 * 2**20
"""Larger files, packed or unpacked, are not read: in memory they grow tenfold."""

_MOST_VALUES = 100_000_000
"""No column of a structure has more values than this; a BinaryCIF file can claim any number."""


def read_structure(path: str | Path) -> list[Chain]:
    """Read the protein chains of a structure file.

    Parameters
    ----------
    path : str or Path
        PDB, mmCIF or BinaryCIF, which its content decides; gzipped or not.

    Returns
    -------
    list of Chain
        In the order of the file, named by the file and the author's chain id, ``"1abc_A"``. A
        chain has at least two residues with a Cα.

    Raises
    ------
    StructureError
        If the file is missing, of another kind, damaged, or holds no protein chain.
    """
    path = Path(path)
    try:
        if not path.exists():
            raise StructureError(f"There is no file {_inert(str(path))}; check its name.")
        # Neither a folder nor a device, which would never end.
        if not path.is_file():
            raise StructureError(f"{_inert(str(path))} is no file; give a structure file.")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise StructureError(_too_large(path.name, size))
        data = path.read_bytes()
    # A name with a NUL byte is a ValueError.
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is none"
        raise StructureError(
            f"{_inert(str(path))} can't be opened ({reason}); check its name and permissions."
        ) from None
    return read_structure_bytes(data, path.name)


def read_structure_bytes(data: bytes, filename: str) -> list[Chain]:
    """`read_structure` for a file that is already in memory, such as an upload.

    Parameters
    ----------
    data : bytes
    filename : str
        For the chains' names and for errors; nothing is opened by it.
    """
    return list(read_entry_bytes(data, filename).chains)


@dataclass(frozen=True)
class Entry:
    """What a structure file holds.

    Parameters
    ----------
    chains : tuple of Chain
        As from `read_structure`.
    resolution : float, optional
        Å; None where the file states none, as of NMR and of models.
    method, title : str
        In the file's words, such as ``"X-RAY DIFFRACTION"``; ``""`` where it has none.
    """

    chains: tuple[Chain, ...]
    resolution: float | None
    method: str
    title: str


def read_entry_bytes(data: bytes, filename: str) -> Entry:
    """`read_structure_bytes` with what the file says of the experiment."""
    data = _unpacked(data, filename)
    kind, read = _reader(data, filename)
    try:
        facts, found = read(data)
        chains = [chain for chain in found if is_protein(chain)]
    # A damaged file can make a parser fail in any way; for the person it is one case.
    except Exception as error:
        reason = _inert(" ".join(str(error).split())[:120] or type(error).__name__)
        raise StructureError(
            f"{_inert(filename)} is damaged or no proper {kind} file ({reason}); download it again."
        ) from None
    if not chains:
        raise StructureError(
            f"{_inert(filename)} holds no protein chain of {MIN_RESIDUES} or more residues with "
            "Cα atoms; give a file with a protein."
        )
    return Entry(tuple(_with_names(chains, filename)), *facts)


def _with_names(chains: list[Chain], filename: str) -> list[Chain]:
    """The chains called ``file_id``, all different, without what is awkward in a file's name."""
    stem = re.sub(r"(\.(pdb|ent|cif|mmcif|bcif))?(\.gz)?$", "", filename, flags=re.IGNORECASE)
    taken: dict[str, int] = {}
    named = []
    for chain in chains:
        name = f"{stem[:80] or 'structure'}_{chain.name[:20]}".rstrip("_")
        name = re.sub(r"[^\w.+-]+", "_", name)
        taken[name] = taken.get(name, 0) + 1
        number = f".{taken[name]}" if taken[name] > 1 else ""
        named.append(replace(chain, name=f"{name}{number}"))
    return named


def _inert(text: str) -> str:
    """A file's name for a sentence: bare, unless something in it must be escaped."""
    return text[:200] if quoted(text, 200) == f"'{text[:200]}'" else ascii(text[:200])


def _too_large(filename: str, size: int) -> str:
    return (
        f"{_inert(filename)} has {size / 2**20:,.0f} MiB, and {MAX_BYTES // 2**20} is the most "
        "that is read; give the chain you need alone."
    )


def _unpacked(data: bytes, filename: str) -> bytes:
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        with gzip.open(io.BytesIO(data)) as file:
            unpacked = file.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error):
        raise StructureError(
            f"{_inert(filename)} is a damaged or cut off gzip file; download it again."
        ) from None
    if len(unpacked) > MAX_BYTES:
        raise StructureError(
            f"{_inert(filename)} unpacks to more than {MAX_BYTES // 2**20} MiB, the most that is "
            "read; give the chain you need alone."
        )
    return unpacked


_OTHER_KINDS = (
    (b"PK\x03\x04", "is a ZIP archive; unpack it and give one file of it"),
    (b"BZh", "is packed with bzip2; unpack it first"),
    (b"\xfd7zXZ", "is packed with xz; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "is packed with Zstandard; unpack it first"),
    (b"<", "is a web page or XML; download the structure as mmCIF"),
    (b">", "begins like a FASTA file; give it as a sequence"),
)
"""How files begin that people mistake for structure files, and what to do with them."""

_PDB_RECORDS = re.compile(
    # What is spelt with the letters of amino acids alone could as well begin a sequence's line.
    rb"(HEADER|COMPND|REMARK|SEQRES)[ \t]|TITLE |CRYST1|MODEL |ATOM  |HETATM",
    re.IGNORECASE,
)


_Facts = tuple[float | None, str, str]
"""Resolution, method and title of an `Entry`."""

_NO_FACTS: _Facts = (None, "", "")


def structure_format(data: bytes) -> str | None:
    """The format of a structure file, by its content alone.

    Parameters
    ----------
    data : bytes
        Unpacked; its first 64 KiB are enough.

    Returns
    -------
    str or None
        ``"PDB"``, ``"mmCIF"``, ``"BinaryCIF"`` or ``"MMTF"``; None if it is none of these.
    """
    start = data[:65536].removeprefix(b"\xef\xbb\xbf").lstrip()
    if b"mmtfVersion" in start:
        return "MMTF"
    # BinaryCIF is one MessagePack map with this key.
    if start and start[0] & 0xF0 == 0x80 and b"dataBlocks" in data:
        return "BinaryCIF"
    if b"\0" in start or start.startswith((b"<", b">", b";")):
        return None
    for line in start.splitlines():
        if line.strip().lower().startswith((b"data_", b"_atom_site.", b"_entry.")):
            return "mmCIF"
        if _PDB_RECORDS.match(line):
            return "PDB"
    return None


def _reader(
    data: bytes, filename: str
) -> tuple[str, Callable[[bytes], tuple[_Facts, Iterator[Chain]]]]:
    """The kind of file that these bytes are, and the function that reads it."""
    start = data[:65536].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start:
        raise StructureError(f"{_inert(filename)} is empty; give a PDB, mmCIF or BinaryCIF file.")
    kind = structure_format(data)
    if kind == "MMTF" or re.search(r"\.mmtf(\.gz)?$", filename, re.IGNORECASE):
        raise StructureError(
            f"{_inert(filename)} is MMTF, a format retired in 2024; download it as mmCIF."
        )
    for beginning, advice in _OTHER_KINDS:
        if start.startswith(beginning):
            raise StructureError(f"{_inert(filename)} {advice}.")
    if kind is None:
        raise StructureError(
            f"{_inert(filename)} is no structure file; give PDB, mmCIF or BinaryCIF."
        )
    return kind, {"PDB": _read_pdb, "mmCIF": _read_cif, "BinaryCIF": _read_bcif}[kind]


def _text(data: bytes) -> str:
    return data.decode("utf-8", errors="replace").removeprefix("\ufeff")


def _read_cif(data: bytes) -> tuple[_Facts, Iterator[Chain]]:
    from biotite.structure.io.pdbx import CIFFile

    return _read_pdbx(CIFFile.read(io.StringIO(_text(data))))


def _read_bcif(data: bytes) -> tuple[_Facts, Iterator[Chain]]:
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


def _read_pdbx(file: Any) -> tuple[_Facts, Iterator[Chain]]:
    name = next((name for name in file if "atom_site" in file[name]), None)
    if name is None:
        return _NO_FACTS, iter(())
    return _pdbx_facts(file[name]), _pdbx_chains(file, name)


def _pdbx_facts(block: Any) -> _Facts:
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
    return (
        _resolution(stated.partition(";")[0]),
        value("exptl", "method").upper(),
        value("struct", "title"),
    )


def _resolution(text: str) -> float | None:
    """A number of Å; some files state zero where there is none."""
    try:
        return float(text) if 0 < float(text) < 100 else None
    except ValueError:
        return None


def _pdbx_chains(file: Any, name: str) -> Iterator[Chain]:
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
    parents = _pdbx_parents(block)
    by_asym, by_entity = _polymer_sequences(block)
    for strand in strands(atoms, parents):
        polymer = by_asym.get(strand.asym) or by_entity.get(strand.entity) or []
        placed = numbered(strand, polymer, parents)
        yield whole_chain(strand, placed, polymer, parents) if placed else observed_chain(strand)


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


def _pdbx_parents(block: Any) -> dict[str, str]:
    if "pdbx_struct_mod_residue" not in block:
        return {}
    table = block["pdbx_struct_mod_residue"]
    names = (table[column].as_array(str) for column in ("label_comp_id", "parent_comp_id"))
    return dict(zip(*names, strict=True))


def _polymer_sequences(block: Any) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Residue names of the polymers: by strand, and by entity, of which strands are copies."""
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


def _read_pdb(data: bytes) -> tuple[_Facts, Iterator[Chain]]:
    text = _text(data)
    lines = text.splitlines()
    if lines and not text.endswith(("\n", "\r")):
        _check_end(lines)
    return _pdb_facts(lines), _pdb_chains(lines)


def _pdb_facts(lines: list[str]) -> _Facts:
    words: dict[str, list[str]] = {"TITLE ": [], "EXPDTA": []}
    resolution = None
    for line in lines:
        record = line[:6]
        if record in words:
            words[record].append(line[10:80].strip())
        elif line.startswith("REMARK   2 RESOLUTION."):
            resolution = _resolution(line[22:].split("ANGSTROM")[0])
        elif record in ("ATOM  ", "HETATM"):
            break
    title, method = (" ".join(" ".join(parts).split()) for parts in words.values())
    return resolution, method.upper(), title


def _pdb_chains(lines: list[str]) -> Iterator[Chain]:
    from biotite.structure.io.pdb import PDBFile

    kept, copies = _representative_atoms(lines)
    if not kept:
        return
    file = PDBFile.read(io.StringIO("\n".join(kept)))
    atoms = file.get_structure(model=1, altloc="all", extra_fields=["occupancy"])
    # The copy of a chain id stands where mmCIF has its own chain id.
    atoms.set_annotation("label_asym_id", np.array(copies, dtype=str))
    parents = {
        line[12:15].strip(): line[24:27].strip() for line in lines if line.startswith("MODRES")
    }
    polymers = _seqres(lines)
    for strand in strands(atoms, parents):
        polymer = polymers.get(strand.chain_id, [])
        placed = aligned(strand, polymer, parents)
        yield whole_chain(strand, placed, polymer, parents) if placed else observed_chain(strand)


def _check_end(lines: list[str]) -> None:
    """A file that was cut in the middle of an atom has a last line shorter than those before."""
    atoms = [line for line in lines[-2:] if line.startswith(("ATOM", "HETATM"))]
    if len(atoms) == 2 and len(atoms[1]) < min(len(atoms[0].rstrip()), 66):
        raise ValueError(f"line {len(lines)}, the last, ends in the middle of an atom")


def _representative_atoms(lines: list[str]) -> tuple[list[str], list[int]]:
    """The first model's Cα records, or another atom's of a residue without one.

    Returns
    -------
    list of str
        Records of 80 columns, as biotite needs them.
    list of int
        For each, how often the chain's id had been used for another chain before.
    """
    kept: dict[tuple, list[str]] = {}
    with_ca: set[tuple] = set()
    copies: dict[str, int] = {}
    ended: set[str] = set()
    last = ""
    for line in lines:
        record = line[:6]
        if record.startswith("TER"):
            ended.add(last)
        elif record.rstrip() in ("MODEL", "ENDMDL") and kept:
            break
        elif record in ("ATOM  ", "HETATM"):
            last = line[21:22]
            place = line[21:27]
            # What stands outside the polymer, after its end: ligands and water.
            if record == "HETATM" and last in ended:
                continue
            if last in ended:
                ended.discard(last)
                if (copies.get(last, 0), place) in kept:
                    copies[last] = copies.get(last, 0) + 1
            key = (copies.get(last, 0), place)
            if line[12:16].strip() == "CA":
                with_ca.add(key)
                kept.setdefault(key, []).append(line)
            elif key not in kept:
                kept[key] = [line]
    chosen = [
        (_padded(line), key[0])
        for key, residue in kept.items()
        for line in residue
        if key not in with_ca or line[12:16].strip() == "CA"
    ]
    return [line for line, _ in chosen], [copy for _, copy in chosen]


def _padded(line: str) -> str:
    """The record with an occupancy and an element, which some programs leave out."""
    occupancy = line[54:60]
    try:
        float(occupancy)
    except ValueError:
        occupancy = "  1.00"
    element = " C" if line[12:16].strip() == "CA" else " X"
    return f"{line[:54]:54}{occupancy:>6}  0.00          {element}  "


def _seqres(lines: list[str]) -> dict[str, list[str]]:
    """Residue names of each chain, by its id, from the SEQRES records."""
    polymers: dict[str, list[str]] = {}
    for line in lines:
        if line.startswith("SEQRES"):
            polymers.setdefault(line[11:12].strip(), []).extend(line[19:70].split())
    return polymers


def write_pdb(
    sequence: str,
    coords: np.ndarray,
    chain_id: str = "A",
    bfactors: np.ndarray | None = None,
) -> str:
    """A Cα trace as PDB text, drawn as one chain by PyMOL, ChimeraX, Mol* and 3Dmol.

    SEQRES records keep residues without coordinates; CONECT records join consecutive Cα
    atoms, since programs draw no bond of 3.8 Å on their own.

    Parameters
    ----------
    sequence : str
        One letter per residue; length N.
    coords : ndarray, shape=(N, 3), dtype=float
        Å; rows of NaN are left out.
    chain_id : str
        One character.
    bfactors : ndarray, shape=(N,), dtype=float, optional
        Written as temperature factors; values beyond the format's columns are clipped.

    Raises
    ------
    StructureError
        If no residue has coordinates, or the format has no room for the chain.
    """
    from biotite.structure.io.pdb import PDBFile

    atoms = _trace_atoms(sequence, coords, chain_id, bfactors)
    if len(sequence) > 9999:
        raise StructureError(
            f"The chain has {len(sequence):,} residues, and a PDB file numbers 9,999; write mmCIF."
        )
    if len(chain_id) != 1 or not (chain_id.isascii() and chain_id.isprintable()):
        raise StructureError(
            f"The chain id is {quoted(chain_id)}, and a PDB file has room for one character; "
            "write mmCIF."
        )
    if atoms.coord.min() < -999 or atoms.coord.max() > 9999:
        raise StructureError(
            "A coordinate lies beyond -999 to 9,999 Å, where a PDB file has no room; write mmCIF."
        )
    file = PDBFile()
    file.set_structure(atoms)
    lines = [line for line in file.lines if line.startswith("ATOM")]
    bonds = [line for line in file.lines if line.startswith("CONECT")]
    end = f"TER   {len(lines) + 1:>5}      {lines[-1][17:26]}"
    return "\n".join([*_seqres_records(sequence, chain_id), *lines, end, *bonds, "END"]) + "\n"


def _seqres_records(sequence: str, chain_id: str) -> list[str]:
    names = _three_letters(sequence)
    return [
        f"SEQRES{number:>4} {chain_id}{len(names):>5}  " + " ".join(names[at : at + 13])
        for number, at in enumerate(range(0, len(names), 13), start=1)
    ]


def write_mmcif(
    sequence: str,
    coords: np.ndarray,
    chain_id: str = "A",
    bfactors: np.ndarray | None = None,
) -> str:
    """A Cα trace as mmCIF text; parameters and errors as in `write_pdb`, without its limits."""
    from biotite.structure.io.pdbx import CIFCategory, CIFFile, set_structure

    file = CIFFile()
    set_structure(file, _trace_atoms(sequence, coords, chain_id, bfactors), data_block="trace")
    block = file["trace"]
    # Without these, programs guess whether the atoms are a polymer.
    block["entity"] = CIFCategory({"id": "1", "type": "polymer"})
    block["entity_poly"] = CIFCategory(
        {
            "entity_id": "1",
            "type": "polypeptide(L)",
            "pdbx_seq_one_letter_code_can": sequence,
            "pdbx_strand_id": chain_id,
        }
    )
    block["entity_poly_seq"] = CIFCategory(
        {
            "entity_id": np.full(len(sequence), "1"),
            "num": np.arange(1, len(sequence) + 1),
            "mon_id": np.array(_three_letters(sequence)),
            "hetero": np.full(len(sequence), "n"),
        }
    )
    block["struct_asym"] = CIFCategory({"id": chain_id, "entity_id": "1"})
    text = io.StringIO()
    file.write(text)
    return text.getvalue()


def _three_letters(sequence: str) -> list[str]:
    names = {letter: name for name, letter in STANDARD.items()} | {UNKNOWN: "UNK"}
    return [names[letter] for letter in sequence]


def _trace_atoms(
    sequence: str, coords: np.ndarray, chain_id: str, bfactors: np.ndarray | None
) -> Any:
    """The residues with coordinates as biotite's atoms, consecutive ones bonded."""
    from biotite.structure import AtomArray, BondList

    if coords.shape != (len(sequence), 3):
        raise ValueError(f"{len(sequence)} residues but coordinates of shape {coords.shape}")
    seen = np.flatnonzero(np.isfinite(coords).all(axis=1))
    if not len(seen):
        raise StructureError("No residue has coordinates; there is nothing to write.")
    atoms = AtomArray(len(seen))
    atoms.coord = coords[seen].astype(np.float32)
    atoms.set_annotation("chain_id", np.full(len(seen), chain_id))
    atoms.res_id = seen + 1
    atoms.res_name = np.array(_three_letters(sequence))[seen]
    atoms.atom_name[:] = "CA"
    atoms.element[:] = "C"
    factors = np.zeros(len(sequence)) if bfactors is None else np.asarray(bfactors, dtype=float)
    atoms.set_annotation("b_factor", np.clip(np.nan_to_num(factors[seen]), -99, 999).round(2))
    atoms.set_annotation("occupancy", np.ones(len(seen)))
    joined = np.flatnonzero(np.diff(seen) == 1)
    atoms.bonds = BondList(len(seen), np.stack([joined, joined + 1], axis=1))
    return atoms
