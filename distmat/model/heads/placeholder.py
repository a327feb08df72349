"""The two published heads: settings, weights and memory. Modules: `placeholder_modules`."""

from dataclasses import dataclass
from typing import Any

from distmat.model.heads.kind import HeadKind, HeadMemory
from distmat.settings import Settings, setting


@dataclass(frozen=True)
class PlaceholderSettings(Settings):
    """Those of a run that the placeholder head goes by."""

    scaling: str = setting(
        "none",
        "Scaling of distances",
        "Head and loss",
        choices=("none", "constant", "own_maximum"),
        applies=lambda c: c.head == "placeholder",
    )
    """What the placeholder head's log(1 + d) is divided by: nothing, a constant, or each chain's
    'own_maximum' as published, a fault, for nobody knows it when predicting."""


class PlaceholderKind(HeadKind):
    """`PlaceholderHead`, one distance for each pair."""

    label = "the published second model's, for comparison"
    losses: tuple[str, ...] = ("log_mse", "log_huber")
    reads_placeholders = True

    def build(self, hidden_size: int, loss: str, **arguments: Any) -> Any:
        """A `PlaceholderHead`."""
        from distmat.model.heads.placeholder_modules import PlaceholderHead

        return PlaceholderHead(hidden_size, **arguments)

    def arguments(self, config: Any) -> dict[str, Any]:
        """See `HeadKind`."""
        return {"max_length": max(config.crops)}

    def longest(self, config: Any) -> int | None:
        """See `HeadKind`."""
        return int(max(config.crops))

    def parameters(self, config: Any, hidden_size: int) -> int:
        """See `HeadKind`."""
        return int(2 * (hidden_size + 1) * max(config.crops))

    def memory(self, config: Any, residues: int, hidden_size: int) -> HeadMemory:
        """See `HeadKind`."""
        return HeadMemory(24 * residues * hidden_size + 40 * residues**2)

    def channels(self, head: Any, encoder: Any) -> int:
        """See `HeadKind`."""
        # Attention over chain and placeholders: twice the length, squared.
        return 4 * getattr(encoder, "num_attention_heads", 1)


class CoordinatesKind(PlaceholderKind):
    """`CoordinatesHead`, a place for each residue."""

    label = "the published first model's, for comparison"
    losses = ("coordinate_mse", "fape")

    def build(self, hidden_size: int, loss: str, **arguments: Any) -> Any:
        """A `CoordinatesHead`."""
        from distmat.model.heads.placeholder_modules import CoordinatesHead

        return CoordinatesHead(hidden_size, **arguments)

    def parameters(self, config: Any, hidden_size: int) -> int:
        """See `HeadKind`."""
        return int((hidden_size + 1) * max(config.crops) + 3 * (hidden_size + 1))
