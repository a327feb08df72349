"""The main job in one call: sequence in; map, backbone and, with a truth at hand, scores out.

The predict page, the command and the Python package all go through `predict_chain`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from distmat.geometry.reconstruction import Reconstruction, reconstruct
from distmat.library.relatives import RelativesSearch
from distmat.library.templates import Template, copy_nearest
from distmat.library.training_sequences import Overlap
from distmat.protein.alignment import Alignment
from distmat.protein.chain import Chain
from distmat.protein.distance_map import DistanceMap
from distmat.protein.distogram import Distogram
from distmat.protein.sequence import check_letters
from distmat.scoring.baseline import reference_baseline
from distmat.scoring.map_scores import MapScores, score_map
from distmat.scoring.trace_scores import TraceScores, score_trace
from distmat.scoring.verdict import Verdict, judge

if TYPE_CHECKING:
    import numpy as np

    from distmat.library.search import Exclusion
    from distmat.library.store import Library
    from distmat.model.predictor import Predictor


@dataclass(frozen=True)
class Comparison:
    """A prediction measured against a known structure, and what the baseline would have scored.

    Parameters
    ----------
    truth : Chain
    model, baseline : MapScores
        The baseline is the one that ships, the same whichever checkpoint predicts.
    trace, baseline_trace : TraceScores
        Of the trace rebuilt from the prediction, and of that rebuilt from the baseline's map.
    nearest : MapScores or None
        Of copying the surest template, where templates were used; see `copy_nearest`.
    own_baseline : MapScores or None
        Of the checkpoint's own baseline, fitted on its own training chains; None if it is the one
        that ships.
    """

    truth: Chain
    model: MapScores
    baseline: MapScores
    trace: TraceScores
    baseline_trace: TraceScores
    nearest: MapScores | None = None
    own_baseline: MapScores | None = None

    @property
    def verdict(self) -> Verdict:
        """Whether the map is better than what knowing nothing gives."""
        return judge(self.model.mae, self.baseline.mae)

    def as_dict(self) -> dict:
        """For JSON."""
        maps = {"model": self.model.as_dict(), "baseline": self.baseline.as_dict()}
        if self.own_baseline is not None:
            maps["own_baseline"] = self.own_baseline.as_dict()
        if self.nearest is not None:
            maps["copy_nearest"] = self.nearest.as_dict()
        return {
            "observed_residues": int(self.truth.observed.sum()),
            "verdict": self.verdict.as_dict(),
            "map": maps,
            "trace": self.trace.as_dict(),
            "baseline_trace": self.baseline_trace.as_dict(),
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
    templates : tuple of Template
        Known structures that the map rests on, the surest first.
    training_overlap : Overlap or None
        Whether the chain or a relative was in the training of the model; None where the
        checkpoint doesn't tell what it was trained on.
    alignment : Alignment or None
        Of its relatives, with which templates were looked for.
    alignment_use : str
        What was made of it, for a person; empty without one.
    couplings_used : bool
        Whether its couplings count in the map; see `distmat.library.covariation`.
    """

    name: str
    map: DistanceMap
    backbone: Reconstruction
    comparison: Comparison | None
    templates: tuple[Template, ...] = ()
    training_overlap: Overlap | None = None
    alignment: Alignment | None = None
    alignment_use: str = ""
    couplings_used: bool = False

    def as_dict(self, checkpoint: str | None = None) -> dict:
        """For JSON, with the name of the checkpoint that predicted, where it is told."""
        return {
            "name": self.name,
            "sequence": self.map.sequence,
            "residues": len(self.map),
            "checkpoint": checkpoint,
            "hand": self.backbone.hand,
            "hand_confidence": round(float(self.backbone.hand_confidence), 4),
            "stress": round(float(self.backbone.stress), 4),
            "eigenvalue_share": round(float(self.backbone.eigenvalue_share), 4),
            "steps": list(self.backbone.steps),
            "training_overlap": overlap.as_dict() if (overlap := self.training_overlap) else None,
            "alignment": self._alignment_as_dict(),
            "templates": [template.as_dict() for template in self.templates],
            "scores": None if self.comparison is None else self.comparison.as_dict(),
        }

    def _alignment_as_dict(self) -> dict | None:
        if self.alignment is None:
            return None
        use = {"use": self.alignment_use, "couplings_used": self.couplings_used}
        return {**self.alignment.as_dict(), **use}


