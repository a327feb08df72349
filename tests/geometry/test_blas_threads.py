import threading

import numpy as np  # noqa: F401  its BLAS is what is limited
from threadpoolctl import threadpool_info, threadpool_limits

from distmat.geometry.blas_threads import one_blas_thread


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_blas_has_one_thread_inside_and_as_many_as_before_outside():
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        with one_blas_thread():
            assert blas_threads() == {1}
        assert blas_threads() == before


def test_the_limit_holds_until_the_last_of_overlapping_users_has_left():
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        first_in, first_may_leave = threading.Event(), threading.Event()

        def first():
            with one_blas_thread():
                first_in.set()
                first_may_leave.wait(5)

        thread = threading.Thread(target=first)
        thread.start()
        first_in.wait(5)
        with one_blas_thread():
            first_may_leave.set()
            thread.join(5)
            assert blas_threads() == {1}
        assert blas_threads() == before
