"""Real files, and files in other programs' dialects, read as gemmi reads them."""

import functools
import gzip
import io
import subprocess
import warnings
from pathlib import Path

import numpy as np
import pytest

from distmat.errors import StructureError
from distmat.protein.chain import LONGEST_BOND
from distmat.protein.residue_names import one_letter
from distmat.protein.structure.read import read_structure_bytes
from tests.protein.structure.cases import NAMES
from tests.protein.structure.records import atom, chain_of, lines

gemmi = pytest.importorskip("gemmi")

PACKAGES = ("pymol-data", "theseus-examples", "mustang-testdata")
SHARED = Path(__file__).parents[3].parent / "shared" / "structures"

REFUSED = {
    "TRUNCATED__1aki_cut.pdb": "cut off; gemmi refuses it, too",
    "TRUNCATED__1dix_cut.cif": "cut off; gemmi refuses it, too",
}
"""Files with a protein that aren't read, and why."""

OTHER_CHAINS = {
    "odd02.pdb": "its chain is named by its segment, where gemmi leaves it without a name",
    "helix_amber.pdb": "its residues have names of AMBER, which gemmi doesn't know",
}
"""Files whose chains have other names than in gemmi, and why."""


@functools.cache
def real_files() -> list[Path]:
    found = [path for path in SHARED.glob("*") if path.suffix not in (".json", ".md", ".mmtf")]
    for package in PACKAGES:
        listed = subprocess.run(
            ["dpkg", "-L", package], capture_output=True, text=True, check=False
        ).stdout
        found += [
            Path(line)
            for line in listed.splitlines()
            if line.removesuffix(".gz").endswith((".pdb", ".ent", ".cif"))
        ]
    # Every other one of 400 alike is enough, and one of a megabyte no better than a smaller one.
    alike = [path for path in sorted(found) if SHARED not in path.parents]
    small = [path for path in alike[::2] if path.stat().st_size < 300_000]
    return [path for path in found if SHARED in path.parents] + small


