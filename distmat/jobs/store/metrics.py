"""What a job logs over its steps, and how that is read again."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from distmat.jobs.states import State
from distmat.jobs.store.curve import Curve
from distmat.jobs.store.rows import J, Rows

if TYPE_CHECKING:
    import numpy as np

_RECENT = 30
"""Logged steps from which the present speed is taken."""


class Metrics(Rows[J]):
    """Curves, tables, samples of the machine, and the present speed."""

    def begin(self, job_id: str, facts: Mapping[str, object], total_steps: int | None) -> None:
        """What the trainer said before the first step."""
        key = self._key(job_id)
        with self._db.transaction():
            self._update(key, {"facts": json.dumps(dict(facts), default=str)})
            self._db.execute(
                "UPDATE progress SET total_steps = ? WHERE run = ?", (total_steps, key)
            )

    def show_progress(
        self, job_id: str, done: int, total: int, phase: str, counts: Mapping[str, float]
    ) -> None:
        """How far a job is that logs no metrics: what it does now, and what it has counted."""
        key = self._key(job_id)
        with self._db.transaction():
            self._update(key, {"facts": json.dumps({"phase": phase})})
            self._db.execute(
                "UPDATE progress SET step = ?, total_steps = ?, metrics = ? WHERE run = ?",
                (done, total, json.dumps(dict(counts)), key),
            )

    def describe(self, job_id: str, environment: Mapping[str, object]) -> None:
        """The machine and the software it runs on."""
        self._set(job_id, environment=json.dumps(dict(environment), default=str))

    def log(
        self,
        job_id: str,
        step: int,
        epoch: float,
        metrics: Mapping[str, float],
        moment: float | None = None,
    ) -> None:
        """Metrics of a step; those it has already are replaced."""
        self.log_many(job_id, [(step, epoch, moment or time.time(), metrics)])

    def log_many(
        self, job_id: str, rows: Sequence[tuple[int, float, float, Mapping[str, float]]]
    ) -> None:
        """Metrics of several steps in one go: step, epoch, time and values of each, rising."""
        if not rows:
            return
        key = self._key(job_id)
        with self._db.transaction():
            self._db.execute_many(
                "INSERT INTO steps VALUES (?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET epoch = excluded.epoch",
                ((key, step, epoch, moment) for step, epoch, moment, _ in rows),
            )
            self._series.write(key, [(step, metrics) for step, _, _, metrics in rows])
            self._db.execute(
                "UPDATE progress SET step = max(step, ?), epoch = max(epoch, ?) WHERE run = ?",
                (rows[-1][0], rows[-1][1], key),
            )

    def log_hardware(
        self, job_id: str, values: Mapping[str, float], moment: float | None = None
    ) -> None:
        """A sample of the machine (see `distmat.jobs.hardware`)."""
        key, (created,) = (
            self._key(job_id),
            self._db.one("SELECT created FROM runs WHERE id = ?", job_id),
        )
        # None before the job was made, whatever was done to the clock.
        second = max(0, int((moment or time.time()) - created))
        with self._db.transaction():
            self._series.write(-key, [(second, values)])

    def rewind(self, job_id: str, step: int) -> None:
        """Forget all metrics after a step: the run goes on from its checkpoint there."""
        key = self._key(job_id)
        with self._db.transaction():
            self._series.rewind(key, step)
            self._db.execute("DELETE FROM checkpoints WHERE run = ? AND step > ?", (key, step))

    def curves(
        self,
        job_id: str,
        names: Iterable[str] | None = None,
        *,
        points: int = 2000,
        first: int | None = None,
        last: int | None = None,
    ) -> dict[str, Curve]:
        """Metrics over the steps, thinned: never slower for longer runs.

        Both ends are kept, and of every stretch of equal length the lowest and the highest
        point, as they were logged.

        Parameters
        ----------
        names : iterable of str, optional
            By default all that were logged.
        points : int
            Most points of a curve, at least 8.
        first, last : int, optional
            Only these steps, both included.

        Returns
        -------
        dict of str to Curve
            Without metrics that have no point.
        """
        asked = None if names is None else tuple(names)
        key = ("curves", job_id, asked, points, first, last)
        return self.cache.get_or_compute(
            key, lambda: self._curves(job_id, asked, points, first, last)
        )

    def _curves(
        self,
        job_id: str,
        names: tuple[str, ...] | None,
        points: int,
        first: int | None,
        last: int | None,
    ) -> dict[str, Curve]:
        key = self._key(job_id)
        thinned = self._series.thin(key, names, points, first, last)
        every_step = {step for steps, _ in thinned.values() for step in steps.tolist()}
        facts = self._series.step_facts(key, every_step)
        return {
            name: Curve(steps, values, *_at(facts, steps))
            for name, (steps, values) in thinned.items()
        }

    def hardware(self, job_id: str, *, points: int = 1000) -> dict[str, Curve]:
        """Samples of the machine; `steps` are seconds since the run was made, epochs are NaN."""
        return self.cache.get_or_compute(
            ("hardware", job_id, points), lambda: self._hardware(job_id, points)
        )

    def _hardware(self, job_id: str, points: int) -> dict[str, Curve]:
        import numpy as np

        (created,) = self._db.one("SELECT created FROM runs WHERE id = ?", job_id)
        thinned = self._series.thin(-self._key(job_id), None, points)
        return {
            name: Curve(seconds, values, np.full(len(seconds), np.nan), created + seconds)
            for name, (seconds, values) in thinned.items()
        }

    def table(
        self, job_id: str, names: Sequence[str], *, rows: int = 200
    ) -> list[dict[str, float | int | None]]:
        """The logged steps with these metrics, thinned by the first of them.

        Returns
        -------
        list of dict
            ``step``, ``epoch``, ``time`` and each name; None where it wasn't logged.
        """
        key = ("table", job_id, tuple(names), rows)
        return self.cache.get_or_compute(key, lambda: self._table(job_id, names, rows))

    def _table(
        self, job_id: str, names: Sequence[str], rows: int
    ) -> list[dict[str, float | int | None]]:
        key = self._key(job_id)
        thinned = self._series.thin(key, names[:1], rows)
        if not thinned:
            return []
        steps = [int(step) for step in thinned[names[0]][0]]
        epochs, times = _at(self._series.step_facts(key, steps), steps)
        columns = {name: self._series.values_at(key, name, steps) for name in names}
        return [
            {
                "step": step,
                "epoch": float(epoch),
                "time": float(time),
                **{name: columns[name].get(step) for name in names},
            }
            for step, epoch, time in zip(steps, epochs, times, strict=True)
        ]

    def first_nan(self, job_id: str, name: str) -> int | None:
        """The first step at which the metric wasn't a number."""
        return self._series.first_nan(self._key(job_id), name)

    def seconds_per_step(self, job_id: str) -> float | None:
        """From the newest logged steps of this attempt; None before there are two."""
        key = self._key(job_id)
        rows = self._db.rows(
            "SELECT steps.step, steps.time FROM steps JOIN runs ON runs.key = steps.run "
            "WHERE steps.run = ? AND steps.time >= coalesce(runs.attempt_started, 0) "
            "ORDER BY steps.step DESC LIMIT ?",
            key,
            _RECENT,
        )
        if len(rows) < 2 or rows[0]["step"] == rows[-1]["step"]:
            return None
        newest, oldest = rows[0], rows[-1]
        pace: float = (newest["time"] - oldest["time"]) / (newest["step"] - oldest["step"])
        return pace

    def seconds_left(self, job: J) -> float | None:
        """Seconds that a running job still needs at its present speed."""
        pace = self.seconds_per_step(job.id) if job.state == State.RUNNING else None
        if pace is None or job.total_steps is None:
            return None
        return pace * max(0, job.total_steps - job.step)


def _at(facts: "np.ndarray", steps: "Sequence[int] | np.ndarray") -> "Iterator[np.ndarray]":
    """Epochs and times of some of the steps in a table of step, epoch and time."""
    import numpy as np

    if not len(facts):
        yield from np.full((2, len(steps)), np.nan)
        return
    index = np.searchsorted(facts[:, 0], steps).clip(max=len(facts) - 1)
    # A step may have been replaced between two looks.
    there = facts[index, 0] == steps
    for column in (1, 2):
        yield np.where(there, facts[index, column], np.nan)
