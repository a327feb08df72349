"""Reading structure files: small ones written here, and real ones where they are at hand."""

import gzip
import io
import json
import random
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from biotite.structure.io.pdb import PDBFile
from biotite.structure.io.pdbx import (
    BinaryCIFFile,
    CIFFile,
    compress,
    get_sequence,
    set_structure,
)

from distmat.errors import StructureError
from distmat.protein.structure import sniff
from distmat.protein.structure.read import read_entry_bytes, read_structure, read_structure_bytes
from distmat.protein.structure.write import write_mmcif
from tests.protein.structure.records import atom, chain_of, helix, lines, seqres

REAL = Path(__file__).parents[3].parent / "shared" / "structures"
FILES = sorted(path for path in REAL.glob("*") if path.suffix not in (".json", ".md"))
needs_real = pytest.mark.skipif(
    not FILES, reason=f"the collection of real structure files isn't at {REAL}"
)


def read(data: bytes, name="mine.pdb"):
    return read_structure_bytes(data, name)


def observed_letters(chain) -> str:
    """Small letters for what wasn't observed."""
    return "".join(
        letter if seen else letter.lower()
        for letter, seen in zip(chain.sequence, chain.observed, strict=True)
    )


FIVE = ["MET", "LYS", "THR", "ALA", "TYR"]


# ---------------------------------------------------------------- PDB


def test_a_chain_is_its_letters_and_alpha_carbons():
    (chain,) = read(lines(chain_of(FIVE), "END"))
    assert (chain.name, chain.sequence) == ("mine_A", "MKTAY")
    assert chain.residue_numbers == ("1", "2", "3", "4", "5")
    np.testing.assert_allclose(chain.ca, helix(5), atol=1e-3)
    assert chain.ca.dtype == np.float64


def test_only_the_alpha_carbon_of_a_residue_is_taken():
    others = [atom(1, "MET", 0, "N", element="N", shift=9), atom(1, "MET", 0, "CB", shift=5)]
    (chain,) = read(lines(others, chain_of(FIVE)))
    assert chain.sequence == "MKTAY"
    np.testing.assert_allclose(chain.ca, helix(5), atol=1e-3)


def test_calcium_is_no_alpha_carbon():
    ion = atom(9, "CA", 9, "CA", record="HETATM", element="CA")
    (chain,) = read(lines(chain_of(FIVE), ion))
    assert chain.sequence == "MKTAY"


def test_the_altloc_of_highest_occupancy_is_taken():
    data = lines(
        atom(1, at=0),
        atom(2, at=1, altloc="A", occupancy="0.30", shift=2),
        atom(2, at=1, altloc="B", occupancy="0.70"),
        atom(3, at=2, altloc="A", occupancy="0.50"),
        atom(3, at=2, altloc="B", occupancy="0.50", shift=2),
    )
    (chain,) = read(data)
    np.testing.assert_allclose(chain.ca, helix(3), atol=1e-3)


def test_of_two_kinds_of_residue_in_one_place_the_likelier_is_taken():
    data = lines(
        atom(1, "ALA", 0),
        atom(2, "SER", 1, altloc="A", occupancy="0.40", shift=1),
        atom(2, "TRP", 1, altloc="B", occupancy="0.60"),
        atom(3, "ALA", 2),
    )
    (chain,) = read(data)
    assert chain.sequence == "AWA"


def test_insertion_codes_are_kept_in_the_order_of_the_file():
    places = [(52, " "), (52, "A"), (52, "B"), (53, " ")]
    data = lines(
        atom(number, name, at, insertion=insertion)
        for at, ((number, insertion), name) in enumerate(
            zip(places, ["GLY", "ALA", "SER", "THR"], strict=True)
        )
    )
    (chain,) = read(data)
    assert chain.sequence == "GAST"
    assert chain.residue_numbers == ("52", "52A", "52B", "53")


def test_a_modified_residue_is_its_parent():
    data = lines(atom(1, "MSE", 0, record="HETATM"), chain_of(FIVE[1:], first=2))
    # The helix begins anew at residue 2, bonded to residue 1 or not: MSE is of the chain here.
    (chain,) = read(lines(seqres(["MSE", *FIVE[1:]]), data.decode().splitlines()))
    assert chain.sequence == "MKTAY"


