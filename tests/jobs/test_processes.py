"""Real processes: started, told apart, stopped."""

import os
import sys
import time

import psutil
import pytest

from distmat.errors import RunError
from distmat.jobs import processes
from distmat.jobs.processes import ProcessIdentity

SLEEP = [sys.executable, "-S", "-c", "import time; print('up', flush=True); time.sleep(60)"]


def wait_until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.01)
    return result


@pytest.fixture
def started(tmp_path):
    """Starts processes, and leaves none behind."""
    identities = []

    def start(*arguments, **options):
        arguments = list(arguments) or SLEEP
        identities.append(processes.start(arguments, tmp_path / "logs" / "log.txt", **options))
        return identities[-1]

    yield start
    for identity in identities:
        processes.kill(identity)


def log_of(tmp_path) -> str:
    return (tmp_path / "logs" / "log.txt").read_text()


def test_a_process_runs_in_its_own_session_and_writes_its_log(started, tmp_path):
    code = "import os, sys; print('out', os.environ['NUMBER']); print('err', file=sys.stderr)"
    identity = started(sys.executable, "-S", "-c", code, environment={"NUMBER": "7"})
    wait_until(lambda: not processes.is_running(identity))
    assert sorted(log_of(tmp_path).split("\n")) == ["", "err", "out 7"]
    assert wait_until(lambda: processes.exit_code(identity) is not None)
    assert processes.exit_code(identity) == 0
    other = started()
    assert os.getsid(other.pid) == other.pid != os.getsid(0)


def test_nothing_is_inherited_but_the_environment(started, tmp_path):
    secret = (tmp_path / "secret").open("w")
    os.set_inheritable(secret.fileno(), True)
    code = "import os; print(sorted(os.listdir('/proc/self/fd')), repr(os.read(0, 1)))"
    identity = started(sys.executable, "-S", "-c", code)
    wait_until(lambda: not processes.is_running(identity))
    secret.close()
    # The fourth is the listing's own.
    assert log_of(tmp_path).strip() == "['0', '1', '2', '3'] b''"


def test_an_ended_process_is_not_running_even_before_its_parent_looked(started):
    identity = started(sys.executable, "-S", "-c", "raise SystemExit(3)")
    wait_until(lambda: not processes.is_running(identity))
    wait_until(lambda: processes.exit_code(identity) == 3)
    assert not psutil.pid_exists(identity.pid), "it was left in the process table"


def test_another_process_of_the_same_number_is_told_apart(started):
    identity = started()
    assert processes.is_running(identity)
    reused = ProcessIdentity(identity.pid, identity.created - 3600)
    assert not processes.is_running(reused)
    processes.stop(reused, grace=0.1)
    processes.ask_to_stop(reused)
    processes.kill(reused)
    assert processes.is_running(identity), "a stranger was stopped"


@pytest.mark.skipif(sys.platform != "linux", reason="sets the clock as Linux shows it")
@pytest.mark.parametrize("hours", [-24, 24])
def test_a_process_stays_the_same_when_the_clock_is_set(started, monkeypatch, hours):
    identity = started()
    moved = psutil.boot_time() + 3600 * hours
    # Creation times are counted from there, too.
    monkeypatch.setattr(psutil._pslinux, "boot_time", lambda: moved)
    assert psutil.Process(identity.pid).create_time() - time.time() == pytest.approx(
        3600 * hours, abs=30
    )
    assert processes.is_running(identity)
    assert processes.identify(identity.pid) == identity


def test_a_process_that_version_0_1_started_is_known(started):
    identity = started()
    created = psutil.Process(identity.pid).create_time()
    assert processes.is_running(ProcessIdentity(identity.pid, created))
    assert not processes.is_running(ProcessIdentity(identity.pid, created - 60))


def test_a_process_that_tidies_up_is_given_the_time(started, tmp_path):
    code = (
        "import signal, sys, time\n"
        "def leave(*_): time.sleep(0.2); print('saved', flush=True); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, leave); print('up', flush=True)\n"
        "while True: time.sleep(1)"
    )
    identity = started(sys.executable, "-S", "-c", code)
    wait_until(lambda: "up" in log_of(tmp_path))
    before = time.monotonic()
    processes.stop(identity, grace=20)
    assert time.monotonic() - before < 10
    assert not processes.is_running(identity) and "saved" in log_of(tmp_path)
    wait_until(lambda: processes.exit_code(identity) == 0)


def test_a_deaf_process_is_killed_with_all_that_it_started(started, tmp_path):
    code = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "sleep = [sys.executable, '-S', '-c', 'import time; time.sleep(60)']\n"
        "a = subprocess.Popen(sleep); b = subprocess.Popen(sleep, start_new_session=True)\n"
        "print(a.pid, b.pid, flush=True); time.sleep(60)"
    )
    identity = started(sys.executable, "-S", "-c", code)
    wait_until(lambda: "\n" in log_of(tmp_path))
    children = [psutil.Process(int(pid)) for pid in log_of(tmp_path).split()]
    before = time.monotonic()
    processes.stop(identity, grace=0.3)
    assert 0.3 <= time.monotonic() - before < 5
    assert not processes.is_running(identity)
    wait_until(lambda: processes.exit_code(identity) == -9)
    for child in children:
        wait_until(lambda c=child: not c.is_running() or c.status() == psutil.STATUS_ZOMBIE)


def test_what_outlives_its_leader_is_ended_too(started, tmp_path):
    code = (
        "import subprocess, sys\n"
        "sleep = [sys.executable, '-S', '-c', 'import time; time.sleep(60)']\n"
        "print(subprocess.Popen(sleep).pid, flush=True)"
    )
    identity = started(sys.executable, "-S", "-c", code)
    wait_until(lambda: not processes.is_running(identity))
    orphan = psutil.Process(int(log_of(tmp_path)))
    assert orphan.is_running()
    processes.kill(identity)
    wait_until(lambda: not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE)


def test_a_program_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RunError, match="'no-such-program' can't be started"):
        processes.start(["no-such-program"], tmp_path / "log.txt")
    with pytest.raises(RunError, match="can't be started with the log"):
        processes.start(SLEEP, tmp_path / "log.txt" / "below")
