"""Encoders: the sequence networks. Each kind owns all facts about itself.

A built-in encoder is a module here and a line in `ENCODERS`; one of another package is an
entry point of the group ``distmat.encoders``. All other names mean models on the hub or in
a folder. Nothing here needs PyTorch until a config is asked for.
"""

from collections.abc import Iterator
from contextlib import suppress

from distmat.errors import ConfigError
from distmat.model.encoders.kind import EncoderKind, EsmCKind, EsmKind
from distmat.model.encoders.mini import MiniKind
from distmat.model.encoders.shape import EncoderShape, shape_of
from distmat.model.registry import Registry

ENCODERS: Registry[EncoderKind] = Registry("encoder", "distmat.encoders", {"mini": MiniKind})
"""Every kind of encoder that is made from settings alone, by its name."""

_FAMILIES = (EsmKind(), EsmCKind())
"""Kinds on the hub whose facts aren't those of causal language models."""


def kind_of(model_type: str) -> EncoderKind:
    """The kind of an encoder by transformers' `model_type`."""
    for kind in (*_FAMILIES, *_list_by_name()):
        if kind.model_type == model_type:
            return kind
    return EncoderKind()


def _list_by_name() -> Iterator[EncoderKind]:
    for name in ENCODERS.names():
        # A package that can't be imported is told of where its encoder is asked for.
        with suppress(ConfigError):
            yield ENCODERS.get(name)


__all__ = ["ENCODERS", "EncoderKind", "EncoderShape", "kind_of", "shape_of"]
