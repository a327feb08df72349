"""What a report tells a person to type works as it stands."""

import shlex
import shutil
from pathlib import Path

import pytest

from distmat.cli import main
from distmat.jobs.states import State
from distmat.report.blocks import Code
from distmat.report.status import status
from distmat.runs import operations
from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig

MINI = Path(__file__).parents[2] / "checkpoints" / "mini"


def commands(report):
    def blocks(section):
        yield from section.blocks
        for part in section.sections:
            yield from blocks(part)

    texts = [
        block.text
        for section in report.sections
        for block in blocks(section)
        if isinstance(block, Code)
    ]
    lines = [line for text in texts for line in text.splitlines()]
    return [line for line in lines if line.startswith("distmat ")]


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path / "home of 'mine'"))
    monkeypatch.setattr(operations, "ensure_scheduler", lambda home: None)
    with RunStore() as store:
        yield store


def finished(store):
    run = store.add(TrainingConfig().with_settings({"train": "a", "val": "a"}), name="mine")
    for state in (State.STARTING, State.RUNNING, State.FINISHED):
        store.change_state(run.id, state)
    run.folder.mkdir(parents=True)
    for name in ("config.json", "model.safetensors", "distmat.json"):
        shutil.copy(MINI / name, run.folder)
    run.log.write_text("all went well\n")
    return run


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_commands_of_a_finished_run_work(store, language, capsys):
    run = finished(store)
    printed = commands(status(store, store.get(run.id), language, with_maps=False))
    assert {command.split()[1] for command in printed} == {"predict", "runs"}
    for command in printed:
        assert main(shlex.split(command)[1:]) == 0, command
    assert "all went well" in capsys.readouterr().out


def test_a_stopped_run_is_resumed_as_the_report_says(store, monkeypatch):
    run = finished(store)
    checkpoint = run.folder / "checkpoint-10"
    checkpoint.mkdir()
    for name in ("config.json", "model.safetensors", "distmat.json"):
        shutil.copy(MINI / name, checkpoint)
    (checkpoint / "trainer_state.json").write_text("{}")
    (checkpoint / "training_config.json").write_text("{}")
    other = store.add(TrainingConfig().with_settings({"train": "a", "val": "a"}), name="stopped")
    shutil.copytree(run.folder, other.folder)
    for state in (State.STARTING, State.RUNNING, State.STOPPED):
        store.change_state(other.id, state)
    printed = commands(status(store, store.get(other.id), "en", with_maps=False))
    resume = next(command for command in printed if " resume " in command)
    assert main(shlex.split(resume)[1:]) == 0
    assert store.get(other.id).state == State.QUEUED


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["report", "none"], "There is no run 'none'"),
        (["report", "mine", "--format", "pdf"], "--format pdf needs --out FILE"),
        (["report", "mine", "--out", "status.doc"], "end in .md, .html or .pdf"),
        (["report", "mine", "--compare", "other"], "There is no run 'other'"),
    ],
)
def test_what_a_person_can_mend_is_one_sentence(store, capsys, arguments, said):
    finished(store)
    assert main(arguments) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("ending", ["md", "html"])
def test_the_command_writes_the_report(store, tmp_path, capsys, ending):
    finished(store)
    out = tmp_path / f"status.{ending}"
    assert main(["report", "mine", "--lang", "zh", "--out", str(out)]) == 0
    assert "距离矩阵模型训练状态报告" in out.read_text(encoding="utf-8")
    assert main(["report"]) == 0
    assert "mine" in capsys.readouterr().out
