"""Maps that others have written: told apart by what they hold, and read into one form.

Distograms are read as medians; where most of the probability lies in the open last bin the
distance isn't known but to be long, and stays NaN. Sources of the formats:

- AlphaFold 3, ``docs/output.md`` of its repository: ``distogram`` of shape (N, N, 64), written with
  ``--save_distogram``, and the ``contact_probs`` and ``pae`` of its confidences. The bins are those
  of AlphaFold 2: 62 between 2.3125 and 21.6875 Å and an open one at each end.
- ESMFold: the same bins, as ``distogram_logits``. Boltz: ``pdistogram``, between 2 and 22 Å.
- trRosetta: ``dist`` of shape (N, N, 37), whose first bin is "20 Å or more" and the others are
  0.5 Å wide from 2 Å on; Cβ.
- CASP's RR: ``i j 0 8 p`` (mode 1), and ``i j p`` with ten bins (mode 2, from CASP14 on): up to
  4 Å, each 2 Å wide, and more than 20 Å; Cβ.
"""

import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from distmat.documents import DocumentError, parse_json
from distmat.errors import DistanceMapError
from distmat.protein.map_file import read_npy

MOST_RESIDUES = 5000
"""Of a map; a distogram of so many takes three gigabytes."""

_ALPHAFOLD = np.linspace(2.3125, 21.6875, 63)
_BOLTZ = np.linspace(2.0, 22.0, 63)
_TRROSETTA = np.arange(2.0, 20.5, 0.5)
_CASP = np.arange(4.0, 21.0, 2.0)
_NEAREST = 2.0
"""Å; where the open first bin begins."""


@dataclass(frozen=True)
class ForeignMap:
    """A map that somebody else has written.

    Parameters
    ----------
    kind : str
        What it is, for a person.
    distances : ndarray, shape=(N, N), dtype=float, or None
        Å; NaN where not known.
    contacts : ndarray, shape=(N, N), dtype=float, or None
        Probability of contact; NaN where not said.
    atom : str
        ``"Cα"`` or ``"Cβ"``, between which the distances are; empty where the file doesn't say.
    sequence : str
        Letters, where the file has them.
    """

    kind: str
    distances: np.ndarray | None = None
    contacts: np.ndarray | None = None
    atom: str = ""
    sequence: str = ""

    @property
    def residues(self) -> int:
        """N."""
        table = self.distances if self.distances is not None else self.contacts
        return 0 if table is None else len(table)


def read_foreign_map(data: bytes, name: str, array: str | None = None) -> ForeignMap:
    """A map of any of the formats above, or of NPY, NPZ, CSV or text with N×N numbers.

    Parameters
    ----------
    data : bytes
    name : str
        Of the file, for sentences.
    array : str, optional
        Which of the arrays of an NPZ file.

    Raises
    ------
    DistanceMapError
        If it is none of these, or not a map of distances or contacts.
    """
    if data[:6] == b"\x93NUMPY":
        return _of_array(read_npy(data, name), "", name)
    if zipfile.is_zipfile(io.BytesIO(data)):
        return _of_archive(data, name, array)
    text = _text(data, name)
    if text.lstrip()[:1] in ("{", "["):
        return _of_json(text, name)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if any(re.match(r"PFRMAT\s+RR\b", line) for line in lines[:20]):
        return _of_rr(lines, name)
    if lines and lines[0].startswith("i,j,"):
        return _of_pairs(lines, name)
    return _of_array(_table(lines, name), "", name)


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise DistanceMapError(
            f"{name} is no map of a known format; give NPY, NPZ, CSV, CASP's RR or JSON."
        ) from None


