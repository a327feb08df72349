"""Maps that others have written: told apart by what they hold, and read into one form.

Distograms are read as medians; where most of the probability lies in the open last bin the
distance isn't known but to be long, and stays NaN. Sources of the formats, besides those of their
bins in `distmat.protein.foreign_bins`:

- AlphaFold 3, ``docs/output.md`` of its repository: ``distogram`` of shape (N, N, 64), written with
  ``--save_distogram``, and the ``contact_probs`` and ``pae`` of its confidences.
- ESMFold: ``distogram_logits`` of what ``infer`` returns. Boltz: ``pdistogram`` of what its
  ``forward`` returns, or ``distogram_logits`` beside the ``asym_id`` of each token.
- Lists of contacts: see `distmat.protein.contact_list`; of scores that are no probabilities, and
  tables of such: `distmat.protein.score_list`.
"""

import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from distmat.documents import DocumentError, parse_json
from distmat.errors import DistanceMapError, MapChoiceError
from distmat.protein.arrays import PairMask, PairTable
from distmat.protein.contact_list import (
    ContactList,
    is_contact_list,
    mask_unknown,
    read_contact_list,
)
from distmat.protein.foreign_bins import (
    BY_BINS,
    BY_KEY,
    ESMFOLD2,
    BinnedFormat,
    read_bins,
    shares_of,
)
from distmat.protein.map_file import read_npy
from distmat.protein.score_list import ScoreList, find_scores, is_score_table

MOST_RESIDUES = 5000
"""Of a map; a distogram of so many takes three gigabytes."""

_LARGEST_ARCHIVE = 4 * 2**30
"""Bytes that an archive may unpack to."""


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
    glycine : str
        ``"Cα"`` or ``"virtual"``: what stands for glycine's Cβ in a map of Cβ atoms.
    beyond : ndarray, shape=(N, N), dtype=bool, or None
        Pairs whose distance isn't known but to be `farthest` or more: the open last bin.
    farthest : float
        Å; NaN where no bin is open.
    scores : ndarray, shape=(N, N), dtype=float, or None
        What ranks pairs as contacts without being a probability; NaN where not said.
    assumed : str
        What of it the file doesn't say and nobody could look up, in a sentence.
    """

    kind: str
    distances: PairTable | None = None
    contacts: PairTable | None = None
    atom: str = ""
    sequence: str = ""
    glycine: str = "virtual"
    beyond: PairMask | None = None
    farthest: float = float("nan")
    scores: PairTable | None = None
    assumed: str = ""

    @property
    def residues(self) -> int:
        """N."""
        tables = (self.distances, self.contacts, self.scores)
        return next((len(table) for table in tables if table is not None), 0)


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
    MapChoiceError
        If the file holds several maps, and nobody said which one to read.
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
    if is_contact_list(lines):
        scored = find_scores(lines, name, MOST_RESIDUES)
        if scored is None or (scored.values.min() >= 0 and scored.values.max() <= 1):
            return _of_list(read_contact_list(lines, name, MOST_RESIDUES))
        return _of_scores(scored)
    if lines and lines[0].startswith("i,j,"):
        return _of_pairs(lines, name)
    if (scored := find_scores(lines, name, MOST_RESIDUES)) is not None:
        return _of_scores(scored)
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
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            size = sum(member.file_size for member in packed.infolist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        raise DistanceMapError(
            f"{name} is a damaged archive; write or download it again."
        ) from None
    if size > _LARGEST_ARCHIVE:
        raise DistanceMapError(
            f"{name} unpacks to {size / 2**30:.1f} GiB; give the map that you mean alone."
        )
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    # What NumPy raises of a damaged or pickled archive is of any kind; nothing of ours runs here.
    except Exception:
        raise DistanceMapError(
            f"{name} holds no arrays of numbers that can be read without running code."
        ) from None
    maps = [key for key, value in arrays.items() if _is_map(_squeeze(value))]
    if asked is not None:
        if asked not in maps:
            raise DistanceMapError(
                f"{name} has no map called '{asked[:60]}'; it has {', '.join(maps) or 'none'}."
            )
        maps = [asked]
    # trRosetta's angles are of the same shape as its distances.
    known = [key for key in maps if key in BY_KEY]
    maps = known if len(known) == 1 else maps
    if not maps:
        raise DistanceMapError(f"{name} holds no N×N map of distances.")
    if len(maps) > 1:
        raise MapChoiceError(name, maps)
    # Boltz names its distogram as ESMFold does, and tells each token's chain beside it.
    key = "pdistogram" if maps[0] == "distogram_logits" and "asym_id" in arrays else maps[0]
    return _of_array(arrays[maps[0]], key, name)


def _is_map(array: np.ndarray) -> bool:
    return array.ndim in (2, 3) and len(array) > 1 and array.shape[0] == array.shape[1]


def _squeeze(array: np.ndarray) -> np.ndarray:
    """Without the axes of a single batch, and of a single distogram of several."""
    return np.squeeze(array) if array.ndim > 2 else array


def _of_array(array: np.ndarray, key: str, name: str) -> ForeignMap:
    given, array = array.shape, _squeeze(array)
    if not np.issubdtype(array.dtype, np.number) or np.iscomplexobj(array) or not _is_map(array):
        shape = "×".join(map(str, given))
        raise DistanceMapError(f"{name} has the shape {shape}; a map is N×N, a distogram N×N×bins.")
    if len(array) > MOST_RESIDUES:
        raise DistanceMapError(f"{name} has {len(array):,} residues; {MOST_RESIDUES:,} are read.")
    if re.search(r"\bpae\b|aligned_error", key, re.IGNORECASE):
        raise DistanceMapError(_NOT_A_DISTANCE.format(name=name))
    if array.ndim == 2:
        return _of_table(array.astype(float), name)
    return _of_distogram(array, _form(array.shape[2], key, name), name)


def _form(bins: int, key: str, name: str) -> BinnedFormat:
    form = BY_KEY.get(key)
    if form is None or (form.bins != bins and bins == ESMFOLD2.bins):
        form = BY_BINS.get(bins)
    if form is None:
        raise DistanceMapError(
            f"{name} is a distogram of {bins} bins; those of 64 (AlphaFold, ESMFold, Boltz), 128 "
            "(ESMFold2) and 37 (trRosetta) are known."
        )
    if form.bins != bins:
        raise DistanceMapError(f"{name} has {bins} bins, where {form.kind} has {form.bins}.")
    return form


def _of_distogram(array: np.ndarray, form: BinnedFormat, name: str) -> ForeignMap:
    if not np.isfinite(array).all():
        raise DistanceMapError(f"{name} has values in its distogram that are no numbers.")
    distances, contacts = read_bins(shares_of(array, form), form.edges)
    np.fill_diagonal(distances, 0.0)
    np.fill_diagonal(contacts, 1.0)
    return ForeignMap(
        form.kind,
        distances,
        contacts,
        "Cβ",
        glycine=form.glycine,
        beyond=np.isnan(distances),
        farthest=float(form.edges[-1]),
        assumed=form.assumed,
    )


_NOT_A_DISTANCE = (
    "{name} holds predicted aligned errors (pae). These aren't distances: they say how far a "
    "residue would be off if the prediction were laid on another one."
)


def _of_table(table: np.ndarray, name: str) -> ForeignMap:
    if is_score_table(table):
        np.fill_diagonal(table, np.nan)
        return ForeignMap("a table of scores, as CCMpred writes it", scores=table, atom="Cβ")
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


def _of_list(found: ContactList) -> ForeignMap:
    """Contacts, and of CASP's mode 2 distances, pair by pair."""
    n = found.residues
    i, j = found.pairs.T

    def table(values: np.ndarray, diagonal: float) -> np.ndarray:
        full = np.full((n, n), np.nan)
        full[i, j] = full[j, i] = values
        np.fill_diagonal(full, diagonal)
        return full

    contacts = table(found.probabilities, np.nan)
    distances = beyond = None
    if found.distances is not None:
        distances = table(found.distances, 0.0)
        beyond = table(np.isnan(found.distances).astype(float), 0.0) == 1.0
    return ForeignMap(
        found.kind, distances, contacts, found.atom, found.sequence, "Cα", beyond, found.farthest
    )


