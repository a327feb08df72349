"""A server that is read-only, or open to a network: refused where it is done."""

from pathlib import Path

import pytest

from distmat import access, cli
from distmat.access import Visitor, check_exposure, check_may_look, check_may_read, may_change
from distmat.dataset.catalogue import delete_dataset
from distmat.dataset.jobs import submit_build, submit_homologues
from distmat.dataset.synthetic import ensure_synthetic
from distmat.errors import AccessError, CheckpointError, ConfigError, DatasetError
from distmat.history import forget, make_entry, remember
from distmat.jobs import operations
from distmat.jobs.rebuild import rebuild
from distmat.jobs.states import State
from distmat.limits import LIMITS, check_residues
from distmat.runs.checkpoints import delete_checkpoint, keep
from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig
from distmat.workspace import checkpoint_path, dataset_path


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
    "keep a history": lambda store, run: remember(make_entry("x", "MKT", None, "mini"), None),
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


@pytest.fixture
def log_in(monkeypatch):
    """Serve, with this person asking."""
    monkeypatch.setenv("DISTMAT_MAY_LAUNCH", "boss@lab.org, @chem.example.org")
    monkeypatch.setenv("DISTMAT_MAY_LOOK", "@lab.org")
    asking = []
    access.serve("0.0.0.0", lambda: asking[-1])

    def come(name):
        asking.append(Visitor(name, logs_in=True))

    return come


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("name", ["student@lab.org", ""])
def test_who_may_only_look_changes_nothing(store, log_in, monkeypatch, deed, name):
    log_in("Boss@lab.org")
    run = store.add(TrainingConfig(output="mine"), name="mine")
    assert run.owner == "Boss@lab.org" and may_change()
    log_in(name)
    asked = (
        f"{name or 'Who has no verified address'} may not .* here, only look and predict; ask who"
    )
    with pytest.raises(AccessError, match=asked):
        DEEDS[deed](store, run)
    assert store.runs() == [run] and not store.paused and not may_change()


def test_who_is_on_no_list_sees_nothing(log_in):
    for name in ("a@lab.org", "boss@lab.org", "b@chem.example.org"):
        log_in(name)
        check_may_look()
    for name in ("", "a@evil.org", "a@sub.lab.org", "lab.org", "a@notlab.org", "@lab.org.evil"):
        log_in(name)
        with pytest.raises(AccessError, match="is on no list of this server"):
            check_may_look()


def test_whoever_logs_in_may_look_where_a_star_says_so(log_in, monkeypatch):
    monkeypatch.setenv("DISTMAT_MAY_LOOK", "*")
    log_in("anybody@evil.org")
    check_may_look()
    assert not may_change()


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A workspace, a folder that is served and one that isn't, and a link out."""
    for name in ("home", "data", "secret"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "chains.parquet").write_bytes(b"PAR1")
        (tmp_path / name / "relatives.fasta").write_text(">a\nMKTAYIAKQRQISFVKSHFSRQ\n")
    (tmp_path / "data" / "link").symlink_to(tmp_path / "secret")
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DISTMAT_DATA", str(tmp_path / "data"))
    return tmp_path


OUTSIDE = (
    "{p}/secret/chains.parquet",
    "{p}/data/../secret/chains.parquet",
    "{p}/data/link/chains.parquet",
    "{p}/secret/*.pdb",
    "{p}/se?ret/*",
    "/etc/passwd",
    "~root/.ssh/id_rsa",
    "../../../../../etc/passwd",
    "/",
)


@pytest.mark.parametrize("path", OUTSIDE)
def test_a_page_reaches_no_file_outside_the_served_folders(places, path, monkeypatch):
    path = path.format(p=places)
    monkeypatch.chdir(places / "data")
    access.serve("127.0.0.1", Visitor)
    with RunStore() as store:
        for act in (
            lambda: submit_build(store, [path], "mine"),
            lambda: submit_homologues(store, "mine", Path(path).expanduser(), "more"),
            lambda: operations.submit(store, "prediction", {"inputs": ["a", path]}),
            lambda: store.add(TrainingConfig(train=path)),
            lambda: store.add(TrainingConfig(encoder=path)),
        ):
            with pytest.raises(AccessError, match=r"can't be used from a page: .*DISTMAT_DATA"):
                act()
        assert not store.jobs()
    if not set("*?~") & set(path):
        for look in (dataset_path, checkpoint_path):
            with pytest.raises((AccessError, CheckpointError, DatasetError)):
                look(path)


