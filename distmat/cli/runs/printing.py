"""How the commands print runs."""

import argparse
import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distmat.runs.run import Run


def print_run(run: "Run", options: argparse.Namespace) -> None:
    """A run's id, or all of it as JSON."""
    if options.json:
        print_json(run.as_dict())
    else:
        print(run.id)


def print_runs(runs: "Sequence[Run]", options: argparse.Namespace) -> None:
    """Ids and states, or all as JSON."""
    if options.json:
        print_json([run.as_dict() for run in runs])
        return
    for run in runs:
        print(f"{run.id}  {run.state}")


def print_json(content: Any) -> None:
    """With NaN and infinity as null."""
    print(json.dumps(_finite(content), indent=2, ensure_ascii=False))


def _finite(content: Any) -> Any:
    """NaN and infinity as null: JSON has neither."""
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, dict):
        return {name: _finite(value) for name, value in content.items()}
    return [_finite(value) for value in content] if isinstance(content, (list, tuple)) else content


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as their widest cell."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        print(
            "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        )


def number(value: float | None, form: str = "{:.3f}") -> str:
    """A dash for what there is none of."""
    return "-" if value is None else form.format(value)


def duration(seconds: float | None) -> str:
    """Hours, minutes and seconds, or days."""
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} d {hours % 24} h"
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
