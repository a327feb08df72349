"""The map as a table of pairs, and as arrays."""

import io
from typing import Any

import numpy as np

from distmat import __version__
from distmat.export.source import Source
from distmat.protein.map_file import csv_text, pair_columns


def true_distances(source: Source) -> np.ndarray | None:
    """The structure's distances, where one is known; shape=(N, N), Å."""
    comparison = source.prediction.comparison
    return None if comparison is None else comparison.truth.distances


def pairs_csv(source: Source) -> str:
    """The table of pairs as CSV."""
    return csv_text(source.prediction.map, true_distances(source))


def pairs_parquet(source: Source) -> bytes:
    """The table of pairs as Parquet, with checkpoint and version in its metadata."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(pair_columns(source.prediction.map, true_distances(source)))
    said = {"distmat": __version__, "checkpoint": source.checkpoint, "unit": "angstrom"}
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(said), buffer, compression="zstd")
    return buffer.getvalue()


def map_npz(source: Source) -> bytes:
    """The map as NumPy's archive: distances, deviations, contacts, trace, and the distogram.

    ``distogram`` has the probability of each bin, ``distogram_bounds`` the ends of the bins in Å,
    ``median`` and ``mean`` what it says of each pair by itself, where ``distances`` are also such
    that points can have; all four are missing from a checkpoint whose head gives distances alone.
    """
    one = source.prediction
    arrays: dict[str, Any] = {
        "distances": one.map.distances.astype(np.float32),
        "std": one.map.std.astype(np.float32),
        "contacts": one.map.contacts.astype(np.float32),
        "coords": one.backbone.coords.astype(np.float32),
        "sequence": np.array(one.map.sequence),
    }
    if one.comparison is not None:
        arrays["true_coords"] = one.comparison.truth.ca.astype(np.float32)
    distogram = source.distogram()
    if distogram is not None:
        arrays["distogram"] = distogram.probabilities.astype(np.float16)
        arrays["distogram_bounds"] = distogram.bounds.astype(np.float32)
        arrays["median"] = distogram.medians.astype(np.float32)
        arrays["mean"] = distogram.means.astype(np.float32)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()
