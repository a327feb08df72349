"""How good a rebuilt trace is, measured against a known structure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import pdist

from distmat.geometry.chain_geometry import bonds_right, clashes
from distmat.geometry.superposition import superpose
from distmat.scoring.map_scores import Array, correlation, lddt, plain
from distmat.scoring.registry import Registry, Score
from distmat.scoring.tm_score import tm_and_gdt


@dataclass(frozen=True)
class Traces:
    """A trace and the structure it is compared with, residue by residue.

    Parameters
    ----------
    coords, ca : ndarray, shape=(N, 3), dtype=float
        Å; the structure's is NaN where not observed.
    """

    coords: Array
    ca: Array

    @cached_property
    def common(self) -> npt.NDArray[np.bool_]:
        """Which residues both have; shape=(N,)."""
        finite = np.isfinite(self.coords).all(axis=1) & np.isfinite(self.ca).all(axis=1)
        return np.asarray(finite)

    @cached_property
    def distances(self) -> tuple[Array, Array]:
        """Rebuilt and true distances of all pairs of common residues, Å."""
        return pdist(self.coords[self.common]), pdist(self.ca[self.common])

    @cached_property
    def tm_and_gdt(self) -> tuple[float, float]:
        """TM-score and GDT-TS, which one search finds."""
        observed = int(np.isfinite(self.ca).all(axis=1).sum())
        return tm_and_gdt(self.coords[self.common], self.ca[self.common], observed)


@dataclass(frozen=True)
class TraceScores:
    """The quality of one trace; each score is an attribute, too: ``scores.tm``.

    Parameters
    ----------
    values : mapping of str to float
        By the keys of `TRACE_SCORES`; NaN where a score is undefined.
    residues : int
        Residues that both the trace and the truth have.
    """

    values: Mapping[str, float]
    residues: int

    def __getattr__(self, key: str) -> float:
        if key.startswith("_") or key == "values" or key not in self.values:
            raise AttributeError(f"there is no score {key!r} of a trace")
        return self.values[key]

    def as_dict(self) -> dict[str, Any]:
        """For JSON: None where a score is undefined."""
        return plain(self.values) | {"residues": self.residues}


def score_trace(coords: npt.ArrayLike, ca: npt.ArrayLike) -> TraceScores:
    """Compare a trace with a structure, residue by residue.

    Parameters
    ----------
    coords : ndarray, shape=(N, 3), dtype=float
        The trace, Å; in any position.
    ca : ndarray, shape=(N, 3), dtype=float
        True Cα coordinates, Å; NaN where not observed.

    Raises
    ------
    ValueError
        If the two aren't of one shape (N, 3).
    """
    traces = Traces(np.asarray(coords, dtype=np.float64), np.asarray(ca, dtype=np.float64))
    return TraceScores(TRACE_SCORES.compute(traces), int(traces.common.sum()))


def per_residue_error(coords_superposed: npt.ArrayLike, ca: npt.ArrayLike) -> Array:
    """How far each residue of a superposed trace is from where it should be.

    Parameters
    ----------
    coords_superposed, ca : ndarray, shape=(N, 3), dtype=float
        Å, in one frame (see `distmat.geometry.superposition.superpose`).

    Returns
    -------
    ndarray, shape=(N,), dtype=float
        Å; NaN where either isn't observed.
    """
    error = np.asarray(coords_superposed, dtype=np.float64) - np.asarray(ca, dtype=np.float64)
    return np.asarray(np.linalg.norm(error, axis=1))


TRACE_SCORES: Registry[Traces] = Registry(
    Score(
        "tm",
        "TM-score",
        "TM-score",
        "TM-score",
        lambda traces: traces.tm_and_gdt[0],
        places=("headline", "table"),
        meaning="Of the backbone against the structure: 1 is the same, above 0.5 the same fold, "
        "0.17 chance.",
    ),
    Score(
        "gdt_ts",
        "GDT-TS",
        "GDT-TS",
        "GDT-TS",
        lambda traces: traces.tm_and_gdt[1],
        places=("table",),
        meaning="Mean over 1, 2, 4 and 8 Å of the largest share of residues that a superposition "
        "brings within that error.",
    ),
    Score(
        "lddt",
        "lDDT-Cα",
        "lDDT-Cα",
        "lDDT-Cα",
        lambda traces: lddt(*traces.distances),
        places=("table",),
        meaning="Share of the true neighbourhood distances that the backbone keeps.",
    ),
    Score(
        "rmsd",
        "RMSD",
        "RMSD",
        "RMSD",
        lambda traces: superpose(traces.coords, traces.ca).rmsd,
        unit="Å",
        higher_is_better=False,
        digits=2,
        places=("headline", "table"),
        meaning="Of the backbone laid on the structure; a mirror image counts as wrong.",
    ),
    Score(
        "rmsd_mirror_allowed",
        "RMSD, mirrored or not",
        "RMSD, mirror image allowed",
        "RMSD（允许镜像）",
        lambda traces: superpose(traces.coords, traces.ca, allow_mirror=True).rmsd,
        unit="Å",
        higher_is_better=False,
        digits=2,
        places=(),
        meaning="After the best rotation or reflection: what the distances alone achieve.",
    ),
    Score(
        "bonds_right",
        "bonds right",
        "Bonds of the right length",
        "键长正确的比例",
        lambda traces: bonds_right(traces.coords),
        places=(),
        meaning="Share of consecutive Cα pairs at 3.8 ± 0.2 Å.",
    ),
    Score(
        "clashes",
        "clashes",
        "Clashes per 100 residues",
        "每百残基冲突数",
        lambda traces: clashes(traces.coords),
        higher_is_better=False,
        digits=1,
        places=(),
        meaning="Pairs with |i − j| ≥ 3 closer than 3.6 Å, per 100 residues.",
    ),
    Score(
        "mds_pearson",
        "r",
        "Correlation of its distances with the true ones",
        "其距离与真实距离的相关系数",
        lambda traces: correlation(*traces.distances),
        places=("table",),
        meaning="Correlation of the backbone's distances with the true ones.",
    ),
)
"""The scores of a trace, in the order in which they are shown."""
