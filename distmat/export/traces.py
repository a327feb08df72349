"""Traces with what is known of each residue's error as B-factor."""

import numpy as np

from distmat.errors import StructureError
from distmat.export.source import Source
from distmat.geometry.superposition import superpose
from distmat.protein.structure.write import write_mmcif, write_pdb
from distmat.scoring.trace_scores import per_residue_error

SIGMA_TITLE = "Predicted CA trace. B-factor: mean standard deviation of the residue's distances, A"
ERROR_TITLE = "Predicted CA trace, laid on the structure. B-factor: distance from the true place, A"
TRUE_TITLE = "CA trace of the structure"


def sigma_by_residue(source: Source) -> np.ndarray:
    """Mean standard deviation of each residue's distances; shape=(N,), Å."""
    std = source.prediction.map.std
    return np.asarray(std.sum(axis=1) / max(1, len(std) - 1))


def sigma_trace(source: Source, mmcif: bool = False) -> str:
    """The predicted trace with the deviations as B-factors, as PDB or mmCIF."""
    write = write_mmcif if mmcif else write_pdb
    one = source.prediction
    return write(
        one.map.sequence,
        one.backbone.coords,
        bfactors=sigma_by_residue(source),
        title=SIGMA_TITLE,
    )


def error_trace(source: Source, mmcif: bool = False) -> str:
    """The predicted trace laid on the structure, with its errors as B-factors.

    Raises
    ------
    StructureError
        If no structure is known.
    """
    laid, error = lay_on_truth(source)
    write = write_mmcif if mmcif else write_pdb
    return write(source.prediction.map.sequence, laid, bfactors=error, title=ERROR_TITLE)


def true_trace(source: Source) -> str:
    """The trace of the structure, as PDB.

    Raises
    ------
    StructureError
        If no structure is known.
    """
    truth = _truth(source)
    return write_pdb(source.prediction.map.sequence, truth, title=TRUE_TITLE)


def lay_on_truth(source: Source) -> tuple[np.ndarray, np.ndarray]:
    """The trace laid on the structure, shape=(N, 3), and how far each residue is off, shape=(N,).

    Å; NaN where the residue was not observed.

    Raises
    ------
    StructureError
        If no structure is known.
    """
    truth = _truth(source)
    laid = superpose(source.prediction.backbone.coords, truth).coords
    return laid, per_residue_error(laid, truth)


def _truth(source: Source) -> np.ndarray:
    comparison = source.prediction.comparison
    if comparison is None:
        raise StructureError("No structure is known of this chain; there is no error to write.")
    return np.asarray(comparison.truth.ca, dtype=float)
