"""Configs to start from."""

from distmat.errors import ConfigError
from distmat.training.config import TrainingConfig

_QWEN = "Qwen/Qwen2.5-0.5B"

_ON_PROTEIN_MODEL = {
    "mode": "lora",
    "crops": (128, 192, 256),
    "pairs_per_batch": 2 * 256 * 256,
    "warmup_steps": 0.05,
    "max_steps": 5_000,
    "weight_decay": 0.01,
    "evaluate_every": 500,
    "early_stopping_patience": 5,
}
"""Low-rank updates of a protein language model, whichever."""

PRESETS: dict[str, dict] = {
    "quick-look": {
        "train": "synthetic",
        "val": "synthetic",
        "output": "quick-look",
        "hidden_size": 64,
        "layers": 2,
        "pair_width": 16,
        "triangle_rank": 8,
        "dilations": (1, 2),
        "crops": (64, 96),
        "pairs_per_batch": 4 * 64 * 64,
        "max_steps": 600,
        "optimizer": "muon",
        "warmup_steps": 50,
        "learning_rate": 2e-3,
        "log_every": 10,
        "evaluate_every": 100,
        "evaluation_chains": 30,
    },
    "mini": {
        "output": "own-mini",
        "hidden_size": 192,
        "layers": 5,
        "attention_heads": 6,
        "pair_width": 48,
        "pair_patch": 2,
        "triangle_rank": 24,
        "dilations": (1, 2, 4, 8, 1, 2, 4, 8),
        "dropout": 0.05,
        "masked_residues": 0.08,
        "lddt_weight": 0.5,
        "contact_weight": 0.5,
        "crops": (96, 160, 256),
        "chains_per_batch": 3,
        "max_steps": 8_000,
        "optimizer": "muon",
        "warmup_steps": 100,
    },
    "paper-v2": {
        "output": "paper-v2",
        "max_chain_length": 256,
        "encoder": _QWEN,
        "mode": "lora",
        "head": "placeholder",
        "loss": "log_mse",
        "scaling": "own_maximum",
        "crops": (256,),
        "pad_to": 256,
        "chains_per_batch": 1,
        "pairs_per_batch": 256 * 256,
        "cluster_sampling": False,
        "masked_residues": 0.0,
        "epochs": 5,
        "accumulation": 8,
        "learning_rate": 1e-4,
        "schedule": "linear",
        "warmup_steps": 0.1,
        "weight_decay": 0.01,
        "activation_checkpointing": True,
        "evaluate_every": 500,
        "evaluation_chains": 130,
        "seed": 42,
    },
    "recommended-0.5b": {
        "output": "recommended-0.5b",
        "encoder": _QWEN,
        "mode": "lora",
        "bidirectional": True,
        "crops": (128, 192, 256),
        "pairs_per_batch": 4 * 256 * 256,
        "accumulation": 2,
        "learning_rate": 3e-4,
        "warmup_steps": 0.05,
        "max_steps": 5_000,
        "weight_decay": 0.01,
        "evaluate_every": 500,
        "activation_checkpointing": True,
        "early_stopping_patience": 5,
    },
    "esm2-35m": {
        **_ON_PROTEIN_MODEL,
        "output": "esm2-35m",
        "encoder": "facebook/esm2_t12_35M_UR50D",
        "learning_rate": 5e-4,
    },
    "esmc-300m": {
        **_ON_PROTEIN_MODEL,
        "output": "esmc-300m",
        "encoder": "biohub/ESMC-300M",
        "learning_rate": 3e-4,
        "activation_checkpointing": True,
    },
    "lora-on-mini": {
        "output": "lora-on-mini",
        "init_from": "mini",
        "mode": "lora",
        "max_steps": 1_000,
        "warmup_steps": 50,
        "learning_rate": 5e-4,
        "evaluate_every": 200,
    },
}
"""What each preset sets; everything else keeps its default."""

SUMMARIES: dict[str, str] = {
    "quick-look": "A small mini on made-up chains: the whole way in minutes on a laptop.",
    "mini": "The shipped checkpoint's recipe, for your own chains.",
    "paper-v2": "The published run to the letter, faults included, but for one token per residue: "
    "Qwen2.5-0.5B with LoRA and the placeholder head.",
    "recommended-0.5b": "Qwen2.5-0.5B with LoRA, attention both ways and the pair head.",
    "esm2-35m": "A small protein language model with LoRA and the pair head.",
    "esmc-300m": "The smallest ESM C, a protein language model of 300 M parameters, with LoRA.",
    "lora-on-mini": "The shipped mini fitted to your own chains; its checkpoints are tiny.",
}
"""One sentence about each preset."""


def preset(name: str) -> TrainingConfig:
    """The config of a preset.

    Raises
    ------
    ConfigError
        If there is no preset of this name.
    """
    if name not in PRESETS:
        raise ConfigError(f"There is no preset '{name[:100]}'; there are {', '.join(PRESETS)}.")
    return TrainingConfig().with_settings(PRESETS[name])
