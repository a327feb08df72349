"""What a job tells, as lines in its folder.

On another machine that is all it tells, for the scheduler to read: SQLite's write-ahead log needs
memory that its users share, so a database on a network's file system must be left to one machine. A
file that one process appends to is fine anywhere.
"""

import contextlib
import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from distmat.documents import parse_json
from distmat.errors import RunError
from distmat.jobs.job import Job
from distmat.jobs.processes import ProcessIdentity
from distmat.jobs.recorder import StoreRecorder
from distmat.jobs.states import Cause, State
from distmat.jobs.store import Store

FILE = "journal.jsonl"

_HISTORY = ("rewind", "begin", "describe", "log", "checkpoint", "progress", "say")
"""All that isn't about the process and its state."""

_MOST = 1_000_000
"""Bytes that are read in one go."""


class Journal:
    """A `Recorder` that writes lines.

    Parameters
    ----------
    job : Job
        As the store knew it when the job was handed over.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.path = job.folder / FILE

    def get(self) -> Job:
        """The job as it was handed over."""
        return self.job

    def change_state(
        self,
        state: State,
        *,
        only_from: object = None,
        cause: str = "",
        kind: Cause = Cause.NONE,
    ) -> bool:
        """As `Store.change_state`; the store decides whether it may be."""
        self._write("state", state=state, cause=cause, kind=kind, moment=time.time())
        return True

    def attach(self, process: ProcessIdentity, host: str) -> None:
        """The process, as its own machine knows it."""
        self._write("attach", pid=process.pid, created=process.created, host=host)

    def describe(self, environment: Mapping[str, object]) -> None:
        """The machine and the software it runs on."""
        self._write("describe", environment=dict(environment))

    def log_hardware(self, values: dict[str, float]) -> None:
        """A sample of the machine."""
        self._write("hardware", values=values, moment=time.time())

    def begin(self, facts: dict[str, Any]) -> None:
        """The first step is next."""
        self._write("rewind", step=int(facts.get("first_step", 0)))
        self._write("begin", facts=facts, total_steps=facts.get("total_steps"))
        self.change_state(State.RUNNING)

    def log(self, step: int, epoch: float, metrics: dict[str, float]) -> None:
        """Metrics of a step."""
        self._write("log", step=step, epoch=epoch, metrics=dict(metrics), moment=time.time())

    def show_progress(self, done: int, total: int, phase: str, counts: dict[str, float]) -> None:
        """How far it is."""
        self._write("progress", done=done, total=total, phase=phase, counts=counts)

    def checkpoint(self, step: int, folder: Path) -> None:
        """A whole checkpoint."""
        self._write("checkpoint", step=step, folder=folder.name)

    def say(self, text: str) -> None:
        """A sentence."""
        self._write("say", text=text)

    def requeue(self) -> None:
        """The cluster took the machine away and will start the job again."""
        self._write("requeue")

    def _write(self, what: str, **content: object) -> None:
        # One write of one line: a reader sees all of it or, for a moment, an unfinished end.
        line = json.dumps({"what": what, **content}, default=str) + "\n"
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line)


class JournaledRecorder:
    """A `Recorder` that tells the store and, so that a lost store can be made anew, the journal.

    Parameters
    ----------
    store : Store
    job : Job
    """

    def __init__(self, store: Store[Any], job: Job) -> None:
        self._store, self._journal = StoreRecorder(store, job.id), Journal(job)

    def get(self) -> Job:
        """The job as it is now."""
        return self._store.get()

    def change_state(self, state: State, **details: Any) -> bool:
        """See `Store.change_state`."""
        changed = self._store.change_state(state, **details)
        if changed:
            # The store has it: a full disk mustn't keep a job from its last words.
            with contextlib.suppress(OSError):
                self._journal.change_state(state, **details)
        return changed

    def log_hardware(self, values: dict[str, float]) -> None:
        """A sample of the machine, for the store alone: there are many, and they are no loss."""
        self._store.log_hardware(values)

    def __getattr__(self, name: str) -> Callable[..., None]:
        """All else that a `Recorder` is told, to both."""
        in_store, in_journal = getattr(self._store, name), getattr(self._journal, name)

        def tell(*what: Any, **more: Any) -> None:
            in_store(*what, **more)
            with contextlib.suppress(OSError):
                in_journal(*what, **more)

        return tell


def last_state(job: Job) -> State | None:
    """The newest state in a job's journal."""
    last = last_entry(job, "state", "requeue")
    if last is None:
        return None
    return State.QUEUED if last["what"] == "requeue" else State(last["state"])


