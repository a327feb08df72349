"""Scores of a map beside those of knowing only the separation, as tables."""

import math
from collections.abc import Collection
from typing import TYPE_CHECKING

from distmat.protein.distance_map import BANDS
from distmat.scoring.map_scores import MAP_SCORES
from distmat.scoring.registry import label_score

if TYPE_CHECKING:
    from distmat.scoring.map_scores import MapScores
    from distmat.scoring.registry import Score

BASELINE = "knowing only the separation"

SHOWN_AS = {"good": "success", "note": "info", "bad": "warning"}
"""Streamlit's box for each severity of a verdict."""

ICONS = {
    "good": ":material/check_circle:",
    "note": ":material/info:",
    "bad": ":material/warning:",
}


def overall_rows(
    scored: "MapScores",
    baseline_scores: "MapScores",
    own: "MapScores | None" = None,
    column: str = "model",
    only: Collection[str] = (),
) -> list[dict[str, str]]:
    """A row for each score over all pairs.

    Parameters
    ----------
    scored, baseline_scores : MapScores
    own : MapScores, optional
        Of a checkpoint's own baseline.
    column : str
        What is scored, in a word.
    only : collection of str
        Keys of the scores that there is room for; by default all.
    """
    model, baseline = scored.values, baseline_scores.values
    rows = []
    for score in MAP_SCORES.list_shown("table"):
        if score.key not in model or (only and score.key not in only):
            continue
        ours, theirs = model[score.key], baseline[score.key]
        row = {
            "score": label_score(score, model),
            column: f"**{score.number(ours)}**",
            BASELINE: score.number(theirs),
            "better by": _better(score, ours, theirs),
        }
        if own is not None:
            row["the checkpoint's own baseline"] = score.number(own.values[score.key])
        rows.append(row)
    return rows


def band_rows(model: "MapScores", baseline: "MapScores") -> list[dict[str, str]]:
    """A row for each band of separations with a pair."""
    rows, mae = [], MAP_SCORES["mae"]
    for name, (first, last) in BANDS.items():
        ours, theirs = model.bands[name], baseline.bands[name]
        if not ours.pairs:
            continue
        rows.append(
            {
                "band": f"{name} ({first}–{last})" if last else f"{name} (≥ {first})",
                "pairs": f"{ours.pairs:,}",
                mae.column: f"**{mae.number(ours.mae)}**",
                "separation only": mae.number(theirs.mae),
                "better by": _better(mae, ours.mae, theirs.mae),
                "r": MAP_SCORES["pearson"].number(ours.pearson),
            }
        )
    return rows


def _better(score: "Score", ours: float, theirs: float) -> str:
    gain = score.gain(ours, theirs)
    if not math.isfinite(gain):
        return "–"
    text = f"{gain:+.{score.digits}f}".replace("-", "−")
    return f":{'green' if gain > 0 else 'red'}[{text}]"
