"""What a score is, and the lists that everything which shows scores derives from."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

PLACES = ("headline", "table", "metric", "monitor")
"""Where a score can be shown: among the few large numbers; in the tables of a prediction and of an
evaluation; as a metric of a run (logged, drawn, compared, reported, the baseline's beside it); and
among those that a run's best checkpoint can be chosen by."""


@dataclass(frozen=True)
class Score(Generic[T]):
    """A score: everything that anything needs to know to compute and to show it.

    Parameters
    ----------
    key : str
        Its name in Python, in JSON and, after ``eval_``, among a run's metrics.
    short : str
        For the head of a column, in any language.
    english, chinese : str
        Its full name.
    compute : callable
        From what is compared to a number; NaN where it is undefined.
    unit : str
        ``"Å"``, or nothing for a number without one.
    higher_is_better : bool
    digits : int
        After the point.
    places : tuple of str
        Some of `PLACES`.
    meaning : str
        One sentence for a person who points at it.
    ceiling : str
        Key of the score that says the best any prediction could have had, if there is one.
    costly : bool
        Computed only where it is asked for.
    of_contacts : bool
        Whether a ranking of contacts is enough for it, without distances.
    """

    key: str
    short: str
    english: str
    chinese: str
    compute: Callable[[T], float]
    unit: str = ""
    higher_is_better: bool = True
    digits: int = 3
    places: tuple[str, ...] = ("table", "metric")
    meaning: str = ""
    ceiling: str = ""
    costly: bool = False
    of_contacts: bool = False

    def __post_init__(self) -> None:
        if not self.key.isidentifier() or not set(self.places) <= set(PLACES):
            raise ValueError(f"a score with key {self.key!r} and places {self.places}")

    @property
    def column(self) -> str:
        """Head of a column: the short name with the unit."""
        return f"{self.short} ({self.unit})" if self.unit else self.short

    def label(self, language: str = "en") -> str:
        """The full name with the unit; `language` is ``"en"`` or ``"zh"``."""
        if language == "zh":
            return f"{self.chinese}（{self.unit}）" if self.unit else self.chinese
        return f"{self.english} ({self.unit})" if self.unit else self.english

    def number(self, value: float | None) -> str:
        """The value with this score's digits, without a unit; – where it is undefined."""
        if value is None or not math.isfinite(value):
            return "–"
        return f"{value:.{self.digits}f}".replace("-", "−")

    def text(self, value: float | None) -> str:
        """The value with digits and unit."""
        number = self.number(value)
        return f"{number} {self.unit}" if self.unit and number != "–" else number

    def gain(self, model: float | None, baseline: float | None) -> float:
        """By how much the model is better than the baseline; NaN where either is undefined."""
        if model is None or baseline is None:
            return math.nan
        return model - baseline if self.higher_is_better else baseline - model

    def skill(
        self, model: float | None, baseline: float | None, best: float | None = None
    ) -> float:
        """Share of the way from the baseline to perfection that the model has gone.

        1 is perfect, 0 no better than the baseline, below 0 worse; NaN where that is undefined.

        Parameters
        ----------
        model, baseline : float or None
        best : float, optional
            What any prediction could have had at best; by default 1, or 0 for an error.
        """
        if best is None:
            best = 1.0 if self.higher_is_better else 0.0
        gain = self.gain(model, baseline)
        room = self.gain(best, baseline)
        return gain / room if math.isfinite(gain) and room > 0 else math.nan


class Registry(Generic[T]):
    """The scores of one kind of thing, in the order in which they are shown."""

    def __init__(self, *scores: Score[T]) -> None:
        self._scores: dict[str, Score[T]] = {}
        for score in scores:
            self.register(score)

    def register(self, score: Score[T]) -> Score[T]:
        """Add a score.

        Raises
        ------
        ValueError
            If there is one of that key already.
        """
        if score.key in self._scores:
            raise ValueError(f"there is a score {score.key!r} already")
        self._scores[score.key] = score
        return score

    def remove(self, key: str) -> None:
        """Take a score out again, as a test does that put it in."""
        del self._scores[key]

    def __getitem__(self, key: str) -> Score[T]:
        return self._scores[key]

    def __iter__(self) -> Iterator[Score[T]]:
        return iter(tuple(self._scores.values()))

    def list_shown(self, place: str) -> list[Score[T]]:
        """Those that are shown at one of `PLACES`."""
        return [score for score in self if place in score.places]

    def compute(self, things: T, costly: bool = False) -> dict[str, float]:
        """Every score of these things, by key; those that are costly only if asked for."""
        return {score.key: score.compute(things) for score in self if costly or not score.costly}


def label_score(score: Score[T], values: Mapping[str, float]) -> str:
    """Head of a row: the column's name, and the best that any prediction could have had."""
    if not score.ceiling or score.ceiling not in values:
        return score.column
    return f"{score.column} (at best {values[score.ceiling]:.2f})".replace("nan", "–")
