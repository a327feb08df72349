"""The shape of an encoder, by which memory is told before any of it is made."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class EncoderShape:
    """What decides an encoder's memory.

    Parameters
    ----------
    kind : str
        `model_type` of transformers.
    hidden_size, layers, heads, intermediate : int
    key_width : int
        Channels of all keys of a token, fewer than the queries' where heads share them.
    query_width : int
    vocabulary : int
    """

    kind: str
    hidden_size: int
    layers: int
    heads: int
    intermediate: int
    key_width: int
    query_width: int
    vocabulary: int


def shape_of(content: dict[str, Any]) -> EncoderShape:
    """The shape that a transformers config, as a dict, describes."""
    width, heads = content["hidden_size"], content["num_attention_heads"]
    head_width = content.get("head_dim") or width // heads
    return EncoderShape(
        content["model_type"],
        width,
        content["num_hidden_layers"],
        heads,
        content["intermediate_size"],
        head_width * (content.get("num_key_value_heads") or heads),
        head_width * heads,
        content["vocab_size"],
    )
