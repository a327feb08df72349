"""Small JSON and YAML documents that nobody has to trust: settings, cards, checkpoints' facts.

What comes out is plain: mappings with text as keys, lists, text that can be encoded, numbers,
truth values and None, no deeper, larger or more repetitive than anyone writes. What the values
mean is checked by whoever asked for them.
"""

import json
from pathlib import Path
from typing import Any

MOST_JSON = 16 * 2**20
"""Bytes of a JSON document: a run of a million steps has a history of five million."""
MOST_YAML = 64 * 2**10
"""Characters of a YAML document; its parser takes a second for these."""
MOST_VALUES = 1_000_000
"""Values in one document, which then take a few hundred megabytes at most."""
MOST_LEVELS = 64
"""Lists and mappings inside each other."""


class DocumentError(ValueError):
    """Why a document can't be used, as the part of a sentence that stands in brackets."""


def read_json(path: Path, most: int = MOST_JSON) -> Any:
    """The content of a JSON file.

    Parameters
    ----------
    path : Path
    most : int
        Bytes that are read at most.

    Raises
    ------
    OSError
        If there is no such file, or it can't be read.
    DocumentError
        If it is larger, or is no document as `parse_json` takes.
    """
    return parse_json(_read(path, most), most)


def read_yaml(path: Path) -> Any:
    """The content of a YAML file, as JSON is, too.

    Raises
    ------
    OSError
        If there is no such file, or it can't be read.
    DocumentError
        If it is larger than `MOST_YAML`, or is no document as `parse_yaml` takes.
    """
    return parse_yaml(_text(_read(path, MOST_YAML)))


def parse_json(data: str | bytes, most: int = MOST_JSON) -> Any:
    """The content of a JSON text.

    Parameters
    ----------
    data : str or bytes
        UTF-8, with or without a byte order mark. NaN and Infinity are numbers, as Python
        writes them.
    most : int
        Bytes or characters at most.

    Raises
    ------
    DocumentError
        If it is no JSON, too large, too deep, has a key twice, or text that can't be encoded.
    """
    _check_size(len(data), most)
    text = _text(data) if isinstance(data, bytes) else data
    if text.count(",") + text.count("[") + text.count("{") > MOST_VALUES:
        raise DocumentError(f"it holds more than {MOST_VALUES:,} values")
    try:
        content = json.loads(text, object_pairs_hook=_without_repeats)
    except RecursionError:
        raise DocumentError(_too_deep()) from None
    except json.JSONDecodeError as error:
        raise DocumentError(f"{error.msg}, line {error.lineno}") from None
    except DocumentError:
        raise
    # An integer of more digits than Python turns into a number.
    except ValueError:
        raise DocumentError("it holds a number of thousands of digits") from None
    _check(content)
    return content


def parse_yaml(text: str) -> Any:
    """The content of a YAML text.

    Dates stay text; anchors, aliases and tags, which no settings need, are refused.

    Raises
    ------
    DocumentError
        If it is no YAML, too large, too deep, or has a key twice.
    """
    import yaml

    _check_size(len(text), MOST_YAML)
    try:
        content = yaml.load(text, Loader=_plain_loader())  # noqa: S506  (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        where = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise DocumentError(f"{error.problem}{where}") from None
    except yaml.YAMLError as error:
        raise DocumentError(" ".join(str(error).split())) from None
    except DocumentError:
        raise
    # Of what looks like a number and is none, such as 0x_.
    except ValueError as error:
        raise DocumentError("it holds what looks like a number and is none") from error
    _check(content)
    return content


def _plain_loader() -> Any:
    """PyYAML's safe loader without what lets a short text say much."""
    import yaml

    class PlainLoader(yaml.SafeLoader):
        level = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            event = self.peek_event()
            if getattr(event, "anchor", None) is not None:
                raise DocumentError("it has an anchor or an alias; write the value itself")
            if getattr(event, "tag", None) is not None:
                raise DocumentError("it has a tag, which begins with '!'; write the plain value")
            if self.level > MOST_LEVELS:
                raise DocumentError(_too_deep())
            self.level += 1
            node = super().compose_node(parent, index)
            self.level -= 1
            return node

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            names = [key.value for key, _ in node.value if isinstance(key.value, str)]
            _check_repeats(names)
            return super().construct_mapping(node, deep)

    PlainLoader.yaml_implicit_resolvers = {
        letter: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return PlainLoader


def _read(path: Path, most: int) -> bytes:
    path = Path(path)
    # A pipe would be waited for, and a device never ends.
    if path.exists() and not path.is_file():
        raise DocumentError("it is no file")
    with open(path, "rb") as file:
        data = file.read(most + 1)
    _check_size(len(data), most)
    return data


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError(f"byte {error.start + 1:,} of it is no UTF-8") from None


def _check_size(size: int, most: int) -> None:
    if size > most:
        raise DocumentError(f"it is larger than {most // 2**10:,} KiB")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        _check_repeats([name for name, _ in pairs])
    return content


def _check_repeats(names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DocumentError(f"it has {name[:40]!a} twice")
        seen.add(name)


def _check(content: Any) -> None:
    """Refuse what is too deep or too much, and text that could be neither stored nor shown."""
    level, count = [content], 0
    for _ in range(MOST_LEVELS + 1):
        count += len(level)
        if count > MOST_VALUES:
            raise DocumentError(f"it holds more than {MOST_VALUES:,} values")
        below: list[Any] = []
        for value in level:
            if isinstance(value, str):
                _check_text(value)
            elif isinstance(value, dict):
                if not all(isinstance(name, str) for name in value):
                    raise DocumentError("one of its keys is no text")
                below += value
                below += value.values()
            elif isinstance(value, (list, tuple)):
                below += value
        if not below:
            return
        level = below
    raise DocumentError(_too_deep())


def _check_text(text: str) -> None:
    if "\0" in text:
        raise DocumentError("it holds a text with a NUL character")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise DocumentError("it holds a text with half a character (a surrogate)") from None


def _too_deep() -> str:
    return f"it is nested deeper than {MOST_LEVELS} levels"
