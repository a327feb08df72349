"""The built-in encoder: a small transformer made from its config alone, without a download.

Shapes: B batch, L residues, D width, H attention heads, K width of one head.
"""

from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional as F

from distmat.model.recomputed import RecomputedLayer
from distmat.model.tokens import PAD, VOCABULARY


@dataclass
class MiniConfig:
    """Shape of a `MiniEncoder`.

    Parameters
    ----------
    hidden_size : int
        Width D of a residue's state.
    num_hidden_layers, num_attention_heads, intermediate_size : int
        As in any transformer.
    kernel_size : int
        Residues that the depthwise convolution of each layer sees.
    max_relative_position : int
        Offsets j − i beyond ± this share one attention bias.
    dropout : float
        On every sublayer's output, 0 to 1.
    """

    model_type: ClassVar[str] = "distmat-mini"

    hidden_size: int = 128
    num_hidden_layers: int = 4
    num_attention_heads: int = 4
    intermediate_size: int = 384
    kernel_size: int = 7
    max_relative_position: int = 64
    dropout: float = 0.1
    vocab_size: int = len(VOCABULARY)
    pad_token_id: int = PAD

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "MiniConfig":
        """From what `to_dict` gave; entries of other programs are passed over."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in content.items() if name in known})

    def to_dict(self) -> dict[str, Any]:
        """For a network's config, and for peft."""
        return {"model_type": self.model_type, **asdict(self)}


@dataclass(frozen=True)
class MiniOutput:
    """What a `MiniEncoder` returns, called as transformers' models call it.

    Parameters
    ----------
    last_hidden_state : Tensor, shape=(B, L, D)
    """

    last_hidden_state: torch.Tensor


class MiniLayer(RecomputedLayer):
    """Depthwise convolution, attention with a bias per offset, feed-forward, all pre-norm."""

    def __init__(self, config: MiniConfig) -> None:
        super().__init__()
        d = config.hidden_size
        self.heads = config.num_attention_heads
        self.reach = config.max_relative_position
        self.norm_conv, self.norm_attention, self.norm_ffn = (nn.LayerNorm(d) for _ in range(3))
        self.conv = nn.Conv1d(d, d, config.kernel_size, padding=config.kernel_size // 2, groups=d)
        self.qkv = nn.Linear(d, 3 * d)
        self.offset_bias = nn.Embedding(2 * self.reach + 1, self.heads)
        self.out = nn.Linear(d, d)
        self.up = nn.Linear(d, config.intermediate_size)
        self.down = nn.Linear(config.intermediate_size, d)
        self.dropout = nn.Dropout(config.dropout)

    def compute(self, x_BLD: torch.Tensor, mask_BL: torch.Tensor) -> torch.Tensor:
        """The residues' states, shape=(B, L, D), after this layer."""
        # The convolution must not see what padding's states happen to hold.
        h_BLD = self.norm_conv(x_BLD) * mask_BL[..., None]
        x_BLD = x_BLD + self.dropout(F.gelu(self.conv(h_BLD.transpose(1, 2)).transpose(1, 2)))
        x_BLD = x_BLD + self.dropout(self.out(self._attend(self.norm_attention(x_BLD), mask_BL)))
        return x_BLD + self.dropout(self.down(F.gelu(self.up(self.norm_ffn(x_BLD)))))

    def _attend(self, h_BLD: torch.Tensor, mask_BL: torch.Tensor) -> torch.Tensor:
        b, length, d = h_BLD.shape
        qkv_3BHLK = self.qkv(h_BLD).view(b, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        query_BHLK, key_BHLK, value_BHLK = qkv_3BHLK
        index = torch.arange(length, device=h_BLD.device)
        offset_LL = (index[None, :] - index[:, None]).clamp(-self.reach, self.reach) + self.reach
        bias_HLL = self.offset_bias(offset_LL).permute(2, 0, 1)
        hidden_BL = torch.zeros_like(mask_BL, dtype=bias_HLL.dtype).masked_fill(~mask_BL, -1e4)
        mixed_BHLK = F.scaled_dot_product_attention(
            query_BHLK,
            key_BHLK,
            value_BHLK,
            attn_mask=bias_HLL[None] + hidden_BL[:, None, None, :],
        )
        return mixed_BHLK.transpose(1, 2).reshape(b, length, d)


class MiniEncoder(nn.Module):
    """A small bidirectional transformer over residues, with relative positions only."""

    # Asked by peft, which would let the tokens' states learn otherwise.
    is_gradient_checkpointing = False

    def __init__(self, config: MiniConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.hidden_size, config.pad_token_id)
        self.layers = nn.ModuleList(MiniLayer(config) for _ in range(config.num_hidden_layers))
        self.norm = nn.LayerNorm(config.hidden_size)
        self.apply(_draw_weights)

    def get_input_embeddings(self) -> nn.Module:
        """The embedding of tokens, for peft."""
        return self.embedding

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> MiniOutput:
        """States of all residues.

        Parameters
        ----------
        input_ids, attention_mask : Tensor, shape=(B, L), dtype=int64
            The mask is 0 on padding.

        Returns
        -------
        MiniOutput
        """
        mask_BL = attention_mask.bool()
        x_BLD = self.embedding(input_ids)
        for layer in self.layers:
            x_BLD = layer(x_BLD, mask_BL)
        return MiniOutput(self.norm(x_BLD))


@torch.no_grad()
def _draw_weights(module: nn.Module) -> None:
    """Small normal numbers, as BERT began with (Devlin et al., arXiv:1810.04805)."""
    if isinstance(module, (nn.Linear, nn.Conv1d, nn.Embedding)):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, (nn.Linear, nn.Conv1d)) and module.bias is not None:
        nn.init.zeros_(module.bias)
    if isinstance(module, nn.Embedding) and module.padding_idx is not None:
        module.weight[module.padding_idx] = 0.0
