"""A lock that one process holds and no death leaves behind."""

import subprocess
import sys
from pathlib import Path

from distmat.jobs.lock import ProcessLock

HOLD = """
import sys
from pathlib import Path
from distmat.jobs.lock import ProcessLock
lock = ProcessLock(Path(sys.argv[1]))
print(lock.take(), flush=True)
sys.stdin.read()
"""


def holder(path):
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        text=True,
    )


def test_one_process_holds_it_until_it_is_killed(tmp_path):
    path = tmp_path / "deep" / "lock"
    lock = ProcessLock(path)
    assert not lock.is_held() and lock.holder() is None
    with holder(path) as first:
        assert first.stdout.readline() == "True\n"
        assert lock.is_held() and lock.holder() == first.pid and not lock.take(patience=0.1)
        with holder(path) as second:
            assert second.stdout.readline() == "False\n"
            second.kill()
        first.kill()
    assert lock.take(patience=5)
    with holder(path) as third:
        assert third.stdout.readline() == "False\n"
        lock.release()
        third.kill()
    assert not lock.is_held()
