"""The main job in one call: sequence in; map, backbone and, with a truth at hand, scores out.

The predict page, the command and the Python package all go through `predict_chain`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from distmat.geometry.reconstruction import Reconstruction, reconstruct
from distmat.geometry.scores import MapScores, TraceScores, score_map, score_trace
from distmat.protein.chain import Chain
from distmat.protein.distance_map import DistanceMap

if TYPE_CHECKING:
    from distmat.model.predictor import Predictor


@dataclass(frozen=True)
class Comparison:
    """A prediction measured against a known structure, and what the baseline would have scored.

    Parameters
    ----------
    truth : Chain
    model, baseline : MapScores
    trace : TraceScores
    """

    truth: Chain
    model: MapScores
    baseline: MapScores
    trace: TraceScores

    def as_dict(self) -> dict:
        """For JSON."""
        return {
            "observed_residues": int(self.truth.observed.sum()),
            "map": {"model": self.model.as_dict(), "baseline": self.baseline.as_dict()},
            "trace": self.trace.as_dict(),
        }


@dataclass(frozen=True)
class Prediction:
    """What is known of one chain after predicting it.

    Parameters
    ----------
    name : str
    map : DistanceMap
    backbone : Reconstruction
    comparison : Comparison or None
        None where no structure is known.
    """

    name: str
    map: DistanceMap
    backbone: Reconstruction
    comparison: Comparison | None

    def as_dict(self) -> dict:
        """For JSON."""
        return {
            "name": self.name,
            "sequence": self.map.sequence,
            "residues": len(self.map),
            "hand": self.backbone.hand,
            "hand_confidence": round(float(self.backbone.hand_confidence), 4),
            "stress": round(float(self.backbone.stress), 4),
            "eigenvalue_share": round(float(self.backbone.eigenvalue_share), 4),
            "steps": list(self.backbone.steps),
            "scores": None if self.comparison is None else self.comparison.as_dict(),
        }


def predict_chain(
    predictor: "Predictor",
    sequence: str,
    name: str = "sequence",
    truth: Chain | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> Prediction:
    """Predict a map, rebuild its backbone, and score both where the structure is known.

    Parameters
    ----------
    predictor : Predictor
    sequence : str
        One letter per residue; that of `truth` where it is given.
    name : str
    truth : Chain, optional
    progress : callable, optional
        Called with the share that is done, 0 to 1, and what is being done.

    Raises
    ------
    SequenceError
        If the sequence is no protein or too long for the memory there is.
    """
    report = progress or (lambda share, text: None)
    predicted = predictor.predict(sequence, lambda share, text: report(0.6 * share, text))
    backbone = reconstruct(
        predicted.distances,
        std=predicted.std,
        calibration=predictor.calibration,
        progress=lambda share, text: report(0.6 + 0.35 * share, text),
        # A model's own distances are in Å, however wrong they are.
        unit="Å",
        zeros_are_missing=False,
    )
    comparison = None
    if truth is not None:
        report(0.95, "Comparing with the structure")
        comparison = Comparison(
            truth,
            score_map(predicted.distances, truth.ca, predicted.contacts),
            score_map(predictor.baseline.predict(len(predicted)), truth.ca),
            score_trace(backbone.coords, truth.ca),
        )
    report(1.0, "Done")
    return Prediction(name, predicted, backbone, comparison)
