"""All that decides what a dataset holds, besides its inputs."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from distmat.dataset.filters import Filters
from distmat.dataset.splitting import Shares
from distmat.errors import ConfigError


@dataclass(frozen=True)
class BuildSettings:
    """All that decides what a dataset holds, besides its inputs."""

    filters: Filters = field(default_factory=Filters)
    """Which chains are kept."""

    shares: Shares = field(default_factory=Shares)
    """How they are shared out."""

    seed: int = 0
    """Of the split."""

    identity: float = 0.3
    """Share of identical residues from which two chains are relatives, and of one cluster."""

    coverage: float = 0.8
    """Share of both chains that an alignment covers within a cluster."""

    deduplicate: bool = True
    """Of chains with one and the same sequence keep the best observed."""

    exclude: tuple[str, ...] = ()
    """Datasets whose relatives are left out, such as a test set: names or Parquet files."""

    def __post_init__(self) -> None:
        for name in ("identity", "coverage"):
            if not 0.2 <= getattr(self, name) <= 1:
                raise ConfigError(
                    f"{name} is {getattr(self, name)}; it must lie between 0.2 and 1."
                )

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return dataclasses.asdict(self)
