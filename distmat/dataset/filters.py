"""Which chains are worth learning from: settings one can read, and a reason for each refusal."""

import dataclasses
import typing
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import pdist

from distmat.errors import ConfigError
from distmat.protein.chain import LONGEST_BOND, Chain
from distmat.protein.sequence import UNKNOWN

_CLASH = 3.0
"""Å: closer than this two Cα atoms of one chain are an error, not strain (cis bonds are 2.9 Å
apart, and are bonds)."""


def expected_gyration(residues: int | np.ndarray) -> float | np.ndarray:
    """Radius of gyration in Å of a globular chain: 2.2·N^0.38 (Skolnick et al., 1997)."""
    return 2.2 * np.power(residues, 0.38)


@dataclass(frozen=True)
class Filters:
    """What a chain must be like to be kept; each can be changed."""

    min_length: int = 30
    """Residues of the shortest chain that is kept, unobserved ones counting."""

    max_length: int = 512
    """Residues of the longest chain that is kept."""

    max_resolution: float = 3.5
    """Å; chains of a structure that states a worse one are left out."""

    methods: str = "any"
    """Experiments to keep, separated by commas, by a part of their names: ``X-RAY, NMR``."""

    max_missing: float = 0.25
    """Share of the residues that may lack a Cα."""

    max_breaks: int = 2
    """Places where neighbours in the sequence are too far apart for a bond."""

    max_unknown: float = 0.05
    """Share of the residues whose kind isn't known (X)."""

    max_clashes: float = 1.0
    """Pairs of Cα atoms closer than 3 Å, of residues two or more apart, per 100 residues."""

    min_complexity: float = 2.5
    """Bits of entropy of the sequence's composition; ordinary chains have about 4."""

    max_elongation: float = 2.5
    """Radius of gyration in units of a globular chain's, 2.2·N^0.38 Å."""

    def __post_init__(self) -> None:
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"{name} is {value}; it must lie between {low:g} and {high:g}.")
        if self.min_length > self.max_length:
            raise ConfigError(
                f"min_length is {self.min_length}, more than max_length {self.max_length}; "
                "change one of the two."
            )

    def with_settings(self, settings: dict[str, typing.Any]) -> "Filters":
        """A copy with some fields changed; a text is read as the field's type.

        Raises
        ------
        ConfigError
            If a filter doesn't exist, or its value has another type or lies outside its range.
        """
        types = typing.get_type_hints(Filters)
        read = {}
        for name, value in settings.items():
            if name not in types:
                raise ConfigError(f"There is no filter '{name}'; there are {', '.join(types)}.")
            try:
                read[name] = types[name](value)
            except (TypeError, ValueError):
                kind = {int: "a whole number", float: "a number"}.get(types[name], "a text")
                raise ConfigError(f"{name} is {value!r}; it must be {kind}.") from None
        return dataclasses.replace(self, **read)

    def as_dict(self) -> dict[str, typing.Any]:
        """For JSON."""
        return dataclasses.asdict(self)


_RANGES: tuple[tuple[str, float, float], ...] = (
    ("min_length", 2, 10_000),
    ("max_length", 2, 10_000),
    ("max_resolution", 0.1, 100),
    ("max_missing", 0, 1),
    ("max_breaks", 0, 10_000),
    ("max_unknown", 0, 1),
    ("max_clashes", 0, 1e6),
    ("min_complexity", 0, 4.4),
    ("max_elongation", 0.1, 1e6),
)
"""Lowest and highest value of each number, both allowed."""

NO_FILTERS = Filters(
    min_length=2,
    max_length=10_000,
    max_resolution=100,
    max_missing=1,
    max_breaks=10_000,
    max_unknown=1,
    max_clashes=1e6,
    min_complexity=0,
    max_elongation=1e6,
)
"""Keeps every chain."""


