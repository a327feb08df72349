"""The built-in encoder: a small transformer made from its config alone, without a download.

Shapes: B batch, L residues, D width, H attention heads, K width of one head.
"""

import torch
from torch import nn
from torch.nn import functional as F
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import BaseModelOutput

from distmat.model.tokens import PAD, VOCABULARY


class MiniConfig(PreTrainedConfig):
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

    model_type = "distmat-mini"

    def __init__(
        self,
        hidden_size: int = 128,
        num_hidden_layers: int = 4,
        num_attention_heads: int = 4,
        intermediate_size: int = 384,
        kernel_size: int = 7,
        max_relative_position: int = 64,
        dropout: float = 0.1,
        vocab_size: int = len(VOCABULARY),
        pad_token_id: int = PAD,
        **kwargs,
    ) -> None:
        self.hidden_size = hidden_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.intermediate_size = intermediate_size
        self.kernel_size = kernel_size
        self.max_relative_position = max_relative_position
        self.dropout = dropout
        self.vocab_size = vocab_size
        super().__init__(**kwargs)
        self.pad_token_id = pad_token_id


class MiniLayer(GradientCheckpointingLayer):
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

    def forward(self, x_BLD: torch.Tensor, mask_BL: torch.Tensor) -> torch.Tensor:
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


class MiniEncoder(PreTrainedModel):
    """A small bidirectional transformer over residues, with relative positions only."""

    config_class = MiniConfig
    base_model_prefix = "encoder"
    supports_gradient_checkpointing = True

    def __init__(self, config: MiniConfig) -> None:
        super().__init__(config)
        self.embedding = nn.Embedding(config.vocab_size, config.hidden_size, config.pad_token_id)
        self.layers = nn.ModuleList(MiniLayer(config) for _ in range(config.num_hidden_layers))
        self.norm = nn.LayerNorm(config.hidden_size)
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        """The embedding of tokens, for peft."""
        return self.embedding

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> BaseModelOutput:
        """States of all residues.

        Parameters
        ----------
        input_ids, attention_mask : Tensor, shape=(B, L), dtype=int64
            The mask is 0 on padding.

        Returns
        -------
        BaseModelOutput
            `last_hidden_state`, shape=(B, L, D).
        """
        mask_BL = attention_mask.bool()
        x_BLD = self.embedding(input_ids)
        for layer in self.layers:
            x_BLD = layer(x_BLD, mask_BL)
        return BaseModelOutput(last_hidden_state=self.norm(x_BLD))


AutoConfig.register(MiniConfig.model_type, MiniConfig)
AutoModel.register(MiniConfig, MiniEncoder)
