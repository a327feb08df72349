"""Small faults put into what was right: into bytes, into JSON, into the columns of a table."""

import copy
import json
from random import Random
from typing import Any

_PIECES = [
    *(b"", b"\0", b"\n", b"\r", b"\x0c", b"\xff\xfe", b"\xe2\x80\xa8", b"\x1b[31m", b"<script>"),
    *(b"nan", b"-1", b"0", b"1e999", b"9" * 40, b"-" * 80, b"A" * 3000, b" " * 500, b"[" * 3000),
    *(b">", b";", b'"', b"'", b",", b"loop_\n", b"data_\n", b"_atom_site.id\n", b"TER\n", b"END\n"),
    *(b"ENDMDL\n", b"MODEL        1\n", b"\x1f\x8b", b"PK\x03\x04", b"?", b".", b"CA", b"HETATM"),
]


def nasty_text(random: Random) -> str:
    """What nobody calls anything."""
    return random.choice(
        [
            *(
                "",
                " ",
                "\0",
                "a\nb",
                "\ud800",
                "\u2028",
                "\u202e",
                "\x1b[2J",
                "x" * 5000,
                "..",
                "/",
            ),
            *("nan", "-1", "1e999", "é" * 300, "日本", "<b>", "'; --", "{}", "null", "𝔸", "\ufeff"),
            "".join(
                chr(random.choice([random.randrange(128), random.randrange(0x3000)]))
                for _ in "abcde"
            ),
        ]
    )


def nasty_value(random: Random, level: int = 0) -> Any:
    """What JSON, YAML or a table may hold in the place of something else."""
    simple = [
        *(None, True, False, 0, 1, -1, 7, 10**5, 10**9, 2**31, 2**63, 10**30, -(10**9), 0.5, -0.0),
        *(1e-300, 1e308, 5e-324, float("nan"), float("inf"), float("-inf"), [], {}, "1", "mini"),
    ]
    kind = random.randrange(10)
    if kind < 6 or level > 2:
        return random.choice(simple)
    if kind == 6:
        return nasty_text(random)
    if kind == 7:
        return [nasty_value(random, level + 1) for _ in range(random.choice([1, 2, 3, 300]))]
    if kind == 8:
        return {nasty_text(random): nasty_value(random, level + 1)}
    deep: Any = 1
    for _ in range(random.choice([5, 70, 120])):
        deep = [deep] if random.random() < 0.5 else {"a": deep}
    return deep


def mutated_bytes(random: Random, data: bytes) -> bytes:
    """A few changes anywhere."""
    data = bytearray(data)
    for _ in range(random.choice([1, 1, 1, 2, 3, 8])):
        first = random.randrange(len(data) + 1)
        length = min(random.choice([1, 1, 2, 4, 16, 80, 400]), len(data) - first)
        last = first + length
        kind = random.randrange(7)
        if kind == 0 and length:
            data[first] = random.randrange(256)
        elif kind == 1:
            del data[first:last]
        elif kind == 2:
            data[first:first] = random.choice(_PIECES)
        elif kind == 3:
            data[first:last] = random.choice(_PIECES)
        elif kind == 4:
            data[first:first] = data[first:last] * random.choice([1, 2, 50])
        elif kind == 5 and random.random() < 0.3:
            del data[first:]
        else:
            data[first:last] = bytes(random.randrange(256) for _ in range(min(length, 16)))
    return bytes(data)