def test_a_residue_under_a_name_of_its_own_is_x_or_what_modres_says():
    modres = "MODRES 1ABC ZZ9 A    2  TRP  A MADE UP"
    data = chain_of(["MET", "ZZ9", "THR"])
    assert read(lines(data))[0].sequence == "MXT"
    assert read(lines(modres, data))[0].sequence == "MWT"


def test_a_ligand_with_an_atom_named_as_an_alpha_carbon_is_no_residue():
    # ZZ9 is some ligand of the PDB's dictionary; at the end of the chain it isn't part of it.
    ligand = atom(9, "ZZ9", 5, record="HETATM")
    assert read(lines(chain_of(FIVE), ligand))[0].sequence == "MKTAY"


def test_protonation_states_of_force_fields_are_amino_acids():
    (chain,) = read(lines(chain_of(["HIE", "CYX", "ASH", "GLH", "LYN", "HSD"])))
    assert chain.sequence == "HCDEKH"


def test_seqres_tells_what_was_not_observed():
    names = ["GLY", "SER", *FIVE, "GLY", "GLY", "LYS"]
    observed = [atom(at + 1, FIVE[at - 2] if at < 7 else names[at], at) for at in range(2, 7)]
    (chain,) = read(lines(seqres(names), observed, atom(10, "LYS", 9)))
    assert observed_letters(chain) == "gsMKTAYggK"
    assert chain.residue_numbers == ("", "", "3", "4", "5", "6", "7", "", "", "10")
    np.testing.assert_allclose(chain.ca[9], helix(10)[9], atol=1e-3)
    assert np.isnan(chain.distances[0]).all()


def test_seqres_that_contradicts_the_atoms_is_left_aside():
    (chain,) = read(lines(seqres(["TRP"] * 30), chain_of(FIVE)))
    assert chain.sequence == "MKTAY"


def test_seqres_shorter_than_the_chain_is_left_aside():
    (chain,) = read(lines(seqres(FIVE[:3]), chain_of(FIVE)))
    assert chain.sequence == "MKTAY"


def test_caps_are_no_residues():
    names = ["ACE", *FIVE, "NH2"]
    cap = atom(0, "ACE", 9, "CH3", record="HETATM")
    (chain,) = read(lines(seqres(names), cap, chain_of(FIVE)))
    assert chain.sequence == "MKTAY"


def test_a_residue_without_alpha_carbon_stays_in_the_chain_unobserved():
    nitrogen = atom(3, "THR", 2, "N", element="N")
    records = chain_of(FIVE)
    records[2] = nitrogen
    (chain,) = read(lines(records))
    assert observed_letters(chain) == "MKtAY"


def test_only_the_first_model_is_read():
    first, second = chain_of(FIVE), chain_of(FIVE, shift=7)
    for start in ("MODEL        1", "MODEL        5"):
        data = lines(start, first, "ENDMDL", "MODEL        2", second, "ENDMDL", "END")
        (chain,) = read(data)
        np.testing.assert_allclose(chain.ca, helix(5), atol=1e-3)


def test_amino_acids_beyond_the_end_of_a_chain_are_ligands():
    ligand = atom(401, "GLU", 30, record="HETATM")
    water = atom(501, "HOH", 40, "O", record="HETATM", element="O")
    (chain,) = read(lines(chain_of(FIVE), "TER", ligand, water))
    assert chain.sequence == "MKTAY"
    (chain,) = read(lines(chain_of(FIVE), ligand, water))
    assert chain.sequence == "MKTAY"


def test_chains_are_named_by_their_author_in_the_order_of_the_file():
    data = lines(chain_of(FIVE, "H"), "TER", chain_of(FIVE[:3], "L"), "TER", chain_of(FIVE, "1"))
    assert [chain.name for chain in read(data)] == ["mine_H", "mine_L", "mine_1"]


def test_a_chain_id_used_twice_is_two_chains():
    data = lines(chain_of(FIVE, " "), "TER", chain_of(FIVE[::-1], " ", shift=20), "TER")
    assert [(chain.name, chain.sequence) for chain in read(data)] == [
        ("mine", "MKTAY"),
        ("mine.2", "YATKM"),
    ]


