"""The settings of a run as a form and as YAML, which follow each other."""

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import streamlit as st
import yaml

from distmat.documents import DocumentError, parse_yaml
from distmat.errors import ConfigError
from distmat.model.heads import HEADS
from distmat.settings import Setting, current_names, groups, unknown_setting
from distmat.training.config import BASICS, TrainingConfig, settings
from distmat.training.presets import PRESETS, SUMMARIES
from distmat.ui.address import name_in_address, read_address
from distmat.ui.markdown import escape, show_error

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

ENCODERS = (
    "mini",
    "Qwen/Qwen2.5-0.5B",
    "Qwen/Qwen2.5-1.5B",
    "biohub/ESMC-300M",
    "facebook/esm2_t6_8M_UR50D",
    "facebook/esm2_t12_35M_UR50D",
    "facebook/esm2_t33_650M_UR50D",
)
"""To choose from; any other name on the model hub, or a local folder, can be typed."""

_FIRST = "quick-look"
_COLUMNS = 3
_ADDRESS, _LONGEST = "settings", 1500
"""Part of the address with what differs from the preset, and how many letters it may have."""
_DRAFT, _TEXT, _PROBLEM = "train-draft", "train-yaml", "train-problem"


def ask_config(datasets: list[str]) -> tuple[TrainingConfig | None, "DeltaGenerator"]:
    """Show the form.

    Parameters
    ----------
    datasets : list of str
        Names to choose from; a path can be typed.

    Returns
    -------
    config : TrainingConfig or None
        None while a setting is wrong, which is then said.
    beside : DeltaGenerator
        Room for more beside the form, under the YAML.
    """
    if _DRAFT not in st.session_state and not _from_address():
        use_settings(PRESETS[_FIRST], _FIRST)
    _keep_widgets()
    _show_presets()
    form, beside = st.columns([3, 2], gap="large")
    with form:
        for title, names in groups(TrainingConfig).items():
            if title == BASICS:
                _show_fields(names, datasets)
                continue
            changed = sum(_differs(name) for name in names if _applies(name))
            mark = f" · {changed} changed" if changed else ""
            with st.expander(f"{title}{mark}"):
                _show_fields(names, datasets)
    with beside:
        st.text_area(
            "The same as YAML",
            key=_TEXT,
            height=300,
            on_change=_read_text,
            help="Edit it and leave the field: the form follows. What isn't named here has its "
            "default. The same file works with `distmat train --config`.",
        )
        _tell_address()
        return _check(), beside


def _from_address() -> bool:
    """Fill the form as the address says: a preset, and what differs from it."""
    text = st.query_params.get(_ADDRESS, "")
    preset = read_address("preset", tuple(PRESETS), "")
    if not preset and not text:
        return False
    try:
        if len(text) > _LONGEST:
            raise DocumentError("is too long")
        changes = json.loads(text) if text else {}
        if not isinstance(changes, dict) or not set(changes) <= set(settings()):
            raise DocumentError("names no settings")
        use_settings({**PRESETS.get(preset, {}), **changes}, preset or None)
    except (ConfigError, DocumentError, ValueError, RecursionError):
        st.toast("The address names settings that there can't be; the form begins anew.")
        return False
    return True


def _tell_address() -> None:
    """Let the address say how the form stands, so that a reload finds it so."""
    preset = st.session_state.get("train-preset") or ""
    begun = TrainingConfig().with_settings(PRESETS.get(preset, {})).as_dict()
    values = vars(_values())
    changed = {
        name: value if isinstance(value, bool) else str(settings()[name].show(value))
        for name, value in values.items()
        if value != begun[name]
    }
    text = json.dumps(changed, separators=(",", ":")) if changed else ""
    name_in_address("preset", preset, "")
    name_in_address(_ADDRESS, text if len(text) <= _LONGEST else "", "")


def use_settings(changes: dict[str, Any], preset: str | None = None) -> None:
    """Fill the form with these settings, the others being at their defaults."""
    draft = TrainingConfig().with_settings(changes).as_dict()
    st.session_state[_DRAFT] = draft
    st.session_state["train-preset"] = preset
    st.session_state.pop(_PROBLEM, None)
    for name in settings():
        st.session_state[_key(name)] = _to_widget(name, draft[name])
    _write_text()


def _show_presets() -> None:
    st.segmented_control(
        "Start from a preset",
        list(PRESETS),
        key="train-preset",
        on_change=_use_preset,
    )
    chosen = st.session_state.get("train-preset")
    if chosen:
        st.caption(SUMMARIES[chosen])


def _use_preset() -> None:
    chosen = st.session_state["train-preset"]
    if chosen:
        use_settings(PRESETS[chosen], chosen)


