"""What is measured of the machine, with a made-up GPU where none is."""

import os
import sys
import time
import types

import psutil
import pytest

from distmat.jobs import hardware
from distmat.jobs.hardware import Gpu, Sampler
from distmat.jobs.provenance import environment, git_state
from tests.runs.conftest import wait_until


@pytest.fixture
def two_gpus(monkeypatch):
    """A driver that knows two cards; the second doesn't tell its power."""
    nvml = types.ModuleType("pynvml")
    nvml.NVMLError = type("NVMLError", (Exception,), {})
    nvml.NVML_TEMPERATURE_GPU = 0

    def power(handle):
        if handle == 1:
            raise nvml.NVMLError
        return 250_000

    memory = types.SimpleNamespace(total=80 * 2**30, used=2 * 2**30)
    for name, answer in {
        "Init": lambda: None,
        "DeviceGetCount": lambda: 2,
        "DeviceGetHandleByIndex": lambda index: index,
        "DeviceGetName": lambda handle: f"Card {handle}",
        "DeviceGetMemoryInfo": lambda handle: memory,
        "SystemGetDriverVersion": lambda: "550.1",
        "DeviceGetUtilizationRates": lambda handle: types.SimpleNamespace(gpu=70 + handle),
        "DeviceGetTemperature": lambda handle, kind: 41,
        "DeviceGetPowerUsage": power,
    }.items():
        setattr(nvml, f"nvml{name}", answer)
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def test_gpus_are_those_that_this_process_may_see(two_gpus, monkeypatch):
    assert hardware.gpus() == [
        Gpu(0, "Card 0", "550.1", 80 * 2**30),
        Gpu(1, "Card 1", "550.1", 80 * 2**30),
    ]
    for visible, expected in [("1", [1]), ("", []), ("0,1", [0, 1]), ("GPU-8f6a", [0, 1])]:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        assert [gpu.index for gpu in hardware.gpus()] == expected


def test_a_sample_has_the_gpu_of_the_run_as_far_as_it_tells(two_gpus):
    first = Sampler(print, gpu=0).sample()
    assert (first["gpu"], first["gpu_memory"], first["gpu_temperature"], first["gpu_power"]) == (
        70,
        2 * 2**30,
        41,
        250,
    )
    second = Sampler(print, gpu=1).sample()
    assert second["gpu"] == 71 and "gpu_power" not in second


def test_without_a_driver_there_is_no_gpu(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert hardware.gpus() == []
    assert set(Sampler(print).sample()) == {"cpu", "memory", "machine_memory"}


def test_a_busy_process_is_measured_every_few_moments(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    samples = []
    with Sampler(samples.append, interval=0.1) as sampler:
        until = time.monotonic() + 30
        while len(samples) < 3 and time.monotonic() < until:
            sum(range(1000))
    assert len(samples) >= 3 and max(sample["cpu"] for sample in samples) > 5
    # Beside browser tests this process has children, and they come and go.
    me = psutil.Process()
    least = me.memory_info().rss
    most = least + sum(child.memory_info().rss for child in me.children(recursive=True))
    assert 0.7 * least < samples[-1]["memory"] < 1.3 * most
    assert not sampler._thread.is_alive(), "it goes on after the run"


def test_a_watcher_that_cannot_tell_is_no_harm(monkeypatch):
    told = []

    def full(values):
        told.append(values)
        raise OSError("No space left on device")

    with Sampler(full, interval=0.01) as sampler:
        wait_until(lambda: len(told) > 3)
        assert sampler._thread.is_alive()


def test_the_environment_names_software_machine_and_source(tmp_path, two_gpus):
    found = environment(tmp_path)
    assert found["packages"]["torch"] and found["machine"]["gpus"][0]["name"] == "Card 0"
    assert found["machine"]["memory"] == psutil.virtual_memory().total
    assert found["git"]["directory"] == {}


def test_the_state_of_the_source_is_commit_branch_and_changes(tmp_path):
    import subprocess

    def git(*arguments):
        who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        command = ["git", *who, *arguments]
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)

    git("init", "-q", "-b", "trunk")
    (tmp_path / "a.txt").write_text("one")
    git("add", "a.txt")
    git("commit", "-q", "-m", "first")
    commit = git("rev-parse", "HEAD").stdout.strip()
    assert git_state(tmp_path) == {"commit": commit, "branch": "trunk", "changed_files": 0}
    (tmp_path / "a.txt").write_text("two")
    assert git_state(tmp_path)["changed_files"] == 1


def test_processors_are_those_that_one_may_use(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("SLURM_CPUS_PER_TASK", raising=False)
    assert 1 <= hardware.usable_processors() <= os.cpu_count()
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "3")
    assert hardware.usable_processors() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert hardware.usable_processors() == 5
    monkeypatch.setenv("OMP_NUM_THREADS", "0")
    assert hardware.usable_processors() == 3
