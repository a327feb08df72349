"""What a run's settings say of the network that it begins with."""

from typing import Any

import torch

from distmat.model.adapters import LoraSettings
from distmat.model.encoders import ENCODERS
from distmat.model.network import DistanceNetworkConfig
from distmat.protein.distance_map import BANDS
from distmat.training.config import TrainingConfig
from distmat.workspace import checkpoint_path


def network_arguments(config: TrainingConfig, precision: str = "fp32") -> dict[str, Any]:
    """Arguments of `build_network`.

    Parameters
    ----------
    config : TrainingConfig
    precision : str
        In ``"bf16"`` what is never trained is also held so.

    Raises
    ------
    CheckpointError
        If there is no such checkpoint to begin with.
    """
    lora = LoraSettings(
        config.lora_rank, config.lora_alpha, config.lora_dropout, config.lora_targets
    )
    halved = precision == "bf16" and config.mode != "full"
    return {
        "config": network_config(config),
        "mode": config.mode,
        "lora": lora if config.mode == "lora" else None,
        "use_4bit": config.use_4bit,
        "pretrained": config.pretrained,
        "init_from": checkpoint_path(config.init_from) if config.init_from else None,
        "dtype": torch.bfloat16 if halved else torch.float32,
    }


def network_config(config: TrainingConfig) -> DistanceNetworkConfig:
    """The network's own config."""
    made = config.encoder in ENCODERS
    return DistanceNetworkConfig(
        encoder=ENCODERS.get(config.encoder).config(config) if made else None,
        encoder_name=config.encoder,
        encoder_seed=config.seed,
        bidirectional=config.bidirectional,
        head_kind=config.head,
        head=config.head_kind.arguments(config),
        loss=config.chosen_loss,
        loss_settings={
            "scaling": config.scaling,
            "lddt_weight": config.lddt_weight,
            "contact_weight": config.contact_weight,
            "band_weights": dict(zip(BANDS, config.band_weights, strict=True)),
        },
        max_trained_length=max(config.crops),
    )
