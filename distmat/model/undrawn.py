"""Networks that are made before their weights are known: of a file's, or of none at all."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode


class UndrawnWeights(TorchFunctionMode):
    """Where weights are what their memory happens to hold, and no random number is drawn.

    To draw those of a large encoder takes seconds. PyTorch's own layers are made in it as they
    are; transformers' encoders, too, whose drawing ends in the same functions.
    """

    def __torch_function__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        """See `TorchFunctionMode`."""
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


@contextmanager
def weightless() -> Iterator[None]:
    """Where networks take no memory: their weights have a shape and a type alone."""
    # To draw on the meta device imports PyTorch's compiler, which takes as long as PyTorch.
    with torch.device("meta"), UndrawnWeights():
        yield
