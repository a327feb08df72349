"""Files as programs write them that a reader takes for something else, each written anew.

The names are those of a collection of such files, which holds the same with other coordinates.
"""

import numpy as np

from tests.protein.structure.records import atom, chain_of, helix, lines

NAMES = ["PRO", "GLN", "ILE", "THR", "LEU", "TRP", "GLN", "ARG", "PRO", "LEU", "VAL", "THR"]
LETTERS = "PQITLWQRPLVT"
TAG = ["ASP", "TYR", "LYS", "ASP", "ASP", "ASP", "ASP", "LYS"]
TAG_LETTERS = "DYKDDDDK"


def _two(chain="A", first=("", ""), second=("", ""), names=NAMES, ter=False, start=1) -> bytes:
    """Two proteins; chain letters and segments of each."""
    return lines(
        chain_of(names, chain=first[0] or chain, segment=first[1], first=start),
        "TER" if ter else [],
        chain_of(NAMES, chain=second[0] or chain, segment=second[1], shift=60),
        "END",
    )


def _changed(change: dict[int, str], **options) -> bytes:
    return lines(
        chain_of([change.get(at, name) for at, name in enumerate(NAMES)], **options), "END"
    )


def _frames(moved: float, occupancies=("1.00", "1.00"), ter=True) -> bytes:
    frames = [
        [*chain_of(NAMES, occupancy=occupancy, shift=shift), *(["TER"] if ter else []), "END"]
        for occupancy, shift in zip(occupancies, (0, moved), strict=True)
    ]
    return lines(*frames)


def _mid_chain() -> bytes:
    names = [*NAMES[:5], "MSE", *NAMES[6:]]
    records = chain_of(names)
    records[5] = atom(6, "MSE", 5, record="HETATM")
    return lines(records[:5], "TER", records[5:], "TER", "END")


_COLUMNS = [
    "group_PDB", "id", "type_symbol", "label_atom_id", "label_alt_id", "label_comp_id",
    "label_asym_id", "label_entity_id", "label_seq_id", "Cartn_x", "Cartn_y", "Cartn_z",
    "auth_seq_id", "auth_asym_id",
]  # fmt: skip


def cif(extra=(), title="", numbers=tuple(range(1, 13)), keyword=str, tag=str) -> bytes:
    """An mmCIF file of the protein, and of what stands in it besides."""
    rows = [
        f"ATOM {at} C CA . {name} A 1 {at} {x:.3f} {y:.3f} {z:.3f} {number} A"
        for at, (name, number, (x, y, z)) in enumerate(
            zip(NAMES, numbers, helix(len(NAMES)), strict=True), start=1
        )
    ]
    head = [keyword("data_") + "X", *([f"_struct.title '{title}'"] if title else [])]
    tags = [f"_atom_site.{tag(column)}" for column in _COLUMNS]
    return ("\n".join([*head, keyword("loop_"), *tags, *rows, *extra, "#"]) + "\n").encode()


def _ligand(name: str) -> str:
    return f"HETATM 13 C CA . {name} B 2 . 10.0 10.0 10.0 301 A"


_ONE = {"A": LETTERS}

CASES: dict[str, tuple[bytes, dict[str, str]]] = {
    "palmitate_ligand.cif": (cif([_ligand("PLM")]), _ONE),
    "methotrexate_ligand.cif": (cif([_ligand("MTX")]), _ONE),
    "calcium_own_chain.pdb": (
        lines(
            chain_of(NAMES),
            "TER",
            atom(201, "CA", 20, "CA", "B", record="HETATM", element="CA"),
            "END",
        ),
        _ONE,
    ),
    "segid_same_chain.pdb": (
        _two(first=("", "P1"), second=("", "P2"), names=TAG),
        {"P1": TAG_LETTERS, "P2": LETTERS},
    ),
    "segid_blank_chain.pdb": (
        _two(" ", first=("", "PROA"), second=("", "PROB")),
        {"PROA": LETTERS, "PROB": LETTERS},
    ),
    "no_chain_numbers_restart.pdb": (_two(" ", names=TAG), {"": TAG_LETTERS, ".2": LETTERS}),
    "ter_second_copy_starts_lower.pdb": (
        _two(" ", names=NAMES[:8], ter=True, start=5),
        {"": LETTERS[:8], ".2": LETTERS},
    ),
    "two_letter_chains.pdb": (
        _two(first=("AA", ""), second=("BA", "")),
        {"AA": LETTERS, "BA": LETTERS},
    ),
    "openmm_appended_frames.pdb": (_frames(0), _ONE),
    "vmd_frames_occupancy.pdb": (_frames(3, ("0.50", "1.00"), ter=False), _ONE),
    "midchain_ter_mse.pdb": (_mid_chain(), {"A": "PQITLMQRPLVT"}),
    "four_letter_names_amber.pdb": (
        _changed({0: "NPRO", 4: "CASP", 11: "CTHR"}),
        {"A": "PQITDWQRPLVT"},
    ),
    "amber_cph_names.pdb": (_changed({0: "GL4", 5: "AS4", 8: "LYP"}), {"A": "EQITLDQRKLVT"}),
    "tags_lower_case.cif": (cif(tag=str.lower), _ONE),
    "keywords_upper_case.cif": (cif(keyword=str.upper), _ONE),
    "auth_seq_id_20A.cif": (cif(numbers=[*range(1, 12), "11A"]), _ONE),
    "title_with_form_feed.cif": (cif(title="A\fB"), _ONE),
    "title_with_u2028.cif": (cif(title="A\u2028B"), _ONE),
    "1hpv.pdb.txt": (lines(chain_of(NAMES), "END"), _ONE),
}
"""By name: a file's content, and the letters of each chain in it by the chain's id."""


def first_frame() -> np.ndarray:
    """Where the atoms of a first frame are."""
    return helix(len(NAMES))
