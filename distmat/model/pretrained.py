"""Encoders whose classes are transformers': their configs, and models of random weights.

To import transformers' models takes longer than PyTorch itself, so this module is imported
only where such an encoder is asked for; the built-in one needs none of it.
"""

import inspect
from typing import Any

from torch import nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
from transformers.utils.logging import disable_progress_bar

_UNUSED = ("contact_head", "pooler", "lm_head")
"""Parts of encoders that states don't pass through."""

# A file of a few megabytes is there at once; the bars would garble a run's own.
disable_progress_bar()


def make_config(model_type: str, settings: dict[str, Any]) -> PreTrainedConfig:
    """The config of a kind of model that transformers knows, from its settings."""
    return AutoConfig.for_model(model_type, **settings)


def make_encoder(config: PreTrainedConfig) -> PreTrainedModel:
    """An encoder of random weights, drawn from PyTorch's generator."""
    return drop_unused(AutoModel.from_config(config, **no_pooler(config)))


def is_causal_model(config: PreTrainedConfig) -> bool:
    """Whether models of the kind generate text from left to right."""
    return config.model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES


def no_pooler(config: PreTrainedConfig) -> dict[str, bool]:
    """What tells transformers to make none, where there would be one."""
    if type(config) not in AutoModel._model_mapping:
        return {}
    kind: Any = AutoModel._model_mapping[type(config)]
    known = inspect.signature(kind).parameters
    return {"add_pooling_layer": False} if "add_pooling_layer" in known else {}


def drop_unused(encoder: PreTrainedModel) -> PreTrainedModel:
    """Drop what states don't pass through: it would never get a gradient."""
    for name in _UNUSED:
        if getattr(encoder, name, None) is not None:
            setattr(encoder, name, nn.Identity())
    return encoder