def mutated_lines(random: Random, data: bytes) -> bytes:
    """Lines that are missing, twice, in another order, or changed at one place."""
    lines = data.split(b"\n")
    for _ in range(random.choice([1, 1, 2, 4])):
        place = random.randrange(len(lines))
        kind = random.randrange(5)
        if kind == 0 and len(lines) > 1:
            del lines[place]
        elif kind == 1:
            lines.insert(place, lines[random.randrange(len(lines))])
        elif kind == 2:
            other = random.randrange(len(lines))
            lines[place], lines[other] = lines[other], lines[place]
        elif kind == 3:
            start = random.randrange(len(lines[place]) + 1)
            new = random.choice(
                [b"*" * 8, b"99999.999", b"-9999.999", b"1e30", b"nan", b"    ", b"ZZZ"]
            )
            lines[place] = lines[place][:start] + new + lines[place][start + len(new) :]
        else:
            words = lines[place].split(b" ")
            words[random.randrange(len(words))] = random.choice(_PIECES)
            lines[place] = b" ".join(words)
    return b"\n".join(lines)


def mutated_json(random: Random, content: Any) -> bytes:
    """A document with some values, keys or letters changed."""
    content = copy.deepcopy(content)
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        content = _changed(random, content)
    text = json.dumps(content).encode()
    kind = random.randrange(12)
    if kind == 0:
        return mutated_bytes(random, text)
    if kind == 1:
        return (
            text[:-1]
            + b', "'
            + random.choice([b"train", b"encoder", b"mean"])
            + b'": '
            + text
            + b"}"
        )
    if kind == 2:
        return b"[" * 2000 + text
    return text


def _changed(random: Random, content: Any) -> Any:
    if isinstance(content, dict) and content and random.random() < 0.9:
        name = random.choice(list(content))
        kind = random.randrange(8)
        if kind == 0:
            del content[name]
        elif kind == 1:
            content[nasty_text(random)] = content.pop(name)
        else:
            content[name] = _changed(random, content[name])
        return content
    if isinstance(content, list) and content and random.random() < 0.6:
        place = random.randrange(len(content))
        kind = random.randrange(5)
        if kind == 0:
            del content[place]
        elif kind == 1:
            content.insert(place, nasty_value(random))
        else:
            content[place] = _changed(random, content[place])
        return content
    if type(content) in (int, float) and random.random() < 0.4:
        return random.choice([-content, content + 1, content * 10, content * 1e6, float(content)])
    return nasty_value(random)


def mutated_columns(random: Random, columns: dict[str, list]) -> Any:
    """A table of Arrow with some columns missing, of another type, or with other values."""
    import pyarrow as pa

    columns = copy.deepcopy(columns)
    for _ in range(random.choice([1, 1, 2, 3])):
        name = random.choice(list(columns))
        values, kind = columns[name], random.randrange(7)
        if kind == 0 and len(columns) > 1:
            del columns[name]
        elif kind == 1:
            columns[name] = [nasty_value(random)] * len(values)
        elif kind == 2:
            columns[name] = [[value] for value in values]
        elif kind == 3:
            columns[name] = [None] * len(values)
        elif kind == 4:
            columns[name] = [str(value) for value in values]
        else:
            values[random.randrange(len(values))] = random.choice(
                [None, *(nasty_value(random) for _ in range(3)), nasty_text(random)]
            )
    return {
        name: array
        for name, values in columns.items()
        if (array := _array(random, values, pa)) is not None
    }


def _array(random: Random, values: list, pa: Any) -> Any:
    kinds = [
        *(None, None, None, pa.string(), pa.large_string(), pa.binary(), pa.int32(), pa.int64()),
        *(pa.uint64(), pa.float64(), pa.bool_(), pa.dictionary(pa.int32(), pa.string())),
        *(pa.list_(pa.float64()), pa.large_list(pa.float32()), pa.list_(pa.float32(), 3)),
        *(pa.list_(pa.list_(pa.float64())), pa.timestamp("us"), pa.decimal128(20, 3), pa.null()),
        pa.struct([("a", pa.int32())]),
    ]
    for kind in (random.choice(kinds), None):
        try:
            return pa.array(values, type=kind)
        # Arrow says in many ways that these values have no such type.
        except (pa.ArrowException, TypeError, ValueError, OverflowError, UnicodeEncodeError):
            continue
    return None
