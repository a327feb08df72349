"""Waiting for what a page shows, and saying what it shows where that doesn't come."""

from contextlib import suppress

from tests.runs.conftest import wait_until


def assert_becomes(read, wanted, seconds=120.0):
    """What is read is as wanted, sooner or later."""
    with suppress(AssertionError):
        wait_until(lambda: read() == wanted, seconds)
    assert (found := read()) == wanted, f"{found} isn't {wanted}"