def _of_scores(found: ScoreList) -> ForeignMap:
    """Scores pair by pair, or the probabilities that such a list has."""
    n = int(found.pairs.max()) + 1
    table = np.full((n, n), np.nan)
    i, j = found.pairs.T
    table[i, j] = table[j, i] = found.values
    kind, letters = found.kind, mask_unknown(found.sequence)
    if found.likely:
        return ForeignMap(kind, contacts=table, atom="Cβ", sequence=letters, glycine="Cα")
    return ForeignMap(kind, scores=table, atom="Cβ", sequence=letters, glycine="Cα")


def _of_pairs(lines: list[str], name: str) -> ForeignMap:
    """The file that `distmat.protein.map_file.csv_text` writes."""
    columns = lines[0].split(",")
    try:
        rows = [dict(zip(columns, line.split(","), strict=True)) for line in lines[1:]]
        pairs = np.array([[int(row["i"]), int(row["j"])] for row in rows]) - 1
        values = np.array([float(row["distance"]) for row in rows])
        likely = np.array([float(row["contact_probability"]) for row in rows])
        named = [(row["residue_i"], row["residue_j"]) for row in rows]
    except (KeyError, ValueError):
        raise DistanceMapError(f"{name} isn't the table of pairs that distmat writes.") from None
    if not len(pairs):
        raise DistanceMapError(f"{name} is a table of pairs without a line of a pair.")
    n = int(pairs.max()) + 1
    if n > MOST_RESIDUES or pairs.min() < 0:
        raise DistanceMapError(f"{name} names residue {n}; {MOST_RESIDUES:,} are read.")
    letters = ["X"] * n
    for (i, j), (a, b) in zip(pairs, named, strict=True):
        letters[i], letters[j] = (
            mask_unknown(a[:1]) or "X",
            mask_unknown(b[:1]) or "X",
        )
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
