"""Encoders of the real classes, small enough for a test, and folders as a hub would hold them."""

from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    AutoModel,
    EsmcConfig,
    EsmConfig,
    EsmcTokenizer,
    EsmTokenizer,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen3Config,
)

from distmat.model.encoders.mini_modules import MiniConfig
from distmat.scoring.baseline import SeparationBaseline

SHAPE = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2}
NO_SPECIAL = {"pad_token_id": None, "bos_token_id": None, "eos_token_id": None}
ESM_TOKENS = "<cls> <pad> <eos> <unk> L A G V S E R T I D P K Q N F Y M H W C X B U Z O . -"
BASELINE = SeparationBaseline(3.8 * np.arange(40.0)[None].repeat(30, axis=0))

HEADS = {
    "pair": {"width": 8, "rank": 4, "dilations": [1, 2], "bins": 48},
    "placeholder": {"max_length": 24},
    "coordinates": {"max_length": 24},
}
"""Arguments of a small head of each kind."""


def tiny_config(kind: str) -> PreTrainedConfig | MiniConfig:
    if kind == "mini":
        return MiniConfig(num_attention_heads=4, **SHAPE)
    if kind == "esm":
        return EsmConfig(
            vocab_size=33,
            num_attention_heads=4,
            position_embedding_type="rotary",
            token_dropout=True,
            pad_token_id=1,
            mask_token_id=32,
            emb_layer_norm_before=False,
            **SHAPE,
        )
    if kind == "esmc":
        return EsmcConfig(num_attention_heads=4, **SHAPE)
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 64, **NO_SPECIAL}
    return {"qwen2": Qwen2Config, "qwen3": Qwen3Config}[kind](**heads, **SHAPE)


def letter_pairs_tokenizer(without: str = "") -> PreTrainedTokenizerFast:
    """Letters one by one, and three byte pairs that a causal model's tokenizer would join."""
    letters = [chr(code) for code in range(ord("A"), ord("Z") + 1)]
    letters = [letter for letter in letters if letter not in without]
    pairs = [("A", "L"), ("G", "S"), ("K", "T")]
    tokens = ["<|endoftext|>", *letters, *("".join(pair) for pair in pairs)]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=pairs))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    end = "<|endoftext|>"
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token=end, eos_token=end)


def write_encoder(kind: str, folder: Path, seed: int = 0) -> Path:
    """Weights, config and tokenizer of a tiny encoder, as `from_pretrained` wants them."""
    torch.manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    AutoModel.from_config(tiny_config(kind)).save_pretrained(folder)
    if kind == "esm":
        names = [*ESM_TOKENS.split(), "<null_1>", "<mask>"]
        (folder / "vocab.txt").write_text("\n".join(names))
        EsmTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    elif kind == "esmc":
        EsmcTokenizer().save_pretrained(folder)
    else:
        letter_pairs_tokenizer().save_pretrained(folder)
    return folder


def batch(tokens, sequences: list[str], seed: int = 0) -> dict[str, torch.Tensor]:
    """A batch as the collator makes it, with a random walk for a structure."""
    longest = max(map(len, sequences))
    shape = (len(sequences), longest)
    content = {
        "input_ids": torch.full(shape, tokens.pad),
        "attention_mask": torch.zeros(shape, dtype=torch.long),
        "position": torch.arange(longest).repeat(len(sequences), 1),
        "chain_length": torch.tensor([len(sequence) for sequence in sequences]),
        "ca": torch.full((*shape, 3), float("nan")),
    }
    generator = torch.Generator().manual_seed(seed)
    for row, sequence in enumerate(sequences):
        n = len(sequence)
        content["input_ids"][row, :n] = torch.from_numpy(tokens.encode(sequence))
        content["attention_mask"][row, :n] = 1
        steps = torch.randn(n, 3, generator=generator)
        steps = 3.8 * steps / steps.norm(dim=-1, keepdim=True)
        content["ca"][row, :n] = steps.cumsum(0)
    return content
