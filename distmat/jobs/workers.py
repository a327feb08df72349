"""Processes that compute for pages and batches: a long answer stalls nobody else's page.

A worker is asked by a pickle on its standard input and answers on its standard output: how far it
is, and what came of it. Both ends are this program, nothing else is ever read there. It keeps what
it has loaded for the next question, and ends with the process that started it.
"""

import contextlib
import importlib
import itertools
import logging
import os
import pickle
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO, Any, TypeVar

from distmat.errors import DistmatError
from distmat.jobs import processes

T = TypeVar("T")
Report = Callable[[float, str], object]

_LOOK = 0.3
"""Seconds between two looks at one's place and at whether somebody still waits."""

_log = logging.getLogger(__name__)


class Turns:
    """Lets so many do something at once, in the order in which they came."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._there: list[int] = []

    @contextmanager
    def turn(self, most: int, tell: Callable[[int], None]) -> Iterator[None]:
        """Wait for one's turn, and have it inside.

        Parameters
        ----------
        most : int
            How many may be inside at once.
        tell : callable
            Told now and then how many are before one; may raise, as a page does that was left.
        """
        with self._changed:
            mine = next(self._numbers)
            self._there.append(mine)
        try:
            while (before := self._there.index(mine) - most + 1) > 0:
                tell(before)
                with self._changed:
                    self._changed.wait(_LOOK)
            yield
        finally:
            with self._changed:
                self._there.remove(mine)
                self._changed.notify_all()


class Workers:
    """A few processes that answer one question each at a time.

    Parameters
    ----------
    most : callable
        Tells how many may work at once.
    prepare : str, optional
        What a worker does first, beside the first question if there is one: ``package.module:name``
        of a function that loads what will be asked for. By name, so that this process needn't
        import it.
    """

    def __init__(self, most: Callable[[], int], prepare: str = "") -> None:
        self._most, self._prepare = most, prepare
        self._turns = Turns()
        self._free: list[_Worker] = []
        self._lock = threading.Lock()

    def run(self, task: Callable[..., T], *arguments: Any, progress: Report | None = None) -> T:
        """Have a worker do something, and wait for what comes of it.

        Parameters
        ----------
        task : callable
            Of a module; it is called with the arguments and with ``progress``.
        *arguments : object
            What can be pickled, as what it returns.
        progress : callable, optional
            Told, in the thread that waits, the share that is done and what is being done, now and
            then; if it raises, as a page does that was left, the worker is told to leave off.

        Raises
        ------
        DistmatError
            If the task raises it, or the system ended the worker.
        """
        tell = progress or (lambda share, text: None)

        def wait(before: int) -> None:
            tell(0.0, f"Waiting: {before} of the predictions before yours must end first")

        with self._turns.turn(self._most(), wait):
            while True:
                worker = self._take()
                try:
                    return worker.ask(task, arguments, tell)
                except _EndedBeforeError:
                    continue
                finally:
                    self._give_back(worker)

    def warm_up(self) -> None:
        """Start a worker, if there is none, that gets ready for the first question."""
        self._give_back(self._take())

    def close(self) -> None:
        """End all that wait for questions; those that are at work end with this process."""
        with self._lock:
            free, self._free = self._free, []
        for worker in free:
            worker.end()

    def _take(self) -> "_Worker":
        with self._lock:
            # The one that worked last has the most of it in memory.
            while self._free:
                worker = self._free.pop()
                if worker.is_alive():
                    return worker
        return _Worker(self._prepare)

    def _give_back(self, worker: "_Worker") -> None:
        if not worker.is_alive():
            return
        with self._lock:
            # One that was left has to notice it first.
            self._free.insert(len(self._free) if worker.is_idle else 0, worker)


class _EndedBeforeError(Exception):
    """A worker that had answered before ended while nobody asked."""


class _Worker:
    """One process, as the one that asks sees it."""

    def __init__(self, prepare: str) -> None:
        command = [sys.executable, "-m", "distmat.jobs.workers", *([prepare] if prepare else [])]
        self._process = processes.start_talking(command)
        self._numbers = itertools.count()
        self._answers: queue.Queue[tuple[Any, ...] | None] = queue.Queue()
        self.is_idle = True
        self._has_answered = False
        self._reading = threading.Thread(target=self._read, name="answers", daemon=True)
        self._reading.start()

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        self._process.kill()
        self._reading.join()

    def ask(self, task: Callable[..., T], arguments: tuple[Any, ...], tell: Report) -> T:
        number = next(self._numbers)
        self.is_idle, begun = False, False
        said = (0.0, "Loading the network")
        tell(*said)
        try:
            self._send((number, task, arguments))
            while True:
                try:
                    answer = self._answers.get(timeout=_LOOK)
                except queue.Empty:
                    # Nothing new, but who has gone is noticed here.
                    tell(*said)
                    continue
                if answer is None:
                    if self._has_answered and not begun:
                        raise _EndedBeforeError
                    raise DistmatError(self._epitaph())
                if answer[0] != number:
                    continue  # Of somebody who has left.
                begun = self._has_answered = True
                _, kind, content = answer
                if kind == "progress":
                    said = content
                    tell(*said)
                    continue
                self.is_idle = True
                if kind == "error":
                    raise content
                return content  # type: ignore[no-any-return]
        finally:
            if not self.is_idle:
                self._send((number, None, ()))

    def _send(self, message: tuple[Any, ...]) -> None:
        assert self._process.stdin is not None  # noqa: S101  it was started with one
        # Whether it has ended, and its input is closed, the answers tell.
        with contextlib.suppress(BrokenPipeError, ValueError):
            _write(self._process.stdin, message)

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101  as above
        with contextlib.suppress(EOFError, OSError, pickle.UnpicklingError), self._process:
            while True:
                self._answers.put(pickle.load(self._process.stdout))  # noqa: S301  our own
        self._answers.put(None)

    def _epitaph(self) -> str:
        code = self._process.wait()
        if code == -signal.SIGKILL:
            return (
                "The system ended the process that computed this (SIGKILL), most likely because "
                "memory ran out; try again, with a shorter chain if it happens again."
            )
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return (
            f"The process that computed this has ended ({how}); try again, and look at the log if "
            "it happens again."
        )


def _write(file: IO[bytes], message: tuple[Any, ...]) -> None:
    file.write(pickle.dumps(message, protocol=5))
    file.flush()


class _LeftError(BaseException):
    """Nobody waits for this answer any more."""


class _Served:
    """The other end: a process that answers."""

    def __init__(self, questions: IO[bytes], answers: IO[bytes]) -> None:
        self._questions, self._answers = questions, answers
        self._asked: queue.Queue[tuple[int, Callable[..., object], tuple[Any, ...]]] = queue.Queue()
        self._left: set[int] = set()

    def serve(self, prepare: str) -> None:
        threading.Thread(target=self._listen, name="questions", daemon=True).start()
        if prepare:
            module, _, name = prepare.partition(":")
            # Imported here: two threads that begin to import one library can stumble over it.
            get_ready = getattr(importlib.import_module(module), name)
            threading.Thread(target=get_ready, name="preparation", daemon=True).start()
        while True:
            number, task, arguments = self._asked.get()
            try:
                kind, content = "done", task(*arguments, progress=partial(self._report, number))
            except _LeftError:
                kind, content = "left", None
            # Whatever it is, who asked is told: nothing is hidden.
            except BaseException as error:
                kind, content = "error", _sendable(error)
            self._left.discard(number)
            _write(self._answers, (number, kind, content))
            # Not kept until the next question.
            del task, arguments, content

    def _report(self, number: int, share: float, text: str) -> None:
        if number in self._left:
            raise _LeftError
        _write(self._answers, (number, "progress", (share, text)))

    def _listen(self) -> None:
        try:
            while True:
                number, task, arguments = pickle.load(self._questions)  # noqa: S301  our own
                if task is None:
                    self._left.add(number)
                else:
                    self._asked.put((number, task, arguments))
        except EOFError:
            # Whoever asked has ended.
            os._exit(0)
        # A thread that ends quietly would leave a process that answers nobody.
        except BaseException:
            traceback.print_exc()
            os._exit(1)


def _sendable(error: BaseException) -> BaseException:
    """The error, or what it says where it can't be pickled; with where it was raised."""
    if not isinstance(error, DistmatError):
        error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  our own
        return error
    # What can't be pickled may say so by any exception; the fault itself goes on as text.
    except Exception:
        other = RuntimeError(f"{type(error).__name__}: {error}")
        other.add_note("".join(traceback.format_exception(error)))
        return other


def _main() -> None:
    # What libraries print goes where errors go; the answers keep the way out for themselves.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    _Served(sys.stdin.buffer, answers).serve("".join(sys.argv[1:]))


if __name__ == "__main__":
    # Under its own name, too, so that what was pickled there is found.
    from distmat.jobs import workers

    workers._main()
