"""Metrics of runs over their steps, thinned exactly however long they are.

Beside the points lie summaries: the lowest and the highest point of every 8 steps, of every 64,
and so on. A curve of a million steps is drawn from as many summaries as the screen has room for;
they are written while the run goes, at an eighth of the cost of the points themselves.

A series is known by a number: that of the run for its metrics, its negative for the machine's
hardware, with seconds in place of steps.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from distmat.jobs.store.database import Database

if TYPE_CHECKING:
    import numpy as np

FACTOR = 8
"""Steps of a stretch on the first level of the summaries, and stretches in one of the next."""

LEVELS = 7


class Series:
    """The metrics in a database.

    Parameters
    ----------
    database : Database
    """

    def __init__(self, database: Database) -> None:
        self._db = database
        self._names: dict[str, int] = {}

    # Writing; the caller has a transaction open

    def make(self, *keys: int) -> None:
        """New, empty series."""
        self._db.execute_many("INSERT INTO progress (run) VALUES (?)", [(key,) for key in keys])

    def write(self, key: int, rows: Sequence[tuple[int, Mapping[str, float]]]) -> None:
        """Values of some steps, rising; those that are there already are replaced."""
        latest = self.newest(key)
        for _, metrics in rows:
            latest.update({name: float(value) for name, value in metrics.items()})
        self._new_names(latest)
        self._db.execute_many(
            "INSERT OR REPLACE INTO metrics VALUES (?, ?, ?, ?)",
            (
                (key, self._name(name), step, None if math.isnan(value) else float(value))
                for step, metrics in rows
                for name, value in metrics.items()
            ),
        )
        lowest, highest = rows[0][0], rows[-1][0]
        closed = self._db.one("SELECT summarised FROM progress WHERE run = ?", key)[0]
        until = max(closed, highest // FACTOR * FACTOR)
        since = min(closed, lowest)
        if since // FACTOR * FACTOR < until:
            self._summarise(key, [self._name(name) for name in latest], since, until)
        self._db.execute(
            "UPDATE progress SET metrics = ?, summarised = ? WHERE run = ?",
            (json.dumps(latest), until, key),
        )

    def rewind(self, key: int, step: int) -> None:
        """Forget everything after a step."""
        for name in self._series_names(key):
            self._db.execute(
                "DELETE FROM metrics WHERE run = ? AND name = ? AND step > ?", (key, name, step)
            )
            for level in range(1, LEVELS + 1):
                self._db.execute(
                    "DELETE FROM summaries WHERE run = ? AND name = ? AND level = ? "
                    "AND stretch >= ?",
                    (key, name, level, (step + 1) // FACTOR**level),
                )
        self._db.execute("DELETE FROM steps WHERE run = ? AND step > ?", (key, step))
        row = self._db.execute(
            "SELECT step, epoch FROM steps WHERE run = ? ORDER BY step DESC LIMIT 1", (key,)
        ).fetchone()
        latest = self._newest_values(key)
        self._db.execute(
            "UPDATE progress SET step = ?, epoch = ?, metrics = ?, "
            "summarised = min(summarised, ?) WHERE run = ?",
            (
                row["step"] if row else 0,
                row["epoch"] if row else 0,
                json.dumps(latest),
                (step + 1) // FACTOR * FACTOR,
                key,
            ),
        )

    # Reading

    def newest(self, key: int) -> dict[str, float]:
        """The newest value of each metric."""
        (text,) = self._db.one("SELECT metrics FROM progress WHERE run = ?", key)
        newest: dict[str, float] = json.loads(text)
        return newest

    def thin(
        self,
        key: int,
        names: Iterable[str] | None,
        points: int,
        first: int | None = None,
        last: int | None = None,
    ) -> "dict[str, tuple[np.ndarray, np.ndarray]]":
        """Steps and values of each metric, at most so many points; see `RunStore.curves`."""
        import numpy as np

        from distmat.jobs.store.curve import keep_extremes

        # One look at the database for all curves, whatever is logged meanwhile.
        with self._db.snapshot():
            wanted = sorted(self.newest(key)) if names is None else list(names)
            closed = self._db.one("SELECT summarised FROM progress WHERE run = ?", key)[0]
            raw = {
                name: self._points(key, self._name(name), points, closed, first, last)
                for name in wanted
            }
        return {
            name: keep_extremes(points[:, 0].astype(np.int64), points[:, 1], width)
            for name, (points, width) in raw.items()
            if len(points)
        }

    def step_facts(self, key: int, steps: Iterable[int]) -> "np.ndarray":
        """Step, epoch and time of each of these steps, rising, shape=(n, 3)."""
        return self._db.array(
            "SELECT step, epoch, time FROM steps WHERE run = ? "
            "AND step IN (SELECT value FROM json_each(?)) ORDER BY step",
            (key, json.dumps(list(steps))),
            columns=3,
        )

    def values_at(self, key: int, name: str, steps: Sequence[int]) -> dict[int, float]:
        """A metric at these steps, as far as it was logged there."""
        found = self._db.rows(
            "SELECT step, value FROM metrics WHERE run = ? AND name = ? "
            "AND step IN (SELECT value FROM json_each(?))",
            key,
            self._name(name),
            json.dumps(list(steps)),
        )
        return {row["step"]: _nan(row["value"]) for row in found}

    def first_nan(self, key: int, name: str) -> int | None:
        """The first step at which the metric wasn't a number."""
        found = self._db.rows(
            # Without the hint SQLite would go through all points.
            "SELECT step FROM metrics INDEXED BY metrics_not_a_number "
            "WHERE run = ? AND name = ? AND value IS NULL ORDER BY step LIMIT 1",
            key,
            self._name(name),
        )
        return found[0]["step"] if found else None

    # Deleting; no transaction is open

    def forget(self, key: int) -> None:
        """Delete a series, in pieces, so that another run's log needn't wait for a million rows."""
        for name in self._series_names(key):
            for table in ("metrics", "summaries"):
                self._delete(table, "run = ? AND name = ?", (key, name))
        self._delete("steps", "run = ?", (key,))
        with self._db.transaction():
            self._db.execute("DELETE FROM progress WHERE run = ?", (key,))

    def _delete(
        self, table: str, condition: str, values: tuple[Any, ...], size: int = 20_000
    ) -> None:
        columns = "level, stretch" if table == "summaries" else "step"
        while True:
            with self._db.transaction():
                deleted = self._db.execute(
                    f"DELETE FROM {table} WHERE {condition} AND ({columns}) IN "  # noqa: S608
                    f"(SELECT {columns} FROM {table} WHERE {condition} ORDER BY {columns} LIMIT ?)",
                    (*values, *values, size),
                ).rowcount
            if deleted < size:
                return

    # Inside

    def _points(
        self, key: int, name: int, points: int, closed: int, first: int | None, last: int | None
    ) -> "tuple[np.ndarray, int]":
        """Steps and values that hold all ends and extremes, shape=(n, 2), rising; and the width of
        the stretches to keep.
        """
        import numpy as np

        low, high = self._ends(key, name, first, last)
        if low is None or high is None:
            return np.empty((0, 2)), 1
        # Two points a stretch; the ends, and the stretches they cut, come on top.
        width = -(-(high - low + 1) // max(1, points // 2 - 3))
        level = min(LEVELS, int(math.log(width, FACTOR) + 1e-9))
        width = -(-width // FACTOR**level) * FACTOR**level
        ends = self._db.array(
            "SELECT step, value FROM metrics WHERE run = ? AND name = ? AND step IN (?, ?)",
            (key, name, low, high),
        )
        found = np.concatenate([*self._cover(key, name, low, high + 1, level, closed), ends])
        _, index = np.unique(found[:, 0], return_index=True)
        return found[index], width

    def _ends(
        self, key: int, name: int, first: int | None, last: int | None
    ) -> tuple[int | None, int | None]:
        row = self._db.execute(
            "SELECT (SELECT min(step) FROM metrics WHERE run = :run AND name = :name "
            "AND step >= :first), (SELECT max(step) FROM metrics WHERE run = :run "
            "AND name = :name AND step <= :last)",
            {
                "run": key,
                "name": name,
                "first": -1 if first is None else first,
                "last": 2**62 if last is None else last,
            },
        ).fetchone()
        if row[0] is None or row[1] is None or row[0] > row[1]:
            return None, None
        return row[0], row[1]

    def _cover(
        self, key: int, name: int, low: int, high: int, level: int, closed: int
    ) -> "list[np.ndarray]":
        """Points of the steps from `low` up to `high`, by summaries as far as those reach."""
        if low >= high:
            return []
        if level == 0:
            sql = (
                "SELECT step, value FROM metrics "
                "WHERE run = ? AND name = ? AND step >= ? AND step < ?"
            )
            return [self._db.array(sql, (key, name, low, high))]
        width = FACTOR**level
        start, end = -(-low // width), min(high, closed) // width
        if start >= end:
            return self._cover(key, name, low, high, level - 1, closed)
        middle = self._db.array(
            "SELECT low_step, low, high_step, high FROM summaries WHERE run = ? AND name = ? "
            "AND level = ? AND stretch >= ? AND stretch < ?",
            (key, name, level, start, end),
            columns=4,
        )
        return [
            *self._cover(key, name, low, start * width, level - 1, closed),
            middle[:, :2],
            middle[:, 2:],
            *self._cover(key, name, end * width, high, level - 1, closed),
        ]

    def _summarise(self, key: int, names: Sequence[int], since: int, until: int) -> None:
        """Lowest and highest points of all stretches that end at or before `until`."""
        for level in range(1, LEVELS + 1):
            width = FACTOR**level
            start, end = since // width, until // width
            if start >= end:
                return
            for name in names:
                values = {
                    "run": key,
                    "name": name,
                    "level": level,
                    "factor": FACTOR,
                    "start": start * FACTOR,
                    "end": end * FACTOR,
                }
                self._db.execute(_FIRST_LEVEL if level == 1 else _NEXT_LEVEL, values)

    def _series_names(self, key: int) -> list[int]:
        return [self._name(name) for name in self.newest(key)]

    def _newest_values(self, key: int) -> dict[str, float]:
        values = {}
        for text in self.newest(key):
            row = self._db.execute(
                "SELECT value FROM metrics WHERE run = ? AND name = ? ORDER BY step DESC LIMIT 1",
                (key, self._name(text)),
            ).fetchone()
            if row is not None:
                values[text] = _nan(row["value"])
        return values

    def _name(self, text: str) -> int:
        """The number of a metric's name; -1 if nobody has logged one so far."""
        if text not in self._names:
            rows = self._db.rows("SELECT name FROM names WHERE text = ?", text)
            if not rows:
                return -1
            self._names[text] = rows[0]["name"]
        return self._names[text]

    def _new_names(self, texts: Iterable[str]) -> None:
        self._db.execute_many(
            "INSERT OR IGNORE INTO names (text) VALUES (?)",
            [(text,) for text in texts if self._name(text) < 0],
        )


# SQLite: a bare column beside min() or max() comes from the row that has it.
_FIRST_LEVEL = """
    INSERT OR REPLACE INTO summaries
    SELECT :run, :name, :level, l.stretch, l.step, l.value, h.step, h.value
    FROM (SELECT step / :factor AS stretch, step, min(value) AS value FROM metrics
          WHERE run = :run AND name = :name AND step >= :start AND step < :end
          GROUP BY 1) AS l
    JOIN (SELECT step / :factor AS stretch, step, max(value) AS value FROM metrics
          WHERE run = :run AND name = :name AND step >= :start AND step < :end
          GROUP BY 1) AS h USING (stretch)
"""

_NEXT_LEVEL = """
    INSERT OR REPLACE INTO summaries
    SELECT :run, :name, :level, l.stretch, l.step, l.value, h.step, h.value
    FROM (SELECT stretch / :factor AS stretch, low_step AS step, min(low) AS value FROM summaries
          WHERE run = :run AND name = :name AND level = :level - 1
          AND stretch >= :start AND stretch < :end GROUP BY 1) AS l
    JOIN (SELECT stretch / :factor AS stretch, high_step AS step, max(high) AS value FROM summaries
          WHERE run = :run AND name = :name AND level = :level - 1
          AND stretch >= :start AND stretch < :end GROUP BY 1) AS h USING (stretch)
"""


def _nan(value: float | None) -> float:
    return math.nan if value is None else value