def test_a_ter_within_a_chain_does_not_cut_it():
    data = lines(chain_of(FIVE[:2]), "TER", [atom(n, FIVE[n - 1], n - 1) for n in (3, 4, 5)])
    assert [chain.sequence for chain in read(data)] == ["MKTAY"]


def test_dna_and_other_company_are_left_out():
    dna = [atom(n, " DA", n, "C1'", chain="B") for n in range(1, 6)]
    assert [chain.name for chain in read(lines(chain_of(FIVE), dna))] == ["mine_A"]
    with pytest.raises(StructureError, match=r"mine\.pdb holds no protein chain"):
        read(lines(dna))


def test_hybrid_and_negative_residue_numbers_are_read():
    records = [atom(number, "GLY", at) for at, number in enumerate(["-1", "0", "A000", "A001"])]
    (chain,) = read(lines(records))
    assert chain.residue_numbers == ("-1", "0", "10000", "10001")


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data,
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: gzip.compress(data),
        lambda data: b"\n\n" + data,
        lambda data: b"\n".join(line[:54] for line in data.splitlines()) + b"\n",
        lambda data: b"\n".join(line[:66] for line in data.splitlines()),
        lambda data: b"REMARK   1 caf\xe9\n" + data,
    ],
    ids=["as is", "CRLF", "BOM", "gzip", "blank lines", "coordinates alone", "no end", "Latin 1"],
)
def test_what_programs_do_to_a_pdb_file_is_forgiven(change):
    (chain,) = read(change(lines(chain_of(FIVE))), "whatever")
    assert chain.sequence == "MKTAY"
    np.testing.assert_allclose(chain.ca, helix(5), atol=1e-3)


def test_a_number_that_is_no_coordinate_counts_as_unobserved():
    records = chain_of(FIVE)
    records[2] = f"{records[2][:30]}     nan     nan     nan{records[2][54:]}"
    assert observed_letters(read(lines(records))[0]) == "MKtAY"


# ---------------------------------------------------------------- mmCIF and BinaryCIF

CIF = """data_1ABC
#
_entry.id 1ABC
loop_
_entity_poly_seq.entity_id
_entity_poly_seq.num
_entity_poly_seq.mon_id
_entity_poly_seq.hetero
1 1 GLY n
1 2 MSE n
1 3 LYS y
1 3 ARG y
1 4 THR n
1 5 NH2 n
2 1 DA n
2 2 DC n
loop_
_atom_site.group_PDB
_atom_site.id
_atom_site.type_symbol
_atom_site.label_atom_id
_atom_site.label_alt_id
_atom_site.label_comp_id
_atom_site.label_asym_id
_atom_site.label_entity_id
_atom_site.label_seq_id
_atom_site.pdbx_PDB_ins_code
_atom_site.Cartn_x
_atom_site.Cartn_y
_atom_site.Cartn_z
_atom_site.occupancy
_atom_site.auth_seq_id
_atom_site.auth_asym_id
_atom_site.pdbx_PDB_model_num
HETATM 1 C CA . MSE A 1 2 ? 0.0 0.0 0.0 1.0 27 H 1
ATOM 2 C CA A LYS A 1 3 A 1.0 9.0 0.0 0.3 27 H 1
ATOM 3 C CA B ARG A 1 3 A 3.8 0.0 0.0 0.7 27 H 1
ATOM 4 C CA . THR A 1 4 ? 7.6 0.0 0.0 1.0 28 H 1
ATOM 5 C "C1'" . DA B 2 1 ? 1.0 2.0 3.0 1.0 1 D 1
HETATM 6 C CA . GLU C 3 . ? 9.0 9.0 9.0 1.0 301 H 1
HETATM 7 O O . HOH D 4 . ? 1.0 2.0 3.0 1.0 401 H 1
HETATM 8 C CA . MSE A 1 2 ? 5.0 5.0 5.0 1.0 27 H 2
"""
"""An unobserved residue, MSE, microheterogeneity, a cap, an insertion code, DNA, a ligand."""


