"""Twenty viewers of one run, and one answer for them all."""

import threading

import pytest

from distmat.jobs.states import State
from distmat.jobs.ttl_cache import TTLCache
from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig


def ask_all(answers, find, threads=20, all_ask=None):
    """What each of the threads was told; the event is set once all of them are about to ask."""
    found = []
    together = threading.Barrier(threads, all_ask and all_ask.set)

    def ask():
        together.wait()
        found.append(answers.get_or_compute("what", find))

    asking = [threading.Thread(target=ask) for _ in range(threads)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    return found


def test_those_who_ask_at_the_same_time_get_one_answer():
    calls, all_ask = [], threading.Event()

    def find():
        all_ask.wait()
        calls.append(1)
        return len(calls)

    answers = TTLCache(10.0)
    assert ask_all(answers, find, all_ask=all_ask) == [1] * 20
    assert answers.get_or_compute("something else", find) == 2
    assert sorted(ask_all(TTLCache(0.0), find, threads=3)) == [3, 4, 5]


def test_an_answer_grows_old_and_an_error_is_no_answer():
    now = [0.0]
    answers = TTLCache(0.05, lambda: now[0])
    for value in (1, 2):
        assert answers.get_or_compute("what", lambda value=value: value) == 1
    now[0] = 0.06
    with pytest.raises(ZeroDivisionError):
        answers.get_or_compute("what", lambda: 1 / 0)
    assert answers.get_or_compute("what", lambda: 3) == 3


def test_viewers_of_a_server_share_what_they_see_of_a_run(tmp_path):
    now = [0.0]
    with RunStore(tmp_path, share=0.2) as server, RunStore(tmp_path) as worker:
        server.cache.clock = lambda: now[0]
        run = worker.add(TrainingConfig())
        worker.change_state(run.id, State.STARTING)
        worker.log(run.id, 1, 0.1, {"loss": 1.0})
        first = server.curves(run.id)
        worker.log(run.id, 2, 0.2, {"loss": 0.5})
        assert server.curves(run.id) is first and server.get(run.id).step == 2
        assert len(server.curves(run.id, ["loss"])["loss"]) == 2
        now[0] = 0.25
        assert len(server.curves(run.id)["loss"]) == 2
