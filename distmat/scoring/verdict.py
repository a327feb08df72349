"""Is it better than knowing nothing? One answer, for page, command, diagnosis and report."""

import math
from dataclasses import dataclass

CLEARLY = 0.10
"""Share of the baseline's error by which a model that is better is below it."""
HARDLY = 0.02
"""Below this share of the baseline's error, above it or below, a difference is none."""

SEVERITY = {"better": "good", "little": "note", "none": "bad", "worse": "bad", "unknown": "note"}
"""Of each kind of verdict."""

HEADLINES: dict[str, dict[str, str]] = {
    "better": {"en": "Better than knowing nothing", "zh": "优于一无所知"},
    "little": {"en": "A little better than knowing nothing", "zh": "略优于一无所知"},
    "none": {"en": "No better than knowing nothing", "zh": "不优于一无所知"},
    "worse": {"en": "Worse than knowing nothing", "zh": "不如一无所知"},
    "unknown": {"en": "Not measured", "zh": "未测量"},
}
"""What is said first, by kind and language."""

_FIGURES = {
    "en": "an MAE of {model:.2f} Å, where knowing only the separation along the chain gives "
    "{baseline:.2f} Å ({share})",
    "zh": "MAE 为 {model:.2f} Å，而仅知序列间隔即可达到 {baseline:.2f} Å（{share}）",
}
_SHARES = {
    "en": ("{share:.1%} less", "{share:.1%} more"),
    "zh": ("低 {share:.1%}", "高 {share:.1%}"),
}
_UNKNOWN = {
    "en": "without an error in Å beside a baseline's nobody can say whether it is better than "
    "knowing nothing",
    "zh": "没有以 Å 为单位的误差与基线对照，无法判断是否优于一无所知",
}


@dataclass(frozen=True)
class Verdict:
    """What a model's error is worth.

    Parameters
    ----------
    model, baseline : float
        Mean absolute errors over the same pairs, Å; NaN where not known.
    """

    model: float
    baseline: float

    @property
    def gain(self) -> float:
        """Share of the baseline's error that the model saves; 0 knows nothing, 1 is perfect."""
        return 1.0 - self.model / self.baseline if self.baseline > 0 else math.nan

    @property
    def kind(self) -> str:
        """A key of `HEADLINES`."""
        if not math.isfinite(self.gain):
            return "unknown"
        if self.gain >= CLEARLY:
            return "better"
        if self.gain >= HARDLY:
            return "little"
        return "none" if self.gain > -HARDLY else "worse"

    @property
    def is_better(self) -> bool:
        """Whether it knows more than nothing, be it a little."""
        return self.kind in ("better", "little")

    @property
    def severity(self) -> str:
        """``"good"``, ``"note"`` or ``"bad"``."""
        return SEVERITY[self.kind]

    def headline(self, language: str = "en") -> str:
        """The answer in a few words."""
        return HEADLINES[self.kind][language]

    def figures(self, language: str = "en") -> str:
        """What the answer rests on: half a sentence."""
        if self.kind == "unknown":
            return _UNKNOWN[language]
        less, more = _SHARES[language]
        share = (less if self.gain >= 0 else more).format(share=abs(self.gain))
        return _FIGURES[language].format(model=self.model, baseline=self.baseline, share=share)

    def sentence(self, language: str = "en") -> str:
        """Answer and figures."""
        colon, stop = ("：", "。") if language == "zh" else (": ", ".")
        return f"{self.headline(language)}{colon}{self.figures(language)}{stop}"

    def as_dict(self) -> dict[str, str | float | None]:
        """For JSON."""
        gain = self.gain
        return {"kind": self.kind, "gain": round(gain, 4) if math.isfinite(gain) else None}


def judge(model: float | None, *baselines: float | None) -> Verdict:
    """Compare a model's error with that of knowing nothing.

    Parameters
    ----------
    model : float or None
        Mean absolute error, Å.
    *baselines : float or None
        Errors of predictors that ignore the sequence, on the same pairs; the lowest one counts.
    """
    known = [error for error in baselines if error is not None and math.isfinite(error)]
    return Verdict(math.nan if model is None else model, min(known, default=math.nan))