def test_mmcif_places_residues_by_itself():
    (chain,) = read(CIF.encode(), "1abc.cif")
    assert chain.name == "1abc_H"
    assert observed_letters(chain) == "gMRT"
    assert chain.residue_numbers == ("", "27", "27A", "28")
    np.testing.assert_allclose(chain.ca[1:], [[0, 0, 0], [3.8, 0, 0], [7.6, 0, 0]])


def test_the_scheme_of_a_strand_does_as_well_as_the_entitys_sequence():
    scheme = CIF.replace("_entity_poly_seq.entity_id", "_pdbx_poly_seq_scheme.asym_id")
    scheme = scheme.replace("_entity_poly_seq.num", "_pdbx_poly_seq_scheme.seq_id")
    scheme = scheme.replace("_entity_poly_seq.", "_pdbx_poly_seq_scheme.")
    scheme = re.sub(r"^1 (\d \w+ [ny])$", r"A \1", scheme, flags=re.MULTILINE)
    scheme = re.sub(r"^2 (\d \w+ [ny])$", r"B \1", scheme, flags=re.MULTILINE)
    assert observed_letters(read(scheme.encode(), "1abc.cif")[0]) == "gMRT"


def test_a_polymer_that_contradicts_the_atoms_is_left_aside():
    wrong = re.sub(r"^(1 \d) \w+ ([ny])$", r"\1 TRP \2", CIF, flags=re.MULTILINE)
    assert read(wrong.encode(), "1abc.cif")[0].sequence == "MRT"


def test_an_mmcif_file_with_the_fewest_columns_is_read():
    data = """data_x
loop_
_atom_site.label_atom_id
_atom_site.label_comp_id
_atom_site.label_asym_id
_atom_site.label_seq_id
_atom_site.Cartn_x
_atom_site.Cartn_y
_atom_site.Cartn_z
CA MET A 1 0.0 0.0 0.0
CA LYS A 2 3.8 0.0 0.0
"""
    (chain,) = read(data.encode(), "x.cif")
    assert (chain.name, chain.sequence, chain.residue_numbers) == ("x_A", "MK", ("1", "2"))


def test_the_files_own_word_for_a_parent_counts_in_mmcif():
    table = (
        "_pdbx_struct_mod_residue.id 1\n_pdbx_struct_mod_residue.label_comp_id ZZ9\n"
        "_pdbx_struct_mod_residue.parent_comp_id TRP\nloop_\n_entity_poly_seq.entity_id"
    )
    data = CIF.replace("MSE", "ZZ9")
    assert read(data.encode())[0].sequence == "GXRT"
    data = data.replace("loop_\n_entity_poly_seq.entity_id", table, 1)
    assert read(data.encode())[0].sequence == "GWRT"


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("kind", ["cif", "bcif", "compressed bcif"])
def test_the_three_formats_say_the_same(kind, packed):
    atoms = PDBFile.read(
        io.StringIO(lines(chain_of(FIVE), chain_of(FIVE[::-1], "B", shift=20)).decode())
    ).get_structure(model=1)
    file = CIFFile() if kind == "cif" else BinaryCIFFile()
    set_structure(file, atoms)
    if kind == "compressed bcif":
        file = compress(file)
    buffer = io.StringIO() if kind == "cif" else io.BytesIO()
    file.write(buffer)
    data = buffer.getvalue().encode() if kind == "cif" else buffer.getvalue()
    # Even under another format's name: the content decides.
    first, second = read(gzip.compress(data) if packed else data, "mine.pdb.gz")
    assert [first.name, first.sequence] == ["mine_A", "MKTAY"]
    assert [second.name, second.sequence] == ["mine_B", "YATKM"]
    np.testing.assert_allclose(first.ca, helix(5), atol=1e-3)


# ---------------------------------------------------------------- what is refused

