"""What of a chain's relatives a training shows beside it, for a head that reads them."""

from dataclasses import dataclass
from typing import Any

from distmat.errors import ConfigError
from distmat.model.heads.pair import PairSettings
from distmat.settings import setting


def _reads_relatives(config: Any) -> bool:
    return bool(config.relatives)


@dataclass(frozen=True)
class RelativesSettings(PairSettings):
    """Settings of a run whose pair head may read relatives."""

    library: str = setting(
        "", "Library of known structures", "Data", words={"none": ""}, applies=_reads_relatives
    )
    """Where templates and profiles come from that training shows beside a chain, for a head that
    reads relatives: a library's name or file, never with structures of the chain's own cluster."""

    template_share: float = setting(
        0.6,
        "Share shown with templates",
        "Data",
        low=0,
        high=1,
        words={"off": 0.0},
        applies=_reads_relatives,
    )
    """Share of the draws in which a chain is shown with templates, where there are any."""

    profile_share: float = setting(
        0.3,
        "Share shown with a profile",
        "Data",
        low=0,
        high=1,
        words={"off": 0.0},
        applies=_reads_relatives,
    )
    """Share of the draws in which a chain is shown with a profile of its relatives' sequences."""

    def check_together(self) -> None:
        """See `Settings`."""
        super().check_together()
        if self.library and not self.relatives:
            raise ConfigError(
                f"library is '{self.library}', but relatives is false; set it to true, or library "
                "to none."
            )
