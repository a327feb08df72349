"""The PDB format, read by biotite; which atoms are of one chain is found in `pdb_chains`."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from distmat.protein.chain import Chain
from distmat.protein.residue_names import STANDARD, has_four_letters, is_known, one_letter
from distmat.protein.structure.entry import (
    AmbiguousError,
    Experiment,
    MalformedError,
    parse_resolution,
    parser_at_work,
)
from distmat.protein.structure.pdb_chains import Record, find_chains
from distmat.protein.structure.polymer_chain import (
    align_residues,
    make_chain,
    make_observed_chain,
    polymer_chains,
)
from distmat.protein.structure.sniff import decode

_ATOMS = ("ATOM  ", "HETATM")
_MOST_STRANGE = 0.1
"""Share of the residues after END that the first model may lack, if they are its next frame."""


def read_pdb(data: bytes) -> tuple[Experiment, Iterator[Chain]]:
    """What a PDB file says of the experiment, and its chains."""
    text = decode(data)
    # Form feeds and the like are no line ends here.
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if lines and lines[-1]:
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
        elif record in _ATOMS:
            break
    title, method = (" ".join(" ".join(parts).split()) for parts in words.values())
    return Experiment(resolution, method.upper(), title)


def _chains(lines: list[str]) -> Iterator[Chain]:
    parents = {
        line[12:15].strip(): line[24:27].strip() for line in lines if line.startswith("MODRES")
    }
    records = list(_representative_atoms(_first_model(lines), parents))
    if not records:
        return
    atoms = _parse(records)
    places = find_chains(records, atoms.res_id.tolist(), atoms.coord.astype(np.float64))
    atoms = atoms[[place is not None for place in places]]
    kept = [place for place in places if place is not None]
    # What stands where mmCIF has its own ids of the chain and of its sequence.
    atoms.set_annotation("chain_id", np.array([place.chain_id for place in kept], dtype=str))
    atoms.set_annotation("label_asym_id", np.array([str(place.copy) for place in kept], dtype=str))
    atoms.set_annotation("label_entity_id", np.array([place.letters for place in kept], dtype=str))
    atoms.set_annotation("residue_index", np.array([place.residue for place in kept], dtype=int))
    polymers = _seqres(lines)
    for found in polymer_chains(atoms, parents):
        polymer = polymers.get(found.entity, [])
        placed = align_residues(found, polymer, parents)
        yield make_chain(found, placed, polymer, parents) if placed else make_observed_chain(found)


def _parse(records: list[Record]) -> Any:
    """The records as biotite's atoms, one for each, with the residue names in full."""
    from biotite.structure.io.pdb import PDBFile

    text = "\n".join(_pad(record) for record in records)
    with parser_at_work():
        atoms = PDBFile.read(io.StringIO(text)).get_structure(
            model=1, altloc="all", extra_fields=["occupancy"]
        )
    if atoms.array_length() != len(records):
        raise MalformedError("not every atom's record could be read")
    atoms.set_annotation("res_name", np.array([record.name for record in records], dtype=str))
    return atoms


def _pad(record: Record) -> str:
    """The record with an occupancy and an element, which some programs leave out."""
    line = record.line
    occupancy = line[54:60]
    try:
        float(occupancy)
    except ValueError:
        occupancy = "  1.00"
    element = " C" if record.is_ca else " X"
    return f"{line[:17]}{line[17:20]:>3}  {line[22:54]:32}{occupancy:>6}  0.00          {element}  "


def _check_end(lines: list[str]) -> None:
    """A file that was cut in the middle of an atom has a last line shorter than those before."""
    atoms = [line for line in lines[-2:] if line.startswith(("ATOM", "HETATM"))]
    if len(atoms) == 2 and len(atoms[1]) < min(len(atoms[0].rstrip()), 66):
        raise MalformedError(f"line {len(lines)}, the last, ends in the middle of an atom")