def predict_chain(
    predictor: "Predictor",
    sequence: str,
    name: str = "sequence",
    truth: Chain | None = None,
    progress: Callable[[float, str], None] | None = None,
    library: "Library | None" = None,
    exclude: "Exclusion | None" = None,
    alignment: Alignment | None = None,
    relatives: RelativesSearch | None = None,
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
    library : Library, optional
        Known structures among which templates are looked up, never of the truth's own entry; for
        predictors that take them (`Predictor.takes_templates`).
    exclude : Exclusion, optional
        What of the library isn't to be used.
    alignment : Alignment, optional
        Of the sequence's relatives, whose profile searches the library, too; what the network
        makes of it says `Predictor.predict`.
    relatives : RelativesSearch, optional
        Of this sequence, begun before the predictor was loaded; then `library` and `exclude`
        aren't used here.

    Raises
    ------
    SequenceError
        If the sequence is no protein or too long for the memory there is.
    DatasetError
        If MMseqs2, which searches library and training chains, fails, or is missing and a library
        is given.
    """
    report = progress or (lambda share, text: None)
    sequence = check_letters(sequence)
    if relatives is None:
        known = library if predictor.takes_templates else None
        own = "" if truth is None else truth.name
        relatives = RelativesSearch(
            sequence, lambda: predictor.training_sequences, lambda: known, own, exclude, alignment
        )
    report(0.0, "Looking for relatives")
    overlap = relatives.overlap()
    templates = relatives.templates() if predictor.takes_templates else ()
    predicted = predictor.predict(
        sequence,
        lambda share, text: report(0.6 * share, text),
        templates,
        alignment=alignment,
    )
    return complete_prediction(
        predictor, predicted, name, truth, templates, overlap, report, alignment
    )


def complete_prediction(
    predictor: "Predictor",
    predicted: DistanceMap,
    name: str,
    truth: Chain | None = None,
    templates: tuple[Template, ...] = (),
    overlap: Overlap | None = None,
    progress: Callable[[float, str], None] | None = None,
    alignment: Alignment | None = None,
) -> Prediction:
    """Rebuild the backbone of a map that was predicted, and score both; as `predict_chain`."""
    report = progress or (lambda share, text: None)
    backbone = reconstruct(
        predicted.distances,
        std=predicted.std,
        # How far predictions shrink was measured without templates: with them, traces of the
        # validation chains that had one were better unstretched (TM 0.587 against 0.576).
        calibration=None if templates else predictor.calibration,
        progress=lambda share, text: report(0.6 + 0.35 * share, text),
        # A model's own distances are in Å, however wrong they are.
        unit="Å",
        zeros_are_missing=False,
    )
    comparison = None
    if truth is not None:
        report(0.95, "Comparing with the structure")
        comparison = _compare(predictor, predicted, backbone, truth, templates)
    report(1.0, "Done")
    return Prediction(
        name,
        predicted,
        backbone,
        comparison,
        templates,
        overlap,
        alignment,
        predictor.describe_use(alignment),
        predictor.hears_couplings(alignment),
    )


def distogram_of(
    predictor: "Predictor",
    sequence: str,
    templates: tuple[Template, ...] = (),
    alignment: Alignment | None = None,
) -> Callable[[], Distogram | None]:
    """What predicts, once it is asked for, how likely each distance of a chain is.

    Parameters
    ----------
    predictor : Predictor
    sequence : str
    templates : tuple of Template
    alignment : Alignment or None
        As for `distmat.model.predictor.Predictor.predict`.
    """

    def predict() -> Distogram | None:
        if not predictor.takes_templates:
            return None
        return predictor.distogram(sequence, templates, alignment)

    return predict


def _compare(
    predictor: "Predictor",
    predicted: DistanceMap,
    backbone: Reconstruction,
    truth: Chain,
    templates: tuple[Template, ...],
) -> Comparison:
    shipped, own = reference_baseline(), predictor.baseline
    n = len(predicted)
    nearest = None
    if templates:
        nearest = score_map(copy_nearest(templates, shipped.predict(n)), truth.ca)
    return Comparison(
        truth,
        score_map(predicted.distances, truth.ca, predicted.contacts),
        score_map(shipped.predict(n), truth.ca),
        score_trace(backbone.coords, truth.ca),
        score_trace(_baseline_trace(n), truth.ca),
        nearest,
        None if shipped.is_like(own) else score_map(own.predict(n), truth.ca),
    )


@lru_cache(maxsize=64)
def _baseline_trace(n: int) -> "np.ndarray":
    """What a map that knows only the separation implies for `n` residues; shape=(N, 3), Å."""
    distances = reference_baseline().predict(n)
    return reconstruct(distances, unit="Å", zeros_are_missing=False).coords
