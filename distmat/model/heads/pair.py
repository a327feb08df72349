"""The pair head: its settings, weights and memory. The module is in `pair_modules`."""

import math
from dataclasses import dataclass
from typing import Any

from distmat.errors import ConfigError
from distmat.model.heads.kind import HeadKind, HeadMemory
from distmat.model.profile_shape import PROFILE_FEATURES, PROFILE_WIDTH, PROFILE_WINDOW
from distmat.settings import PACE, SHAPE, Settings, setting

_GROUP = "Head and loss"

_BLOCK = {"channel": 37, "rank": 40}
_HEAD = {"channel": 14, "bin": 2, "always": 60}
"""Bytes kept of each residue pair: by each pair block for a channel and a rank, and by the rest
of the head for a channel, for a bin and in any case."""

_PATCHES = {"channel": 30, "width": 8}
"""Bytes that patches of pairs keep, of each pair for a channel of its own state, and of each
patch for a channel of its state."""

_PASSING = {"channel": 16, "bin": 12}
"""Bytes of each residue pair that are there for a moment only: logits and gradients."""

_OFFSET_BUCKETS = 2 * (24 + int(math.log2(1024 / 24) * 8)) + 1
"""Of the embedding of directed offsets."""


def _is_pair(config: Any) -> bool:
    return config.head == "pair"


def _has_patches(config: Any) -> bool:
    return _is_pair(config) and config.pair_patch > 1


def _has_bins(config: Any) -> bool:
    return _is_pair(config) and config.loss in ("", "distogram")


@dataclass(frozen=True)
class PairSettings(Settings):
    """Those of a run that shape the pair head and weigh its losses."""

    pair_width: int = setting(
        32,
        "Pair width",
        _GROUP,
        low=4,
        high=512,
        marks=(SHAPE, PACE),
        applies=_is_pair,
    )
    """Width of the states that the pair head's blocks work on."""

    pair_patch: int = setting(
        1,
        "Patch side",
        _GROUP,
        low=1,
        high=8,
        marks=(SHAPE, PACE),
        words={"off": 1},
        applies=_is_pair,
    )
    """Pairs along the side of the squares that pair blocks take as one state; 1: every pair."""

    fine_width: int = setting(
        32,
        "Width of a pair in a patch",
        _GROUP,
        low=1,
        high=512,
        marks=(SHAPE, PACE),
        applies=_has_patches,
    )
    """Width of a pair's own state, where `pair_patch` makes the blocks see squares of pairs."""

    triangle_rank: int = setting(
        16,
        "Triangle rank",
        _GROUP,
        low=1,
        high=256,
        marks=(SHAPE, PACE),
        applies=_is_pair,
    )
    """Rank of the pair head's triangle products."""

    dilations: tuple[int, ...] = setting(
        (1, 2, 4, 1, 2),
        "Dilations of the blocks",
        _GROUP,
        low=1,
        high=64,
        marks=(SHAPE, PACE),
        applies=_is_pair,
    )
    """Dilation of each pair block's first convolution; as many blocks as numbers."""

    bins: int = setting(
        64,
        "Distance bins",
        _GROUP,
        low=48,
        high=512,
        marks=(SHAPE,),
        applies=_has_bins,
    )
    """Distance bins of the pair head."""

    lddt_weight: float = setting(
        0.0,
        "Weight of the lDDT loss",
        _GROUP,
        low=0,
        high=1000,
        words={"off": 0.0},
        applies=_is_pair,
    )
    """Weight of an added loss that asks whether near pairs keep their distances."""

    contact_weight: float = setting(
        0.0,
        "Weight of the contact loss",
        _GROUP,
        low=0,
        high=1000,
        words={"off": 0.0},
        applies=_has_bins,
    )
    """Weight of an added loss that asks whether pairs are in contact."""

    far_share: float = setting(
        0.0,
        "Share of far stretches",
        "Data",
        low=0,
        high=1,
        words={"off": 0.0},
        applies=_is_pair,
    )
    """Share of the draws, of chains longer than their crop, in which the head is shown two
    stretches of half a crop from anywhere in the chain, while the encoder reads all that lies
    between: what a long chain's far pairs look like, at the price of a short crop."""

    relatives: bool = setting(
        False,
        "Reads relatives",
        _GROUP,
        marks=(SHAPE, PACE),
        applies=_has_bins,
    )
    """Let the pair head read known structures of relatives and profiles of their sequences,
    where there are any."""

    def check_together(self) -> None:
        """See `Settings`."""
        super().check_together()
        if not self.dilations:
            raise ConfigError("dilations is empty; give at least one number.")
        if self.far_share and len(set(self.band_weights)) > 1:  # type: ignore[attr-defined]
            raise ConfigError(
                f"far_share is {self.far_share:g}, which knows no weights of bands; set it to 0, "
                "or band_weights to 1,1,1,1."
            )


