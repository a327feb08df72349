"""What training minimises. Shapes: B batch, L residues, K distance bins."""

import torch
from torch.nn import functional as F


def distogram_cross_entropy(
    logits_BLLK: torch.Tensor, ca_BL3: torch.Tensor, edges: torch.Tensor
) -> torch.Tensor:
    """Mean cross-entropy, in nats, of the bin that holds the true distance.

    Counted over observed pairs i < j: the diagonal tells nothing, and neither does a
    residue that nobody saw.

    Parameters
    ----------
    logits_BLLK : Tensor, shape=(B, L, L, K)
        Symmetric in the residues.
    ca_BL3 : Tensor, shape=(B, L, 3)
        Å; NaN where not observed and on padding.
    edges : Tensor, shape=(K − 1,)
        Å.
    """
    length = ca_BL3.shape[1]
    i, j = torch.triu_indices(length, length, offset=1, device=ca_BL3.device)
    distance_BP = (ca_BL3[:, i] - ca_BL3[:, j]).square().sum(dim=-1).sqrt()
    observed_BP = torch.isfinite(distance_BP)
    target = torch.bucketize(distance_BP[observed_BP], edges)
    return F.cross_entropy(logits_BLLK[:, i, j][observed_BP].float(), target)
