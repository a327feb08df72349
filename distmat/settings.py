"""Checked settings: one declaration each, of which form, file, command line and schema are views.

A class of settings is a frozen dataclass on `Settings`. Each of its fields is made by `setting`
and has a docstring under it; `describe` gives both to whoever shows, reads or compares them.
"""

import ast
import dataclasses
import difflib
import inspect
import itertools
import json
import re
import textwrap
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Self

from distmat.errors import ConfigError, one_line

SHAPE, PACE = "shape", "pace"
"""Marks of settings that the weights of a checkpoint, or the optimizer's state, stand or fall
with; and of those that decide how long a step takes."""

Note = Callable[[str], object]
"""Told what was read otherwise than it was written, a sentence at a time."""


@dataclasses.dataclass(frozen=True)
class Setting:
    """One setting, as a form, a help text or a schema needs it.

    Parameters
    ----------
    name : str
    kind : type
        bool, int, float, str, dict, or tuple of numbers.
    item : type
        Of a tuple's numbers; else `kind`.
    default : object
    help : str
        One sentence or two.
    label : str
        What a form calls it: by what it means.
    group : str
        What it is about; empty for what no form asks.
    low, high : float or None
        Lowest and highest value of a number, both allowed.
    choices : tuple of str
        The values a text may have; empty where it is free.
    words : dict of str to object
        Words for values that mean something else than their number, such as ``{"off": 0}``.
    marks : frozenset of str
        What else the rest of the house has to know of it.
    required : bool
        Whether a text may not be empty.
    formerly : tuple of str
        Names that it had.
    applies : callable
        Whether it does anything, given all the values.
    """

    name: str
    kind: type
    item: type
    default: Any
    help: str
    label: str
    group: str
    low: float | None
    high: float | None
    choices: tuple[str, ...]
    words: Mapping[str, Any]
    marks: frozenset[str]
    required: bool
    formerly: tuple[str, ...]
    applies: Callable[[Any], bool]

    def read(self, value: object) -> Any:
        """A value as the setting's type, neither guessed nor checked against its range.

        Raises
        ------
        ConfigError
            If it has another type.
        """
        if isinstance(value, str) and value.strip().lower() in self.words:
            return self.words[value.strip().lower()]
        if self.kind is tuple:
            parts = value.split(",") if isinstance(value, str) else value
            if isinstance(parts, list | tuple):
                return tuple(self._read_one(part, self.item) for part in parts)
            raise self._wrong_type(value, tuple)
        return self._read_one(value, self.kind)

    def _read_one(self, value: Any, kind: type) -> Any:
        try:
            if kind is bool:
                return _read_bool(value)
            if kind is dict:
                return _read_mapping(value)
            # A line break, or half a character, is in no name or path that anyone means.
            if kind is str and isinstance(value, str) and one_line(value) == value:
                return value
            if kind in (int, float) and not isinstance(value, bool):
                number = float(value)
                if kind is float:
                    return number
                if number == int(number):
                    return value if isinstance(value, int) else int(number)
        except (TypeError, ValueError, OverflowError):
            pass
        raise self._wrong_type(value, kind)

    def _wrong_type(self, value: object, kind: type) -> ConfigError:
        what = {
            bool: "true or false",
            int: "a whole number",
            float: "a number",
            str: "a text of one line",
            dict: "names with values, such as 'width: 4'",
            tuple: "numbers separated by commas",
        }[kind]
        words = "".join(f", or '{word}'" for word in self.words)
        return ConfigError(f"{self.name} is {repr(value)[:100]}; it must be {what}{words}.")

    def check(self, value: Any) -> None:
        """Refuse what lies outside the range or isn't one of the choices.

        Raises
        ------
        ConfigError
        """
        for part in value if self.kind is tuple else (value,):
            if self.low is not None and not self.low <= part <= self.high:
                raise ConfigError(f"{self.name} is {part}; it must lie {self.range}.")
        if self.choices and value not in self.choices:
            raise ConfigError(
                f"{self.name} is '{value[:100]}'; it must be {join_words(self.choices)}."
            )
        if self.required and not value.strip():
            raise ConfigError(f"{self.name} is empty; give a name or a path.")

    def show(self, value: Any) -> str:
        """A value as `read` takes it: the word that it has, or its digits."""
        for word, meant in self.words.items():
            if value == meant:
                return word
        if isinstance(value, list | tuple):
            return ", ".join(
                f"{part:g}" if isinstance(part, float) else str(part) for part in value
            )
        if isinstance(value, dict):
            return ", ".join(f"{name}: {each}" for name, each in value.items())
        if isinstance(value, bool):
            return str(value).lower()
        return f"{value:.10g}" if isinstance(value, float) else str(value)

    @property
    def range(self) -> str:
        """Of a number, in words; empty where there is none."""
        if self.low is None or self.high is None:
            return ""
        return f"between {self.low:.10g} and {self.high:.10g}"

    def schema(self) -> dict[str, Any]:
        """JSON schema of its values."""
        bounds = {} if self.low is None else {"minimum": self.low, "maximum": self.high}
        kinds = {bool: "boolean", int: "integer", float: "number", str: "string", dict: "object"}
        one: dict[str, Any] = {"type": kinds[self.item], **bounds}
        if self.choices:
            one["enum"] = list(self.choices)
        if self.kind is tuple:
            one = {"type": "array", "items": one}
        if self.words and self.kind is not str:
            one = {"anyOf": [one, {"enum": list(self.words)}]}
        default = list(self.default) if self.kind is tuple else self.default
        return {"title": self.label, "description": self.help, "default": default, **one}