class PairKind(HeadKind):
    """`PairHead`, a distogram or one distance for each pair."""

    label = "looks at both residues of each pair, and at all pairs together"
    losses = ("distogram", "log_mse", "log_huber")

    def build(self, hidden_size: int, loss: str, **arguments: Any) -> Any:
        """A `PairHead`."""
        from distmat.model.heads.pair_modules import PairHead

        if loss != "distogram":
            arguments["bins"] = 1
        return PairHead(hidden_size, **arguments)

    def arguments(self, config: Any) -> dict[str, Any]:
        """See `HeadKind`."""
        return {
            "width": config.pair_width,
            "rank": config.triangle_rank,
            "dilations": list(config.dilations),
            "bins": config.bins,
            "dropout": config.dropout,
            "patch": config.pair_patch,
            "fine_width": config.fine_width,
            # Heads of before it are described as they were.
            **({"relatives": True} if config.relatives else {}),
        }

    def parameters(self, config: Any, hidden_size: int) -> int:
        """See `HeadKind`."""
        d, c, r, f = hidden_size, config.pair_width, config.triangle_rank, _fine_width(config)
        bins = _bins(config)
        pairs = 7 * d + 6 * f * (d + 1) + 2 * f * f + _OFFSET_BUCKETS * f
        triangle = 2 * c + 4 * r * (c + 1) + 2 * r + c * (c + 1) + c * (r + 1)
        blocks = len(config.dilations) * (triangle + _convolution(c))
        patches = 0
        if config.pair_patch > 1:
            square = config.pair_patch**2 * f
            patches = square * (c + 1) + c * (square + 1) + 2 * c + _convolution(f)
        relatives = 0
        if config.relatives:
            relatives = (bins + 1) * f + f + 1
            relatives += PROFILE_WIDTH * (PROFILE_FEATURES * PROFILE_WINDOW + 1)
            relatives += d * (PROFILE_WIDTH * PROFILE_WINDOW + 1)
        return pairs + blocks + patches + relatives + 2 * f + bins * (f + 1)

    def memory(self, config: Any, residues: int, hidden_size: int) -> HeadMemory:
        """See `HeadKind`."""
        states, fine, bins = _states(config, residues), _fine_width(config), _bins(config)
        block = states * (
            _BLOCK["channel"] * config.pair_width + _BLOCK["rank"] * config.triangle_rank
        )
        # Checkpointing keeps the inputs of blocks alone.
        each = min(4 * states * config.pair_width, block)
        kept = len(config.dilations) * (each if config.activation_checkpointing else block)
        kept += residues**2 * (_HEAD["channel"] * fine + _HEAD["bin"] * bins + _HEAD["always"])
        if config.pair_patch > 1:
            kept += residues**2 * _PATCHES["channel"] * config.fine_width
            kept += states * _PATCHES["width"] * config.pair_width
        passing = residues**2 * (_PASSING["channel"] * fine + _PASSING["bin"] * bins)
        return HeadMemory(kept, passing, block)

    def channels(self, head: Any, encoder: Any) -> int:
        """See `HeadKind`."""
        return int(head.logits.in_features + head.logits.out_features)


def _states(config: Any, residues: int) -> int:
    """That the blocks work on: one for each pair, or for each patch of pairs."""
    return int(math.ceil(residues / config.pair_patch) ** 2)


def _fine_width(config: Any) -> int:
    """Of a pair's own state."""
    return int(config.fine_width if config.pair_patch > 1 else config.pair_width)


def _bins(config: Any) -> int:
    return config.bins if config.chosen_loss == "distogram" else 1


def _convolution(width: int) -> int:
    """Weights of the two convolutions of a pair block, and their norm."""
    return 2 * width + 2 * width * (9 * width + 1)
