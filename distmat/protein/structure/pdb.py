"""The PDB format, read by biotite, which knows the records but not what a chain is."""

import io
from collections.abc import Iterator

import numpy as np

from distmat.protein.chain import Chain
from distmat.protein.structure.entry import Experiment, parse_resolution
from distmat.protein.structure.polymer_chain import (
    aligned,
    observed_chain,
    polymer_chains,
    whole_chain,
)
from distmat.protein.structure.sniff import decode


def read_pdb(data: bytes) -> tuple[Experiment, Iterator[Chain]]:
    """What a PDB file says of the experiment, and its chains."""
    text = decode(data)
    lines = text.splitlines()
    if lines and not text.endswith(("\n", "\r")):
        _check_end(lines)
    return _experiment(lines), _chains(lines)


def _experiment(lines: list[str]) -> Experiment:
    words: dict[str, list[str]] = {"TITLE ": [], "EXPDTA": []}
    resolution = None
    for line in lines:
        record = line[:6]
        if record in words:
            words[record].append(line[10:80].strip())
        elif line.startswith("REMARK   2 RESOLUTION."):
            resolution = parse_resolution(line[22:].split("ANGSTROM")[0])
        elif record in ("ATOM  ", "HETATM"):
            break
    title, method = (" ".join(" ".join(parts).split()) for parts in words.values())
    return Experiment(resolution, method.upper(), title)


def _chains(lines: list[str]) -> Iterator[Chain]:
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
    for found in polymer_chains(atoms, parents):
        polymer = polymers.get(found.chain_id, [])
        placed = aligned(found, polymer, parents)
        yield (whole_chain(found, placed, polymer, parents) if placed else observed_chain(found))


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
