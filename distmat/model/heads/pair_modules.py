"""The pair head: residue states in, a distogram out, or one distance for each pair.

`PairHead` looks at residues i and j, at how far apart they are in the chain and at how
long the chain is, and refines all pairs together by triangle products and dilated
convolutions. Shapes: B batch, L residues, D width of a residue's state, C width of a
pair's state, R rank of the pair products, K distance bins.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from distmat.model.encoder import EncoderOutput
from distmat.model.heads.relatives_modules import RelativesReader
from distmat.model.losses import (
    LossSettings,
    Pairs,
    contact_error,
    distogram_cross_entropy,
    lddt_error,
    log_distance_error,
    pairs_of,
)
from distmat.model.output import NetworkOutput, angstrom, hollow
from distmat.model.recomputed import RecomputedLayer
from distmat.model.relatives import Relatives
from distmat.protein.distance_map import CONTACT_CUTOFF

OPEN_BINS = (2.0, 110.0)
"""Å: where the first and the last distance bin, open in training, are taken to end."""

FIRST_EDGE, EVEN_UNTIL, LAST_EDGE = 3.0, 22.0, 90.0
"""Å: bins are 0.5 Å wide between the first two, then grow geometrically to the last."""


def bin_edges(bins: int) -> torch.Tensor:
    """Edges between distance bins in Å; the first and the last bin are open.

    Even steps of 0.5 Å up to `EVEN_UNTIL` put an edge on the contact cutoff of 8 Å.

    Returns
    -------
    Tensor, shape=(bins - 1,)
    """
    even = torch.arange(FIRST_EDGE, EVEN_UNTIL, 0.5)
    rest = bins - 1 - len(even)
    exponent = torch.linspace(0, 1, rest)
    return torch.cat([even, EVEN_UNTIL * (LAST_EDGE / EVEN_UNTIL) ** exponent])


def offset_bucket(offset: torch.Tensor) -> torch.Tensor:
    """Class of a directed offset j − i: exact up to 24, eight to an octave up to 1,024, signed.

    Returns
    -------
    Tensor of the same shape, dtype=int64, from 0 to `OFFSET_BUCKETS` − 1
    """
    apart = offset.abs()
    octaves = (torch.log2(apart.clamp(min=24).float() / 24) * 8).long()
    bucket = torch.where(apart <= 24, apart, (24 + octaves).clamp(max=_LAST_BUCKET))
    return torch.where(offset < 0, bucket + _LAST_BUCKET, bucket)


_LAST_BUCKET = 24 + int(math.log2(1024 / 24) * 8)
OFFSET_BUCKETS = 2 * _LAST_BUCKET + 1


PAIRS_AT_ONCE = 2**17
"""Pairs whose wider intermediate states a prediction holds at a time."""


def _stretches(z_BLLC: torch.Tensor) -> list[slice]:
    """Rows to work on at a time: all in training, few for a long chain's prediction."""
    length = z_BLLC.shape[1]
    rows = length if torch.is_grad_enabled() else max(1, PAIRS_AT_ONCE // z_BLLC.shape[2])
    return [slice(row, min(row + rows, length)) for row in range(0, length, rows)]


def _join(parts: list[torch.Tensor]) -> torch.Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


class TriangleProduct(nn.Module):
    """What residue k knows of i and of j tells of i and j: a gated sum over k.

    Multiplicative update of Jumper et al., Nature 596 (2021), algorithms 11 and 12, at
    rank `rank`; `outgoing` sums over edges i→k and j→k, otherwise over k→i and k→j.
    """

    def __init__(self, width: int, rank: int, outgoing: bool) -> None:
        super().__init__()
        self.outgoing = outgoing
        self.norm = nn.LayerNorm(width)
        self.edges = nn.Linear(width, 4 * rank)
        self.norm_product = nn.LayerNorm(rank)
        self.gate = nn.Linear(width, width)
        self.out = nn.Linear(rank, width)

    def forward(self, z_BLLC: torch.Tensor, mask_BLL1: torch.Tensor) -> torch.Tensor:
        stretches = _stretches(z_BLLC)
        edges_BLL2R = _join(
            [self._edges(z_BLLC[:, rows], mask_BLL1[:, rows]) for rows in stretches]
        )
        a_BRLL, b_BRLL = edges_BLL2R.permute(0, 3, 1, 2).chunk(2, dim=1)
        if self.outgoing:
            product_BRLL = a_BRLL @ b_BRLL.transpose(-1, -2)
        else:
            product_BRLL = a_BRLL.transpose(-1, -2) @ b_BRLL
        product_BLLR = product_BRLL.permute(0, 2, 3, 1)
        return _join([self._update(z_BLLC[:, rows], product_BLLR[:, rows]) for rows in stretches])

    def _edges(self, z_BSLC: torch.Tensor, mask_BSL1: torch.Tensor) -> torch.Tensor:
        value_BSL2R, gate_BSL2R = self.edges(self.norm(z_BSLC)).chunk(2, dim=-1)
        return value_BSL2R * torch.sigmoid(gate_BSL2R) * mask_BSL1

    def _update(self, z_BSLC: torch.Tensor, product_BSLR: torch.Tensor) -> torch.Tensor:
        gate_BSLC = torch.sigmoid(self.gate(self.norm(z_BSLC)))
        return self.out(self.norm_product(product_BSLR)) * gate_BSLC


class PairConvolution(nn.Module):
    """Two 3×3 convolutions over the map, the first one dilated."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        # Rows that a row of the output looks at on either side.
        self.reach = dilation + 1
        self.norm = nn.LayerNorm(width)
        self.wide = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation)
        self.near = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, z_BLLC: torch.Tensor, mask_BLL1: torch.Tensor) -> torch.Tensor:
        updates = []
        for rows in _stretches(z_BLLC):
            first = max(0, rows.start - self.reach)
            around = slice(first, rows.stop + self.reach)
            update_BSLC = self._update(z_BLLC[:, around], mask_BLL1[:, around])
            updates.append(update_BSLC[:, rows.start - first : rows.stop - first])
        return _join(updates)

    def _update(self, z_BSLC: torch.Tensor, mask_BSL1: torch.Tensor) -> torch.Tensor:
        h_BCSL = (self.norm(z_BSLC) * mask_BSL1).permute(0, 3, 1, 2)
        h_BCSL = F.gelu(self._widely(h_BCSL)) * mask_BSL1.permute(0, 3, 1, 2)
        return self.near(h_BCSL).permute(0, 2, 3, 1)

    def _widely(self, h_BCSL: torch.Tensor) -> torch.Tensor:
        if h_BCSL.device.type != "cpu" or h_BCSL.shape[1] % 16 == 0:
            return self.wide(h_BCSL)
        # There PyTorch 2.13's weight gradient of a dilated bfloat16 convolution is NaN.
        with torch.autocast("cpu", enabled=False):
            return self.wide(h_BCSL.to(self.wide.weight.dtype))


class PairBlock(RecomputedLayer):
    """A triangle product, then a convolution, each added to the pair states."""

    def __init__(
        self, width: int, rank: int, dilation: int, outgoing: bool, dropout: float
    ) -> None:
        super().__init__()
        self.triangle = TriangleProduct(width, rank, outgoing)
        self.convolution = PairConvolution(width, dilation)
        self.dropout = dropout

    def compute(self, z_BLLC: torch.Tensor, mask_BLL1: torch.Tensor) -> torch.Tensor:
        """The pairs' states, shape=(B, L, L, C), with both updates."""
        z_BLLC = z_BLLC + self._drop_rows(self.triangle(z_BLLC, mask_BLL1))
        return z_BLLC + self._drop_rows(self.convolution(z_BLLC, mask_BLL1))

    def _drop_rows(self, update_BLLC: torch.Tensor) -> torch.Tensor:
        # One draw for a whole row: neighbouring pairs would otherwise give the dropped one away.
        kept = F.dropout(torch.ones_like(update_BLLC[:, :1]), self.dropout, self.training)
        return update_BLLC * kept


class PairPatches(nn.Module):
    """Squares of neighbouring pairs as one state each, and what was learned of them given back.

    Where the chain passes, its neighbours pass, too: most of a map can be thought through at a
    coarser grain, at a quarter of the work for squares of 2 × 2 pairs.

    Parameters
    ----------
    fine : int
        Width C of a pair's state.
    width : int
        Width W of a patch's state.
    side : int
        Pairs along a patch's side.
    """

    def __init__(self, fine: int, width: int, side: int) -> None:
        super().__init__()
        self.side = side
        self.merge = nn.Linear(side**2 * fine, width)
        self.norm = nn.LayerNorm(width)
        self.split = nn.Linear(width, side**2 * fine)
        self.finish = PairConvolution(fine, 1)

    def coarsen(
        self, z_BLLC: torch.Tensor, mask_BLL1: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """States of patches, shape=(B, M, M, W), and which of them hold a pair."""
        z_BMMX = self._cut(z_BLLC * mask_BLL1)
        return self.merge(z_BMMX), self._cut(mask_BLL1).amax(dim=-1, keepdim=True)

    def refine(
        self, z_BLLC: torch.Tensor, mask_BLL1: torch.Tensor, coarse_BMMW: torch.Tensor
    ) -> torch.Tensor:
        """The pairs' states with what their patches know, shape=(B, L, L, C)."""
        batch, length, _, channels = z_BLLC.shape
        patches, side = coarse_BMMW.shape[1], self.side
        split_BMMX = self.split(self.norm(coarse_BMMW))
        split_BMMSSC = split_BMMX.view(batch, patches, patches, side, side, channels)
        whole_BLLC = split_BMMSSC.transpose(2, 3).reshape(
            batch, patches * side, patches * side, channels
        )
        z_BLLC = z_BLLC + whole_BLLC[:, :length, :length]
        return z_BLLC + self.finish(z_BLLC, mask_BLL1)

    def _cut(self, z_BLLC: torch.Tensor) -> torch.Tensor:
        batch, length, _, channels = z_BLLC.shape
        side, missing = self.side, -length % self.side
        z_BLLC = F.pad(z_BLLC, (0, 0, 0, missing, 0, missing))
        patches = z_BLLC.shape[1] // side
        z_BMSMSC = z_BLLC.view(batch, patches, side, patches, side, channels)
        return z_BMSMSC.transpose(2, 3).reshape(batch, patches, patches, side**2 * channels)


class PairHead(nn.Module):
    """Distogram logits for all pairs, symmetric by averaging.

    Parameters
    ----------
    hidden_size : int
        Width D of the encoder's states.
    width : int
        Width of the states that the pair blocks work on.
    rank : int
        Rank R of the triangle products.
    dilations : sequence of int
        One pair block for each.
    bins : int
        Distance bins K; see `bin_edges`. With one, the logit is log(1 + d), d in Å.
    dropout : float
        Of whole rows of a pair update, 0 to 1.
    patch : int
        Pairs along the side of the squares that the blocks take as one state; 1: each pair.
    fine_width : int
        Width C of a pair's own state, if there are patches; else it is `width`.
    relatives : bool
        Whether it reads templates and profiles of a chain's relatives.
    """

    def __init__(
        self,
        hidden_size: int,
        width: int = 32,
        rank: int = 16,
        dilations: tuple[int, ...] = (1, 2, 4, 1, 2),
        bins: int = 64,
        dropout: float = 0.1,
        patch: int = 1,
        fine_width: int = 32,
        relatives: bool = False,
    ) -> None:
        super().__init__()
        fine = fine_width if patch > 1 else width
        self.place = nn.Linear(4, hidden_size)
        self.norm = nn.LayerNorm(hidden_size)
        self.left, self.right = (nn.Linear(hidden_size, fine) for _ in range(2))
        self.left_factor, self.right_factor = (nn.Linear(hidden_size, 2 * fine) for _ in range(2))
        self.product = nn.Linear(2 * fine, fine, bias=False)
        self.offset = nn.Embedding(OFFSET_BUCKETS, fine)
        self.blocks = nn.ModuleList(
            PairBlock(width, rank, dilation, index % 2 == 0, dropout)
            for index, dilation in enumerate(dilations)
        )
        self.patches = PairPatches(fine, width, patch) if patch > 1 else None
        self.relatives = RelativesReader(hidden_size, fine, bins) if relatives else None
        self.norm_out = nn.LayerNorm(fine)
        self.logits = nn.Linear(fine, bins)
        if bins == 1:
            # Where an untrained head begins: log(1 + 20 Å), about the mean of all pairs.
            nn.init.constant_(self.logits.bias, 3.0)

    @property
    def edges(self) -> torch.Tensor:
        """Edges between the distance bins in Å; shape=(K − 1,)."""
        return bin_edges(self.logits.out_features).to(self.logits.weight.device)

    @property
    def last_layer(self) -> nn.Linear:
        """Whose outputs are the answer."""
        return self.logits

    def forward(
        self,
        encoded: EncoderOutput,
        position_BL: torch.Tensor,
        chain_length_B: torch.Tensor,
        relatives: Relatives | None = None,
    ) -> torch.Tensor:
        """Distogram logits.

        Parameters
        ----------
        encoded : EncoderOutput
        position_BL : Tensor, shape=(B, L), dtype=int64
            Index of each residue in its whole chain; a crop doesn't start at 0.
        chain_length_B : Tensor, shape=(B,), dtype=int64
            Residues in the whole chain.
        relatives : Relatives, optional
            For a head that reads them.

        Returns
        -------
        Tensor, shape=(B, L, L, K)
        """
        reader, known = self.relatives, relatives or Relatives()
        states_BLD, mask_BL = encoded.states, encoded.mask
        mask_BLL1 = (mask_BL[:, :, None] & mask_BL[:, None, :])[..., None].to(states_BLD.dtype)
        if reader is not None:
            states_BLD = states_BLD + reader.residues(known)
        z_BLLC = self._pairs(states_BLD, position_BL, chain_length_B)
        if reader is not None:
            z_BLLC = z_BLLC + reader.pairs(known)
        z_BLLC = self.norm_out(self._refine(z_BLLC, mask_BLL1))
        logits_BLLK = self.logits(z_BLLC)
        logits_BLLK = (logits_BLLK + logits_BLLK.transpose(1, 2)) / 2
        return logits_BLLK if reader is None else reader.hear(logits_BLLK, z_BLLC, known)

    def output(
        self,
        logits_BLLK: torch.Tensor,
        ca_BL3: torch.Tensor | None,
        loss: str,
        settings: LossSettings,
    ) -> NetworkOutput:
        """A distogram, or distances; with the truth at hand how wrong they are."""
        pairs = None if ca_BL3 is None else pairs_of(ca_BL3, settings.band_weights)
        if loss == "distogram":
            wrong = None if pairs is None else self._distogram_loss(logits_BLLK, pairs, settings)
            return NetworkOutput(loss=wrong, logits=logits_BLLK)
        log_BLL = logits_BLLK[..., 0]
        wrong = None
        if pairs is not None:
            delta = settings.huber_delta if loss == "log_huber" else None
            wrong = log_distance_error(log_BLL, pairs, "none", delta)
            wrong = wrong + _lddt_loss(angstrom(pairs.of(log_BLL)), pairs, settings)
        return NetworkOutput(loss=wrong, distances=hollow(angstrom(log_BLL)))

    def _distogram_loss(
        self, logits_BLLK: torch.Tensor, pairs: Pairs, settings: LossSettings
    ) -> torch.Tensor:
        edges = self.edges
        loss = distogram_cross_entropy(logits_BLLK, pairs, edges)
        if not settings.lddt_weight and not settings.contact_weight:
            return loss
        probability_BPK = pairs.of(logits_BLLK).float().softmax(dim=-1)
        low, high = OPEN_BINS
        bounds = torch.cat([edges.new_tensor([low]), edges, edges.new_tensor([high])])
        centres = (bounds[1:] + bounds[:-1]) / 2
        distances_BP = (probability_BPK * centres).sum(dim=-1)
        below = int((edges <= CONTACT_CUTOFF).sum())
        if settings.contact_weight:
            contact_BP = probability_BPK[..., :below].sum(dim=-1)
            loss = loss + settings.contact_weight * contact_error(contact_BP, pairs)
        return loss + _lddt_loss(distances_BP, pairs, settings)

    def _refine(self, z_BLLC: torch.Tensor, mask_BLL1: torch.Tensor) -> torch.Tensor:
        seen, mask = z_BLLC, mask_BLL1
        if self.patches is not None:
            seen, mask = self.patches.coarsen(z_BLLC, mask_BLL1)
        for block in self.blocks:
            seen = block(seen, mask)
        return seen if self.patches is None else self.patches.refine(z_BLLC, mask_BLL1, seen)

    def _pairs(
        self, states_BLD: torch.Tensor, position_BL: torch.Tensor, chain_length_B: torch.Tensor
    ) -> torch.Tensor:
        before_BL = position_BL.float()
        length_BL = chain_length_B[:, None].float().expand_as(before_BL)
        after_BL = (length_BL - 1 - before_BL).clamp(min=0)
        place_BL4 = torch.stack(
            [
                torch.log(length_BL / 128),
                before_BL / length_BL - 0.5,
                torch.log1p(before_BL) / 4,
                torch.log1p(after_BL) / 4,
            ],
            dim=-1,
        )
        h_BLD = self.norm(states_BLD + self.place(place_BL4.to(states_BLD.dtype)))
        factor_BLL2C = self.left_factor(h_BLD)[:, :, None] * self.right_factor(h_BLD)[:, None, :]
        offset_BLL = offset_bucket(position_BL[:, None, :] - position_BL[:, :, None])
        return (
            self.left(h_BLD)[:, :, None]
            + self.right(h_BLD)[:, None, :]
            + self.product(factor_BLL2C)
            + self.offset(offset_BLL)
        )


def _lddt_loss(
    distances_BP: torch.Tensor, pairs: Pairs, settings: LossSettings
) -> torch.Tensor | float:
    weight = settings.lddt_weight
    return weight * lddt_error(distances_BP, pairs) if weight else 0.0
