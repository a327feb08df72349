"""Which chains are worth learning from: settings one can read, and a reason for each refusal."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from distmat.errors import ConfigError
from distmat.protein.sequence import UNKNOWN
from distmat.settings import Settings, describe, setting

# The command's help lists the filters, and shouldn't wait for NumPy.
if TYPE_CHECKING:
    import numpy as np

    from distmat.protein.chain import Chain

KEPT = "Which chains are kept"
"""What the filters are about, as a form says it."""

_CLASH = 3.0
"""Å: closer than this two Cα atoms of one chain are an error, not strain (cis bonds are 2.9 Å
apart, and are bonds)."""


def expected_gyration(residues: "int | np.ndarray") -> "float | np.ndarray":
    """Radius of gyration in Å of a globular chain: 2.2·N^0.38 (Skolnick et al., 1997)."""
    answer: float | np.ndarray = 2.2 * residues**0.38
    return answer


@dataclass(frozen=True)
class Filters(Settings):
    """What a chain must be like to be kept; each can be changed.

    A filter is its field here and its rule in `_RULES`; form, command, card and checks follow.
    """

    noun = "filter"
    listed_by = "'distmat data build --help'"

    min_length: int = setting(30, "Shortest chain (residues)", KEPT, low=2, high=10_000)
    """Residues of the shortest chain that is kept, unobserved ones counting."""

    max_length: int = setting(512, "Longest chain (residues)", KEPT, low=2, high=10_000)
    """Residues of the longest chain that is kept, unobserved ones counting."""

    max_resolution: float = setting(3.5, "Worst resolution (Å)", KEPT, low=0.1, high=100)
    """Å; chains of a structure that states a worse one are left out."""

    methods: str = setting("any", "Experiments", KEPT)
    """Experiments to keep, separated by commas, by a part of their names, such as X-RAY, NMR."""

    max_missing: float = setting(0.25, "Unobserved residues, share", KEPT, low=0, high=1)
    """Share of the residues that may lack a Cα."""

    max_breaks: int = setting(2, "Chain breaks", KEPT, low=0, high=10_000)
    """Places where neighbours in the sequence are too far apart for a bond."""

    max_unknown: float = setting(0.05, "Unknown residues, share", KEPT, low=0, high=1)
    """Share of the residues whose kind isn't known (X)."""

    max_clashes: float = setting(1.0, "Clashes per 100 residues", KEPT, low=0, high=1e6)
    """Pairs of Cα atoms closer than 3 Å, of residues two or more apart, per 100 residues."""

    min_complexity: float = setting(2.5, "Sequence entropy, bits", KEPT, low=0, high=4.4)
    """Bits of entropy of the sequence's composition; ordinary chains have about 4."""

    max_elongation: float = setting(2.5, "Elongation", KEPT, low=0.1, high=1e6)
    """Radius of gyration in units of a globular chain's, 2.2·N^0.38 Å."""

    def check_together(self) -> None:
        """Refuse a shortest chain that is longer than the longest."""
        if self.min_length > self.max_length:
            raise ConfigError(
                f"min_length is {self.min_length}, more than max_length {self.max_length}; "
                "change one of the two."
            )


def _loosest() -> Filters:
    """The least of what must be reached, and the most of what must not be exceeded."""
    numbers = {name: one for name, one in describe(Filters).items() if one.low is not None}
    return Filters(
        **{
            name: one.kind(one.low if name.startswith("min_") else one.high)
            for name, one in numbers.items()
        }
    )


NO_FILTERS = _loosest()
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


