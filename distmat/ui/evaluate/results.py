"""One evaluation: is it any good, on which chains, and where."""

import io
import json
import math
from typing import Any

import pandas as pd
import streamlit as st

from distmat.csv_table import table_text
from distmat.figures import evaluation as figures
from distmat.figures.maps import image_options
from distmat.protein.distance_map import BANDS
from distmat.scoring.map_scores import MAP_SCORES
from distmat.scoring.pooled import PooledPairs, needed_factor
from distmat.scoring.strata import STRATA, stratum
from distmat.scoring.verdict import judge
from distmat.ui.file_name import file_stem
from distmat.ui.markdown import escape
from distmat.ui.run_store import duration

BASELINES = {
    "baseline": "separation only",
    "copy_nearest": "copy nearest",
    "own_baseline": "the checkpoint's own table",
}
"""What the tables of an evaluation are called."""

_BADGES = {"good": "green", "note": "blue", "bad": "red"}


def show_summary(content: dict[str, Any]) -> None:
    """What was evaluated, the answer as chips, and each score beside the baselines'."""
    st.header(escape(f"{content['checkpoint']} on {content['dataset']}"), anchor=False)
    words = [f"{content['chains']:,} chains"]
    if content.get("split"):
        words.append(f"split {content['split']}")
    if content.get("rep_only"):
        words.append("one of each cluster")
    if content.get("min_length"):
        words.append(f"of {content['min_length']:,} residues or more")
    if content.get("max_length"):
        words.append(f"up to {content['max_length']:,} residues")
    library = content.get("library", "none")
    words.append("no library" if library == "none" else f"library {escape(library)}")
    words.append(f"predicted in {duration(content['seconds'])}")
    st.caption(" · ".join(words))
    _show_chips(content)
    st.table(_score_rows(content), hide_index=True, border="horizontal")
    st.caption(
        "Means over chains; in brackets what 95 % of means over chains drawn again and again lie "
        "between. Skill: the share of the way from a baseline to perfection; 0 is no better. "
        + " ".join(f"{score.short}: {score.meaning}" for score in MAP_SCORES.list_shown("table"))
    )


def _show_chips(content: dict[str, Any]) -> None:
    """For each baseline whether it is beaten, and on how many chains."""
    with st.container(horizontal=True):
        for name, label in BASELINES.items():
            if name not in content:
                continue
            verdict = judge(content["model"]["mae"], content[name]["mae"])
            both = [
                (row["model"]["mae"], row[name]["mae"])
                for row in content["per_chain"]
                if row["model"]["mae"] is not None and row[name]["mae"] is not None
            ]
            won = sum(ours < theirs for ours, theirs in both)
            share = f"{abs(verdict.gain):.0%}" if math.isfinite(verdict.gain) else "–"
            less = "less" if verdict.gain >= 0 else "more"
            st.badge(
                f"{share} {less} error than {label}; better on {won:,} of {len(both):,} chains",
                color=_BADGES[verdict.severity],
                icon=":material/check:" if verdict.is_better else ":material/close:",
            )


def _score_rows(content: dict[str, Any]) -> list[dict[str, str]]:
    rows = []
    for score in MAP_SCORES.list_shown("table"):
        ours = content["model"].get(score.key)
        if score.key not in content["model"]:
            continue
        between = content["interval"].get(score.key)
        interval = f" ({score.number(between[0])} – {score.number(between[1])})" if between else ""
        row = {"score": score.column, "model": f"**{score.number(ours)}**{interval}"}
        best = content["model"].get(score.ceiling) if score.ceiling else None
        for name, label in BASELINES.items():
            if name in content:
                theirs = content[name].get(score.key)
                skill = score.skill(ours, theirs, best)
                said = f"{skill:+.2f}".replace("-", "−") if math.isfinite(skill) else "–"
                row[label] = score.number(theirs)
                row[f"skill over {label}"] = said
        rows.append(row)
    return rows