def last_process(job: Job) -> ProcessIdentity | None:
    """The process that said last that it is the job."""
    last = last_entry(job, "attach")
    return None if last is None else ProcessIdentity(last["pid"], last["created"])


def last_entry(job: Job, *kinds: str) -> dict[str, Any] | None:
    """The newest entry of some kinds in a job's journal."""
    return next(iter(deque(_entries(job, *kinds), maxlen=1)), None)


def replay_history(store: Store[Any], job: Job) -> bool:
    """Read all that a job that has ended logged and said; whether there was a journal."""
    path = job.folder / FILE
    if not path.is_file():
        return False
    with store.together():
        for entry in _entries(job, *_HISTORY):
            _apply(store, job, entry)
        store.set_journal_read(job.id, path.stat().st_size)
    return True


def _entries(job: Job, *kinds: str) -> Iterator[dict[str, Any]]:
    beginnings = tuple(f'{{"what": "{kind}"' for kind in kinds)
    with contextlib.suppress(FileNotFoundError), (job.folder / FILE).open() as file:
        for line in file:
            if line.startswith(beginnings) and line.endswith("\n"):
                yield parse_json(line)


def replay(store: Store[Any], job: Job) -> bool:
    """Read what was added to a job's journal into the store; whether there was anything."""
    start = store.journal_read(job.id)
    try:
        with (job.folder / FILE).open("rb") as file:
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
            _apply_line(store, job, line)
        store.set_journal_read(job.id, start + len(whole))
    return True


def _apply_line(store: Store[Any], job: Job, line: bytes) -> None:
    try:
        entry = parse_json(line)
    except ValueError as error:
        _leave_out(store, job, error)
    else:
        _apply(store, job, entry)


def _apply(store: Store[Any], job: Job, entry: dict[str, Any]) -> None:
    try:
        _ENTRIES[entry.pop("what")](store, job, entry)
    except (ValueError, KeyError, TypeError, AttributeError, RunError) as error:
        _leave_out(store, job, error)


def _leave_out(store: Store[Any], job: Job, error: Exception) -> None:
    store.say(job.id, f"A line of the journal was left out: {error}", kind="note")


def _state(store: Store[Any], job: Job, entry: dict[str, Any]) -> None:
    state, kind, cause = State(entry["state"]), Cause(entry["kind"]), entry["cause"]
    if state == State.STOPPED and kind == Cause.SIGNAL and store.get(job.id).stop_asked:
        # There nobody knew that it was a person.
        kind, cause = Cause.ASKED, cause.replace("Stopped by a signal from outside", "Stopped")
    store.change_state(job.id, state, cause=cause, kind=kind, moment=entry["moment"], keep_job=True)


_ENTRIES: dict[str, Callable[[Store[Any], Job, dict[str, Any]], object]] = {
    "state": _state,
    "attach": lambda store, job, entry: store.attach(
        job.id, ProcessIdentity(int(entry["pid"]), float(entry["created"])), str(entry["host"])
    ),
    "begin": lambda store, job, entry: store.begin(job.id, entry["facts"], entry["total_steps"]),
    "describe": lambda store, job, entry: store.describe(job.id, entry["environment"]),
    "log": lambda store, job, entry: store.log(
        job.id, int(entry["step"]), float(entry["epoch"]), entry["metrics"], entry["moment"]
    ),
    "hardware": lambda store, job, entry: store.log_hardware(
        job.id, entry["values"], entry["moment"]
    ),
    "rewind": lambda store, job, entry: store.rewind(job.id, int(entry["step"])),
    "checkpoint": lambda store, job, entry: store.checkpoint(
        job.id, int(entry["step"]), Path(entry["folder"])
    ),
    "progress": lambda store, job, entry: store.show_progress(
        job.id, int(entry["done"]), int(entry["total"]), str(entry["phase"]), entry["counts"]
    ),
    "say": lambda store, job, entry: store.say(job.id, str(entry["text"])),
    "requeue": lambda store, job, entry: store.change_state(
        job.id, State.QUEUED, only_from=set(State) - {State.QUEUED, State.FINISHED}, keep_job=True
    ),
}
