"""How much of a chain is helix and strand, from its Cα atoms alone."""

import warnings

import numpy as np

from distmat.protein.chain import Chain


def structure_content(chain: Chain) -> tuple[float, float]:
    """Shares of the observed residues that are in helices and in strands.

    By P-SEA (Labesse et al., 1997), which needs no more than Cα atoms; biotite does it.

    Parameters
    ----------
    chain : Chain

    Returns
    -------
    helix, strand : float
        0 to 1 each.
    """
    import biotite.structure as struc

    place = np.flatnonzero(chain.observed)
    # P-SEA looks at five residues at a time.
    if len(place) < 6:
        return 0.0, 0.0
    atoms = struc.AtomArray(len(place))
    atoms.coord = np.asarray(chain.ca, dtype=np.float32)[place]
    atoms.atom_name[:] = "CA"
    atoms.res_name[:] = "ALA"
    atoms.element[:] = "C"
    atoms.chain_id[:] = "A"
    atoms.res_id = place + 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kinds = struc.annotate_sse(atoms)
    return float((kinds == "a").mean()), float((kinds == "b").mean())