def show_strata(content: dict[str, Any]) -> None:
    """The headline scores by groups of chains."""
    st.subheader("On which chains", anchor="strata")
    rows = [row for row in content["per_chain"] if "length" in row]
    if not rows:
        return
    ways = [by for by in STRATA if by != "template" or content.get("library", "none") != "none"]
    by = st.segmented_control(
        "By",
        ways,
        default=ways[0],
        format_func=lambda way: STRATA[way],
        required=True,
        key="by",
        bind="query-params",
    )
    groups: dict[str, list[dict]] = {}
    for row in sorted(rows, key=lambda row: row["length"]):
        groups.setdefault(stratum(row, by or ways[0]), []).append(row)
    shown = MAP_SCORES.list_shown("monitor")
    table = []
    for name, members in groups.items():
        line = {STRATA[by or ways[0]]: name, "chains": f"{len(members):,}"}
        for score in shown:
            ours = _mean(members, "model", score.key)
            theirs = _mean(members, "baseline", score.key)
            line[score.column] = f"**{score.number(ours)}** ({score.number(theirs)})"
        table.append(line)
    st.table(table, hide_index=True, border="horizontal")
    st.caption("In brackets what knowing only the separation gives.")


def _mean(rows: list[dict], table: str, key: str) -> float | None:
    values = [row[table][key] for row in rows if row[table].get(key) is not None]
    return sum(values) / len(values) if values else None


def show_figures(content: dict[str, Any]) -> None:
    """Where it is off: by distance, separation, length and structure; contacts; deviations."""
    if "pooled" not in content:
        return
    pooled = PooledPairs.from_dict(content["pooled"])
    rows = [row for row in content["per_chain"] if "length" in row]
    st.subheader("Where it is off", anchor="errors")
    drawn = (
        ("Predicted against true", figures.density_figure(pooled)),
        ("Error by separation", figures.separation_figure(pooled)),
        ("Error by distance", figures.distance_figure(pooled)),
        (
            "Error by length",
            figures.length_figure(
                [row["length"] for row in rows],
                [row["model"]["mae"] for row in rows],
                [row["baseline"]["mae"] for row in rows],
                [row["id"] for row in rows],
            ),
        ),
        ("Error by secondary structure", figures.structure_figure(pooled)),
        ("Contacts: precision and recall", figures.precision_recall_figure(pooled)),
        ("Is σ honest?", figures.reliability_figure(pooled)),
        ("Errors within so many σ", figures.coverage_figure(pooled)),
    )
    for place in range(0, len(drawn), 2):
        for column, (title, figure) in zip(
            st.columns(2, gap="large"), drawn[place : place + 2], strict=True
        ):
            with column:
                st.markdown(f"**{title}**")
                st.plotly_chart(
                    figure,
                    width="stretch",
                    config=image_options(f"{_stem(content)}-{file_stem(title)}", "svg"),
                    key=f"evaluate-{title}",
                    alt=title,
                )
    st.caption(_recalibration(pooled))


def _recalibration(pooled: PooledPairs) -> str:
    parts = [
        f"{band} {factor:.2f}"
        for band, counts in zip(BANDS, pooled.ratio, strict=True)
        if math.isfinite(factor := needed_factor(counts))
    ]
    return (
        "All pairs of all chains count alike here. For 68 % of the errors to lie within one σ, "
        f"it would have to be multiplied by: {', '.join(parts)}. Dotted in the contacts: chance."
    )


def show_downloads(content: dict[str, Any]) -> None:
    """The table of chains and everything, to take home."""
    table = chain_table(content)
    with st.container(horizontal=True):
        for label, suffix, kind, make in (
            ("Chains, CSV", ".csv", "text/csv", lambda: table_text(table)),
            ("Chains, Parquet", ".parquet", "application/octet-stream", lambda: _parquet(table)),
            ("All of it, JSON", ".json", "application/json", lambda: json.dumps(content)),
        ):
            st.download_button(
                label,
                make,
                f"{_stem(content)}{suffix}",
                kind,
                on_click="ignore",
                icon=":material/download:",
            )


def chain_table(content: dict[str, Any]) -> pd.DataFrame:
    """A row for each chain: facts, the model's scores, the baselines' and the skill in MAE."""
    rows = []
    for row in content["per_chain"]:
        facts = {name: value for name, value in row.items() if not isinstance(value, dict)}
        facts["skill"] = MAP_SCORES["mae"].skill(row["model"]["mae"], row["baseline"]["mae"])
        for name in ("model", *BASELINES):
            if name in row:
                prefix = "" if name == "model" else f"{name}_"
                facts |= {f"{prefix}{score.key}": row[name].get(score.key) for score in MAP_SCORES}
        rows.append(facts)
    return pd.DataFrame(rows)


def _parquet(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


def _stem(content: dict[str, Any]) -> str:
    return file_stem(f"{content['checkpoint']}-on-{content['dataset']}")
