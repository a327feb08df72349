"""The JSON files of the published pipeline, read sample by sample.

Three kinds: ``protein_coords_data.json`` (a list of samples with coordinates in Å),
``coord_train.json`` (the same, centred and scaled, with ``norm_stats``), and
``distmat_train.json`` (``samples`` with a ``distance_matrix`` and its ``dist_norm_stats``).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from distmat.dataset.schema import LARGEST_COORDINATE
from distmat.errors import DatasetError, SequenceError
from distmat.geometry.embedding import embed
from distmat.geometry.handedness import choose_hand
from distmat.protein.chain import Chain
from distmat.protein.sequence import check_letters, quote

_EPSILON = 1e-8
"""What the pipeline adds to a divisor."""
_BONDS = (2.5, 5.0)
"""Å; a chain whose median bond lies outside this isn't given in Å."""


@dataclass(frozen=True)
class Sample:
    """A sample that was read, or why it couldn't be.

    Parameters
    ----------
    name : str
    chain : Chain, optional
    resolution : float, optional
        Å.
    fault : str
        A sentence; ``""`` if there is a chain.
    """

    name: str
    chain: Chain | None
    resolution: float | None
    fault: str = ""


def read_samples(path: Path) -> Iterator[Sample]:
    """The samples of a file, one in memory at a time.

    Raises
    ------
    DatasetError
        If the file can't be read, is no JSON, or has no samples.
    """
    import ijson

    number = 0
    try:
        with open(path, "rb") as file:
            start = file.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")
            file.seek(0)
            if start[:1] not in (b"[", b"{"):
                raise DatasetError(f"{quote(path.name, 200)} is no JSON of samples; check it.")
            # ijson reads UTF-8 without a byte order mark.
            file.seek(3 if file.read(3) == b"\xef\xbb\xbf" else 0)
            prefix = "item" if start[:1] == b"[" else "samples.item"
            for number, content in enumerate(ijson.items(file, prefix, use_float=True), start=1):
                yield _sample(number, content)
    except (ijson.JSONError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:100]
        raise DatasetError(
            f"{quote(path.name, 200)} is damaged after sample {number} ({reason}); copy it again."
        ) from None
    if not number:
        raise DatasetError(
            f"{quote(path.name, 200)} holds no samples; the published pipeline writes a list, "
            "or an object with the key 'samples'."
        )


def _sample(number: int, content: Any) -> Sample:
    name = f"sample_{number:05d}"
    if not isinstance(content, dict):
        return Sample(name, None, None, f"Sample {number} is no object with keys.")
    code = content.get("pdb_code")
    if isinstance(code, str) and code:
        name = re.sub(r"[^\w.+-]+", "_", code)[:40] or name
    try:
        letters = content.get("sequence")
        if not isinstance(letters, str):
            raise ValueError("it has no 'sequence'")
        letters = check_letters(letters, f"Sample {number}")
        ca = _coordinates(content, len(letters))
        bonds = np.linalg.norm(np.diff(ca, axis=0), axis=1)
        if (np.abs(ca) > LARGEST_COORDINATE).any():
            raise ValueError(f"a coordinate is beyond {LARGEST_COORDINATE:,.0f} Å")
        middle = float(np.nanmedian(bonds)) if np.isfinite(bonds).any() else np.nan
        if not _BONDS[0] <= middle <= _BONDS[1]:
            raise ValueError(
                f"its median bond is {middle:.2f} where 3.8 Å is usual, so these are no "
                "coordinates in Å and nothing says how they were scaled"
            )
    except SequenceError as error:
        return Sample(name, None, None, str(error))
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        reason = " ".join(str(error).split())[:200]
        return Sample(name, None, None, f"Sample {number} can't be used: {reason}.")
    return Sample(name, Chain(name, letters, ca), _resolution(content.get("resolution")))


def _resolution(value: Any) -> float | None:
    try:
        return float(value) if 0 < float(value) < 100 else None
    except (TypeError, ValueError):
        return None


def _coordinates(content: dict, residues: int) -> np.ndarray:
    """Å, shape=(residues, 3)."""
    if content.get("coords") is not None:
        ca = _array(content["coords"])
        if ca.shape != (residues, 3):
            raise ValueError(f"it has {residues} residues, but coordinates of shape {ca.shape}")
        stats = content.get("norm_stats")
        if isinstance(stats, dict):
            scale = stats.get("std")
            ca = ca * (1.0 if scale is None else float(scale) + _EPSILON)
            ca = ca + _array(stats["mean"])
        return ca
    if content.get("distance_matrix") is None:
        raise ValueError("it has neither 'coords' nor 'distance_matrix'")
    stats = content.get("dist_norm_stats")
    matrix = _array(content["distance_matrix"])
    distances = denormalise(matrix, stats if isinstance(stats, dict) else {})
    if distances.shape != (residues, residues):
        raise ValueError(f"it has {residues} residues, but a map of shape {distances.shape}")
    if not np.isfinite(distances).all() or np.abs(distances - distances.T).max() > 0.01:
        raise ValueError("its distance map isn't complete and symmetric")
    found = embed((distances + distances.T) / 2)
    if not found.exact:
        raise ValueError(
            f"its map is no chain's in space: three dimensions hold {found.eigenvalue_share:.1%}"
        )
    # Distances don't tell the hand; the turns of the chain do.
    return choose_hand(found.coords).coords


def denormalise(matrix: np.ndarray, stats: dict) -> np.ndarray:
    """Distances in Å from what the published pipeline stores.

    Parameters
    ----------
    matrix : ndarray, shape=(N, N), dtype=float
    stats : dict
        ``method``: ``"scale"`` with ``max_dist``; ``"log_scale"`` with ``max_log_dist``;
        ``"zscore"`` with ``mean`` and ``std``.

    Raises
    ------
    ValueError
        If the method is missing or another one.
    """
    method = stats.get("method")
    if method == "scale":
        distances = matrix * (float(stats["max_dist"]) + _EPSILON)
    elif method == "log_scale":
        distances = np.expm1(matrix * (float(stats["max_log_dist"]) + _EPSILON))
    elif method == "zscore":
        distances = matrix * (float(stats["std"]) + _EPSILON) + float(stats["mean"])
    else:
        raise ValueError(f"nothing says how its map was normalised (method {method!r})")
    np.fill_diagonal(distances, 0.0)
    return distances


def _array(values: Any) -> np.ndarray:
    return np.array(values, dtype=np.float64)
