"""Encoder and head as one network that transformers can train, save and load."""

from typing import Any, ClassVar, Protocol, runtime_checkable

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel

from distmat.errors import ConfigError
from distmat.model.encoder import (
    EncoderOutput,
    attend_both_ways,
    encoder_of_shape,
    is_causal,
    run_encoder,
)
from distmat.model.encoders import kind_of
from distmat.model.encoders.mini_modules import MiniConfig
from distmat.model.heads import HEADS
from distmat.model.losses import LossSettings
from distmat.model.output import NetworkOutput
from distmat.model.tokens import ResidueTokenizer


@runtime_checkable
class StartsAsIdentity(Protocol):
    """A block that hands its input on unchanged before it is trained."""

    def zero_init_residual(self) -> None:
        """Make its updates zero."""


class DistanceNetworkConfig(PreTrainedConfig):
    """Shape of a `DistanceNetwork`, and where its encoder's weights come from.

    Parameters
    ----------
    encoder : PreTrainedConfig or dict
        Config of the encoder, with its `model_type`; None until `build_network` looks it up.
    encoder_name : str
        ``"mini"``, a hub name, a local folder, or ``"checkpoint:NAME"``.
    bidirectional : bool
        Let a causal encoder's residues see what follows them; others always do.
    head_kind : str
        One of `HEADS`.
    head : dict
        Arguments of the head, but for the encoder's width.
    loss : str
        One of the head's; empty for its own.
    loss_settings : dict
        Fields of `LossSettings`.
    max_trained_length : int
        Residues of the longest stretch the network was trained on; 0 before training.
    distogram_temperature : float
        What the logits are divided by before distances are read, fitted on validation chains;
        the network itself doesn't use it.
    std_factors : dict of str to float
        What the distogram's standard deviations are multiplied by in each of `BANDS`, fitted on
        validation chains; empty: nothing.
    mode : str
        ``"full"``, ``"lora"`` or ``"frozen"``: what of the encoder is trained and saved.
    lora : dict
        Fields of `LoraSettings`, in that mode.
    pretrained : bool
        Whether the encoder began with the weights that `encoder_name` names; else with random
        ones, which `encoder_seed` decides.
    encoder_seed : int
    tokens : dict
        Token ids of the residues, as `ResidueTokenizer.as_dict` gives them.
    base_fingerprint : str
        Digest of the encoder's own weights, where they aren't saved.
    """

    model_type = "distmat"
    sub_configs: ClassVar[dict] = {"encoder": AutoConfig}

    def __init__(
        self,
        encoder: PreTrainedConfig | dict | None = None,
        head: dict | None = None,
        max_trained_length: int = 0,
        distogram_temperature: float = 1.0,
        std_factors: dict | None = None,
        encoder_name: str = "mini",
        bidirectional: bool = False,
        head_kind: str = "pair",
        loss: str = "",
        loss_settings: dict | None = None,
        mode: str = "full",
        lora: dict | None = None,
        pretrained: bool = False,
        encoder_seed: int = 0,
        tokens: dict | None = None,
        base_fingerprint: str = "",
        **kwargs,
    ) -> None:
        if isinstance(encoder, dict):
            # An encoder of another package is known to transformers once that is imported.
            kind_of(encoder.get("model_type", ""))
            encoder = AutoConfig.for_model(**encoder)
        if encoder is None and encoder_name == "mini":
            encoder = MiniConfig()
        self.encoder: Any = encoder
        self.encoder_name = encoder_name
        self.bidirectional = bidirectional
        self.head_kind = head_kind
        self.head = dict(head or {})
        self.loss = loss or (HEADS.get(head_kind).losses[0] if head_kind in HEADS else "")
        self.loss_settings = dict(loss_settings or {})
        self.max_trained_length = max_trained_length
        self.distogram_temperature = distogram_temperature
        self.std_factors = dict(std_factors or {})
        self.mode = mode
        self.lora = dict(lora) if lora else None
        self.pretrained = pretrained
        self.encoder_seed = encoder_seed
        self.tokens = dict(tokens) if tokens else None
        self.base_fingerprint = base_fingerprint
        super().__init__(**kwargs)

    def check(self) -> None:
        """Refuse a head or a loss that there isn't.

        Raises
        ------
        ConfigError
        """
        losses = HEADS.get(self.head_kind).losses
        if self.loss not in losses:
            raise ConfigError(
                f"loss is '{self.loss}', which the head '{self.head_kind}' has not; it must be "
                f"one of {', '.join(losses)}."
            )
        LossSettings.from_dict(self.loss_settings)


