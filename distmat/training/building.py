"""A config made into the network that a run begins with."""

import torch

from distmat.model.assembly import new_network
from distmat.model.encoder import LoraSettings, MiniConfig
from distmat.model.network import DistanceNetwork, DistanceNetworkConfig
from distmat.protein.distance_map import BANDS
from distmat.training.config import TrainingConfig
from distmat.workspace import checkpoint_path


def first_network(config: TrainingConfig, precision: str = "fp32") -> DistanceNetwork:
    """The network as it is before the first step.

    Parameters
    ----------
    config : TrainingConfig
    precision : str
        In ``"bf16"`` what is never trained is also held so.

    Raises
    ------
    CheckpointError
        If the encoder or the checkpoint to start from can't be read, or doesn't fit.
    """
    lora = LoraSettings(
        config.lora_rank, config.lora_alpha, config.lora_dropout, config.lora_targets
    )
    return new_network(
        network_config(config),
        config.mode,
        lora if config.mode == "lora" else None,
        config.use_4bit,
        config.pretrained,
        checkpoint_path(config.init_from) if config.init_from else None,
        torch.bfloat16 if precision == "bf16" and config.mode != "full" else torch.float32,
    )


def network_config(config: TrainingConfig) -> DistanceNetworkConfig:
    """The network's own config."""
    mini = MiniConfig(
        hidden_size=config.hidden_size,
        num_hidden_layers=config.layers,
        num_attention_heads=config.attention_heads,
        intermediate_size=3 * config.hidden_size,
        dropout=config.dropout,
    )
    return DistanceNetworkConfig(
        encoder=mini if config.encoder == "mini" else None,
        encoder_name=config.encoder,
        encoder_seed=config.seed,
        bidirectional=config.bidirectional,
        head_kind=config.head,
        head=_head(config),
        loss=config.chosen_loss,
        loss_settings={
            "scaling": config.scaling,
            "lddt_weight": config.lddt_weight,
            "contact_weight": config.contact_weight,
            "band_weights": dict(zip(BANDS, config.band_weights, strict=True)),
        },
        max_trained_length=max(config.crops),
    )


def _head(config: TrainingConfig) -> dict:
    if config.head != "pair":
        return {"max_length": max(config.crops)}
    return {
        "width": config.pair_width,
        "rank": config.triangle_rank,
        "dilations": list(config.dilations),
        "bins": config.bins,
        "dropout": config.dropout,
        "patch": config.pair_patch,
        "fine_width": config.fine_width,
    }
