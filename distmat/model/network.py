"""Encoder and head as one network that transformers can train, save and load."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.utils import ModelOutput

from distmat.errors import ConfigError
from distmat.model.encoder import Chains, attend_both_ways, encoder_of_shape, is_causal, read_chains
from distmat.model.heads import PairBlock, PairHead, bin_edges
from distmat.model.losses import (
    ASSUMED_LOG_MAXIMUM,
    ASSUMED_SPREAD,
    LossSettings,
    Pairs,
    contact_error,
    coordinate_error,
    distogram_cross_entropy,
    frame_aligned_error,
    lddt_error,
    log_distance_error,
    pairs_of,
)
from distmat.model.mini import MiniConfig
from distmat.model.placeholder_heads import CoordinatesHead, PlaceholderHead
from distmat.model.tokens import ResidueTokenizer, tokenizer_for
from distmat.protein.distance_map import CONTACT_CUTOFF

LOSSES: dict[str, tuple[str, ...]] = {
    "pair": ("distogram", "log_mse", "log_huber"),
    "placeholder": ("log_mse", "log_huber"),
    "coordinates": ("coordinate_mse", "fape"),
}
"""The losses of each kind of head, its own first."""

OPEN_BINS = (2.0, 110.0)
"""Å: where the first and the last distance bin, open in training, are taken to end."""

_LARGEST_LOG = math.log1p(500.0)
"""log(1 + d) of the largest distance that a head is let say."""


class DistanceNetworkConfig(PreTrainedConfig):
    """Shape of a `DistanceNetwork`, and where its encoder's weights come from.

    Parameters
    ----------
    encoder : PreTrainedConfig or dict
        Config of the encoder, with its `model_type`; None until `new_network` looks it up.
    encoder_name : str
        ``"mini"``, a hub name, a local folder, or ``"checkpoint:NAME"``.
    bidirectional : bool
        Let a causal encoder's residues see what follows them; others always do.
    head_kind : str
        A key of `LOSSES`.
    head : dict
        Arguments of the head, but for the encoder's width.
    loss : str
        One of the head's `LOSSES`; empty for its own.
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
            encoder = AutoConfig.for_model(**encoder)
        if encoder is None and encoder_name == "mini":
            encoder = MiniConfig()
        self.encoder: Any = encoder
        self.encoder_name = encoder_name
        self.bidirectional = bidirectional
        self.head_kind = head_kind
        self.head = dict(head or {})
        self.loss = loss or LOSSES.get(head_kind, ("",))[0]
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
        if self.head_kind not in LOSSES:
            raise ConfigError(f"head is '{self.head_kind}'; it must be one of {', '.join(LOSSES)}.")
        if self.loss not in LOSSES[self.head_kind]:
            raise ConfigError(
                f"loss is '{self.loss}', which the head '{self.head_kind}' has not; it must be "
                f"one of {', '.join(LOSSES[self.head_kind])}."
            )
        LossSettings.from_dict(self.loss_settings)


