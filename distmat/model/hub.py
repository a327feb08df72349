"""Models by name: from a local folder, the hub's cache, and only then the hub.

Code that comes with a model is never run.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedConfig, PreTrainedModel
from transformers.utils import logging

from distmat.errors import CheckpointError, ConfigError
from distmat.model.pretrained import drop_unused, no_pooler
from distmat.model.tokens import ResidueTokenizer, first_line, residue_tokenizer

_PATIENCE = 10.0
"""Seconds to wait for the hub's first answer."""


def hub_config(name: str) -> PreTrainedConfig:
    """The shape of an encoder, by hub name or local folder.

    Raises
    ------
    CheckpointError
        If it can't be found or read.
    """
    try:
        config = from_disk_or_hub(AutoConfig.from_pretrained, name)
    # What the hub's client, a damaged file or transformers' classes raise is of any kind; nothing
    # of ours is run here.
    except Exception as error:
        raise _unreachable(name, error) from None
    if not getattr(config, "hidden_size", None):
        raise CheckpointError(
            f"The encoder '{name}' is a model of kind '{config.model_type}', which gives no "
            "state per residue; choose a language model such as Qwen2.5 or ESM-2."
        )
    return config


def hub_encoder(
    name: str, config: PreTrainedConfig, dtype: torch.dtype, use_4bit: bool
) -> PreTrainedModel:
    """An encoder with its weights, by hub name or local folder.

    Raises
    ------
    CheckpointError
        If it can't be found or read.
    ConfigError
        If it can't be held in 4 bits here.
    """
    options: dict[str, Any] = {"dtype": dtype, **no_pooler(config)}
    if use_4bit:
        options["quantization_config"] = four_bit_config()
    try:
        with _quiet_transformers():
            loaded = from_disk_or_hub(
                AutoModel.from_pretrained, name, config=config, output_loading_info=True, **options
            )
    # What the hub's client, a damaged file or transformers' classes raise is of any kind; nothing
    # of ours is run here.
    except Exception as error:
        raise _unreachable(name, error) from None
    encoder, report = loaded
    encoder = drop_unused(encoder)
    lacking = sorted(set(report["missing_keys"]) & set(encoder.state_dict()))
    if lacking:
        raise _unreachable(name, ValueError(f"it lacks the weight {lacking[0]}"))
    return encoder


def hub_tokenizer(name: str) -> ResidueTokenizer:
    """The tokens of an encoder, by hub name or local folder.

    Raises
    ------
    CheckpointError
        If there is no such tokenizer, or it has no token for one of the letters.
    """
    try:
        source = from_disk_or_hub(AutoTokenizer.from_pretrained, name)
    # What the hub's client, a damaged file or transformers' classes raise is of any kind; nothing
    # of ours is run here.
    except Exception as error:
        raise CheckpointError(
            f"The tokenizer of the encoder '{name}' can't be loaded "
            f"({first_line(error)}); check the name or the folder, and the connection."
        ) from None
    return residue_tokenizer(source, name)


def four_bit_config() -> Any:
    """Weights in 4-bit NormalFloat, computed with in bfloat16 (Dettmers et al., 2023).

    Raises
    ------
    ConfigError
        If there is no CUDA device, or bitsandbytes isn't installed.
    """
    if not torch.cuda.is_available():
        raise ConfigError(
            "use_4bit is on, but there is no CUDA device here, and 4-bit weights need one; "
            "turn it off."
        )
    import importlib.util

    if importlib.util.find_spec("bitsandbytes") is None:
        raise ConfigError(
            "use_4bit is on, but bitsandbytes isn't installed; run pip install 'distmat[quant]', "
            "or turn it off."
        )
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=torch.bfloat16,
        bnb_4bit_use_double_quant=True,
    )


def from_disk_or_hub(load: Callable[..., Any], name: str, **options: Any) -> Any:
    """Load by name from a folder or the hub's cache, and only then over the network.

    Code that comes with a model is never run.

    Raises
    ------
    OSError
        If it is in none of these places, or the hub can't be reached; whatever `load` raises.
    """
    options["trust_remote_code"] = False
    is_place = Path(name).exists() or Path(name).is_absolute()
    # Of what isn't there transformers asks the hub's client for adapters, and that tries six times.
    if is_place or _is_cached(name):
        try:
            return load(name, local_files_only=True, **options)
        except (OSError, ValueError):
            if is_place:
                raise
    _ask_hub()
    return load(name, **options)


def _is_cached(name: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    try:
        return isinstance(try_to_load_from_cache(name, "config.json"), str)
    # No name that the hub could have.
    except ValueError:
        return False


def _ask_hub() -> None:
    # Without a connection the hub's client would try again and again, for half a minute.
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session

    try:
        get_session().head(constants.ENDPOINT, timeout=_PATIENCE)
    # Whatever kind of client it is and whatever it lacks, the hub isn't there; nothing of ours is
    # run here.
    except Exception as error:
        raise OSError(
            f"it is neither in a folder nor in the hub's cache, and {constants.ENDPOINT} can't "
            "be reached"
        ) from error


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Without its table of a language model's weights that an encoder has no use for."""
    level = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)


def _unreachable(name: str, error: Exception) -> CheckpointError:
    reason = re.sub(r"\s+", " ", first_line(error))[:300]
    return CheckpointError(
        f"The encoder '{name}' can't be loaded ({reason}); check the name, or download it and "
        "give its folder."
    )
