import numpy as np
import pytest

from distmat.dataset.synthetic import synthetic_dataset
from distmat.protein.chain import Chain
from distmat.protein.examples import examples
from distmat.protein.structure.write import write_pdb


@pytest.fixture(scope="session")
def proteins():
    """Real chains of eight unrelated proteins."""
    return [example.read() for example in examples()]


@pytest.fixture(scope="session")
def made_up():
    """Chains that are no relatives of each other."""
    return synthetic_dataset(24, seed=3).chains


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="session")
def structures(tmp_path_factory, proteins, made_up):
    """A folder as people have them: files in folders, and others beside them."""
    folder = tmp_path_factory.mktemp("structures")
    for number, chain in enumerate([*proteins, *made_up]):
        place = folder / f"{number:02d}"
        place.mkdir()
        (place / f"{number:02d}_protein.pdb").write_text(pdb(chain))
        (place / f"{number:02d}_ligand.sdf").write_text("no structure file")
    (folder / "00" / "broken.pdb").write_text("ATOM  and nothing else")
    return folder


def pdb(chain, chain_id="A"):
    return write_pdb(chain.sequence, np.asarray(chain.ca, dtype=float), chain_id=chain_id)


def mutated(chain, share, seed=0):
    """The chain with this share of its residues exchanged."""
    random = np.random.default_rng(seed)
    letters = list(chain.sequence)
    for place in random.choice(len(letters), round(share * len(letters)), replace=False):
        letters[place] = random.choice([x for x in "ACDEFGHIKLMNPQRSTVWY" if x != letters[place]])
    return Chain(chain.name, "".join(letters), chain.ca)
