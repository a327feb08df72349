import threading

import numpy as np  # noqa: F401  its BLAS is what is limited
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from distmat.geometry.blas_threads import one_blas_thread


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_blas_has_one_thread_inside_and_as_many_as_before_outside():
    with threadpool_limits(2, user_api="blas"):
        with one_blas_thread():
            assert blas_threads() == {1}
        assert blas_threads() == {2}


def test_the_limit_is_lifted_after_an_error():
    with threadpool_limits(2, user_api="blas"):
        with pytest.raises(ZeroDivisionError), one_blas_thread():
            _ = 1 / 0
        assert blas_threads() == {2}


def test_two_at_the_same_time_both_have_one_thread_and_leave_what_was_there():
    before, seen, together = blas_threads(), [], threading.Barrier(2)

    def work():
        together.wait(5)
        for _ in range(20):
            with one_blas_thread():
                seen.append(blas_threads())

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    assert seen == [{1}] * 40
    assert blas_threads() == before