REFUSED = {
    "nothing": (b"", "is empty"),
    "blanks": (b" \n\n ", "is empty"),
    "empty gzip": (gzip.compress(b""), "is empty"),
    "gzip cut off": (gzip.compress(lines(chain_of(FIVE)))[:-20], "cut off gzip file"),
    "gzip magic alone": (b"\x1f\x8b", "gzip file"),
    "gzip in gzip": (gzip.compress(gzip.compress(b"ATOM")), "is no structure file"),
    "zip": (b"PK\x03\x04rest", "ZIP archive; unpack it"),
    "bzip2": (b"BZh91AY", "bzip2; unpack it"),
    "xz": (b"\xfd7zXZ\0", "xz; unpack it"),
    "zstd": (b"\x28\xb5\x2f\xfd", "Zstandard; unpack it"),
    "web page": (b"<!DOCTYPE html><html>", "web page or XML; download the structure as mmCIF"),
    "FASTA": (b">a\nMKTA\n", "FASTA file; give it as a sequence"),
    "prose": (b"The quick brown fox\n", "is no structure file; give PDB, mmCIF or BinaryCIF"),
    "JSON": (b'{"a": 1}', "is no structure file"),
    "random bytes": (random.Random(1).randbytes(5000), "is no structure file"),
    "NUL bytes": (bytes(1000), "is no structure file"),
    "UTF-16": ("ATOM  ".encode("utf-16"), "is no structure file"),
    "MMTF": (b"\xde\x00\x20\xabmmtfVersion\xa51.0.0", "MMTF, a format retired in 2024.*mmCIF"),
    "header alone": (b"HEADER    HYDROLASE\nEND\n", "holds no protein chain"),
    "one residue": (lines(atom(1)), "holds no protein chain of 2 or more residues"),
    "one observed": (lines(seqres(FIVE), atom(1, "MET")), "holds no protein chain"),
    "no alpha carbons": (lines(atom(n, atom="N", element="N") for n in range(9)), "no protein"),
    "cut in an atom": (lines(chain_of(FIVE))[:-40], "line 5, the last, ends in the middle"),
    "cut in coordinates": (lines(chain_of(FIVE))[:-45] + b"\n", "is damaged"),
    "no coordinates": (lines(chain_of(FIVE)).replace(b"0.000", b"*****"), "is damaged"),
    "mmCIF without atoms": (b"data_r5wkdsf\n_cell.length_a 50.347\n", "holds no protein chain"),
    "mmCIF cut in a row": (CIF.encode()[:-30], "no proper mmCIF file"),
    "mmCIF without columns": (b"data_x\n_atom_site.id 1\n", "no proper mmCIF file"),
    "mmCIF of nothing": (b"data_x\n", "holds no protein chain"),
    "BinaryCIF cut off": (
        b"\x83\xa7encoder\xa1x\xaadataBlocks\x91\x83",
        "no proper BinaryCIF file",
    ),
    "BinaryCIF of nothing": (b"\x81\xaadataBlocks\x90", "holds no protein chain"),
}


