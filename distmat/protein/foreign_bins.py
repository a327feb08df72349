"""Distograms that others have written: where their bins lie, and what they say of distances.

Where each format's bins lie is taken from the code that makes it, and a format says so itself where
that code leaves it open:

- AlphaFold 2 and 3: ``first_break`` 2.3125 and ``last_break`` 21.6875 Å of 64 bins, in
  ``alphafold/model/config.py`` and ``alphafold3/model/network/distogram_head.py``: 62 bins between
  them, and an open one at each end. Glycine counts by its Cα (``pseudo_beta_fn``).
- ESMFold: ``distogram_bins`` 64 in ``esmfold/v1/esmfold.py`` and in transformers'
  ``models/esm/modeling_esmfold.py``; neither says where they lie. ColabFold's notebook for it reads
  ``distogram_logits`` with AlphaFold's ``linspace(2.3125, 21.6875, 63)``, so that is assumed.
- ESMFold2: ``num_distogram_bins`` 128 in transformers' ``models/esmfold2``, whose code doesn't say
  where they lie either. Its confidence head bins distances by ``linspace(2, 52, 127)``, so that is
  assumed. With 64 bins its file looks like ESMFold's.
- Boltz 1 and 2: ``min_dist`` 2.0, ``max_dist`` 22.0, ``num_bins`` 64 and ``linspace(min_dist,
  max_dist, num_bins - 1)``, in ``boltz/data/feature/featurizer.py`` and ``featurizerv2.py``. Its
  ``pdistogram`` has an axis for several distograms. Glycine counts by its Cα (``const.py``).
- trRosetta and trRosetta2: ``dist`` of 37 bins, whose first is "20 Å or more" and the others 0.5 Å
  wide from 2 Å on (Yang et al., 2020). Cβ atoms are placed by N, Cα and C, of glycine, too.
- CASP's RR, mode 2: ten bins, up to 4 Å, each 2 Å wide, and more than 20 Å; glycine's Cα.
"""

from dataclasses import dataclass

import numpy as np

from distmat.protein.distogram import median_distances

ALPHAFOLD_EDGES = np.linspace(2.3125, 21.6875, 63)
BOLTZ_EDGES = np.linspace(2.0, 22.0, 63)
ESMFOLD2_EDGES = np.linspace(2.0, 52.0, 127)
TRROSETTA_EDGES = np.arange(2.5, 20.5, 0.5)
CASP_EDGES = np.arange(4.0, 21.0, 2.0)

_NEAREST = 2.0
"""Å; where the open first bin begins."""


@dataclass(frozen=True)
class BinnedFormat:
    """A kind of distogram between Cβ atoms.

    Parameters
    ----------
    kind : str
        What it is, for a person.
    edges : ndarray, shape=(K - 1,), dtype=float
        Å: where the bins end, but the last one, which is open.
    glycine : str
        ``"Cα"`` or ``"virtual"``: what stands for the Cβ that glycine doesn't have.
    open_first : bool
        Whether the open bin of what is far stands first in the file.
    assumed : str
        Why the edges may be others, in a sentence; empty where the format's code has them.
    """

    kind: str
    edges: np.ndarray
    glycine: str = "Cα"
    open_first: bool = False
    assumed: str = ""

    @property
    def bins(self) -> int:
        """K."""
        return len(self.edges) + 1


TRROSETTA = BinnedFormat("trRosetta's distogram", TRROSETTA_EDGES, "virtual", open_first=True)
BOLTZ = BinnedFormat("Boltz's distogram", BOLTZ_EDGES)
ESMFOLD = BinnedFormat(
    "ESMFold's distogram",
    ALPHAFOLD_EDGES,
    assumed="Where its bins lie is assumed: neither the file nor ESMFold's code says it. Taken are "
    "AlphaFold's 2.3 to 21.7 Å, as ColabFold reads it; others that name 64 bins so may mean 2 to "
    "22 Å, which moves distances by 0.3 Å at most.",
)
ESMFOLD2 = BinnedFormat(
    "ESMFold2's distogram",
    ESMFOLD2_EDGES,
    assumed="Where its bins lie is assumed: neither the file nor ESMFold2's code says it. Taken "
    "are 2 to 52 Å, as its confidence head bins distances; compare with its structure before "
    "you rely on it.",
)

BY_KEY = {
    "dist": TRROSETTA,
    "distogram": BinnedFormat("AlphaFold's distogram", ALPHAFOLD_EDGES),
    "distogram_logits": ESMFOLD,
    "pdistogram": BOLTZ,
}
"""By the name of the array in its file."""

BY_BINS = {
    64: BinnedFormat(
        "a distogram",
        ALPHAFOLD_EDGES,
        assumed="Where its bins lie is assumed: of 64 without a name AlphaFold's 2.3 to 21.7 Å are "
        "taken. Boltz's are 2 to 22 Å; name the array pdistogram for these.",
    ),
    128: ESMFOLD2,
    37: TRROSETTA,
}
"""Of an array without a name: what its number of bins says."""


def shares_of(array: np.ndarray, form: BinnedFormat) -> np.ndarray:
    """Probabilities, also of logits, symmetric in the pair, the open last bin at the end.

    Parameters
    ----------
    array : ndarray, shape=(N, N, K)
    form : BinnedFormat
    """
    values: np.ndarray = array.astype(np.float32)
    if values.min() < -1e-3 or not np.allclose(values.sum(axis=2), 1.0, atol=2e-2):
        values = np.exp(values - values.max(axis=2, keepdims=True))
    values = (values + values.transpose(1, 0, 2)) / 2
    values /= values.sum(axis=2, keepdims=True)
    return np.roll(values, -1, axis=2) if form.open_first else values


def read_bins(share: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median distances, and the probability of less than 8 Å.

    Parameters
    ----------
    share : ndarray, shape=(..., K)
        Probabilities of each pair; the last bin is open.
    edges : ndarray, shape=(K - 1,)
        Å: where the bins end, but the last one.

    Returns
    -------
    distances, contacts : ndarray, shape=(...), dtype=float
        Å, NaN where the median lies in the open bin: the distance is only known to be long.
    """
    below = np.cumsum(share, axis=-1)[..., :-1]
    distances = median_distances(share, np.concatenate([[_NEAREST], edges, edges[-1:]]))
    distances[(below < 0.5).all(axis=-1)] = np.nan
    at = int(np.searchsorted(edges, 8.0))
    low = edges[at - 1]
    weight = (8.0 - low) / (edges[at] - low)
    contacts = below[..., at - 1] + weight * (below[..., at] - below[..., at - 1])
    return distances, contacts.astype(float)