def _show_fields(names: tuple[str, ...], datasets: list[str]) -> None:
    # Row by row: where there is room for one column alone, they keep their order.
    shown = list(filter(_applies, names))
    for first in range(0, len(shown), _COLUMNS):
        for column, name in zip(st.columns(_COLUMNS), shown[first:], strict=False):
            with column:
                _show_field(settings()[name], datasets)
                _show_fault(settings()[name])


def _show_field(setting: Setting, datasets: list[str]) -> None:
    common: dict[str, Any] = {
        "label": setting.label,
        "key": _key(setting.name),
        "help": _help(setting),
        "on_change": _take,
        "args": (setting.name,),
    }
    offered = _list_offered(setting, datasets)
    if offered:
        current = st.session_state[_key(setting.name)]
        options = list(dict.fromkeys([*offered, current]))
        st.selectbox(options=options, accept_new_options=not setting.choices, **common)
    elif setting.kind is bool:
        st.checkbox(**common)
    else:
        st.text_input(**common)


def _show_fault(setting: Setting) -> None:
    """What is wrong with a field taken alone, under it."""
    try:
        setting.check(setting.read(st.session_state[_DRAFT][setting.name]))
    except ConfigError as error:
        st.caption(f":red[{escape(str(error))}]")


def _list_offered(setting: Setting, datasets: list[str]) -> tuple[str, ...]:
    """What a field offers to choose from; where it isn't all, other texts can be typed."""
    if setting.name == "loss":
        return (*setting.words, *HEADS.get(_values().head).losses)
    offered = {"train": tuple(datasets), "val": tuple(datasets), "encoder": ENCODERS}
    return offered.get(setting.name, setting.choices)


def _help(setting: Setting) -> str:
    limits = f" {setting.range.capitalize()}." if setting.range else ""
    words = "".join(f" '{word}' may be written, too." for word in setting.words)
    return f"{setting.help}{limits}{words} Its name in a file: `{setting.name}`."


def _values() -> SimpleNamespace:
    """The draft as it can be read; what can't has its default."""
    values = {}
    for name, one in settings().items():
        try:
            values[name] = one.read(st.session_state[_DRAFT][name])
        except ConfigError:
            values[name] = one.default
    return SimpleNamespace(**values)


def _applies(name: str) -> bool:
    """Whether a setting does anything beside the others as they stand in the form."""
    return settings()[name].applies(_values())


def _take(name: str) -> None:
    value = st.session_state[_key(name)]
    st.session_state[_DRAFT][name] = "" if value is None else value
    _write_text()


def _read_text() -> None:
    try:
        content = parse_yaml(st.session_state[_TEXT]) or {}
    except DocumentError as error:
        st.session_state[_PROBLEM] = ConfigError(f"This is no YAML of settings: {error}.")
        return
    if not isinstance(content, dict):
        st.session_state[_PROBLEM] = ConfigError(
            "The YAML holds no settings; write lines such as 'learning_rate: 0.001'."
        )
        return
    content = current_names(TrainingConfig, content, lambda text: st.toast(escape(text)))
    unknown = [name for name in content if name not in settings()]
    if unknown:
        st.session_state[_PROBLEM] = unknown_setting(TrainingConfig, unknown[0])
        return
    st.session_state.pop(_PROBLEM, None)
    draft = TrainingConfig().as_dict() | content
    st.session_state[_DRAFT] = draft
    for name in settings():
        st.session_state[_key(name)] = _to_widget(name, draft[name])


def _check() -> TrainingConfig | None:
    problem = st.session_state.get(_PROBLEM)
    if problem is None:
        try:
            return TrainingConfig().with_settings(st.session_state[_DRAFT])
        except ConfigError as error:
            problem = error
    show_error(problem)
    return None


def _keep_widgets() -> None:
    # Streamlit forgets the widgets of a page that was left; the draft remembers.
    for name in settings():
        if _key(name) not in st.session_state:
            st.session_state[_key(name)] = _to_widget(name, st.session_state[_DRAFT][name])
    if _TEXT not in st.session_state:
        _write_text()


def _write_text() -> None:
    st.session_state.pop(_PROBLEM, None)
    changed = {}
    for name, value in st.session_state[_DRAFT].items():
        if name != "output" and _differs(name):
            changed[name] = _value(name, value)
    text = yaml.safe_dump(changed, sort_keys=False, allow_unicode=True, default_flow_style=None)
    st.session_state[_TEXT] = text if changed else ""


def _differs(name: str) -> bool:
    default = TrainingConfig().as_dict()[name]
    return _value(name, st.session_state[_DRAFT][name]) != default


def _value(name: str, value: Any) -> Any:
    """As the config would hold it; as it was typed where that is wrong."""
    try:
        return TrainingConfig().with_settings({name: value}).as_dict()[name]
    except ConfigError:
        return value


def _to_widget(name: str, value: Any) -> Any:
    """What a widget holds for a value."""
    return value if isinstance(value, bool) else settings()[name].show(value)


def _key(name: str) -> str:
    return f"setting-{name}"