@pytest.mark.parametrize(("data", "expected"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_structure_is_one_sentence_with_the_files_name(data, expected):
    with pytest.raises(StructureError, match=f"^mine[.]bin .*{expected}") as caught:
        read(data, "mine.bin")
    assert str(caught.value).isprintable()
    assert str(caught.value).endswith(".")


def test_a_suffix_alone_is_enough_to_know_mmtf():
    with pytest.raises(StructureError, match=r"1abc\.mmtf\.gz is MMTF"):
        read(gzip.compress(b"\x85\x01\x02"), "1abc.mmtf.gz")


def test_a_file_that_is_missing_a_folder_or_no_name_is_refused(tmp_path):
    with pytest.raises(StructureError, match=r"There is no file .*missing\.pdb"):
        read_structure(tmp_path / "missing.pdb")
    with pytest.raises(StructureError, match="is no file"):
        read_structure(tmp_path)
    with pytest.raises(StructureError, match="is no file"):
        read_structure("/dev/zero")
    with pytest.raises(StructureError, match=r"\\x00"):
        read_structure("a\0b.pdb")
    with pytest.raises(StructureError, match=r"can't be opened|There is no file"):
        read_structure("a" * 5000)


def test_a_file_too_large_is_refused_with_the_number_before_it_is_read(monkeypatch, tmp_path):
    monkeypatch.setattr(sniff, "MAX_BYTES", 2**20)
    path = tmp_path / "large.pdb"
    with path.open("wb") as file:
        file.truncate(3 * 2**20)
    with pytest.raises(StructureError, match=r"large\.pdb has 3 MiB, and 1 is the most"):
        read_structure(path)


def test_a_gzip_bomb_is_refused_while_it_unpacks(monkeypatch):
    monkeypatch.setattr(sniff, "MAX_BYTES", 2**20)
    bomb = gzip.compress(bytes(50 * 2**20))
    assert len(bomb) < 10**5
    with pytest.raises(StructureError, match=r"bomb\.pdb\.gz unpacks to more than 1 MiB"):
        read(bomb, "bomb.pdb.gz")


def test_a_binarycif_file_that_claims_more_than_memory_holds_is_refused():
    import msgpack

    encodings = [
        {"kind": "RunLength", "srcType": 3, "srcSize": 2**31 - 1},
        {"kind": "ByteArray", "type": 3},
    ]
    column = {
        "name": "Cartn_x",
        "mask": None,
        "data": {"data": np.array([1, 2**31 - 1], np.int32).tobytes(), "encoding": encodings},
    }
    category = {"name": "_atom_site", "rowCount": 1, "columns": [column]}
    block = {"header": "x", "categories": [category]}
    content = {"encoder": "x", "version": "0.3", "dataBlocks": [block]}
    with pytest.raises(StructureError, match="claims 2,147,483,647 values"):
        read(msgpack.packb(content), "mine.bcif")
    del encodings[0]["srcSize"]
    with pytest.raises(StructureError, match="doesn't say how long"):
        read(msgpack.packb(content), "mine.bcif")


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("1abc.pdb", "1abc_A"),
        ("pdb1abc.ent.gz", "pdb1abc_A"),
        ("my.model.v2.PDB", "my.model.v2_A"),
        ("../../etc/passwd", ".._.._etc_passwd_A"),
        ("a b<script>.pdb", "a_b_script__A"),
        (".pdb", "structure_A"),
        ("\x1b[2J\u202e.pdb", "_2J__A"),
    ],
)
def test_a_chain_is_named_by_what_is_harmless_in_the_files_name(filename, name):
    (chain,) = read(lines(chain_of(FIVE)), filename)
    assert chain.name == name


def test_an_error_never_carries_what_a_terminal_would_obey():
    with pytest.raises(StructureError) as caught:
        read(b"nonsense", "\x1b[2J\u202e.pdb")
    assert str(caught.value).isprintable()


# ---------------------------------------------------------------- damage

KINDS = {
    "PDB": lines(seqres(["GLY", *FIVE]), chain_of(FIVE, first=2), "TER", "END"),
    "mmCIF": CIF.encode(),
    "mmCIF of a trace": write_mmcif("MKTAY", helix(5)).encode(),
}


def _binary() -> bytes:
    file = BinaryCIFFile()
    text = io.StringIO(lines(chain_of(FIVE)).decode())
    set_structure(file, PDBFile.read(text).get_structure(model=1))
    buffer = io.BytesIO()
    compress(file).write(buffer)
    return buffer.getvalue()


def damaged(data: bytes, times: int, seed: int):
    """Copies of the data, cut off or with bytes changed, in many places."""
    chance = random.Random(seed)
    for _ in range(times):
        yield data[: chance.randrange(len(data))]
        wrong = bytearray(data)
        for _ in range(chance.choice([1, 5, 50])):
            wrong[chance.randrange(len(wrong))] = chance.randrange(256)
        yield bytes(wrong)
        at = chance.randrange(len(data))
        yield data[:at] + data[at : at + 80] + data[at:]