class DistanceNetwork(PreTrainedModel):
    """Residues in, a distogram, distances or coordinates out.

    Parameters
    ----------
    config : DistanceNetworkConfig
    encoder : Module, optional
        With its weights; without it, one of random weights is made.
    """

    config_class = DistanceNetworkConfig
    base_model_prefix = "network"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_flash_attn = True
    config: DistanceNetworkConfig
    encoder: Any
    head: Any

    def __init__(self, config: DistanceNetworkConfig, encoder: nn.Module | None = None) -> None:
        config.check()
        super().__init__(config)
        self.encoder = encoder_of_shape(config.encoder) if encoder is None else encoder
        # What an encoder brought along must not be drawn anew.
        for module in () if encoder is None else encoder.modules():
            module._is_hf_initialized = True  # type: ignore[assignment]
        if config.bidirectional and is_causal(config.encoder):
            attend_both_ways(self.encoder)
        self.kind = HEADS.get(config.head_kind)
        self.head = _new_head(config)
        self.tokens: ResidueTokenizer = (
            ResidueTokenizer.from_dict(config.tokens)
            if config.tokens
            else kind_of(config.encoder.model_type).tokens(config.encoder)
        )
        self.loss_settings = LossSettings.from_dict(config.loss_settings)
        self.post_init()

    @property
    def gives_distogram(self) -> bool:
        """Whether its output has logits; else it has distances."""
        return self.kind.gives_distogram(self.config.loss)

    @property
    def edges(self) -> torch.Tensor:
        """Edges between the distance bins in Å; shape=(K − 1,)."""
        return self.head.edges

    @property
    def longest(self) -> int | None:
        """Residues of the longest chain that the head can answer for; None: of any length."""
        return getattr(self.head, "max_length", None)

    def get_input_embeddings(self) -> nn.Module:
        """The encoder's embedding of tokens."""
        return self.encoder.get_input_embeddings()

    def train(self, mode: bool = True) -> "DistanceNetwork":
        """Switch dropout on or off; a frozen encoder never has any."""
        super().train(mode)
        if self.config.mode == "frozen":
            self.encoder.eval()
        return self

    def _init_weights(self, module: nn.Module) -> None:
        # PyTorch's own initialisation otherwise, which the pair blocks were tried with.
        if isinstance(module, StartsAsIdentity):
            module.zero_init_residual()

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        position: torch.Tensor,
        chain_length: torch.Tensor,
        ca: torch.Tensor | None = None,
    ) -> NetworkOutput:
        """Predict, and with the truth at hand say how wrong.

        Parameters
        ----------
        input_ids, attention_mask : Tensor, shape=(B, L), dtype=int64
            Tokens, one for each residue, padded on the right; 0 on padding.
        position : Tensor, shape=(B, L), dtype=int64
            Index of each residue in its whole chain.
        chain_length : Tensor, shape=(B,), dtype=int64
            Residues in the whole chain.
        ca : Tensor, shape=(B, L, 3), optional
            True Cα coordinates in Å, NaN where not observed and on padding.
        """
        mask_BL = attention_mask.bool()
        residues_BL = None
        if self.kind.reads_placeholders:
            # Only a published checkpoint's byte pairs are fewer than the residues.
            joined = input_ids.shape != position.shape
            residues_BL = torch.ones_like(position).bool() if joined else mask_BL
        encoded = self._encode(input_ids, mask_BL, residues_BL)
        answer = self.head(encoded, position, chain_length)
        output: NetworkOutput = self.head.output(answer, ca, self.config.loss, self.loss_settings)
        return output

    def _encode(
        self, input_ids: torch.Tensor, mask_BL: torch.Tensor, residues_BL: torch.Tensor | None
    ) -> EncoderOutput:
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.config.mode != "frozen"):
            encoded = run_encoder(self.encoder, self.tokens, input_ids, mask_BL, residues_BL)
        # A base held in bfloat16 under a head in float32.
        kind = next((weight.dtype for weight in self.head.parameters()), torch.float32)
        return encoded.to(kind)


def _new_head(config: DistanceNetworkConfig) -> nn.Module:
    kind, width = HEADS.get(config.head_kind), config.encoder.hidden_size
    try:
        made: nn.Module = kind.build(width, config.loss, **config.head)
    except TypeError as error:
        raise ConfigError(
            f"The head '{config.head_kind}' can't be made of {config.head} ({error})."
        ) from None
    return made


AutoConfig.register(DistanceNetworkConfig.model_type, DistanceNetworkConfig)
AutoModel.register(DistanceNetworkConfig, DistanceNetwork)