@dataclass(frozen=True)
class Measures:
    """What filters look at.

    Parameters
    ----------
    missing, breaks : int
        Residues without a Cα; observed neighbours too far apart for a bond.
    unknown : int
        Residues whose kind isn't known.
    clashes : float
        Pairs closer than 3 Å, of residues two or more apart, per 100 residues.
    complexity : float
        Bits of entropy of the composition.
    gyration : float
        Radius of gyration of the observed Cα, Å.
    """

    missing: int
    breaks: int
    unknown: int
    clashes: float
    complexity: float
    gyration: float


def measure(chain: Chain) -> Measures:
    """Measure a chain."""
    observed = chain.observed
    place = np.flatnonzero(observed)
    points = np.asarray(chain.ca, dtype=np.float64)[observed]
    centred = points - points.mean(axis=0) if len(points) else points
    bonds = np.linalg.norm(np.diff(points, axis=0), axis=1)[np.diff(place) == 1]
    i, j = np.triu_indices(len(points), 1)
    close = (pdist(points) < _CLASH) & (place[j] - place[i] >= 2)
    _, counts = np.unique(list(chain.sequence), return_counts=True)
    share = counts / counts.sum()
    return Measures(
        missing=int((~observed).sum()),
        breaks=int((bonds > LONGEST_BOND).sum()),
        unknown=chain.sequence.count(UNKNOWN),
        clashes=100 * float(close.sum()) / max(1, len(points)),
        complexity=float(-(share * np.log2(share)).sum()) + 0.0,
        gyration=float(np.sqrt((centred**2).sum(axis=1).mean())) if len(points) else 0.0,
    )


def refusal(
    chain: Chain, measures: Measures, resolution: float | None, method: str, filters: Filters
) -> tuple[str, str] | None:
    """Why a chain is left out: the reason's name, and a sentence; None if it is kept.

    Parameters
    ----------
    chain : Chain
    measures : Measures
        Of that chain.
    resolution : float, optional
        Å; one that isn't known is no reason.
    method : str
        ``""`` where it isn't known, which only a choice of methods refuses.
    filters : Filters
    """
    length = len(chain)
    if length < filters.min_length:
        return "too short", f"{length} residues; at least {filters.min_length} are asked for."
    if length > filters.max_length:
        return "too long", f"{length} residues; at most {filters.max_length} are asked for."
    if resolution is not None and resolution > filters.max_resolution:
        return "resolution", f"{resolution:.2f} Å; the worst allowed is {filters.max_resolution} Å."
    if not _wanted(method, filters.methods):
        return "method", f"{method or 'no experiment stated'}; {filters.methods} is asked for."
    shares = (
        ("missing residues", measures.missing / length, filters.max_missing),
        ("unknown residues", measures.unknown / length, filters.max_unknown),
    )
    for reason, share, most in shares:
        if share > most:
            return reason, f"{share:.0%} of the residues; at most {most:.0%} are allowed."
    if measures.breaks > filters.max_breaks:
        return (
            "chain breaks",
            f"{measures.breaks} breaks; at most {filters.max_breaks} are allowed.",
        )
    if measures.clashes > filters.max_clashes:
        return (
            "clashes",
            f"{measures.clashes:.1f} clashes per 100 residues; at most "
            f"{filters.max_clashes:g} are allowed.",
        )
    if measures.complexity < filters.min_complexity:
        return (
            "low complexity",
            f"{measures.complexity:.1f} bits; at least {filters.min_complexity:g} are asked for.",
        )
    elongation = measures.gyration / float(expected_gyration(length - measures.missing))
    if elongation > filters.max_elongation:
        return (
            "elongated",
            f"{elongation:.1f} times a globular chain's radius of gyration; at most "
            f"{filters.max_elongation:g} times is allowed.",
        )
    return None


def _wanted(method: str, methods: str) -> bool:
    wanted = [word.strip().upper() for word in methods.split(",") if word.strip()]
    if not wanted or wanted == ["ANY"]:
        return "THEORETICAL" not in method
    return any(word in method for word in wanted)