def test_what_is_served_the_workspace_and_names_can_be_used(places, monkeypatch):
    monkeypatch.chdir(places)
    access.serve("0.0.0.0", Visitor)
    with RunStore() as store:
        for path in (places / "data" / "chains.parquet", places / "home" / "chains.parquet"):
            assert store.add(TrainingConfig(train=str(path))).config.train == str(path)
        for name in ("synthetic", "Qwen/Qwen2.5-0.5B", "facebook/esm2_t6_8M_UR50D"):
            store.add(TrainingConfig(train="synthetic", encoder=name))
        store.add_job("dataset", {"inputs": [str(places / "data" / "**" / "*.pdb")]})


def test_a_run_keeps_the_files_that_it_had_and_gets_no_others(places):
    secret = str(places / "secret" / "chains.parquet")
    with RunStore() as store:
        run = store.add(TrainingConfig(train=secret, val="synthetic"))
        store.change_state(run.id, State.STARTING)
        store.change_state(run.id, State.STOPPED)
        access.serve("127.0.0.1", Visitor)
        with pytest.raises(AccessError, match="can't be used from a page"):
            store.requeue(run.id, settings={**run.settings, "val": secret})
        store.requeue(run.id, settings={**run.settings, "max_steps": 7})
        again = store.get(run.id)
        assert again.config.train == secret and again.config.max_steps == 7


def test_the_home_is_served_to_this_machine_alone(places, monkeypatch):
    monkeypatch.delenv("DISTMAT_DATA")
    monkeypatch.setenv("HOME", str(places / "data"))
    file = places / "data" / "chains.parquet"
    access.serve("127.0.0.1", Visitor)
    check_may_read(file)
    access.serve("0.0.0.0", Visitor)
    with pytest.raises(AccessError, match="files of this machine can be from no folder"):
        check_may_read(file)
    access.leave()
    check_may_read(Path("/etc/passwd"))


def test_each_limit_is_a_refusal_with_its_number(store, monkeypatch):
    access.serve("127.0.0.1", Visitor)
    monkeypatch.setenv("DISTMAT_MAX_RESIDUES", "400")
    check_residues(400)
    with pytest.raises(AccessError, match=r"has 401 residues, .* at most 400 \(DISTMAT_MAX_RES"):
        check_residues(401)
    monkeypatch.setenv("DISTMAT_JOBS_PER_PERSON", "2")
    first, _ = (store.add(TrainingConfig(output="mine")) for _ in range(2))
    with pytest.raises(AccessError, match=r"2 jobs of yours wait or run, .* have 2 \(DISTMAT_JOBS"):
        store.add(TrainingConfig(output="mine"))
    operations.stop(store, first.id)
    store.add(TrainingConfig(output="mine"))
    monkeypatch.delenv("DISTMAT_JOBS_PER_PERSON")
    with (store.home / "big").open("wb") as file:
        file.truncate(2 * 10**9)
    store.add(TrainingConfig(output="mine"))
    monkeypatch.setenv("DISTMAT_WORKSPACE_GB", "2")
    with pytest.raises(AccessError, match=r"holds 2\.0 GB, and 2 are allowed \(DISTMAT_WORK"):
        store.add(TrainingConfig(output="mine"))
    with pytest.raises(AccessError, match="are allowed"):
        operations.resume(store, first.id)


def test_a_full_disk_starts_no_job(store, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 2**20})())
    with pytest.raises(AccessError, match="has 1 MiB left, and a job needs 200; free some space"):
        store.add(TrainingConfig(output="mine"))
    assert not store.runs()


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.variable)
@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5", "１"])
def test_a_limit_that_is_no_number_is_said(limit, value, monkeypatch):
    monkeypatch.setenv(limit.variable, value)
    with pytest.raises(ConfigError, match=f"{limit.variable} is .* must be a whole number"):
        limit.value()


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