def _first_model(lines: list[str]) -> list[str]:
    """The lines of the first model, which ends where another begins, or at END."""
    first = next((at for at, line in enumerate(lines) if line[:6] in _ATOMS), None)
    if first is None:
        return []
    for at in range(first, len(lines)):
        record = lines[at][:6].rstrip()
        if record in ("MODEL", "ENDMDL"):
            return lines[first:at]
        if record == "END":
            _check_frames(lines[first:at], lines[at + 1 :])
            return lines[first:at]
    return lines[first:]


def _check_frames(model: list[str], rest: list[str]) -> None:
    """What follows END is the next frame of a simulation, or another file hung on this one."""
    ends = (at for at, line in enumerate(rest) if at and line[:6].rstrip() in ("END", "ENDMDL"))
    following = _alpha_carbons(rest[: next(ends, len(rest))])
    strange = following - _alpha_carbons(model)
    if len(strange) > max(1, _MOST_STRANGE * len(following)):
        raise AmbiguousError(
            "residues of another protein follow its END record, as if files had been joined; "
            "give each in a file of its own"
        )


def _alpha_carbons(lines: list[str]) -> set[str]:
    return {line[17:27] for line in lines if line[:6] in _ATOMS and line[12:16].strip() == "CA"}


def _representative_atoms(lines: list[str], parents: dict[str, str]) -> Iterator[Record]:
    """The Cα records of what may be amino acids, or another atom's of a residue without one."""
    ters = 0
    group: list[Record] = []
    fields: tuple[str, str] | None = None
    names = _Names(lines)
    for line in lines:
        record = line[:6]
        if record.startswith("TER"):
            ters += 1
        elif record in _ATOMS:
            here = (line[17:27], line[72:76])
            if here != fields:
                yield from _alpha_or_first(group)
                group, fields = [], here
                name, letters = names.split(line)
                other = one_letter(name, parents) is None
            is_ca = line[12:16].strip() == "CA" and line[76:78].strip().upper() != "CA"
            # Water and other company; what has no Cα must be known to be an amino acid.
            if not is_ca and (group or other or not is_known(name)):
                continue
            group.append(
                Record(
                    line, name, letters, _segment(line), line[22:27],
                    line[16:17].strip(), record == "HETATM", ters, is_ca,
                )
            )  # fmt: skip
    yield from _alpha_or_first(group)


def _segment(line: str) -> str:
    """What columns 73–76 say; of old they held an entry's id, before a line's number."""
    return "" if line[76:80].strip().isdecimal() else line[72:76].strip()


def _alpha_or_first(group: list[Record]) -> list[Record]:
    return [record for record in group if record.is_ca] or group[:1]


class _Names:
    """What columns 18 to 22 say: three letters of a residue and a chain's, or one more of either.

    Column 21 belongs to neither. Force fields write a fourth letter of the residue's name there
    (CASP), large assemblies the first of two letters of the chain's (AA).
    """

    def __init__(self, lines: list[str]) -> None:
        found = {line[17:22] for line in lines if line[:6] in _ATOMS and line[20:21].strip()}
        self._chains = {
            text[3:]
            for text in found
            if text[:3].strip() in STANDARD and not has_four_letters(text[:4])
        }
        """Pairs of letters that stand behind a name that they can't belong to."""

    def split(self, line: str) -> tuple[str, str]:
        """The residue's name and the chain's letters."""
        fourth = line[20:21].strip()
        if not fourth or line[20:22] in self._chains:
            return line[17:20].strip(), line[20:22].strip()
        return line[17:21].strip(), line[21:22].strip()


def _seqres(lines: list[str]) -> dict[str, list[str]]:
    """Residue names of each chain, by its id, from the SEQRES records."""
    polymers: dict[str, list[str]] = {}
    for line in lines:
        if line.startswith("SEQRES"):
            polymers.setdefault(line[10:12].strip(), []).extend(line[19:70].split())
    return polymers
