"""Distance maps as files: NPY, CSV and CASP's contact format."""

import io

import numpy as np

from distmat.errors import DistanceMapError
from distmat.protein.arrays import PairTable
from distmat.protein.distance_map import CONTACT_CUTOFF, DistanceMap


def npy_bytes(distances: np.ndarray) -> bytes:
    """A map as NumPy's own file format, float32, Å."""
    buffer = io.BytesIO()
    np.save(buffer, distances.astype(np.float32), allow_pickle=False)
    return buffer.getvalue()


def read_npy(data: bytes, name: str) -> np.ndarray:
    """A map from NumPy's file format; pickled objects in it are never opened.

    Raises
    ------
    DistanceMapError
        If these bytes are no array of numbers.
    """
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    # What NumPy's reader raises of a damaged header is of any kind; nothing of ours is run here.
    except Exception:
        raise DistanceMapError(
            f"{name} holds no NumPy array of numbers; write the map with numpy.save."
        ) from None
    if not isinstance(array, np.ndarray):
        raise DistanceMapError(f"{name} holds several arrays; save the distances alone as .npy.")
    return array


def pair_columns(predicted: DistanceMap, true: PairTable | None = None) -> dict[str, np.ndarray]:
    """What is known of each pair i < j, column by column; residues count from 1, lengths in Å.

    Parameters
    ----------
    predicted : DistanceMap
    true : ndarray, shape=(N, N), dtype=float, optional
        Å; NaN where not observed.
    """
    i, j = np.triu_indices(len(predicted), 1)
    letters = np.array(list(predicted.sequence))
    columns = {
        "i": i + 1,
        "j": j + 1,
        "residue_i": letters[i],
        "residue_j": letters[j],
        "distance": np.round(predicted.distances[i, j], 3),
        "std": np.round(predicted.std[i, j], 3),
        "contact_probability": np.round(predicted.contacts[i, j], 4),
    }
    if true is not None:
        columns["true_distance"] = np.round(true[i, j], 3)
        columns["error"] = np.round(predicted.distances[i, j] - true[i, j], 3)
    return columns


def csv_text(predicted: DistanceMap, true: np.ndarray | None = None) -> str:
    """One line for each pair, with the columns of `pair_columns`; nothing where not observed."""
    columns = pair_columns(predicted, true)
    texts = [map(str, values.tolist()) for values in columns.values()]
    # Column by column: a chain of 150 residues has 80,000 cells.
    cells = [("" if text == "nan" else text for text in column) for column in texts]
    lines = [",".join(columns), *map(",".join, zip(*cells, strict=True))]
    return "\n".join(lines) + "\n"


def contacts_text(predicted: DistanceMap) -> str:
    """Contacts in CASP's RR format (i, j, 0, cutoff, probability), likeliest first.

    The cutoff holds for Cα atoms here, where CASP's is for Cβ; pairs with |i − j| < 6 and
    with a probability below 0.01 are left out.
    """
    i, j = np.triu_indices(len(predicted), 6)
    probability = predicted.contacts[i, j]
    order = np.argsort(-probability, kind="stable")
    order = order[probability[order] >= 0.01]
    lines = ["PFRMAT RR", "REMARK  contacts of C-alpha atoms", "MODEL 1"]
    lines += [predicted.sequence[at : at + 50] for at in range(0, len(predicted), 50)]
    lines += [f"{i[k] + 1} {j[k] + 1} 0 {CONTACT_CUTOFF:g} {probability[k]:.5f}" for k in order]
    return "\n".join([*lines, "END"]) + "\n"
