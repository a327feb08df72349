"""Distance restraints for CNS, Rosetta and OpenMM, of the pairs that a prediction is sure of.

A pair counts if its standard deviation is at most a threshold and |i − j| ≥ 6. It is held within
two deviations, and at least 1 Å, of its predicted distance. How often the true distance is within
these bounds was measured for a checkpoint by ``benchmarks/restraints.py`` and stands in its folder.

Sources: CNS 1.3, "assign" statements of distance restraints (distance, minus, plus);
https://docs.rosettacommons.org/docs/latest/rosetta_basics/file_types/constraint-file for
``AtomPair`` and ``BOUNDED``; OpenMM's ``CustomBondForce``.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from distmat.documents import DocumentError, read_json
from distmat.protein.distance_map import DistanceMap, separation

THRESHOLDS = (1.0, 1.5, 2.0, 3.0)
"""Å of standard deviation at which it was measured how often restraints hold."""
DEFAULT_THRESHOLD = 2.0
FIRST = 6
"""Separation from which a pair says more than the chain itself does."""
LEAST = 1.0
"""Å; no restraint is narrower on either side."""
MEASURED_FILE = "restraints.json"
"""In a checkpoint's folder."""

_WITH, _WITHOUT = "with templates", "sequence alone"


@dataclass(frozen=True)
class Precision:
    """How often restraints of a checkpoint held on known chains.

    Parameters
    ----------
    threshold : float
        Å of standard deviation.
    holds, baseline_holds : float
        Share of them within whose bounds the true distance was; and of equally wide ones around
        what knowing only the separation gives.
    chains : int
    """

    threshold: float
    holds: float
    baseline_holds: float
    chains: int

    def sentence(self) -> str:
        """What was measured."""
        return (
            f"Of such restraints {self.holds:.0%} held on {self.chains:,} known chains that the "
            f"checkpoint wasn't trained on; of equally wide ones around what knowing only the "
            f"separation gives, {self.baseline_holds:.0%}."
        )


NOT_MEASURED = (
    "How often such restraints hold wasn't measured for this checkpoint; "
    "benchmarks/restraints.py does that."
)


def choose_pairs(predicted: DistanceMap, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """The pairs i < j that are sure enough; two arrays of shape=(P,), dtype=int."""
    sure = (predicted.std <= threshold) & (separation(len(predicted)) >= FIRST)
    i, j = np.nonzero(np.triu(sure))
    return i, j


def bounds_of(distances: np.ndarray, std: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper bound of each restraint in Å; shapes=(P,)."""
    half = np.maximum(2 * std, LEAST)
    return np.maximum(distances - half, 0.0), distances + half


def read_measured_precision(
    checkpoint: Path, threshold: float, with_templates: bool
) -> Precision | None:
    """What was measured for a checkpoint at a threshold; None if nothing was.

    Parameters
    ----------
    checkpoint : Path
        Its folder.
    threshold : float
    with_templates : bool
        Whether the prediction rests on known structures.
    """
    try:
        content: Any = read_json(checkpoint / MEASURED_FILE)
        part = content[_WITH if with_templates else _WITHOUT]
        row = next(row for row in part["measured"] if row["std"] == threshold)
        return Precision(
            threshold, float(row["holds"]), float(row["baseline_holds"]), int(part["chains"])
        )
    except (OSError, DocumentError, KeyError, TypeError, ValueError, StopIteration):
        return None


def write_cns(predicted: DistanceMap, threshold: float, said: str) -> str:
    """Restraints as CNS's and Xplor-NIH's table of ``assign`` statements.

    Parameters
    ----------
    predicted : DistanceMap
    threshold : float
        Å of standard deviation.
    said : str
        How often they hold, for the head of the file.
    """
    rows = [
        f"assign (resid {i + 1} and name CA) (resid {j + 1} and name CA) "
        f"{d:.2f} {d - low:.2f} {high - d:.2f}"
        for i, j, d, low, high in _restraints(predicted, threshold)
    ]
    return _with_head(rows, "!", threshold, said)


def write_rosetta(predicted: DistanceMap, threshold: float, said: str) -> str:
    """Restraints as Rosetta's constraint file, ``AtomPair`` with ``BOUNDED``; as `write_cns`."""
    rows = [
        f"AtomPair CA {i + 1} CA {j + 1} BOUNDED {low:.2f} {high:.2f} 1.0 0.5 distmat"
        for i, j, _, low, high in _restraints(predicted, threshold)
    ]
    return _with_head(rows, "#", threshold, said)


def write_openmm(predicted: DistanceMap, threshold: float, said: str) -> str:
    """Restraints as a Python file with a function that adds them to a system; as `write_cns`."""
    rows = [
        f"    ({i + 1}, {j + 1}, {low / 10:.3f}, {high / 10:.3f}),"
        for i, j, _, low, high in _restraints(predicted, threshold)
    ]
    return _with_head(
        [
            "RESTRAINTS = [  # residue, residue, lower and upper bound in nm",
            *rows,
            "]",
            "",
            "",
            "def add_restraints(system, topology, strength=1000.0):",
            '    """Hold the CA atoms of a chain within these bounds, by kJ/(mol nm**2)."""',
            "    import openmm",
            "",
            "    atoms = [",
            '        next(a.index for a in residue.atoms() if a.name == "CA")',
            "        for residue in next(topology.chains()).residues()",
            "    ]",
            '    force = openmm.CustomBondForce("k*(max(0, low-r)^2 + max(0, r-high)^2)")',
            '    force.addGlobalParameter("k", strength)',
            '    force.addPerBondParameter("low")',
            '    force.addPerBondParameter("high")',
            "    for i, j, low, high in RESTRAINTS:",
            "        force.addBond(atoms[i - 1], atoms[j - 1], [low, high])",
            "    system.addForce(force)",
        ],
        "#",
        threshold,
        said,
    )


def _restraints(
    predicted: DistanceMap, threshold: float
) -> list[tuple[int, int, float, float, float]]:
    """Residues from 0, distance, lower and upper bound in Å, of each pair that is sure enough."""
    i, j = choose_pairs(predicted, threshold)
    distances = predicted.distances[i, j]
    low, high = bounds_of(distances, predicted.std[i, j])
    return list(
        zip(i.tolist(), j.tolist(), distances.tolist(), low.tolist(), high.tolist(), strict=True)
    )


def _with_head(rows: list[str], mark: str, threshold: float, said: str) -> str:
    head = [
        f"{mark} Distances of CA atoms predicted by distmat: pairs with |i - j| >= {FIRST} whose "
        f"standard deviation is at most {threshold:g} A,",
        f"{mark} each within two deviations and at least {LEAST:g} A of the prediction.",
        f"{mark} {said}",
    ]
    return "\n".join([*head, *rows, ""])
