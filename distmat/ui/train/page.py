"""The page that sets up runs and starts them."""

from collections.abc import Callable

import streamlit as st

from distmat.errors import DatasetError, DistmatError
from distmat.jobs.backends import Field, backend, names
from distmat.jobs.hardware import gpus
from distmat.model.encoders import EncoderShape
from distmat.runs import operations
from distmat.runs.run import Run
from distmat.runs.store import RunStore
from distmat.settings import PACE, names_with_mark
from distmat.training.config import TrainingConfig, settings
from distmat.training.memory import (
    GIB,
    advice,
    encoder_shape,
    estimate_memory,
    free_memory,
)
from distmat.training.presets import PRESETS
from distmat.ui.bridges import TRAIN_ON
from distmat.ui.markdown import escape, show_error
from distmat.ui.run_store import duration, open_store
from distmat.ui.train.form import ask_config, use_settings
from distmat.workspace import dataset_path, list_datasets

SYNTHETIC = "synthetic"
"""Made when it is first needed, so it can always be chosen."""


def show_train() -> None:
    """The whole page."""
    st.title("Train a model", anchor=False)
    try:
        store = open_store()
        _take_over(store)
    except DistmatError as error:
        show_error(error)
        return
    config, beside = ask_config(list(dict.fromkeys([*list_datasets(), SYNTHETIC])))
    with beside:
        _show_missing(config)
        _show_estimate(store, config)
        common = _ask_labels()
        _show_start(store, config, common)
        _show_sweep(store, config, common)


def _take_over(store: RunStore) -> None:
    """Fill the form with what another page has sent: a dataset, or a run to be duplicated."""
    dataset = st.session_state.pop(TRAIN_ON, None)
    if dataset is not None:
        preset = "quick-look" if dataset == SYNTHETIC else "mini"
        use_settings({**PRESETS[preset], "train": dataset, "val": dataset}, preset)
        st.toast(f"The form trains on {escape(dataset)}, with the preset {preset}.")
    origin = st.session_state.pop("train-from", None)
    if origin is None:
        return
    run = store.get(origin)
    known = {name: value for name, value in run.settings.items() if name in settings()}
    use_settings({**known, "output": TrainingConfig().output})
    st.session_state["train-name"] = f"{run.name} again"
    st.toast(f"The form has the settings of {run.name}.")


def _show_missing(config: TrainingConfig | None) -> None:
    """Say which data isn't there before somebody starts, and where to build it."""
    if config is None:
        if not list_datasets():
            _offer_build()
        return
    for name in dict.fromkeys((config.train, config.val)):
        if name == SYNTHETIC:
            continue
        try:
            dataset_path(name)
        except DatasetError:
            st.warning(
                f"There is no dataset **{escape(name)}** here yet. Build it on the Data page, "
                "name another one, or begin with the preset quick-look, which needs none.",
                icon=":material/database_off:",
            )
            _offer_build()
            return


def _offer_build() -> None:
    if st.button("Build a dataset", icon=":material/database:"):
        st.switch_page("data.py")


def _show_estimate(store: RunStore, config: TrainingConfig | None) -> None:
    if config is None:
        return
    shape = encoder_shape(config)
    if shape is None:
        st.caption("Memory: known once the encoder's config has been downloaded.")
    else:
        _show_memory(config, shape)
    pace = pace_of_a_like_run(store, config)
    if pace is None:
        st.caption("Time: known after the first steps, for no run like this was made here yet.")
    elif config.epochs:
        st.caption(f"Time: {pace:.2g} s a step, as in an earlier run like it.")
    else:
        st.caption(
            f"Time: about {duration(pace * config.max_steps)} for {config.max_steps:,} steps, at "
            f"the {pace:.2g} s a step of an earlier run like it."
        )


def _show_memory(config: TrainingConfig, shape: EncoderShape) -> None:
    """What the run will take of the memory of the device it will be given."""
    cards = [] if config.device == "cpu" else gpus()
    usual = "bf16" if cards else "fp32"
    precision = usual if config.precision == "auto" else config.precision
    device = "cuda" if cards or config.device == "cuda" else "cpu"
    needed = estimate_memory(config, shape, precision=precision, device=device).total / GIB
    words = f"Memory: about {needed:.1f} GiB"
    if device == "cpu":
        there = (free_memory("cpu") or 0) / GIB
        room = f"only {there:.1f} GiB are free" if needed > there else f"{there:.1f} GiB are free"
    elif cards:
        # A run gets a card of its own.
        smallest = min(cards, key=lambda card: card.memory)
        there = smallest.memory / GIB
        room = f"the {smallest.name} has {there:.1f} GiB"
    else:
        st.caption(f"{words}.")
        return
    if needed <= there:
        st.caption(f"{words}; {room}.")
    else:
        st.warning(f"{words}, but {room}. It may not fit: {advice(config)}.")


