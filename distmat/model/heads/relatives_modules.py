"""How the pair head hears of a chain's relatives: templates' evidence and a profile.

Both begin without any effect, so that a network that knew of no relatives can go on learning
with them.
"""

import torch
from torch import nn
from torch.nn import functional as F

from distmat.model.profile_shape import PROFILE_FEATURES, PROFILE_WIDTH, PROFILE_WINDOW
from distmat.model.relatives import Relatives, weigh_evidence


class RelativesReader(nn.Module):
    """Evidence as pair states, a profile as residue states, and how far evidence is trusted.

    Parameters
    ----------
    hidden_size : int
        Width D of the residues' states.
    fine : int
        Width C of a pair's own state.
    bins : int
        Distance bins K.
    """

    def __init__(self, hidden_size: int, fine: int, bins: int) -> None:
        super().__init__()
        self.evidence = nn.Linear(bins + 1, fine, bias=False)
        self.trust = nn.Linear(fine, 1)
        window, inner, reach = PROFILE_WINDOW, PROFILE_WIDTH, PROFILE_WINDOW // 2
        self.profile = nn.Conv1d(PROFILE_FEATURES, inner, window, padding=reach)
        self.profile_out = nn.Conv1d(inner, hidden_size, window, padding=reach)
        for last in (self.evidence, self.trust, self.profile_out):
            nn.init.zeros_(last.weight)
            if last.bias is not None:
                nn.init.zeros_(last.bias)

    def residues(self, relatives: Relatives) -> torch.Tensor:
        """What profiles add to the residues' states; shape=(B, L, D)."""
        profile_BLF = relatives.profile
        if profile_BLF is None:
            return _nothing(self.profile, self.profile_out)
        known_B11 = (profile_BLF.abs().amax(dim=(1, 2), keepdim=True) > 0).float()
        h_BCL = F.gelu(self.profile(profile_BLF.transpose(1, 2)))
        return self.profile_out(h_BCL).transpose(1, 2) * known_B11

    def pairs(self, relatives: Relatives) -> torch.Tensor:
        """What evidence adds to the pairs' states; shape=(B, L, L, C)."""
        if relatives.evidence is None or relatives.witnesses is None:
            return _nothing(self.evidence)
        # What the templates would make of a flat prior: bounded, whatever their number.
        probability_BLLK = relatives.evidence.softmax(dim=-1)
        count_BLL1 = relatives.witnesses[..., None]
        told_BLLK = torch.cat([probability_BLLK * (count_BLL1 > 0), count_BLL1 / 4], dim=-1)
        return self.evidence(told_BLLK)

    def hear(
        self, logits_BLLK: torch.Tensor, z_BLLC: torch.Tensor, relatives: Relatives
    ) -> torch.Tensor:
        """Logits after the evidence, of which the pairs' states decide how much counts."""
        if relatives.evidence is None or relatives.witnesses is None:
            return logits_BLLK + _nothing(self.trust)
        trust_BLL1 = self.trust(z_BLLC).float()
        trust_BLL1 = 2 * torch.sigmoid((trust_BLL1 + trust_BLL1.transpose(1, 2)) / 2)
        return weigh_evidence(logits_BLLK, relatives.evidence, trust_BLL1)


def _nothing(*layers: nn.Module) -> torch.Tensor:
    """Zero, with a gradient of zero for each weight: processes that train together wait for it."""
    weights = (weight.sum() for layer in layers for weight in layer.parameters())
    return 0.0 * torch.stack(list(weights)).sum()
