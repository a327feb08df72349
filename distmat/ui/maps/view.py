"""The map, what it is beside, and the backbone that it implies."""

import math

import numpy as np
import streamlit as st

from distmat.errors import DistanceMapError
from distmat.figures.maps import agreement_map, image_options
from distmat.geometry.reconstruction import Reconstruction
from distmat.given_map import Fit, GivenMap, given_scene, rebuild, sequence_of
from distmat.protein.distance_map import CONTACT_CUTOFF
from distmat.scoring.map_comparison import (
    BETA_BASELINE,
    MapDifference,
    StructureComparison,
    find_named_contacts,
)
from distmat.scoring.map_scores import MAP_SCORES, NON_LOCAL
from distmat.scoring.trace_scores import TRACE_SCORES, score_trace
from distmat.ui.explorer import LONGEST_MAP, show_explorer
from distmat.ui.file_name import file_stem
from distmat.ui.maps.question import Asked
from distmat.ui.markdown import escape
from distmat.ui.score_tables import BASELINE, ICONS, SHOWN_AS, band_rows, overall_rows
from distmat.ui.workers import compute

_SOURCES = (
    ("AlphaFold 3", "`--save_distogram`", "distances between Cβ, up to 21.7 Å; contacts"),
    ("AlphaFold 3", "`…_confidences.json`", "contacts (`contact_probs`); its `pae` is no distance"),
    (
        "ESMFold, ESMFold2",
        "`numpy.savez(…, distogram_logits=…)`",
        "distances between Cβ, up to 21.7 or 52 Å: edges of the bins assumed",
    ),
    ("Boltz", "`numpy.savez(…, pdistogram=…)`", "distances between Cβ, up to 22 Å"),
    ("trRosetta", "its `.npz`", "distances between Cβ, up to 20 Å"),
    ("CASP", "RR, modes 1 and 2", "contacts, or distances in ten bins"),
    ("PSICOV, MetaPSICOV, GREMLIN, …", "a pair a line, such as `i j 0 8 p`", "contacts"),
    (
        "CCMpred, plmDCA, EVfold, FreeContact, PconsC",
        "a table, or a pair a line",
        "scores: ranks of pairs, no probabilities",
    ),
    ("you", "NPY, NPZ, CSV or text", "N×N distances, or probabilities of contact"),
)


def show_title() -> None:
    """The page's title."""
    st.title("Anyone's map", anchor=False)


def show_welcome() -> None:
    """For a page without a map yet: what one gets, and what can be opened."""
    st.markdown(
        "Open a distance map, a distogram or a list of contacts, whoever predicted it. You see it "
        "linked to the backbone that it implies, measured against a structure beside what "
        f"{BASELINE} would give, or against another map of the chain."
    )
    st.table(
        [{"from": a, "file": b, "what it tells": c} for a, b, c in _SOURCES],
        hide_index=True,
        border="horizontal",
    )
    st.caption(
        "Files stay on the machine that runs distmat; where it isn't read-only it keeps the last "
        "ones, so that the address can name them. `distmat view` does the same."
    )


def show_heading(asked: Asked) -> None:
    """What the map is, and what it is worth."""
    st.header(escape(asked.given.name), anchor=False)
    st.caption(escape(asked.given.describe()))
    for note in asked.given.notes():
        st.info(note, icon=":material/info:")
    if asked.fit is not None:
        _show_verdict(asked.given, asked.fit)


def _show_verdict(given: GivenMap, fit: Fit) -> None:
    comparison = fit.comparison
    if comparison.verdict.kind != "unknown":
        severity = comparison.verdict.severity
        getattr(st, SHOWN_AS[severity])(
            f"**{comparison.verdict.headline()}** on {escape(fit.chain.name)}: "
            f"{comparison.verdict.figures()}.",
            icon=ICONS[severity],
        )
    with st.container(horizontal=True):
        for score in MAP_SCORES.list_shown(
            "headline" if given.content.distances is not None else "table"
        ):
            ours = comparison.model.values.get(score.key)
            theirs = comparison.baseline.values.get(score.key)
            if ours is None or theirs is None or score.key.endswith("ceiling"):
                continue
            gain = ours - theirs
            st.metric(
                score.english,
                score.text(ours),
                f"{gain:+.{score.digits}f} {score.unit}".rstrip() if math.isfinite(gain) else None,
                delta_color="normal" if score.higher_is_better else "inverse",
                help=f"{score.meaning} The difference is to {BASELINE}.",
                width=180,
            )


def show_view(asked: Asked) -> None:
    """The explorer, and the tables of what it is held against."""
    given, fit, against = asked.given, asked.fit, asked.against
    beside = against
    if fit is not None and against is not None:
        chosen = st.segmented_control(
            "Beside the map",
            ["structure", "other map"],
            default="structure",
            required=True,
            key="beside",
            bind="query-params",
        )
        beside = against if chosen == "other map" else None
    backbone = _backbone(given)
    if len(given) > LONGEST_MAP:
        st.info(f"The map of more than {LONGEST_MAP:,} residues isn't drawn.")
    else:
        stem = file_stem(given.name.rpartition(".")[0])
        show_explorer(given_scene(given, stem, fit, beside, backbone), "given")
    if asked.difference is not None and against is not None:
        _show_difference(given, against, asked.difference, sequence_of(given, fit, against))
    if fit is not None:
        _show_scores(given, fit.comparison)
    if backbone is not None:
        _show_backbone(given, backbone, fit)


