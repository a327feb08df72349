"""Processes that compute for pages: a few at a time, in the order in which people came."""

import os
import subprocess
import sys
import threading
import time
from functools import partial

import numpy as np
import psutil
import pytest

from distmat.errors import DistmatError, Remedy, RunError
from distmat.jobs import workers as module
from distmat.jobs.workers import Turns, Workers
from tests.jobs import questions


def test_people_go_in_as_they_came_and_see_their_place(monkeypatch):
    monkeypatch.setattr(module, "_LOOK", 0.01)
    there, inside, most, order, places = Turns(), [], [], [], {}
    gates = [threading.Event() for _ in range(5)]
    arrived = [threading.Event() for _ in range(5)]
    entered = [threading.Event() for _ in range(5)]

    def come(number):
        def tell(before):
            places.setdefault(number, before)
            arrived[number].set()

        with there.turn(2, tell):
            arrived[number].set()
            inside.append(number)
            order.append(number)
            most.append(len(inside))
            entered[number].set()
            gates[number].wait(10)
            inside.remove(number)

    people = [threading.Thread(target=come, args=(number,)) for number in range(5)]
    for person, came in zip(people, arrived, strict=True):
        person.start()
        assert came.wait(10)
    assert places == {2: 1, 3: 2, 4: 3}
    for gate, person, following in zip(gates, people, [*entered[2:], None, None], strict=True):
        gate.set()
        person.join(10)
        # Two that may go in at once note it in either order: one place is free at a time.
        assert following is None or following.wait(10)
    assert order == [0, 1, 2, 3, 4] and max(most) == 2


def test_who_leaves_while_waiting_makes_room():
    there = Turns()

    class Left(Exception):  # noqa: N818
        pass

    def leave(before):
        raise Left

    with there.turn(1, leave):
        with pytest.raises(Left), there.turn(1, leave):
            raise AssertionError
        seen = []
        with pytest.raises(Left), there.turn(1, lambda before: (seen.append(before), leave(0))):
            raise AssertionError
    assert seen == [1]
    with there.turn(1, leave):
        pass


@pytest.fixture
def workers():
    some = Workers(lambda: 2)
    yield some
    some.close()


class Left(Exception):  # noqa: N818
    """The page was left."""


def test_one_process_answers_one_question_after_another_and_tells_how_far_it_is(workers):
    first = workers.run(questions.whoami)
    assert first != os.getpid() and workers.run(questions.whoami) == first
    told = []
    counted = workers.run(
        questions.count, 3, 0.0, progress=lambda share, text: told.append((share, text))
    )
    assert counted == 3 and told[1:] == [(0.0, "step 0"), (1 / 3, "step 1"), (2 / 3, "step 2")]


def test_arrays_come_back_as_they_were(workers):
    table = np.random.default_rng(0).normal(size=(300, 300))
    np.testing.assert_array_equal(workers.run(questions.twice, table), 2 * table)


def test_what_a_library_prints_is_no_answer(workers, capfd):
    assert workers.run(questions.print_much) == "done"
    assert "xxx" in capfd.readouterr().err


def test_errors_arrive_with_what_helps_and_the_worker_goes_on(workers):
    first = workers.run(questions.whoami)
    with pytest.raises(RunError, match="The value 7 is too small; give 8") as error:
        workers.run(questions.refuse)
    assert error.value.remedy == Remedy.RESUME
    with pytest.raises(RuntimeError, match="OwnError: what happened") as fault:
        workers.run(questions.stumble)
    assert "questions.py" in "".join(fault.value.__notes__)
    assert workers.run(questions.whoami) == first


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        (partial(questions.die, questions.SIGKILL), "most likely because memory ran out"),
        (questions.leave, r"has ended \(exit code 3\)"),
    ],
)
def test_a_worker_that_the_system_ends_is_told_and_the_next_question_is_answered(
    workers, deed, words
):
    with pytest.raises(DistmatError, match=words):
        workers.run(deed)
    assert workers.run(questions.whoami) != os.getpid()


def test_one_that_was_killed_while_nobody_asked_is_replaced_without_a_word(workers):
    first = workers.run(questions.whoami)
    os.kill(first, questions.SIGKILL)
    assert workers.run(questions.whoami) != first


def test_who_leaves_stops_the_work_and_the_worker_is_there_for_the_next(workers):
    first = workers.run(questions.whoami)

    def leave(share, text):
        if share > 0:
            raise Left

    started = time.monotonic()
    with pytest.raises(Left):
        workers.run(questions.count, 1000, 0.05, progress=leave)
    assert workers.run(questions.whoami) == first
    assert time.monotonic() - started < 20


def test_a_long_answer_keeps_nobody_else_waiting(workers):
    long = threading.Thread(target=lambda: workers.run(questions.count, 40, 0.05))
    long.start()
    assert workers.run(questions.count, 2, 0.0) == 2
    assert long.is_alive()
    long.join(20)


def test_more_than_may_work_at_once_wait_and_see_their_place():
    alone, told = Workers(lambda: 1), []
    busy = threading.Event()
    first = threading.Thread(
        target=lambda: alone.run(
            questions.count, 20, 0.05, progress=lambda share, text: share and busy.set()
        )
    )
    first.start()
    assert busy.wait(20)
    alone.run(questions.whoami, progress=lambda share, text: told.append(text))
    assert told[0] == "Waiting: 1 of the predictions before yours must end first"
    first.join(20)
    alone.close()


def test_a_worker_gets_ready_before_it_is_asked_and_answers_meanwhile(tmp_path, monkeypatch):
    ready, go_on = tmp_path / "ready", tmp_path / "go on"
    monkeypatch.setenv("QUESTIONS_READY", str(ready))
    monkeypatch.setenv("QUESTIONS_GO_ON", str(go_on))
    some = Workers(lambda: 1, "tests.jobs.questions:be_ready")
    some.warm_up()
    some.warm_up()
    worker = some.run(questions.whoami)
    go_on.touch()
    assert ready_within(ready) == f"{worker}\n"
    some.close()


def ready_within(path, seconds=20):
    until = time.monotonic() + seconds
    while time.monotonic() < until and not (path.exists() and path.read_text()):
        time.sleep(0.02)
    return path.read_text()


ASKING = """
import sys, threading
from distmat.jobs.workers import Workers
from tests.jobs import questions
some = Workers(lambda: 1)
print(some.run(questions.whoami), flush=True)
some.run(questions.count, 10_000, 0.01)
"""


def test_workers_end_with_whoever_asked_them_however_that_ends():
    with subprocess.Popen([sys.executable, "-c", ASKING], stdout=subprocess.PIPE) as asking:
        worker = psutil.Process(int(asking.stdout.readline()))
        asking.kill()
        asking.wait(10)
        worker.wait(10)