@dataclass
class NetworkOutput(ModelOutput):
    """What a `DistanceNetwork` returns; what its head doesn't give is None.

    Parameters
    ----------
    loss : Tensor, shape=()
        Given when the true coordinates were.
    logits : Tensor, shape=(B, L, L, K)
        Of the distance bins, symmetric in the residues.
    distances : Tensor, shape=(B, L, L)
        Å; of heads that give no distogram.
    coordinates : Tensor, shape=(B, L, 3)
        Å.
    """

    loss: torch.Tensor | None = None
    logits: torch.Tensor | None = None
    distances: torch.Tensor | None = None
    coordinates: torch.Tensor | None = None


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
        self.head = _new_head(config)
        self.tokens: ResidueTokenizer = tokenizer_for(config)
        self.loss_settings = LossSettings.from_dict(config.loss_settings)
        self.post_init()

    @property
    def edges(self) -> torch.Tensor:
        """Edges between the distance bins in Å; shape=(K − 1,)."""
        return bin_edges(self.head.logits.out_features).to(self.device)

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

    def save_pretrained(  # type: ignore[override]
        self, save_directory: str | Path, state_dict: dict | None = None, **kwargs: Any
    ) -> None:
        """Write the config, and of the weights what was trained; see `save_network`."""
        from distmat.model.checkpoint import save_network

        # transformers' own saving gives some encoders' weights the names of other times.
        save_network(self, Path(save_directory), state_dict)

    def _init_weights(self, module: nn.Module) -> None:
        # PyTorch's own initialisation otherwise, which the pair blocks were tried with.
        if isinstance(module, PairBlock):
            module.pass_on()

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
        # Only a published checkpoint's byte pairs are fewer than the residues.
        paired = input_ids.shape != position.shape
        residues_BL = torch.ones_like(position).bool() if paired else mask_BL
        if self.config.head_kind == "pair":
            chains = self._read(input_ids, mask_BL)
            return self._pairs(chains, position, chain_length, ca)
        chains = self._read(input_ids, mask_BL, residues_BL)
        answer = self.head(chains.placeholders, chains.pooled, residues_BL)
        if self.config.head_kind == "placeholder":
            return self._scaled_distances(answer, ca)
        return self._coordinates(answer, ca)

    def _read(
        self,
        input_ids: torch.Tensor,
        mask_BL: torch.Tensor,
        residues_BL: torch.Tensor | None = None,
    ) -> Chains:
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.config.mode != "frozen"):
            chains = read_chains(self.encoder, self.tokens, input_ids, mask_BL, residues_BL)
        # A base held in bfloat16 under a head in float32.
        kind = next(self.head.parameters()).dtype
        if chains.placeholders is None or chains.pooled is None:
            return Chains(chains.states.to(kind), mask_BL)
        return Chains(
            chains.states.to(kind), mask_BL, chains.placeholders.to(kind), chains.pooled.to(kind)
        )

    def _pairs(
        self,
        chains: Chains,
        position: torch.Tensor,
        chain_length: torch.Tensor,
        ca: torch.Tensor | None,
    ) -> NetworkOutput:
        logits_BLLK = self.head(chains.states, chains.mask, position, chain_length)
        pairs = None if ca is None else pairs_of(ca, self.loss_settings.band_weights)
        if self.config.loss == "distogram":
            loss = None if pairs is None else self._distogram_loss(logits_BLLK, pairs)
            return NetworkOutput(loss=loss, logits=logits_BLLK)
        log_BLL = logits_BLLK[..., 0]
        loss = None
        if pairs is not None:
            loss = log_distance_error(log_BLL, pairs, "none", self._huber_delta)
            loss = loss + self._lddt_loss(_angstrom(pairs.of(log_BLL)), pairs)
        return NetworkOutput(loss=loss, distances=_hollow(_angstrom(log_BLL)))

    def _scaled_distances(self, log_BLL: torch.Tensor, ca: torch.Tensor | None) -> NetworkOutput:
        scaling = self.loss_settings.scaling
        loss = None
        if ca is not None:
            pairs = pairs_of(ca, self.loss_settings.band_weights)
            loss = log_distance_error(log_BLL, pairs, scaling, self._huber_delta)
        unit = 1.0 if scaling == "none" else ASSUMED_LOG_MAXIMUM
        return NetworkOutput(loss=loss, distances=_angstrom(log_BLL * unit))

    def _coordinates(self, answer_BL3: torch.Tensor, ca: torch.Tensor | None) -> NetworkOutput:
        coordinates_BL3 = answer_BL3.float() * ASSUMED_SPREAD
        loss = None
        if ca is not None and self.config.loss == "fape":
            settings = self.loss_settings
            loss = frame_aligned_error(coordinates_BL3, ca, settings.clamp, settings.unclamped)
        elif ca is not None:
            loss = coordinate_error(answer_BL3, ca)
        distances_BLL = torch.cdist(
            coordinates_BL3.detach(),
            coordinates_BL3.detach(),
            compute_mode="donot_use_mm_for_euclid_dist",
        )
        return NetworkOutput(loss=loss, distances=distances_BLL, coordinates=coordinates_BL3)

    def _distogram_loss(self, logits_BLLK: torch.Tensor, pairs: Pairs) -> torch.Tensor:
        loss = distogram_cross_entropy(logits_BLLK, pairs, self.edges)
        settings = self.loss_settings
        if not settings.lddt_weight and not settings.contact_weight:
            return loss
        probability_BPK = pairs.of(logits_BLLK).float().softmax(dim=-1)
        low, high = OPEN_BINS
        edges = self.edges
        bounds = torch.cat([edges.new_tensor([low]), edges, edges.new_tensor([high])])
        centres = (bounds[1:] + bounds[:-1]) / 2
        distances_BP = (probability_BPK * centres).sum(dim=-1)
        below = int((edges <= CONTACT_CUTOFF).sum())
        if settings.contact_weight:
            contact_BP = probability_BPK[..., :below].sum(dim=-1)
            loss = loss + settings.contact_weight * contact_error(contact_BP, pairs)
        return loss + self._lddt_loss(distances_BP, pairs)

    def _lddt_loss(self, distances_BP: torch.Tensor, pairs: Pairs) -> torch.Tensor | float:
        weight = self.loss_settings.lddt_weight
        return weight * lddt_error(distances_BP, pairs) if weight else 0.0

    @property
    def _huber_delta(self) -> float | None:
        return self.loss_settings.huber_delta if self.config.loss == "log_huber" else None


def _new_head(config: DistanceNetworkConfig) -> nn.Module:
    width = config.encoder.hidden_size
    kinds: dict[str, Any] = {"placeholder": PlaceholderHead, "coordinates": CoordinatesHead}
    arguments = dict(config.head)
    if config.head_kind == "pair" and config.loss != "distogram":
        arguments["bins"] = 1
    try:
        return kinds.get(config.head_kind, PairHead)(width, **arguments)
    except TypeError as error:
        raise ConfigError(
            f"The head '{config.head_kind}' can't be made of {config.head} ({error})."
        ) from None


def _angstrom(log_distance: torch.Tensor) -> torch.Tensor:
    """Distances in Å of log(1 + d), never below zero nor beyond 500."""
    return torch.expm1(log_distance.float().clamp(0.0, _LARGEST_LOG))


def _hollow(table_BLL: torch.Tensor) -> torch.Tensor:
    eye_LL = torch.eye(table_BLL.shape[1], dtype=torch.bool, device=table_BLL.device)
    return table_BLL.masked_fill(eye_LL, 0.0)


AutoConfig.register(DistanceNetworkConfig.model_type, DistanceNetworkConfig)
AutoModel.register(DistanceNetworkConfig, DistanceNetwork)