def _of_archive(data: bytes, name: str, asked: str | None) -> ForeignMap:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    # What NumPy raises of a damaged or pickled archive is of any kind; nothing of ours runs here.
    except Exception:
        raise DistanceMapError(
            f"{name} holds no arrays of numbers that can be read without running code."
        ) from None
    maps = [key for key, value in arrays.items() if _is_map(value)]
    if asked is not None:
        if asked not in maps:
            raise DistanceMapError(
                f"{name} has no map called '{asked[:60]}'; it has {', '.join(maps) or 'none'}."
            )
        maps = [asked]
    # trRosetta's angles are of the same shape as its distances.
    known = [key for key in maps if key in _DISTOGRAMS]
    maps = known if len(known) == 1 else maps
    if len(maps) != 1:
        raise DistanceMapError(
            f"{name} holds {len(maps)} maps ({', '.join(maps)}); say which one to read."
            if maps
            else f"{name} holds no N×N map of distances."
        )
    return _of_array(arrays[maps[0]], maps[0], name)


def _is_map(array: np.ndarray) -> bool:
    return array.ndim in (2, 3) and len(array) > 1 and array.shape[0] == array.shape[1]


_DISTOGRAMS = {
    "dist": ("trRosetta's distogram", _TRROSETTA, "Cβ"),
    "distogram": ("AlphaFold's distogram", _ALPHAFOLD, "Cβ"),
    "distogram_logits": ("ESMFold's distogram", _ALPHAFOLD, "Cβ"),
    "pdistogram": ("Boltz's distogram", _BOLTZ, "Cβ"),
}


def _of_array(array: np.ndarray, key: str, name: str) -> ForeignMap:
    if not np.issubdtype(array.dtype, np.number) or np.iscomplexobj(array) or not _is_map(array):
        shape = "×".join(map(str, array.shape))
        raise DistanceMapError(f"{name} has the shape {shape}; a map is N×N, a distogram N×N×bins.")
    if len(array) > MOST_RESIDUES:
        raise DistanceMapError(f"{name} has {len(array):,} residues; {MOST_RESIDUES:,} are read.")
    if re.search(r"\bpae\b|aligned_error", key, re.IGNORECASE):
        raise DistanceMapError(_NOT_A_DISTANCE.format(name=name))
    if array.ndim == 2:
        return _of_table(array.astype(float), name)
    kind, edges, atom = _DISTOGRAMS.get(key, ("a distogram", _edges_of(array.shape[2], name), "Cβ"))
    if array.shape[2] != len(edges) + (1 if edges is not _TRROSETTA else 0):
        raise DistanceMapError(
            f"{name} has {array.shape[2]} bins, where {kind} has "
            f"{len(edges) + (1 if edges is not _TRROSETTA else 0)}."
        )
    share = _shares(array)
    if edges is _TRROSETTA:
        # Its first bin is the open one beyond the last; none is below 2 Å.
        share = np.concatenate([share[..., 1:], share[..., :1]], axis=2)
        edges = edges[1:]
    return ForeignMap(kind, *read_bins(share, edges), atom)


def _edges_of(bins: int, name: str) -> np.ndarray:
    known = {64: _ALPHAFOLD, 37: _TRROSETTA}
    if bins not in known:
        raise DistanceMapError(
            f"{name} is a distogram of {bins} bins; those of 64 (AlphaFold, ESMFold) and 37 "
            "(trRosetta) are known."
        )
    return known[bins]


def _shares(array: np.ndarray) -> np.ndarray:
    """Probabilities, also of logits, symmetric in the pair."""
    values: np.ndarray = array.astype(np.float32)
    if values.min() < -1e-3 or not np.allclose(values.sum(axis=2), 1.0, atol=2e-2):
        values = np.exp(values - values.max(axis=2, keepdims=True))
    values = (values + values.transpose(1, 0, 2)) / 2
    values /= values.sum(axis=2, keepdims=True)
    return values


