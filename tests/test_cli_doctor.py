"""`distmat doctor` and `distmat completion`."""

import json
import subprocess

import pytest

from distmat import cli
from distmat.cli import doctor


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return tmp_path / "home"


def examined(capsys, code=0):
    assert cli.main(["doctor", "--json"]) == code
    return {one["name"]: one for one in json.loads(capsys.readouterr().out)}


def test_a_sound_install_is_told_part_by_part(capsys, home):
    found = examined(capsys)
    for name in ("distmat", "Python", "packages", "machine", "MMseqs2", "workspace"):
        assert found[name]["state"] == "good", found[name]
    assert {"GPU", "model hub", "3D viewer", "browser", "[slurm]", "environment"} < found.keys()
    assert found["model hub"]["state"] == "missing"
    assert all(one["cure"] for one in found.values() if one["state"] == "bad")
    assert cli.main(["doctor"]) == 0
    assert "✓ packages" in capsys.readouterr().out and not home.exists()


def test_what_is_wrong_comes_with_its_cure(capsys, home, monkeypatch):
    home.mkdir()
    (home / "runs.sqlite").write_bytes(b"?" * 5000)
    real = doctor.importlib.metadata.version
    monkeypatch.setattr(
        doctor.importlib.metadata, "version", lambda name: "0.1" if name == "torch" else real(name)
    )
    monkeypatch.setattr("distmat.figures.explorer.installed_script", lambda: None)
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    found = examined(capsys, 2)
    assert (
        found["packages"]["state"] == "bad" and "torch is 0.1, not >=" in found["packages"]["found"]
    )
    assert (
        found["workspace"]["state"] == "bad"
        and "is no database any more" in found["workspace"]["found"]
    )
    assert found["3D viewer"]["cure"].startswith("with npm on the PATH")
    assert found["browser"]["cure"].startswith("only for reports as PDF: install chromium")


def test_a_wrong_limit_and_a_gpu_that_pytorch_cannot_use_are_found(capsys, monkeypatch):
    from distmat.jobs.hardware import Gpu

    monkeypatch.setenv("DISTMAT_PREDICTIONS", "many")
    monkeypatch.setattr(
        "distmat.jobs.hardware.gpus", lambda: [Gpu(0, "NVIDIA H200", "570.1", 140 * 2**30)]
    )
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    found = examined(capsys, 2)
    assert found["limits"]["found"].startswith("DISTMAT_PREDICTIONS is 'many'")
    assert found["GPU"]["state"] == "bad" and "install one with CUDA" in found["GPU"]["cure"]


def test_bash_completes_commands_and_options(tmp_path, capsys):
    pytest.importorskip("shtab")
    assert cli.main(["completion", "bash"]) == 0
    script = tmp_path / "distmat.sh"
    script.write_text(capsys.readouterr().out)

    def completed(*words):
        call = (
            f"source {script}; COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; "
            f"$(complete -p distmat | sed 's/.*-F \\([^ ]*\\).*/\\1/'); echo ${{COMPREPLY[@]}}"
        )
        done = subprocess.run(["bash", "-c", call], capture_output=True, text=True, check=True)
        return done.stdout.split()

    assert completed("distmat", "pre") == ["predict"]
    assert "--library" in completed("distmat", "predict", "--lib")
    assert completed("distmat", "runs", "reb") == ["rebuild"]


def test_zsh_gets_a_script_and_a_shell_that_is_none_a_sentence(capsys):
    pytest.importorskip("shtab")
    assert cli.main(["completion", "zsh"]) == 0
    assert capsys.readouterr().out.startswith("#compdef distmat")
    with pytest.raises(SystemExit):
        cli.main(["completion", "dos"])


def test_without_shtab_it_is_said_how_to_get_it(capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "shtab", None)
    assert cli.main(["completion", "bash"]) == 2
    assert "pip install distmat[completion]" in capsys.readouterr().err