def setting(
    default: Any,
    label: str = "",
    group: str = "",
    *,
    low: float | None = None,
    high: float | None = None,
    choices: Iterable[str] | Callable[[], Iterable[str]] = (),
    words: Mapping[str, Any] | None = None,
    marks: Iterable[str] = (),
    required: bool = False,
    formerly: Iterable[str] = (),
    applies: Callable[[Any], bool] | None = None,
) -> Any:
    """A field of a class of settings; see `Setting` for what is said of it.

    Parameters
    ----------
    choices : iterable of str, or callable
        A callable is asked when the settings are first described.
    """
    facts = {
        "label": label,
        "group": group,
        "low": low,
        "high": high,
        "choices": choices,
        "words": dict(words or {}),
        "marks": frozenset(marks),
        "required": required,
        "formerly": tuple(formerly),
        "applies": applies or (lambda values: True),
    }
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata=facts)
    return dataclasses.field(default=default, metadata=facts)


@dataclasses.dataclass(frozen=True)
class Settings:
    """Base of a frozen dataclass of settings, which checks itself when it is made.

    Attributes
    ----------
    noun : str
        What one of them is called.
    group_order : tuple of str
        In which groups are described; others come last.
    listed_by : str
        What shows all of them.
    """

    noun: ClassVar[str] = "setting"
    group_order: ClassVar[tuple[str, ...]] = ()
    listed_by: ClassVar[str] = "'distmat train --settings'"

    def __post_init__(self) -> None:
        for name, one in describe(type(self)).items():
            one.check(getattr(self, name))
        self.check_together()

    def check_together(self) -> None:
        """Refuse settings that are right alone and wrong with each other.

        Raises
        ------
        ConfigError
        """

    def with_settings(self, settings: Mapping[str, object], note: Note | None = None) -> Self:
        """A copy with some fields changed.

        Parameters
        ----------
        settings : mapping
            Names and values; a text is read as the field's type, so ``"2e-4"`` will do.
        note : callable, optional
            Told of each name that has become another.

        Raises
        ------
        ConfigError
            If there is no such setting, or a value has another type or lies outside its range.
        """
        known = describe(type(self))
        named = current_names(type(self), settings, note)
        for name in named:
            if name not in known:
                raise unknown_setting(type(self), name)
        read = {name: known[name].read(value) for name, value in named.items()}
        return dataclasses.replace(self, **read)

    def as_dict(self) -> dict[str, Any]:
        """For JSON and YAML."""
        values = {name: getattr(self, name) for name in describe(type(self))}
        content: dict[str, Any] = json.loads(json.dumps(values))
        return content

    def differences(self, other: Self) -> dict[str, tuple[Any, Any]]:
        """The fields in which two differ, with both values."""
        pairs = ((name, getattr(self, name), getattr(other, name)) for name in describe(type(self)))
        return {name: (mine, theirs) for name, mine, theirs in pairs if mine != theirs}


