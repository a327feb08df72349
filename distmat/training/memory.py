"""How much memory a run will take, what is free, and what to change if it won't fit.

An estimate, not a measurement: bytes that PyTorch keeps for the backward pass were counted
on small networks of each kind and are extrapolated by their shapes. Nothing here needs
PyTorch, so that a page can show it while a form is filled in.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import psutil

from distmat.documents import read_json
from distmat.model.encoders import ENCODERS, EncoderShape, kind_of, shape_of
from distmat.training.config import TrainingConfig

GIB = 2**30

_PROCESS = 0.7 * GIB
"""Python, PyTorch and transformers themselves."""

_KEPT_PER_WIDTH = {"full": 44, "lora": 74, "frozen": 0}
_KEPT_PER_INTERMEDIATE = {"full": 16, "lora": 20, "frozen": 0}
"""Bytes kept of each token in each layer, for each channel of its state and of its feed-forward."""

_HALVED = 0.6
"""What activations in 16 bits take of those in 32: sums and norms stay in 32."""

_SCALE = {"cpu": 2.0, "cuda": 1.15}
"""Of the activations: what the allocator takes over and above, measured on CPUs in peaks of
whole runs, where freed memory is seldom of the size that is asked for next."""

_BYTES_4BIT = 0.6
"""Of a weight held in 4-bit NormalFloat with its quantised scales."""


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes that a run will take at its longest batch.

    Parameters
    ----------
    weights, gradients, optimizer, activations, process : int
    """

    weights: int
    gradients: int
    optimizer: int
    activations: int
    process: int

    @property
    def total(self) -> int:
        """All together."""
        return self.weights + self.gradients + self.optimizer + self.activations + self.process

    def sentence(self, free: int | None, config: TrainingConfig) -> str:
        """For the log and the page: what it takes, of what there is, and what to do."""
        parts = (
            f"About {self.total / GIB:.1f} GiB of memory: weights {self.weights / GIB:.2f}, "
            f"gradients {self.gradients / GIB:.2f}, optimizer {self.optimizer / GIB:.2f}, "
            f"activations of the longest batch {self.activations / GIB:.2f}"
        )
        if free is None:
            return f"{parts}."
        if self.total <= free:
            return f"{parts}; {free / GIB:.1f} GiB are free."
        return f"{parts}; only {free / GIB:.1f} GiB are free. It may not fit: {advice(config)}."


def estimate_memory(
    config: TrainingConfig,
    shape: EncoderShape,
    parameters: int | None = None,
    trainable: int | None = None,
    precision: str = "fp32",
    device: str = "cpu",
) -> MemoryEstimate:
    """What a run will take.

    Parameters
    ----------
    config : TrainingConfig
    shape : EncoderShape
        Of its encoder.
    parameters, trainable : int, optional
        All weights and those that learn, where they have been counted.
    precision : str
        ``"fp32"``, ``"bf16"`` or ``"fp16"``.
    device : str
        ``"cpu"`` or ``"cuda"``.
    """
    head = config.head_kind.parameters(config, shape.hidden_size)
    if trainable is None:
        learning = {
            "full": encoder_parameters(shape),
            "lora": low_rank_parameters(shape, config.lora_rank),
            "frozen": 0,
        }
        trainable = head + learning[config.mode]
    if parameters is None:
        parameters = (
            encoder_parameters(shape) + head + (trainable - head if config.mode == "lora" else 0)
        )
    fixed = parameters - trainable
    fixed_bytes = _BYTES_4BIT if config.use_4bit else 2 if precision == "bf16" else 4
    most = max(
        estimate_activations(config, shape, crop) + _passing(config, shape, crop)
        for crop in config.crops
    )
    activations = most * _SCALE[device] * (1.0 if precision == "fp32" else _HALVED)
    return MemoryEstimate(
        weights=int(4 * trainable + fixed_bytes * fixed),
        gradients=4 * trainable,
        optimizer=8 * trainable,
        activations=int(activations),
        process=int(_PROCESS),
    )


def estimate_activations(config: TrainingConfig, shape: EncoderShape, crop: int) -> float:
    """Bytes kept for the backward pass of the largest batch of crops of this length."""
    residues, tokens = _pad(config, crop)
    each = _layer(config, shape, crop)
    if config.activation_checkpointing:
        # The layers' inputs alone.
        each = min(4 * tokens * shape.hidden_size, each)
    head = config.head_kind.memory(config, residues, shape.hidden_size)
    return _chains(config, crop) * (shape.layers * each + head.kept)


def _passing(config: TrainingConfig, shape: EncoderShape, crop: int) -> float:
    """Bytes of that batch that are there for a moment, with all that is kept."""
    residues, _ = _pad(config, crop)
    head = config.head_kind.memory(config, residues, shape.hidden_size)
    each = head.passing
    if config.activation_checkpointing:
        # One layer or block at a time is computed again, and its gradients beside it.
        each += 2 * max(_layer(config, shape, crop), head.block)
    return _chains(config, crop) * each