def pace_of_a_like_run(store: RunStore, config: TrainingConfig) -> float | None:
    """Seconds per step of the newest run whose steps are as large; None if there is none."""
    wanted = config.as_dict()
    for run in store.runs():
        if all(
            run.settings.get(name) == wanted[name] for name in names_with_mark(TrainingConfig, PACE)
        ):
            pace = store.seconds_per_step(run.id)
            if pace is not None:
                return pace
    return None


def _ask_labels() -> dict:
    """Name, tags and place of the run."""
    left, right = st.columns(2)
    name = left.text_input("Name", key="train-name", placeholder="what you will know it by")
    tags = right.text_input("Tags", key="train-tags", placeholder="separated by commas")
    with st.expander("Where it runs", icon=":material/dns:"):
        chosen = st.selectbox(
            "Backend",
            names(),
            key="train-backend",
            help=" ".join(f"{name}: {backend(name).summary}." for name in names()),
        )
        extra = _ask_backend(chosen)
    return {
        "name": name,
        "tags": [tag.strip() for tag in tags.split(",") if tag.strip()],
        "backend": chosen,
        "backend_settings": extra,
    }


def _show_start(store: RunStore, config: TrainingConfig | None, common: dict) -> None:
    with st.container(horizontal=True):
        now = st.button(
            "Start now",
            type="primary",
            icon=":material/play_arrow:",
            disabled=config is None,
            help="Beside whatever runs already.",
        )
        later = st.button(
            "Queue",
            icon=":material/playlist_add:",
            disabled=config is None,
            help="One run at a time on each device; the next begins when one ends.",
        )
    if config is not None and (now or later):
        _start(lambda: operations.launch(store, config, immediate=now, **common))


def _ask_backend(name: str) -> dict:
    return {field.name: _ask_field(field) for field in backend(name).fields}


def _ask_field(field: Field) -> str | int:
    if isinstance(field.default, str):
        return st.text_input(field.label, field.default, width=140)
    return int(st.number_input(field.label, field.low, field.high, field.default, width=130))


def _show_sweep(store: RunStore, config: TrainingConfig | None, common: dict) -> None:
    with st.expander("Try several values", icon=":material/grid_on:"):
        st.caption(
            "One line for each setting: its name, = and the values, separated by commas (by "
            "semicolons where a value has commas itself). The runs are queued as a group."
        )
        text = st.text_area(
            "Values", key="train-sweep", placeholder="learning_rate=1e-3,3e-4\nseed=0,1"
        )
        kind = st.segmented_control(
            "Combine",
            ("grid", "list"),
            default="grid",
            required=True,
            key="train-sweep-kind",
            help="grid: each with each. list: the first ones together, then the second ones.",
        )
        if config is None or not text.strip():
            return
        try:
            configs = operations.sweep(config, read_sweep(text), kind=kind or "grid")
        except DistmatError as error:
            show_error(error)
            return
        group = str(common["name"] or "sweep")
        if st.button(f"Queue {len(configs)} runs", icon=":material/playlist_add:"):
            labels = {name: value for name, value in common.items() if name != "name"}
            _start_group(lambda: operations.launch_sweep(store, configs, group, **labels))


def read_sweep(text: str) -> dict[str, list[str]]:
    """Settings and their values, from lines such as ``seed=0,1`` or ``seed: 0; 1``."""
    values: dict[str, list[str]] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, _, rest = line.partition("=" if "=" in line else ":")
        values[name.strip()] = operations.sweep_values(rest)
    return values


def _start(launch: Callable[[], Run]) -> None:
    try:
        run = launch()
    except DistmatError as error:
        show_error(error)
        return
    st.switch_page("runs.py", query_params={"run": run.id})


def _start_group(launch: Callable[[], list[Run]]) -> None:
    try:
        runs = launch()
    except DistmatError as error:
        show_error(error)
        return
    st.toast(f"{len(runs)} runs are in the queue.")
    st.switch_page("runs.py")