def reads_or_refuses(data: bytes, name: str) -> None:
    """Anything but chains or one sentence is an exception that fails the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            chains = read(data, name)
        except StructureError as error:
            sentence = str(error)
        else:
            assert all(chain.observed.sum() >= 2 for chain in chains)
            return
    assert sentence.isprintable()
    assert len(sentence) < 400


@pytest.mark.parametrize("kind", [*KINDS, "BinaryCIF"])
def test_whatever_is_done_to_a_file_it_reads_or_is_one_sentence(kind):
    for data in damaged(KINDS.get(kind) or _binary(), 100, seed=3):
        reads_or_refuses(data, f"{kind}.bin")


# ---------------------------------------------------------------- real files


@needs_real
@pytest.mark.parametrize(
    "path", [path for path in FILES if re.search(r"[^T]\w*__\w+\.b?cif", path.name)], ids=str
)
def test_real_sequences_are_those_that_biotite_reads_of_mmcif(path):
    data = path.read_bytes()
    data = gzip.decompress(data) if path.suffix == ".gz" else data
    file = (
        BinaryCIFFile.read(io.BytesIO(data))
        if ".bcif" in path.name
        else CIFFile.read(io.StringIO(data.decode()))
    )
    try:
        expected = get_sequence(file)
        chains = read_structure(path)
    except (KeyError, StructureError):
        pytest.skip("no polymer sequence in it")
    for chain in chains:
        whole = str(expected[chain.name.rpartition("_")[2]])
        assert len(chain) == len(whole)
        different = [pair for pair in zip(chain.sequence, whole, strict=True) if pair[0] != pair[1]]
        assert len(different) <= 0.01 * len(chain) + 1


@needs_real
def test_the_oddities_of_real_files_are_as_their_manifest_says():
    for entry in json.loads((REAL / "MANIFEST.json").read_text()):
        features = dict(
            feature.partition("=")[::2] for feature in entry["features"] if feature != ""
        )
        try:
            chains = read_structure(REAL / entry["file"])
        except StructureError:
            continue
        if "chains" in features:
            assert len(chains) <= int(features["chains"]), entry["file"]
        if "missing465" in features:
            assert any(not chain.observed.all() for chain in chains), entry["file"]
        if "noSEQRES" in features:
            assert all(chain.observed.all() for chain in chains), entry["file"]
        if "inscode" in features:
            numbers = [number for chain in chains for number in chain.residue_numbers]
            assert any(number[-1:].isalpha() for number in numbers), entry["file"]


@needs_real
def test_pdb_and_binarycif_of_one_entry_agree():
    first = read_structure(REAL / "p2rank__1fbl.pdb.gz")[0]
    second = read_structure(REAL / "p2rank__1fbl.bcif")[0]
    assert first.sequence == second.sequence
    np.testing.assert_allclose(first.ca, second.ca, atol=1e-3)


@needs_real
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_real_files_damaged_in_any_place_read_or_are_one_sentence(path):
    data = path.read_bytes()
    times = int(np.clip(300_000 // len(data), 1, 3))
    for wrong in damaged(data, times, seed=4):
        reads_or_refuses(wrong, path.name)


def test_what_a_file_says_of_the_experiment_comes_with_its_chains():
    atom = "ATOM      1  CA  ALA A   1    {:8.3f}   0.000   0.000  1.00  0.00           C  \n"
    atoms = atom.format(0) + atom.replace("A   1", "A   2").format(3.8)
    header = (
        "TITLE     A PROTEIN OF TWO\nTITLE    2 RESIDUES\nEXPDTA    X-RAY DIFFRACTION\n"
        "REMARK   2 RESOLUTION.    1.85 ANGSTROMS.\n"
    )
    entry = read_entry_bytes((header + atoms).encode(), "1abc.pdb")
    assert [chain.name for chain in entry.chains] == ["1abc_A"]
    assert (entry.resolution, entry.method) == (1.85, "X-RAY DIFFRACTION")
    assert entry.title == "A PROTEIN OF TWO RESIDUES"
    entry = read_entry_bytes(atoms.encode(), "1abc.pdb")
    assert (entry.resolution, entry.method, entry.title) == (None, "", "")
    text = write_mmcif("AA", np.array([[0.0, 0, 0], [3.8, 0, 0]]))
    facts = "_exptl.method 'Solution NMR'\n_refine.ls_d_res_high .\n_struct.title 'Two of them'\n"
    entry = read_entry_bytes((text + "#\n" + facts).encode(), "1abc.cif")
    assert (entry.resolution, entry.method, entry.title) == (None, "SOLUTION NMR", "Two of them")
