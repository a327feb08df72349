"""Predictions and scans in the background: shared by jobs, killed, resumed, the same in the end."""

import csv

import pytest

from distmat import cli
from distmat.batch import crew
from distmat.jobs import operations, processes, scheduler
from distmat.jobs.states import State
from distmat.jobs.store import JobStore
from distmat.protein.examples import examples
from tests.runs.conftest import end_all, wait_until


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(scheduler, "IDLE", 2.0)
    yield tmp_path / "home"
    end_all(tmp_path / "home")


def submitted(capsys, *command):
    assert cli.main([*map(str, command), "--background"]) == 0
    return capsys.readouterr().out.split()


def ended(store, job_id):
    return wait_until(lambda: (job := store.get(job_id)).has_ended and job, 180)


def table(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_jobs_that_share_the_chains_give_what_one_command_gives(
    home, tmp_path, monkeypatch, capsys
):
    sequences = tmp_path / "many.fasta"
    chains = [f">s{n}\n{'MKTAYIAKQRQISFVKSH'[: 10 + n % 8]}" for n in range(34)]
    sequences.write_text("\n".join(chains))
    inputs = [sequences, examples()[0].path]
    first, second = submitted(
        capsys, "predict", *inputs, "--array", "2", "--formats", "pdb", "--library", "none"
    )
    with JobStore(home) as store:
        running = wait_until(
            lambda: (job := store.get(first)).state == State.RUNNING and job.step > 0 and job, 180
        )
        processes.kill(running.process)
        assert ended(store, first).state == State.CRASHED
        operations.resume(store, first)
        jobs = [ended(store, job_id) for job_id in (first, second)]
        assert [job.state for job in jobs] == [State.FINISHED] * 2, [job.cause for job in jobs]
        assert [job.step for job in jobs] == [job.total_steps for job in jobs]
    folder = jobs[0].folder / "results"
    direct = tmp_path / "direct"
    command = ["predict", *inputs, "--out", direct, "--formats", "pdb", "--library", "none"]
    monkeypatch.setattr(crew, "usable_processors", lambda: 1)
    assert cli.main([*map(str, command)]) == 0
    assert (folder / "results.csv").read_bytes() == (direct / "results.csv").read_bytes()
    rows = table(direct / "results.csv")
    known = [row for row in rows if row["verdict"]]
    assert len(known) == 1 and float(known[0]["mae"]) < float(known[0]["baseline_mae"])
    for row in rows:
        name = f"{row['files']}.pdb"
        assert (folder / name).read_bytes() == (direct / name).read_bytes()


def test_a_scan_is_a_job_that_no_report_tells_of(home, capsys):
    (scanned,) = submitted(capsys, "scan", "MKTAYIAKQRQIS", "--mutations", "alanine")
    with JobStore(home) as store:
        job = ended(store, scanned)
        assert job.state == State.FINISHED, job.cause
    assert len(table(job.folder / "results" / "scan.csv")) == 11
    assert cli.main(["report", scanned]) == 2
    assert "is no training (mutational scan)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["predict", "MKTAYIAK", "--array", "2"], "--array is said of jobs; give --background"),
        (["predict", "MKTAYIAK", "--background", "--array", "0"], "--array is 0"),
        (["predict", "MKTAYIAK", "--background", "--backend", "none"], "none"),
        (["predict", "MKTAYIAK", "--formats", "pdb"], "give --out DIR, too"),
        (["predict", "MKTAYIAK", "--out", "x", "--formats", "exe"], "no format 'exe'"),
        (["predict", "MKTAYIAK", "--background", "--formats", "exe"], "no format 'exe'"),
        (["scan", "MKTAYIAK"], "give --out DIR"),
        (["scan", "MKTAYIAK", "--out", "x", "--mutations", "b"], "there are alanine, all"),
        (["data", "build", "1abc", "-o", "a", "--backend", "local"], "--backend is said of jobs"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(home, capsys, monkeypatch, tmp_path, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.splitlines()[-1].startswith("distmat: ") and words in err
    assert not (tmp_path / "x").exists()
