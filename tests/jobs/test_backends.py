"""A backend is one file with a class, and one line."""

from typing import ClassVar

import pytest
from streamlit.testing.v1 import AppTest

from distmat import cli
from distmat.jobs import backends
from distmat.jobs.backends.backend import Field
from distmat.jobs.backends.local import Local
from distmat.jobs.scheduler import Scheduler
from distmat.jobs.states import State
from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig
from tests.pages.conftest import no_search_for_components  # noqa: F401  (a fixture)


class Cloud(Local):
    """Starts nothing; notes what it was asked for."""

    name = "cloud"
    summary = "a machine that is rented"
    fields: ClassVar[tuple[Field, ...]] = (Field("region", "Region", "north"),)
    asked: ClassVar[list[tuple[str, object]]] = []

    def start(self, store, job, devices):
        self.asked.append((job.id, job.backend_settings["region"]))
        return store.change_state(job.id, State.STARTING, only_from=[State.QUEUED])


@pytest.fixture
def cloud(monkeypatch, tmp_path):
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path))
    monkeypatch.setattr(backends, "_BACKENDS", (*backends._BACKENDS, Cloud))
    monkeypatch.setattr(Cloud, "asked", [])
    return Cloud


def test_the_scheduler_starts_jobs_by_it(cloud, tmp_path):
    with RunStore(tmp_path) as store:
        run = store.add(TrainingConfig(), backend="cloud", backend_settings={"region": "south"})
        Scheduler(store).tick()
        assert cloud.asked == [(run.id, "south")]
        assert store.get(run.id).state == State.STARTING


def test_the_page_offers_it_with_its_settings(cloud):
    page = AppTest.from_file("../../pages/train.py", default_timeout=120).run()
    choice = page.selectbox(key="train-backend")
    assert "cloud" in choice.options and "a machine that is rented" in choice.help
    choice.select("cloud").run()
    assert [field.value for field in page.text_input if field.label == "Region"] == ["north"]


def test_the_command_names_it_beside_the_others(cloud, capsys):
    command = ["predict", "MKTAYIAKQRQIS", "--background", "--backend", "clout"]
    assert cli.main(command) == 2
    assert "there are local, torchrun, slurm, cloud" in capsys.readouterr().err