def read_bins(share: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median distances, and the probability of less than 8 Å.

    Parameters
    ----------
    share : ndarray, shape=(N, N, K + 1)
        Probabilities; the last bin is open.
    edges : ndarray, shape=(K,)
        Å: where the bins end, but the last one.

    Returns
    -------
    distances, contacts : ndarray, shape=(N, N), dtype=float
        Å, NaN where the median lies in the open bin; zero and one on the diagonal.
    """
    below = np.cumsum(share, axis=2)[..., :-1]
    place = (below < 0.5).sum(axis=2)
    far = place == len(edges)
    inside = np.minimum(place, len(edges) - 1)
    starts = np.concatenate([[_NEAREST], edges[:-1]])
    before = np.take_along_axis(
        np.concatenate([0 * below[..., :1], below], 2), inside[..., None], 2
    )
    here = np.take_along_axis(share, inside[..., None], 2)[..., 0]
    part = np.clip((0.5 - before[..., 0]) / np.maximum(here, 1e-9), 0, 1)
    distances = starts[inside] + part * np.maximum(edges - starts, 0.0)[inside]
    distances[far] = np.nan
    row = below.reshape(-1, len(edges))
    at = np.searchsorted(edges, 8.0)
    low = edges[at - 1]
    weight = (8.0 - low) / (edges[at] - low)
    contacts = (row[:, at - 1] + weight * (row[:, at] - row[:, at - 1])).reshape(below.shape[:2])
    np.fill_diagonal(distances, 0.0)
    np.fill_diagonal(contacts, 1.0)
    return distances, contacts.astype(float)


_NOT_A_DISTANCE = (
    "{name} holds predicted aligned errors (pae). These aren't distances: they say how far a "
    "residue would be off if the prediction were laid on another one."
)


def _of_table(table: np.ndarray, name: str) -> ForeignMap:
    seen = table[np.isfinite(table)]
    if not len(seen) or seen.min() < 0:
        least = "no number" if not len(seen) else f"{seen.min():g}"
        raise DistanceMapError(f"{name} has {least} in it; distances are 0 or more.")
    diagonal = np.diagonal(table)
    if seen.max() <= 1.0 and np.nanmax(diagonal, initial=0.0) > 0:
        return ForeignMap("probabilities of contact", contacts=table)
    if np.nanmax(np.abs(diagonal), initial=0.0) > 1e-3:
        raise DistanceMapError(
            f"{name} has {np.nanmax(diagonal):g} on its diagonal, where a residue's distance to "
            "itself, 0, belongs."
        )
    return ForeignMap("distances", table)


def _of_json(text: str, name: str) -> ForeignMap:
    try:
        content = parse_json(text, 2**28)
    except DocumentError as error:
        raise DistanceMapError(f"{name} can't be read as JSON ({error}).") from None
    if isinstance(content, list) and len(content) == 1:
        content = content[0]
    if isinstance(content, Mapping):
        if "contact_probs" in content:
            table = _square(content["contact_probs"], name)
            return ForeignMap("AlphaFold 3's probabilities of contact", contacts=table)
        if any(key in content for key in ("pae", "predicted_aligned_error")):
            raise DistanceMapError(_NOT_A_DISTANCE.format(name=name))
        content = next((content[key] for key in ("distances", "distance_map") if key in content), 0)
    return _of_table(_square(content, name), name)


def _square(content: Any, name: str) -> np.ndarray:
    try:
        table = np.array(content, dtype=float)
    except (TypeError, ValueError):
        table = np.zeros(0)
    if not _is_map(table) or table.ndim != 2:
        raise DistanceMapError(f"{name} holds no N×N table of numbers.")
    return table


def _of_rr(lines: list[str], name: str) -> ForeignMap:
    mode = next((line.split()[1] for line in lines if re.match(r"RMODE\s+\d", line)), "1")
    sequence = "".join(line for line in lines if re.fullmatch(r"[A-Z]+", line) and line != "END")
    rows = [line.split() for line in lines if re.match(r"\d+\s+\d+\s", line)]
    try:
        pairs = np.array([[int(row[0]), int(row[1])] for row in rows]).reshape(-1, 2)
        values = np.array([[float(value) for value in row[2:]] for row in rows])
    except ValueError:
        raise DistanceMapError(
            f"{name} has a line of a pair whose numbers differ in kind."
        ) from None
    if not len(rows):
        raise DistanceMapError(f"{name} has no line of a pair, such as '1 9 0 8 0.7'.")
    n = max(len(sequence), int(pairs.max()))
    if n > MOST_RESIDUES or pairs.min() < 1 or (sequence and pairs.max() > len(sequence)):
        raise DistanceMapError(f"{name} names residue {pairs.max()}, and its sequence has {n}.")
    if (mode == "2" and values.shape[1] != 11) or (mode != "2" and values.shape[1] != 3):
        raise DistanceMapError(f"{name} is RR in mode {mode}, and its lines don't fit that.")
    i, j = pairs.T - 1
    contacts = np.full((n, n), np.nan)
    contacts[i, j] = contacts[j, i] = values[:, 0] if mode == "2" else values[:, 2]
    distances = None
    if mode == "2":
        share = values[:, 1:] / np.maximum(values[:, 1:].sum(axis=1, keepdims=True), 1e-9)
        distances = np.full((n, n), np.nan)
        np.fill_diagonal(distances, 0.0)
        # One row of pairs, read as a map whose own diagonal is no pair's.
        for k in range(len(rows)):
            distance = read_bins(np.broadcast_to(share[k], (2, 2, 10)), _CASP)[0][0, 1]
            distances[i[k], j[k]] = distances[j[k], i[k]] = distance
    # Ours says in a remark that it means Cα; CASP's means Cβ.
    atom = "Cα" if any("C-alpha" in line for line in lines if line.startswith("REMARK")) else "Cβ"
    return ForeignMap(f"CASP's RR, mode {mode}", distances, contacts, atom, sequence)


def _of_pairs(lines: list[str], name: str) -> ForeignMap:
    """The file that `distmat.protein.map_file.csv_text` writes."""
    columns = lines[0].split(",")
    try:
        rows = [dict(zip(columns, line.split(","), strict=True)) for line in lines[1:]]
        pairs = np.array([[int(row["i"]), int(row["j"])] for row in rows]) - 1
        values = np.array([float(row["distance"]) for row in rows])
        likely = np.array([float(row["contact_probability"]) for row in rows])
    except (KeyError, ValueError):
        raise DistanceMapError(f"{name} isn't the table of pairs that distmat writes.") from None
    n = int(pairs.max()) + 1
    if n > MOST_RESIDUES or pairs.min() < 0:
        raise DistanceMapError(f"{name} names residue {n}; {MOST_RESIDUES:,} are read.")
    letters = ["X"] * n
    for row, (i, j) in zip(rows, pairs, strict=True):
        letters[i], letters[j] = row["residue_i"], row["residue_j"]
    distances, contacts = np.full((n, n), np.nan), np.full((n, n), np.nan)
    distances[pairs[:, 0], pairs[:, 1]] = distances[pairs[:, 1], pairs[:, 0]] = values
    contacts[pairs[:, 0], pairs[:, 1]] = contacts[pairs[:, 1], pairs[:, 0]] = likely
    np.fill_diagonal(distances, 0.0)
    np.fill_diagonal(contacts, 1.0)
    return ForeignMap("distmat's table of pairs", distances, contacts, "Cα", "".join(letters))


def _table(lines: list[str], name: str) -> np.ndarray:
    rows = [re.split(r"[,;\s]+", line.strip(",; ")) for line in lines if line[0] != "#"]
    try:
        return _square([[float(value) for value in row] for row in rows], name)
    except ValueError:
        raise DistanceMapError(
            f"{name} is no map of a known format; give NPY, NPZ, CSV, CASP's RR or JSON."
        ) from None
