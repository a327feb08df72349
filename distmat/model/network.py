"""Encoder and head as one network."""

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import torch
from torch import nn

from distmat.errors import ConfigError
from distmat.model.encoder import (
    EncoderOutput,
    attend_both_ways,
    config_from_dict,
    encoder_of_shape,
    is_causal,
    run_encoder,
)
from distmat.model.encoders import kind_of
from distmat.model.encoders.mini_modules import MiniConfig
from distmat.model.heads import HEADS
from distmat.model.losses import LossSettings
from distmat.model.output import NetworkOutput
from distmat.model.recomputed import recompute_layers
from distmat.model.relatives import Relatives
from distmat.model.tokens import ResidueTokenizer


@dataclass
class DistanceNetworkConfig:
    """Shape of a `DistanceNetwork`, and where its encoder's weights come from.

    Parameters
    ----------
    encoder : object or dict
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

    model_type: ClassVar[str] = "distmat"

    encoder: Any = None
    encoder_name: str = "mini"
    bidirectional: bool = False
    head_kind: str = "pair"
    head: dict[str, Any] = field(default_factory=dict)
    loss: str = ""
    loss_settings: dict[str, Any] = field(default_factory=dict)
    max_trained_length: int = 0
    distogram_temperature: float = 1.0
    std_factors: dict[str, float] = field(default_factory=dict)
    mode: str = "full"
    lora: dict[str, Any] | None = None
    pretrained: bool = False
    encoder_seed: int = 0
    tokens: dict[str, Any] | None = None
    base_fingerprint: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.encoder, dict):
            self.encoder = config_from_dict(self.encoder)
        if self.encoder is None and self.encoder_name == "mini":
            self.encoder = MiniConfig()
        if not self.loss and self.head_kind in HEADS:
            self.loss = HEADS.get(self.head_kind).losses[0]

    def as_dict(self) -> dict[str, Any]:
        """For a checkpoint's ``config.json``."""
        content = {each.name: getattr(self, each.name) for each in fields(self)}
        encoder = None if self.encoder is None else self.encoder.to_dict()
        # Hubs tell by these two what a folder holds.
        known = {"model_type": self.model_type, "architectures": [DistanceNetwork.__name__]}
        return {**known, **content, "encoder": encoder}

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


class DistanceNetwork(nn.Module):
    """Residues in, a distogram, distances or coordinates out.

    Parameters
    ----------
    config : DistanceNetworkConfig
    encoder : Module, optional
        With its weights; without it, one of random weights is made.
    """

    config: DistanceNetworkConfig
    encoder: Any
    head: Any

    def __init__(self, config: DistanceNetworkConfig, encoder: nn.Module | None = None) -> None:
        config.check()
        super().__init__()
        self.config = config
        self.encoder = encoder_of_shape(config.encoder) if encoder is None else encoder
        if config.bidirectional and is_causal(config.encoder):
            attend_both_ways(self.encoder)
        self.kind = HEADS.get(config.head_kind)
        # Drawn as PyTorch draws them, which the pair blocks were tried with.
        self.head = _new_head(config)
        self.tokens: ResidueTokenizer = (
            ResidueTokenizer.from_dict(config.tokens)
            if config.tokens
            else kind_of(config.encoder.model_type).tokens(config.encoder)
        )
        self.loss_settings = LossSettings.from_dict(config.loss_settings)

    @property
    def gives_distogram(self) -> bool:
        """Whether its output has logits; else it has distances."""
        return self.kind.gives_distogram(self.config.loss)

    @property
    def reads_relatives(self) -> bool:
        """Whether its head takes templates and profiles."""
        return getattr(self.head, "relatives", None) is not None

    @property
    def edges(self) -> torch.Tensor:
        """Edges between the distance bins in Å; shape=(K − 1,)."""
        return self.head.edges

    @property
    def longest(self) -> int | None:
        """Residues of the longest chain that the head can answer for; None: of any length."""
        return getattr(self.head, "max_length", None)

    @property
    def device(self) -> torch.device:
        """Where its weights lie."""
        return next(self.parameters()).device

    def count_parameters(self) -> int:
        """How many numbers its weights are."""
        return sum(weight.numel() for weight in self.parameters())

    def activation_checkpointing_enable(self, *_: Any, **__: Any) -> None:
        """Let layers keep less and compute more; called by transformers' Trainer."""
        recompute_layers(self)

    def get_input_embeddings(self) -> nn.Module:
        """The encoder's embedding of tokens."""
        return self.encoder.get_input_embeddings()

    def train(self, mode: bool = True) -> "DistanceNetwork":
        """Switch dropout on or off; a frozen encoder never has any."""
        super().train(mode)
        if self.config.mode == "frozen":
            self.encoder.eval()
        return self

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        position: torch.Tensor,
        chain_length: torch.Tensor,
        ca: torch.Tensor | None = None,
        evidence: torch.Tensor | None = None,
        witnesses: torch.Tensor | None = None,
        profile: torch.Tensor | None = None,
        shown: torch.Tensor | None = None,
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
        evidence, witnesses, profile : Tensor, optional
            What is known of the chains' relatives, for a head that reads it; see `Relatives`.
        shown : Tensor, shape=(B, S), dtype=int64, optional
            Which of the L residues the head is shown, −1 on padding; of these alone are then
            `position`, `ca` and the relatives. None: all.
        """
        mask_BL = attention_mask.bool()
        residues_BL = None
        if self.kind.reads_placeholders:
            # Only a published checkpoint's byte pairs are fewer than the residues.
            joined = input_ids.shape != position.shape
            residues_BL = torch.ones_like(position).bool() if joined else mask_BL
        encoded = self._encode(input_ids, mask_BL, residues_BL)
        if shown is not None:
            encoded = encoded.of(shown)
        known = (Relatives(evidence, witnesses, profile),) if self.reads_relatives else ()
        answer = self.head(encoded, position, chain_length, *known)
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
