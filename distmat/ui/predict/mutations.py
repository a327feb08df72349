"""What an exchange of residues does to the predicted map."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from distmat.access import may_change
from distmat.batch.scan import HEATMAP, READOUT, SCAN, submit_scan
from distmat.errors import DistmatError
from distmat.figures.explorer import Scene
from distmat.figures.maps import image_options, residue_curve, scan_heatmap
from distmat.jobs.job import Job
from distmat.prediction_tasks import predict_maps
from distmat.protein.mutation import mutate, parse_mutations
from distmat.scoring.effect import CLEAR, MutationEffect, mutation_effect
from distmat.ui.address import name_in_address
from distmat.ui.explorer import show_explorer
from distmat.ui.file_name import file_stem
from distmat.ui.job_list import show_jobs, watch_job
from distmat.ui.markdown import show_error
from distmat.ui.predict.view import PredictionView
from distmat.ui.run_store import open_store
from distmat.ui.workers import compute
from distmat.workspace import checkpoint_identity, checkpoint_path

if TYPE_CHECKING:
    from distmat.protein.distance_map import DistanceMap

_LIMITS = (
    "What such a model can't know: it learned distances of natural proteins that fold, and was "
    "never shown what a mutation does. It says nothing of stability, binding or activity, a mutant "
    "that doesn't fold gets a map all the same, and a change below the model's own error may be "
    "none."
)
_SCANS = {"alanine": "Alanine scan", "all": "All 19 at each position"}


def show_mutations(view: PredictionView) -> None:
    """Name mutations, and see the difference of the maps; scan all positions as a job."""
    linked = st.query_params.get("mutations", "")
    st.subheader("Mutations", anchor="mutations")
    with st.form("mutations", border=False):
        left, right = st.columns([4, 1], vertical_alignment="bottom")
        text = left.text_input(
            "Exchange residues",
            value=linked,
            key=f"mutations-{view.key}",
            max_chars=300,
            placeholder=_example(view.request.sequence),
            help="Letter, place from 1, letter; several with spaces or commas between them.",
        )
        right.form_submit_button("Predict the mutant", width="stretch")
    if text.strip():
        _show_mutant(view, text)
    elif linked:
        st.query_params.pop("mutations", None)
    st.caption(_LIMITS)
    if may_change():
        _show_scans(view)


def _example(sequence: str) -> str:
    middle = len(sequence) // 2
    return f"{sequence[middle]}{middle + 1}{'G' if sequence[middle] != 'G' else 'A'}"


def _show_mutant(view: PredictionView, text: str) -> None:
    sequence = view.request.sequence
    try:
        mutations = parse_mutations(text, sequence)
        with st.spinner("Predicting the mutant"):
            wild, mutant = _predict(
                view,
                checkpoint_identity(view.checkpoint),
                (sequence, mutate(sequence, mutations)),
            )
    except DistmatError as error:
        show_error(error)
        return
    named = " ".join(map(str, mutations))
    name_in_address("mutations", named)
    effect = mutation_effect(wild, mutant)
    with st.container(horizontal=True):
        for label, value, hint in _numbers(view, wild, effect):
            st.metric(label, value, help=hint, width=200)
    _show_verdict(view, wild, effect)
    stem = file_stem(f"{view.request.title}-{named}")
    scene = Scene(
        key=f"mutant-{view.key}-{named}",
        sequence=mutant.sequence,
        predicted=mutant.distances,
        true=wild.distances,
        std=effect.std,
        truth=view.prediction.backbone.coords,
        file=stem,
        words={
            "predicted": "mutant",
            "true": "wild type",
            "error": "difference",
            "significance": "|difference| / σ",
            "observed": "wild type, predicted",
            "structure": "The backbone that was predicted for the wild type.",
        },
        state={"above": "signed", "below": "significance"},
        turn=1,
    )
    show_explorer(scene, "mutant", in_address=False)
    figure = residue_curve(sequence, effect.by_residue, "mean change of its distances")
    st.plotly_chart(
        figure,
        width="stretch",
        config=image_options(f"{stem}-by-residue", "svg"),
        key="mutant-by-residue",
        alt="Mean change of the distances of each residue",
    )
    st.caption(
        "Both maps are predicted from the sequence alone: known structures of relatives would be "
        "the same for both, and hide the difference. σ is that of the difference, if the errors of "
        "both maps were independent."
    )


@st.cache_data(max_entries=12, show_spinner=False)
def _predict(
    _view: PredictionView, checkpoint: str, sequences: tuple[str, ...]
) -> "list[DistanceMap]":
    return compute(predict_maps, str(checkpoint_path(_view.checkpoint)), sequences, READOUT)


def _own_error(view: PredictionView, wild: "DistanceMap") -> tuple[float, str]:
    """How far the model is off by itself, Å, and how that is known."""
    upper = np.triu_indices(len(wild), 1)
    truth = view.request.truth
    if truth is None:
        return float(wild.std[upper].mean()), "expected"
    error = np.abs(wild.distances - truth.distances)[upper]
    return float(error[np.isfinite(error)].mean()), "measured"


def _numbers(
    view: PredictionView, wild: "DistanceMap", effect: MutationEffect
) -> list[tuple[str, str, str]]:
    error, how = _own_error(view, wild)
    pairs = len(wild) * (len(wild) - 1) // 2
    return [
        ("Distances change by", f"{effect.mean:.2f} Å", "On average over all pairs."),
        (
            "The model's own error",
            f"{error:.2f} Å",
            "Of the wild type's map from its sequence alone, over all pairs: "
            + ("against the structure." if how == "measured" else "its own standard deviation."),
        ),
        ("Largest change", f"{effect.largest:.2f} Å", "Of a pair."),
        (
            f"Beyond {CLEAR:g} σ",
            f"{effect.clear:,} of {pairs:,}",
            "Pairs whose change is more than the model's own doubt of it.",
        ),
    ]


def _show_verdict(view: PredictionView, wild: "DistanceMap", effect: MutationEffect) -> None:
    error, _ = _own_error(view, wild)
    if effect.clear == 0:
        st.info(
            f"No pair changes by {CLEAR:g} σ or more: the model sees no difference that it is sure "
            f"of. The mean change, {effect.mean:.2f} Å, stands beside an error of {error:.2f} Å.",
            icon=":material/info:",
        )
        return
    st.info(
        f"{effect.clear:,} pairs change by {CLEAR:g} σ or more. The mean change, {effect.mean:.2f} "
        f"Å, stands beside an error of the model of {error:.2f} Å.",
        icon=":material/info:",
    )


def _show_scans(view: PredictionView) -> None:
    try:
        store = open_store()
        with st.expander("Scan all positions", icon=":material/grid_on:"):
            with st.container(horizontal=True):
                for kind, label in _SCANS.items():
                    count = len(view.request.sequence) * (1 if kind == "alanine" else 19)
                    if st.button(
                        label,
                        key=f"scan-{kind}",
                        help=f"{count:,} mutants, one by one, in the background.",
                    ):
                        job = submit_scan(
                            store,
                            view.request.sequence,
                            mutations=kind,
                            checkpoint=str(checkpoint_path(view.checkpoint)),
                            name=f"{view.request.title[:60]}: {label.lower()}",
                        )
                        watch_job(job)
                        st.rerun()
            show_jobs(store, [SCAN], show_result=_show_scan)
    except DistmatError as error:
        show_error(error)


def _show_scan(job: Job) -> None:
    path = Path(str(job.settings["folder"])) / HEATMAP
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError:
        st.caption("The results are no longer there.")
        return
    letters = [name for name in rows[0] if name != "residue"] if rows else []
    table = np.array([[float(row[letter] or "nan") for letter in letters] for row in rows])
    # A residue in its own place changes nothing; of an alanine scan the others are that alone.
    seen = (np.nan_to_num(table) > 0).any(axis=0)
    figure = scan_heatmap(
        [row["residue"] for row in rows],
        [letter for letter, one in zip(letters, seen, strict=True) if one],
        table[:, seen],
    )
    st.plotly_chart(
        figure,
        width="stretch",
        config=image_options(f"scan-{job.id}", "svg"),
        key=f"scan-{job.id}",
        alt="Mean change of the predicted distances for each exchange",
    )
    st.download_button(
        "Heat map, CSV",
        path.read_bytes,
        f"{file_stem(job.name)}.csv",
        "text/csv",
        key=f"scan-csv-{job.id}",
        on_click="ignore",
        icon=":material/download:",
    )