def _chains(config: TrainingConfig, crop: int) -> int:
    """Of the largest batch of crops of this length."""
    return min(max(config.pairs_per_batch // crop**2, 1), config.chains_per_batch)


def _pad(config: TrainingConfig, crop: int) -> tuple[int, int]:
    """Residues and tokens of a chain in it; published heads read their answer from placeholders."""
    residues = max(crop, config.pad_to)
    return residues, 2 * residues if config.head_kind.reads_placeholders else residues


def _layer(config: TrainingConfig, shape: EncoderShape, crop: int) -> float:
    """Bytes kept of one chain by an encoder layer."""
    _, tokens = _pad(config, crop)
    attention = 0 if config.mode == "frozen" else kind_of(shape.kind).kept_per_attention
    return tokens * (
        _KEPT_PER_WIDTH[config.mode] * shape.hidden_size
        + _KEPT_PER_INTERMEDIATE[config.mode] * shape.intermediate
        + attention * shape.heads * tokens
    )


def encoder_parameters(shape: EncoderShape) -> int:
    """Weights of an encoder, to a part in a hundred: biases and norms are left out."""
    layer = sum(inputs * outputs for inputs, outputs in kind_of(shape.kind).linear_layers(shape))
    return shape.vocabulary * shape.hidden_size + shape.layers * layer


def low_rank_parameters(shape: EncoderShape, rank: int) -> int:
    """Weights of low-rank updates of all linear layers of an encoder."""
    layer = sum(inputs + outputs for inputs, outputs in kind_of(shape.kind).linear_layers(shape))
    return shape.layers * rank * layer


def encoder_shape(config: TrainingConfig) -> EncoderShape | None:
    """The shape of a config's encoder, if it is at hand without a download.

    It is for mini, for a local folder, for what lies in the hub's cache, and for the
    encoders that presets and most people use.
    """
    if config.encoder in ENCODERS:
        return ENCODERS.get(config.encoder).shape(config)
    if config.encoder in _KNOWN:
        return shape_of(_KNOWN[config.encoder])
    for file in (Path(config.encoder) / "config.json", *_cached_config(config.encoder)):
        try:
            content = read_json(file)
            return shape_of(content.get("encoder", content))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return None


def _cached_config(name: str) -> list[Path]:
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    cache = Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
    return sorted(cache.glob(f"models--{name.replace('/', '--')}/snapshots/*/config.json"))


def _known(kind: str, width: int, layers: int, heads: int, intermediate: int, **more: int) -> dict:
    vocabulary = {"esm": 33, "esmc": 64}.get(kind, 151936)
    return {
        "model_type": kind,
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": intermediate,
        "vocab_size": vocabulary,
        **more,
    }


_KNOWN = {
    "Qwen/Qwen2.5-0.5B": _known("qwen2", 896, 24, 14, 4864, num_key_value_heads=2),
    "Qwen/Qwen2.5-1.5B": _known("qwen2", 1536, 28, 12, 8960, num_key_value_heads=2),
    "Qwen/Qwen3-4B": _known("qwen3", 2560, 36, 32, 9728, num_key_value_heads=8, head_dim=128),
    "biohub/ESMC-300M": _known("esmc", 960, 30, 15, 2560),
    "biohub/ESMC-600M": _known("esmc", 1152, 36, 18, 3072),
    "facebook/esm2_t6_8M_UR50D": _known("esm", 320, 6, 20, 1280),
    "facebook/esm2_t12_35M_UR50D": _known("esm", 480, 12, 20, 1920),
    "facebook/esm2_t30_150M_UR50D": _known("esm", 640, 30, 20, 2560),
    "facebook/esm2_t33_650M_UR50D": _known("esm", 1280, 33, 20, 5120),
}
"""Shapes of encoders on the hub, from their own configs."""


def free_memory(device: str = "cpu") -> int | None:
    """Bytes that are free on a ``"cpu"`` or ``"cuda"`` device; None where that can't be told.

    Of a GPU only where PyTorch has been imported already.
    """
    if device == "cpu":
        return psutil.virtual_memory().available
    import sys

    torch = sys.modules.get("torch")
    return None if torch is None else torch.cuda.mem_get_info()[0]


def advice(config: TrainingConfig) -> str:
    """What would take less memory, in the order of what it costs."""
    steps = []
    largest = max(config.crops) ** 2
    if config.pairs_per_batch >= 2 * largest and config.chains_per_batch > 1:
        steps.append(
            f"halve pairs_per_batch to {config.pairs_per_batch // 2} and double accumulation to "
            f"{2 * config.accumulation}"
        )
    if not config.activation_checkpointing:
        steps.append("turn on activation_checkpointing")
    if config.mode == "lora" and config.encoder != "mini" and not config.use_4bit:
        steps.append("turn on use_4bit, which needs a GPU")
    if config.mode == "full" and config.encoder != "mini":
        steps.append("set mode to lora")
    if max(config.crops) > 64:
        steps.append(f"use crops below {max(config.crops)} residues")
    if config.pad_to:
        steps.append("set pad_to to 0")
    if not steps:
        return "use a smaller encoder or head, or a machine with more memory"
    return "; ".join(steps[:-1]) + ("; or " if len(steps) > 1 else "") + steps[-1]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception of PyTorch or Python says that memory ran out."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and any(
        words in text
        for words in ("can't allocate memory", "CUDA out of memory", "not enough memory")
    )
