"""Damaged and hostile input of every kind ends in an answer or in one sentence, soon.

A long run over the same inputs is `benchmarks/fuzz.py`.
"""

import resource
import signal
import time
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distmat.documents import DocumentError, parse_json, parse_yaml
from distmat.errors import DistmatError
from tests.fuzz.kinds import KINDS, try_one

pytestmark = [
    pytest.mark.filterwarnings("ignore"),
    # The examples of some kinds are made once for each process.
    pytest.mark.xdist_group("fuzz"),
]

LONGEST = 5
"""Seconds of computing that one input may take."""
MOST_MEMORY = 2**20
"""KiB by which the process may grow beyond what it needed for the first inputs."""
ALL_KINDS = 45
"""Seconds of computing for all kinds together; each has the same share."""
EXAMPLES = 100
"""Inputs of a kind, if they fit into its share."""
FEWEST = 10

alone = settings(
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@contextmanager
def limit():
    """Time that this process computes, for the machine may be busy with others."""

    def stop(number, frame):
        raise AssertionError(f"an input took more than {LONGEST} s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, LONGEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_no_input_of_this_kind_is_more_than_a_person_can_mend(kind, tmp_path, monkeypatch):
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path / "home"))
    # What the first one needs, such as PyTorch and the examples, is loaded without a limit.
    try_one(kind, 0, tmp_path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    end = time.process_time() + ALL_KINDS / len(KINDS)
    tried = []

    @settings(alone, max_examples=EXAMPLES)
    @given(st.integers(1, 10**6))
    def try_seed(seed):
        if len(tried) >= FEWEST and time.process_time() > end:
            return
        tried.append(seed)
        with limit():
            try_one(kind, seed, tmp_path)

    try_seed()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_MEMORY


def is_one_line(parse, given):
    """Whether what a reader says of its input, if it refuses it, is one line."""
    try:
        parse(given)
    except DocumentError as error:
        return "\n" not in str(error)
    return True


@settings(alone, max_examples=150)
@given(st.text(max_size=60))
def test_any_text_is_yaml_or_none_with_a_reason(text):
    with limit():
        assert is_one_line(parse_yaml, text)


@settings(alone, max_examples=150)
@given(st.binary(max_size=60) | st.text('[]{}",:\\u0d8a1eE+-.', max_size=60))
def test_anything_is_json_or_none_with_a_reason(data):
    with limit():
        assert is_one_line(parse_json, data)


@settings(alone, max_examples=150)
@given(st.text(st.characters(exclude_categories=[]), max_size=40))
def test_any_text_makes_a_message_of_one_line(text):
    assert str(DistmatError(text)).isprintable()
    str(DistmatError(text)).encode("utf-8")
