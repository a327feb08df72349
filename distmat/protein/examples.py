"""Built-in proteins of known structure, to look at before one has files of one's own.

Chains with ≥ 30 % identity to any of them over half of the shorter one were kept out of
the training and validation of the checkpoints that ship: what they show is a prediction.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from distmat.protein.chain import Chain
from distmat.protein.structure.read import read_structure

_FILES = Path(__file__).parent / "example_files"


@dataclass(frozen=True)
class Example:
    """A protein that ships with its structure.

    Parameters
    ----------
    key : str
        Short name, fit for a link.
    title : str
    fold : str
        Its class: all α, all β, α/β, α + β, or small.
    note : str
        What is worth looking for.
    file, chain : str
        File name, and the chain in it as `read_structure` names it.
    """

    key: str
    title: str
    fold: str
    note: str
    file: str
    chain: str

    @property
    def path(self) -> Path:
        """The structure file."""
        return _FILES / self.file

    def read(self) -> Chain:
        """The chain, named by `key`."""
        chains = {chain.name: chain for chain in read_structure(self.path)}
        return replace(chains[self.chain], name=self.key)


_EXAMPLES: tuple[Example, ...] = (
    Example(
        "il2",
        "Interleukin-2",
        "all α",
        "four helices in a bundle: broad stripes off the diagonal",
        "il2.pdb.gz",
        "il2",
    ),
    Example(
        "cytochrome-c",
        "Cytochrome c (yeast)",
        "all α",
        "short helices wrapped around a haem, which the sequence doesn't show",
        "1csu.pdb.gz",
        "1csu",
    ),
    Example(
        "hiv-protease",
        "HIV-1 protease",
        "all β",
        "half of a symmetric dimer: its flaps and ends lean on the other half",
        "1hpv.pdb.gz",
        "1hpv_A",
    ),
    Example(
        "cdc13",
        "Cdc13, DNA-binding domain",
        "all β",
        "an OB fold with long loops; twelve residues were never observed",
        "1s40.pdb.gz",
        "1s40_A",
    ),
    Example(
        "lt-iib-b",
        "Enterotoxin LT-IIb, B chain",
        "α + β",
        "one of five identical chains that make a ring",
        "1tii.pdb.gz",
        "1tii_D",
    ),
    Example(
        "lt-iib-a",
        "Enterotoxin LT-IIb, A chain",
        "α + β",
        "the longest example, with four unobserved residues",
        "1tii.pdb.gz",
        "1tii_A",
    ),
    Example(
        "sdf-1",
        "SDF-1 (CXCL12)",
        "α + β",
        "a chemokine: three strands and a helix across them",
        "2sdf.pdb.gz",
        "2sdf_A",
    ),
    Example(
        "kunitz",
        "Kunitz domain of TFPI",
        "small",
        "held by three disulfide bridges; its tails are loose in solution",
        "1adz.pdb.gz",
        "1adz_A",
    ),
)


def examples() -> tuple[Example, ...]:
    """All built-in examples, in the order to show them."""
    return _EXAMPLES