def _backbone(given: GivenMap) -> Reconstruction | None:
    """The trace that the map implies; of why there is none a sentence."""
    if given.content.distances is None:
        st.caption("Contacts and ranks tell no distances: no backbone is rebuilt from them.")
        return None
    try:
        with st.spinner("Rebuilding the backbone"):
            return _rebuilt(given, given.key)
    except DistanceMapError as error:
        st.info(f"No backbone is drawn: {escape(str(error))}", icon=":material/info:")
        return None


@st.cache_resource(max_entries=8, show_spinner=False)
def _rebuilt(_given: GivenMap, key: str) -> Reconstruction:
    return compute(rebuild, _given)


def backbone_of(given: GivenMap) -> Reconstruction | None:
    """The trace that was rebuilt for the view, without a word where there is none."""
    try:
        return None if given.content.distances is None else _rebuilt(given, given.key)
    except DistanceMapError:
        return None


def _show_scores(given: GivenMap, comparison: StructureComparison) -> None:
    st.subheader("Against the structure", anchor="structure")
    left, right = st.columns([5, 6], gap="large")
    rows = overall_rows(comparison.model, comparison.baseline, column="map")
    left.table(rows, hide_index=True, border="horizontal")
    if comparison.model.bands:
        bands = band_rows(comparison.model, comparison.baseline)
        right.table(bands, hide_index=True, border="horizontal")
    words = [
        f"Over {comparison.model.pairs:,} pairs that were observed and that the map tells, by "
        f"{given.atom} atoms; {BASELINE} on the same pairs."
    ]
    if given.atom == "Cβ":
        words.append(BETA_BASELINE)
    if comparison.beyond:
        words.append(
            f"{comparison.beyond:,} pairs lie in the map's open last bin: it only says that they "
            f"are {comparison.farthest:.1f} Å apart or more, which is right for "
            f"{comparison.beyond_right:.0%}."
        )
    st.caption(" ".join(words))


def _show_difference(
    given: GivenMap, against: GivenMap, difference: MapDifference, sequence: str
) -> None:
    st.subheader("Against the other map", anchor="other-map")
    if given.atom != against.atom:
        st.info(
            f"One map is between {given.atom}, the other between {against.atom} atoms: distances "
            "differ by about 1 Å for that alone.",
            icon=":material/info:",
        )
    with st.container(horizontal=True):
        for label, value, hint in _differences(difference):
            st.metric(label, value, help=hint, width=190)
    if given.content.distances is None or against.content.distances is None:
        first, second = (
            find_named_contacts(one.content.distances, one.named) for one in (given, against)
        )
        st.plotly_chart(
            agreement_map(sequence, first, second),
            width="content",
            config=image_options("agreement", "svg"),
            key="agreement",
            alt="Contacts that both maps name, and that one names alone",
        )


def _differences(difference: MapDifference) -> list[tuple[str, str, str]]:
    far = f"|i − j| ≥ {NON_LOCAL}"
    contacts = [
        (
            "Contacts in both",
            f"{difference.both:,}",
            f"Pairs with {far} that both call closer than {CONTACT_CUTOFF:g} Å.",
        ),
        ("in the first alone", f"{difference.only_first:,}", f"With {far}."),
        ("in the other alone", f"{difference.only_second:,}", f"With {far}."),
    ]
    if not difference.pairs:
        return contacts
    mean = f"{difference.mean:+.2f} Å".replace("-", "−")
    r = "–" if math.isnan(difference.pearson) else f"{difference.pearson:.3f}"
    return [
        (
            "Distances differ by",
            f"{difference.mae:.2f} Å",
            f"On average over the {difference.pairs:,} pairs whose distance both tell.",
        ),
        ("Map − other", mean, "Mean difference over these pairs."),
        ("Correlation r", r, "Of the distances of these pairs."),
        *contacts,
    ]


def _show_backbone(given: GivenMap, backbone: Reconstruction, fit: Fit | None) -> None:
    st.subheader("Backbone", anchor="backbone")
    left, right = st.columns(2, gap="large")
    if fit is not None and np.isfinite(backbone.coords).all(axis=1).sum() > 2:
        trace = score_trace(backbone.coords, fit.coords)
        left.table(
            [
                {"score": score.english, "value": f"**{score.text(trace.values[score.key])}**"}
                for score in TRACE_SCORES
            ],
            hide_index=True,
            hide_header=True,
            border="horizontal",
        )
    with right:
        st.markdown("\n".join(f"{k}. {step}" for k, step in enumerate(backbone.steps, start=1)))
        if given.atom == "Cβ":
            st.caption(
                "The trace is that of the Cβ atoms, joined as if they were Cα: an outline of the "
                "fold, whose bonds are a little too short."
            )
