"""Encoder and head as one network that transformers can train, save and load."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.utils import ModelOutput

from distmat.model.encoder import MiniConfig
from distmat.model.heads import PairBlock, PairHead, bin_edges
from distmat.model.losses import distogram_cross_entropy


class DistanceNetworkConfig(PreTrainedConfig):
    """Shape of a `DistanceNetwork`.

    Parameters
    ----------
    encoder : PreTrainedConfig or dict
        Config of the encoder, with its `model_type`.
    head : dict
        Arguments of `PairHead`, but for the encoder's width.
    max_trained_length : int
        Residues of the longest stretch the network was trained on; 0 before training.
    distogram_temperature : float
        What the logits are divided by before distances are read, fitted on validation chains;
        the network itself doesn't use it.
    """

    model_type = "distmat"
    sub_configs: ClassVar[dict] = {"encoder": AutoConfig}

    def __init__(
        self,
        encoder: PreTrainedConfig | dict | None = None,
        head: dict | None = None,
        max_trained_length: int = 0,
        distogram_temperature: float = 1.0,
        **kwargs,
    ) -> None:
        if isinstance(encoder, dict):
            encoder = AutoConfig.for_model(**encoder)
        self.encoder = encoder if encoder is not None else MiniConfig()
        self.head = dict(head or {})
        self.max_trained_length = max_trained_length
        self.distogram_temperature = distogram_temperature
        super().__init__(**kwargs)


@dataclass
class Distogram(ModelOutput):
    """What a `DistanceNetwork` returns.

    Parameters
    ----------
    loss : Tensor, shape=(), or None
        Given when the true coordinates were.
    logits : Tensor, shape=(B, L, L, K)
        Of the distance bins, symmetric in the residues.
    """

    loss: torch.Tensor | None = None
    logits: torch.Tensor | None = None


class DistanceNetwork(PreTrainedModel):
    """Residues in, a distogram out."""

    config_class = DistanceNetworkConfig
    base_model_prefix = "network"

    def __init__(self, config: DistanceNetworkConfig) -> None:
        super().__init__(config)
        self.encoder = AutoModel.from_config(config.encoder)
        self.head = PairHead(config.encoder.hidden_size, **config.head)
        self.post_init()

    @property
    def edges(self) -> torch.Tensor:
        """Edges between the distance bins in Å; shape=(K − 1,)."""
        return bin_edges(self.head.logits.out_features).to(self.device)

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
    ) -> Distogram:
        """Predict, and with the truth at hand say how wrong.

        Parameters
        ----------
        input_ids, attention_mask, position : Tensor, shape=(B, L), dtype=int64
            Tokens; 0 on padding; index of each residue in its whole chain.
        chain_length : Tensor, shape=(B,), dtype=int64
            Residues in the whole chain.
        ca : Tensor, shape=(B, L, 3), optional
            True Cα coordinates in Å, NaN where not observed and on padding.
        """
        states_BLD = self.encoder(
            input_ids=input_ids, attention_mask=attention_mask
        ).last_hidden_state
        logits_BLLK = self.head(states_BLD, attention_mask.bool(), position, chain_length)
        loss = None if ca is None else distogram_cross_entropy(logits_BLLK, ca, self.edges)
        return Distogram(loss=loss, logits=logits_BLLK)


AutoConfig.register(DistanceNetworkConfig.model_type, DistanceNetworkConfig)
AutoModel.register(DistanceNetworkConfig, DistanceNetwork)
