"""What a run on another machine tells: lines in its folder, for the scheduler to read.

SQLite's write-ahead log needs memory that its users share, so a database on a network's file
system must be left to one machine. A file that one process appends to is fine anywhere.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path

from distmat.documents import parse_json
from distmat.errors import RunError
from distmat.jobs.processes import ProcessIdentity
from distmat.jobs.states import Cause, State
from distmat.runs.run import Run
from distmat.runs.store import RunStore

FILE = "journal.jsonl"

_MOST = 1_000_000
"""Bytes that are read in one go."""


class Journal:
    """The telling half of `RunStore`, for one run.

    Parameters
    ----------
    run : Run
        As the store knew it when the run was handed over.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.path = run.folder / FILE
        self.state = run.state
        """The last one told."""

    def get(self, run_id: str) -> Run:
        """The run as it was handed over."""
        return self.run

    def change_state(
        self,
        run_id: str,
        state: State,
        *,
        only_from: object = None,
        cause: str = "",
        kind: Cause = Cause.NONE,
    ) -> bool:
        """As `RunStore.change_state`; the store decides whether it may be."""
        self.state = state
        self._write("state", state=state, cause=cause, kind=kind, moment=time.time())
        return True

    def attach(self, run_id: str, process: ProcessIdentity, host: str) -> None:
        """The process, as its own machine knows it."""
        self._write("attach", pid=process.pid, created=process.created, host=host)

    def begin(self, run_id: str, facts: Mapping[str, object], total_steps: int | None) -> None:
        """What the trainer said before the first step."""
        self._write("begin", facts=dict(facts), total_steps=total_steps)

    def describe(self, run_id: str, environment: Mapping[str, object]) -> None:
        """The machine and the software it runs on."""
        self._write("describe", environment=dict(environment))

    def log(self, run_id: str, step: int, epoch: float, metrics: Mapping[str, float]) -> None:
        """Metrics of a step."""
        self._write("log", step=step, epoch=epoch, metrics=dict(metrics), moment=time.time())

    def log_hardware(self, run_id: str, values: Mapping[str, float]) -> None:
        """A sample of the machine."""
        self._write("hardware", values=dict(values), moment=time.time())

    def rewind(self, run_id: str, step: int) -> None:
        """The run goes on from its checkpoint of this step."""
        self._write("rewind", step=step)

    def checkpoint(self, run_id: str, step: int, folder: Path) -> None:
        """A whole checkpoint."""
        self._write("checkpoint", step=step, folder=folder.name)

    def say(self, run_id: str, text: str) -> None:
        """A sentence."""
        self._write("say", text=text)

    def requeue(self, run_id: str) -> None:
        """The cluster took the machine away and will start the run again."""
        self.state = State.QUEUED
        self._write("requeue")

    def _write(self, what: str, **content: object) -> None:
        # One write of one line: a reader sees all of it or, for a moment, an unfinished end.
        line = json.dumps({"what": what, **content}, default=str) + "\n"
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line)


def replay(store: RunStore, run: Run) -> bool:
    """Read what was added to a run's journal into the store; whether there was anything."""
    start = store.journal_read(run.id)
    try:
        with (run.folder / FILE).open("rb") as file:
            file.seek(start)
            content = file.read(_MOST)
    except OSError:
        return False
    whole = content[: content.rfind(b"\n") + 1]
    if not whole:
        return False
    # All of it and how far it was read, or nothing.
    with store.together():
        for line in whole.splitlines():
            _apply(store, run, line)
        store.set_journal_read(run.id, start + len(whole))
    return True


def _apply(store: RunStore, run: Run, line: bytes) -> None:
    try:
        entry = parse_json(line)
        _ENTRIES[entry.pop("what")](store, run, entry)
    except (ValueError, KeyError, TypeError, AttributeError, RunError) as error:
        store.say(run.id, f"A line of the journal was left out: {error}", kind="note")


def _state(store: RunStore, run: Run, entry: dict) -> None:
    state, kind, cause = State(entry["state"]), Cause(entry["kind"]), entry["cause"]
    if state == State.STOPPED and kind == Cause.SIGNAL and store.get(run.id).stop_asked:
        # There nobody knew that it was a person.
        kind, cause = Cause.ASKED, cause.replace("Stopped by a signal from outside", "Stopped")
    store.change_state(run.id, state, cause=cause, kind=kind, moment=entry["moment"], keep_job=True)


_ENTRIES = {
    "state": _state,
    "attach": lambda store, run, entry: store.attach(
        run.id, ProcessIdentity(int(entry["pid"]), float(entry["created"])), str(entry["host"])
    ),
    "begin": lambda store, run, entry: store.begin(run.id, entry["facts"], entry["total_steps"]),
    "describe": lambda store, run, entry: store.describe(run.id, entry["environment"]),
    "log": lambda store, run, entry: store.log(
        run.id, int(entry["step"]), float(entry["epoch"]), entry["metrics"], entry["moment"]
    ),
    "hardware": lambda store, run, entry: store.log_hardware(
        run.id, entry["values"], entry["moment"]
    ),
    "rewind": lambda store, run, entry: store.rewind(run.id, int(entry["step"])),
    "checkpoint": lambda store, run, entry: store.checkpoint(
        run.id, int(entry["step"]), Path(entry["folder"])
    ),
    "say": lambda store, run, entry: store.say(run.id, str(entry["text"])),
    "requeue": lambda store, run, entry: store.change_state(
        run.id, State.QUEUED, only_from=set(State) - {State.QUEUED, State.FINISHED}, keep_job=True
    ),
}
