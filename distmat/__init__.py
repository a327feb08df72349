"""Predict how far apart a protein's residues are, and the backbone that this implies.

Distances are in Å and between Cα atoms; arrays are in chain order; NaN marks what was not
observed.

    distance map    N×N distances
    distogram       N×N×K probabilities of distance bins
    contact map     Cα closer than 8 Å
    separation      |i − j|; bands: local 3–5, short 6–11, medium 12–23, long from 24
    encoder, head   the sequence network, and what turns its states into a distogram
    trace           Cα coordinates
    metric, score   a number logged during a run; the quality of one prediction
    baseline        a predictor that ignores the sequence
    run, checkpoint one training, and its saved weights
    hand            which of the two mirror images; distances can't tell, the chain can

The public names::

    predictor = distmat.load("mini")
    predicted = predictor.predict("MKTAYIAKQR…")      # .distances, .std, .contacts: (N, N)
    chain = distmat.read_structure("1abc.cif")[0]      # .sequence, .ca: (N, 3)
    backbone = distmat.reconstruct(predicted.distances, predicted.std)   # .coords, .hand_confidence
    scores = distmat.score(predicted.distances, chain.ca)                # .mae, .rmse, .lddt, …
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from distmat.errors import DistmatError

if TYPE_CHECKING:
    from distmat.geometry.reconstruction import reconstruct
    from distmat.model.predictor import load
    from distmat.prediction import predict_chain
    from distmat.protein.sequence import read_sequences
    from distmat.protein.structure.read import read_structure
    from distmat.scoring.map_scores import score_map as score

__version__ = "0.2.0"

__all__ = [
    "DistmatError",
    "load",
    "predict_chain",
    "read_sequences",
    "read_structure",
    "reconstruct",
    "score",
]

# Looked up when they are first used: `distmat --help` shouldn't wait for PyTorch.
_HOME = {
    "load": ("distmat.model.predictor", "load"),
    "predict_chain": ("distmat.prediction", "predict_chain"),
    "read_sequences": ("distmat.protein.sequence", "read_sequences"),
    "read_structure": ("distmat.protein.structure.read", "read_structure"),
    "reconstruct": ("distmat.geometry.reconstruction", "reconstruct"),
    "score": ("distmat.scoring.map_scores", "score_map"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'distmat' has no attribute '{name}'")
    module, attribute = _HOME[name]
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value
