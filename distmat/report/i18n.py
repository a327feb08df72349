"""Numbers, times and sentences as a reader of English or of Chinese expects them."""

import math
from datetime import datetime

from distmat.report.messages import LANGUAGES, MESSAGES


class Wording:
    """Everything a report says goes through here.

    Parameters
    ----------
    language : str
        One of `LANGUAGES`.

    Raises
    ------
    ValueError
        If it is none of them.
    """

    def __init__(self, language: str) -> None:
        if language not in LANGUAGES:
            raise ValueError(f"language is {language!r}; it must be one of {LANGUAGES}")
        self.language = language

    def say(self, key: str, **values: object) -> str:
        """The sentence of that key, with its values in place."""
        return MESSAGES[key][self.language].format(**values)

    @property
    def missing(self) -> str:
        """What stands where nothing was measured."""
        return self.say("not_measured")

    def number(self, value: float | None, digits: int = 2) -> str:
        """Fixed digits, thousands separated, a real minus sign."""
        if value is None or math.isnan(value):
            return self.missing
        if math.isinf(value):
            return "∞" if value > 0 else "−∞"
        return f"{value:,.{digits}f}".replace("-", "−")

    def count(self, value: float | None) -> str:
        """A whole number."""
        return self.number(value, 0)

    def figures(self, value: float | None, digits: int = 4) -> str:
        """That many significant figures, for losses and gradient norms."""
        if value is None or not math.isfinite(value):
            return self.number(value)
        if value and not 1e-3 <= abs(value) < 1e6:
            return self.scientific(value)
        decimals = digits - 1 - (math.floor(math.log10(abs(value))) if value else 0)
        return self.number(value, max(0, decimals))

    def scientific(self, value: float | None) -> str:
        """Two decimals and a power of ten, as learning rates are written."""
        if value is None or not math.isfinite(value):
            return self.number(value)
        return f"{value:.2e}"

    def share(self, value: float | None, digits: int = 0) -> str:
        """A fraction in per cent."""
        if value is None or not math.isfinite(value):
            return self.missing
        space = "" if self.language == "zh" else " "
        return f"{self.number(100 * value, digits)}{space}%"

    def angstrom(self, value: float | None, digits: int = 2) -> str:
        """A length."""
        return self.missing if value is None else f"{self.number(value, digits)} Å"

    def size(self, bytes_: float | None) -> str:
        """Of a file or of memory, in powers of 1,000."""
        if bytes_ is None:
            return self.missing
        for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
            if bytes_ >= scale:
                return f"{self.number(bytes_ / scale, 1)} {unit}"
        return f"{self.count(bytes_)} B"

    def duration(self, seconds: float | None) -> str:
        """Hours and minutes, or minutes and seconds."""
        if seconds is None or not math.isfinite(seconds):
            return self.missing
        whole = round(seconds)
        days, rest = divmod(whole, 86_400)
        hours, rest = divmod(rest, 3_600)
        minutes, left = divmod(rest, 60)
        parts = [
            (days, "days"),
            (hours, "hours"),
            (minutes, "minutes"),
            (left, "seconds"),
        ]
        first = next((i for i, (amount, _) in enumerate(parts) if amount), 3)
        shown = [(amount, unit) for amount, unit in parts[first : first + 2] if amount]
        if not shown:
            shown = [(0, "seconds")]
        return " ".join(self.say(f"unit_{unit}", n=amount) for amount, unit in shown)

    def moment(self, when: datetime | None) -> str:
        """A date and time of day, with its time zone."""
        if when is None:
            return self.missing
        local = when.astimezone()
        zone = local.strftime("%Z") or local.strftime("%z")
        if self.language == "zh":
            day = f"{local.year} 年 {local.month} 月 {local.day} 日"
            return f"{day} {local:%H:%M} ({zone})"
        return f"{local.day} {local:%B %Y, %H:%M} ({zone})"