def describe(cls: type[Settings]) -> Mapping[str, Setting]:
    """Every setting of a class by its name, group after group, in the order of the fields."""
    if cls not in _DESCRIBED:
        _DESCRIBED[cls] = _describe(cls)
    return _DESCRIBED[cls]


_DESCRIBED: dict[type[Settings], Mapping[str, Setting]] = {}


def _describe(cls: type[Settings]) -> dict[str, Setting]:
    types, helps = typing.get_type_hints(cls), _docstrings(cls)
    found = {}
    for field in dataclasses.fields(cls):
        facts = dict(field.metadata)
        choices = facts.pop("choices")
        annotation = types[field.name]
        kind = typing.get_origin(annotation) or annotation
        found[field.name] = Setting(
            name=field.name,
            kind=kind,
            item=typing.get_args(annotation)[0] if kind is tuple else kind,
            default={} if kind is dict else field.default,
            help=helps[field.name],
            choices=tuple(choices() if callable(choices) else choices),
            **facts,
        )
    order = {group: place for place, group in enumerate(cls.group_order)}
    return dict(sorted(found.items(), key=lambda item: order.get(item[1].group, len(order))))


def groups(cls: type[Settings]) -> dict[str, tuple[str, ...]]:
    """Names of the settings that a form asks, by what they are about."""
    asked: dict[str, tuple[str, ...]] = {}
    for name, one in describe(cls).items():
        if one.group:
            asked[one.group] = (*asked.get(one.group, ()), name)
    return asked


def names_with_mark(cls: type[Settings], mark: str) -> tuple[str, ...]:
    """Names of the settings with a mark."""
    return tuple(name for name, one in describe(cls).items() if mark in one.marks)


def current_names(
    cls: type[Settings], settings: Mapping[str, Any], note: Note | None = None
) -> dict[str, Any]:
    """Settings by the names that they have now; a name of today wins over its former one."""
    today = {old: one.name for one in describe(cls).values() for old in one.formerly}
    renamed = {}
    for name, value in settings.items():
        new = today.get(name, name)
        if new != name and note:
            note(f"The setting {name} is called {new} now; it was read as that.")
        if new == name or new not in settings:
            renamed[new] = value
    return renamed


def unknown_setting(cls: type[Settings], name: object) -> ConfigError:
    """That there is no such setting, and which one may have been meant."""
    wanted = str(name)[:100]
    near = difflib.get_close_matches(wanted.lower(), describe(cls), n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else f"{cls.listed_by} lists them."
    return ConfigError(f"There is no {cls.noun} '{wanted}'; {hint}")


def json_schema(cls: type[Settings], title: str) -> dict[str, Any]:
    """A JSON schema of a file of such settings, with which an editor completes and checks it."""
    described = describe(cls).values()
    properties = {one.name: one.schema() for one in described}
    for one in described:
        former = {"deprecated": True, "description": f"Called {one.name} now.", **one.schema()}
        properties |= dict.fromkeys(one.formerly, former)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def join_words(words: Iterable[str]) -> str:
    """As one writes it: a, b or c."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


def _docstrings(cls: type) -> dict[str, str]:
    # A string under a field is no docstring to Python: only the source has it.
    texts = {}
    for base in reversed([each for each in cls.__mro__ if dataclasses.is_dataclass(each)]):
        definition = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0]
        for field, text in itertools.pairwise(ast.iter_child_nodes(definition)):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(text, ast.Expr)
            ):
                texts[field.target.id] = " ".join(str(ast.literal_eval(text.value)).split())
    return texts


def _read_bool(value: object) -> bool:
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in words:
        return words[value.strip().lower()]
    raise ValueError


def _read_mapping(value: object) -> dict[str, Any]:
    """Of a mapping, or of a text such as ``width: 4, near: true``."""
    if isinstance(value, Mapping):
        return {str(name): each for name, each in value.items()}
    if not isinstance(value, str):
        raise TypeError
    parts = [part.partition(":") for part in value.split(",") if part.strip()]
    if not all(colon and re.fullmatch(r"\s*\w+\s*", name) for name, colon, _ in parts):
        raise ValueError
    return {name.strip(): each.strip() for name, _, each in parts}