def content(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


def as_gemmi_reads(data: bytes) -> dict[str, list[tuple[str, str, tuple]]]:
    """Number, name and likeliest place of each amino acid's Cα, by chain; gemmi knows 700 names."""
    text = data.decode("latin-1")
    if "_atom_site." in text:
        structure = gemmi.make_structure_from_block(gemmi.cif.read_string(text)[0])
    else:
        # It takes line numbers of old files for charges.
        structure = gemmi.read_pdb_string("\n".join(line[:78] for line in _without_numbers(text)))
    found: dict[str, list] = {}
    for chain in structure[0] if len(structure) else ():
        for residue in chain:
            atoms = [atom for atom in residue if atom.name == "CA" and atom.element.name != "Ca"]
            if atoms and gemmi.find_tabulated_residue(residue.name).is_amino_acid():
                best = max(atoms, key=lambda atom: atom.occ)
                number = f"{residue.seqid.num}{residue.seqid.icode.strip()}"
                place = (residue, number, tuple(best.pos.tolist()))
                found.setdefault(chain.name, []).append(place)
    return {name: residues for name, residues in found.items() if len(residues) > 1}


def _without_numbers(text: str) -> list[str]:
    old = any(line[:4] == "ATOM" and line[76:80].strip().isdecimal() for line in text.splitlines())
    return [line[:72] if old else line for line in text.splitlines()]


def assert_same(data: bytes, name: str) -> int:
    """Chains, letters and Cα are gemmi's, or the difference is one that is told; how many."""
    try:
        expected = as_gemmi_reads(data)
    except RuntimeError:
        expected = {}
    try:
        chains = read_structure_bytes(data, name)
    except StructureError:
        assert name in REFUSED or not expected
        return 0
    if name in OTHER_CHAINS:
        return 0
    found: dict[str, dict[str, tuple]] = {}
    for chain in chains:
        for number, letter, place in zip(
            chain.residue_numbers, chain.sequence, chain.ca, strict=True
        ):
            if np.isfinite(place).all():
                found.setdefault(chain.chain_id, {})[number] = (letter, place)
    assert found.keys() == expected.keys()
    for chain_id, residues in expected.items():
        ours = found[chain_id]
        for residue, _, place in (one for one in residues if one[1] not in ours):
            # A free amino acid beside the protein.
            assert residue.het_flag == "H"
            assert is_alone(place, residues)
        both = [one for one in residues if one[1] in ours]
        assert [ours[number][0] for _, number, _ in both] == [
            one_letter(residue.name) for residue, _, _ in both
        ]
        np.testing.assert_allclose(
            [ours[number][1] for _, number, _ in both], [place for *_, place in both], atol=2e-3
        )
        # What gemmi's table lacks, the PDB's dictionary or two bonds say to be an amino acid.
        more = ours.keys() - {number for _, number, _ in residues}
        assert len(more) <= 0.05 * len(residues) + 1
    return len(chains)


def is_alone(place: tuple, residues: list) -> bool:
    distances = [np.linalg.norm(np.subtract(place, other)) for _, _, other in residues]
    return sum(distance <= LONGEST_BOND for distance in distances) == 1


@pytest.mark.skipif(len(real_files()) < 150, reason=f"{PACKAGES} aren't all installed")
def test_real_files_have_the_chains_letters_and_places_that_gemmi_finds():
    known = {path.name for path in real_files()}
    assert len(known) >= 150
    compared = 0
    for path in real_files():
        # gemmi reads BinaryCIF not at all.
        if ".bcif" not in path.name and path.name not in REFUSED:
            try:
                compared += assert_same(content(path), path.name) > 0
            except AssertionError as error:
                raise AssertionError(f"{path}: {error}") from error
    assert compared >= 150


def base() -> "gemmi.Structure":
    """Two chains with alternatives, an insertion code, a modified residue, a gap and a ligand."""
    first = chain_of(NAMES)
    first[2:3] = [
        atom(3, "ILE", 2, altloc="A", occupancy="0.40", shift=0.3),
        atom(3, "ILE", 2, altloc="B", occupancy="0.60"),
    ]
    first[6] = atom(5, "LEU", 5, insertion="A")
    first[7] = atom(6, "MSE", 6, record="HETATM")
    first = first[:8] + [atom(at + 1, NAMES[at], at) for at in (9, 10, 11)]
    ligand = atom(301, "PLM", 40, record="HETATM")
    water = atom(401, "HOH", 50, "O", record="HETATM", element="O")
    text = lines(first, "TER", chain_of(NAMES, chain="B", shift=60), "TER", ligand, water, "END")
    structure = gemmi.read_pdb_string(text.decode())
    structure.setup_entities()
    return structure


def by_gemmi(options: str) -> bytes:
    structure = base()
    if options == "mmCIF":
        return structure.make_mmcif_document().as_string().encode()
    if options == "aligned mmCIF":
        document = structure.make_mmcif_document()
        return document.as_string(gemmi.cif.Style.Aligned).encode()
    if options == "mmCIF of atoms alone":
        groups = gemmi.MmcifOutputGroups(False)
        groups.atoms = groups.block_name = True
        return structure.make_mmcif_document(groups).as_string().encode()
    if options == "two-letter chains":
        for chain in structure[0]:
            chain.name += chain.name
        return structure.make_pdb_string().encode()
    return structure.make_minimal_pdb().encode() if options == "minimal PDB" else (
        structure.make_pdb_string().encode()
    )  # fmt: skip


@pytest.mark.parametrize(
    "options",
    ["PDB", "minimal PDB", "two-letter chains", "mmCIF", "aligned mmCIF", "mmCIF of atoms alone"],
)
def test_what_gemmi_writes_reads_as_gemmi_reads_it(options):
    assert assert_same(by_gemmi(options), "written") == 2


@pytest.mark.parametrize("kind", ["PDBIO", "MMCIFIO"])
def test_what_biopython_writes_reads_as_gemmi_reads_it(kind):
    pdb = pytest.importorskip("Bio.PDB")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        structure = pdb.PDBParser(QUIET=True).get_structure(
            "x", io.StringIO(by_gemmi("PDB").decode())
        )
        writer, text = getattr(pdb, kind)(), io.StringIO()
        writer.set_structure(structure)
        writer.save(text)
    assert assert_same(text.getvalue().encode(), "written") == 2