def measure(chain: "Chain") -> Measures:
    """Measure a chain."""
    import numpy as np
    from scipy.spatial import cKDTree

    from distmat.protein.chain import LONGEST_BOND

    observed = chain.observed
    place = np.flatnonzero(observed)
    points = np.asarray(chain.ca, dtype=np.float64)[observed]
    centred = points - points.mean(axis=0) if len(points) else points
    bonds = np.linalg.norm(np.diff(points, axis=0), axis=1)[np.diff(place) == 1]
    # Each pair is counted twice, and each point with itself.
    near = cKDTree(points).count_neighbors(cKDTree(points), _CLASH) if len(points) else 0
    close = (near - len(points)) // 2 - int((bonds <= _CLASH).sum())
    _, counts = np.unique(list(chain.sequence), return_counts=True)
    share = counts / counts.sum()
    return Measures(
        missing=int((~observed).sum()),
        breaks=int((bonds > LONGEST_BOND).sum()),
        unknown=chain.sequence.count(UNKNOWN),
        clashes=100 * close / max(1, len(points)),
        complexity=float(-(share * np.log2(share)).sum()) + 0.0,
        gyration=float(np.sqrt((centred**2).sum(axis=1).mean())) if len(points) else 0.0,
    )


@dataclass(frozen=True)
class _Candidate:
    """A chain, and all that the rules look at."""

    chain: "Chain"
    measures: Measures
    resolution: float | None
    method: str

    def share(self, residues: int) -> float:
        return residues / len(self.chain)

    @property
    def elongation(self) -> float:
        observed = len(self.chain) - self.measures.missing
        return self.measures.gyration / float(expected_gyration(observed))


@dataclass(frozen=True)
class _Rule:
    """How a filter judges: the reason's name, what it looks at, and the sentence.

    A value that isn't known (None) is no reason.
    """

    reason: str
    value: Callable[[_Candidate], Any]
    words: str


_RULES = {
    "min_length": _Rule(
        "too short",
        lambda one: len(one.chain),
        "{value} residues; at least {limit} are asked for.",
    ),
    "max_length": _Rule(
        "too long", lambda one: len(one.chain), "{value} residues; at most {limit} are asked for."
    ),
    "max_resolution": _Rule(
        "resolution",
        lambda one: one.resolution,
        "{value:.2f} Å; the worst allowed is {limit} Å.",
    ),
    "methods": _Rule(
        "method",
        lambda one: one.method or "no experiment stated",
        "{value}; {limit} is asked for.",
    ),
    "max_missing": _Rule(
        "missing residues",
        lambda one: one.share(one.measures.missing),
        "{value:.0%} of the residues; at most {limit:.0%} are allowed.",
    ),
    "max_unknown": _Rule(
        "unknown residues",
        lambda one: one.share(one.measures.unknown),
        "{value:.0%} of the residues; at most {limit:.0%} are allowed.",
    ),
    "max_breaks": _Rule(
        "chain breaks",
        lambda one: one.measures.breaks,
        "{value} breaks; at most {limit} are allowed. {breaks}",
    ),
    "max_clashes": _Rule(
        "clashes",
        lambda one: one.measures.clashes,
        "{value:.1f} clashes per 100 residues; at most {limit:g} are allowed.",
    ),
    "min_complexity": _Rule(
        "low complexity",
        lambda one: one.measures.complexity,
        "{value:.1f} bits; at least {limit:g} are asked for.",
    ),
    "max_elongation": _Rule(
        "elongated",
        lambda one: one.elongation,
        "{value:.1f} times a globular chain's radius of gyration; at most {limit:g} times is "
        "allowed.",
    ),
}
"""Of each filter, in the order in which they are asked: the first that refuses gives the reason."""


def refusal(
    chain: "Chain", measures: Measures, resolution: float | None, method: str, filters: Filters
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
    from distmat.protein.chain import describe_breaks

    candidate = _Candidate(chain, measures, resolution, method)
    for name, rule in _RULES.items():
        value, limit = rule.value(candidate), getattr(filters, name)
        if value is not None and _refuses(name, value, limit):
            return rule.reason, rule.words.format(
                value=value, limit=limit, breaks=describe_breaks(chain)
            )
    return None


def _refuses(name: str, value: Any, limit: Any) -> bool:
    if name == "methods":
        return not _matches(value, limit)
    return bool(value < limit if name.startswith("min_") else value > limit)


def _matches(method: str, methods: str) -> bool:
    wanted = [word.strip().upper() for word in methods.split(",") if word.strip()]
    if not wanted or wanted == ["ANY"]:
        return "THEORETICAL" not in method
    return any(word in method for word in wanted)
