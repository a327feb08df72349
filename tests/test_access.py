"""A server that is read-only, or open to a network: refused where it is done."""

import pytest

from distmat import cli
from distmat.access import check_exposure
from distmat.dataset.catalogue import delete_dataset
from distmat.dataset.synthetic import ensure_synthetic
from distmat.errors import AccessError
from distmat.history import forget, remember, remembered
from distmat.jobs import operations
from distmat.jobs.rebuild import rebuild
from distmat.jobs.states import State
from distmat.runs.checkpoints import delete_checkpoint, keep
from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path))
    with RunStore(tmp_path) as opened:
        yield opened


@pytest.fixture
def run(store, monkeypatch):
    made = store.add(TrainingConfig(output="mine"), name="mine")
    monkeypatch.setenv("DISTMAT_READ_ONLY", "1")
    return made


DEEDS = {
    "launch": lambda store, run: store.add(TrainingConfig(output="another")),
    "submit": lambda store, run: operations.submit(store, "dataset", {}),
    "stop": lambda store, run: operations.stop(store, run.id),
    "resume": lambda store, run: store.requeue(run.id),
    "delete": lambda store, run: operations.delete(store, run.id),
    "rename": lambda store, run: store.rename(run.id, "theirs"),
    "tag": lambda store, run: store.tag(run.id, ["theirs"]),
    "note": lambda store, run: store.note(run.id, "theirs"),
    "order": lambda store, run: store.place(run.id, 0),
    "pause": lambda store, run: store.pause(True),
    "keep": lambda store, run: keep(run.folder, "checkpoint-1"),
    "delete a checkpoint": lambda store, run: delete_checkpoint(run, "checkpoint-1"),
    "delete a dataset": lambda store, run: delete_dataset("mine"),
    "make a dataset": lambda store, run: ensure_synthetic(),
    "keep a history": lambda store, run: remember(remembered("x", "MKT", None, "mini"), None),
    "delete from the history": lambda store, run: forget("0123456789ab"),
    "rebuild": lambda store, run: rebuild(store.home),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_a_read_only_server_changes_nothing(store, run, deed):
    with pytest.raises(AccessError, match=r"read-only: it lets nobody .*\. Look and predict here"):
        DEEDS[deed](store, run)
    (after,) = store.runs()
    assert after == run and after.state == State.QUEUED and not store.paused


def test_the_command_says_so_too(store, run, capsys):
    assert cli.main(["runs", "delete", run.id, "--yes"]) == 2
    assert "distmat: This distmat is read-only: it lets nobody delete" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1", "[::1]", "127.1.2.3"])
def test_this_machine_alone_may_do_everything(address):
    check_exposure(address)


@pytest.mark.parametrize("address", ["0.0.0.0", "", "::", "192.168.1.7", "lab.example.org"])
def test_a_network_is_open_only_to_who_says_that_it_is_meant(address, monkeypatch):
    monkeypatch.delenv("DISTMAT_READ_ONLY", raising=False)
    monkeypatch.delenv("DISTMAT_I_KNOW", raising=False)
    with pytest.raises(AccessError, match=r"could start trainings, .*--read-only .*--i-know"):
        check_exposure(address)
    check_exposure(address, has_login=True)
    monkeypatch.setenv("DISTMAT_READ_ONLY", "1")
    check_exposure(address)
    monkeypatch.setenv("DISTMAT_READ_ONLY", "0")
    monkeypatch.setenv("DISTMAT_I_KNOW", "1")
    check_exposure(address)


def test_the_command_refuses_before_anything_listens(monkeypatch, capsys):
    monkeypatch.delenv("DISTMAT_READ_ONLY", raising=False)
    started = []
    monkeypatch.setattr("os.execv", lambda *command: started.append(command))
    assert cli.main(["app", "--address", "0.0.0.0"]) == 2
    assert "Everybody who reaches 0.0.0.0" in capsys.readouterr().err and not started
    assert cli.main(["app", "--port", "0"]) == 2
    assert "The port is 0; give one from 1 to 65535." in capsys.readouterr().err
    monkeypatch.setenv("DISTMAT_READ_ONLY", "")
    assert cli.main(["app", "--port", "8600", "--no-browser"]) == 0
    command = started[0][1]
    assert {"--server.port=8600", "--server.address=127.0.0.1"} < set(command)
