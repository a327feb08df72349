"""A model goes to a hub, comes back and predicts the same; each command in a process of its own,
for the hub's client reads its address once.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from distmat import access, cli
from distmat.access import Visitor
from distmat.errors import AccessError, HubError
from distmat.hub import read_address
from distmat.sharing.model_card import ModelFacts, model_card, model_facts
from distmat.sharing.push import push_model
from distmat.workspace import checkpoint_path
from tests.sharing.hub_server import TOKEN, serving

# One hub, and one push to it.
pytestmark = pytest.mark.xdist_group("hub")

SEQUENCE = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ"
MINI = Path(checkpoint_path("mini"))


@pytest.fixture(scope="module")
def hub():
    with serving() as hub:
        yield hub


def environment(hub, home, token=TOKEN):
    return {
        "HF_ENDPOINT": hub.address if hub else "http://127.0.0.1:1",
        "HF_HOME": str(home / "hf"),
        "HF_TOKEN": token,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "DISTMAT_HOME": str(home / "home"),
        "PYTHONWARNINGS": "ignore",
    }


PROGRAM = """
import json, os, sys
import distmat.batch.job, distmat.model.predictor, distmat.sharing.push
from distmat import cli

assert "huggingface_hub" not in sys.modules
for line in sys.stdin:
    asked = json.loads(line)
    if not (child := os.fork()):
        os.environ.update(asked["environment"])
        for stream, place in enumerate(asked["said"], 1):
            os.dup2(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
        code = cli.main(asked["arguments"])
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Runs commands in processes that begin where it is, with PyTorch, and without the hub's client."""


@pytest.fixture(scope="module")
def distmat(tmp_path_factory):
    """Runs the command for somebody; what came of it."""
    said = [tmp_path_factory.mktemp("said") / name for name in ("out", "err")]
    options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    command, root = [sys.executable, "-c", PROGRAM], Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, **options) as program:

        def run(hub, home, *arguments, token=TOKEN):
            asked = {
                "environment": environment(hub, home, token),
                "said": [*map(str, said)],
                "arguments": [*map(str, arguments)],
            }
            program.stdin.write(json.dumps(asked) + "\n")
            program.stdin.flush()
            code = int(program.stdout.readline())
            return subprocess.CompletedProcess(
                arguments, code, *(place.read_text(encoding="utf-8") for place in said)
            )

        yield run
        program.stdin.close()


@pytest.fixture(scope="module")
def pushed(distmat, hub, tmp_path_factory):
    home = tmp_path_factory.mktemp("pusher")
    done = distmat(
        hub, home, "push", "mini", "lab/mini", "--license", "mit", "--trained-on", "lab/chains"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("lab/mini")
    return hub.repositories["lab/mini"]


def front_matter(text):
    return yaml.safe_load(text.split("---\n")[1])


def test_what_a_prediction_needs_is_sent_with_a_card_and_nothing_else(hub, pushed):
    assert set(pushed) == {
        "README.md", "config.json", "distmat.json", "library.parquet", "model.safetensors",
        "training_config.json", "training_sequences.parquet",
    }  # fmt: skip
    for name, content in pushed.items():
        assert name == "README.md" or content == (MINI / name).read_bytes()
    assert hub.private["lab/mini"] is True
    card = pushed["README.md"].decode()
    data = front_matter(card)
    assert data["license"] == "mit" and data["library_name"] == "distmat"
    assert data["datasets"] == ["lab/chains"] and "base_model" not in data
    assert 'distmat.load("hf://lab/mini")' in card and "9,464" in card


def test_what_was_pushed_predicts_the_same_elsewhere(distmat, hub, pushed, tmp_path):
    asked = ["predict", SEQUENCE, "--library", "none", "--json", "--checkpoint"]
    here = distmat(hub, tmp_path, *asked, "mini")
    there = distmat(hub, tmp_path, *asked, "hf://lab/mini")
    assert there.returncode == 0, there.stderr
    (shipped,), (pushed_one,) = json.loads(here.stdout), json.loads(there.stdout)
    assert (shipped.pop("checkpoint"), pushed_one.pop("checkpoint")) == ("mini", "hf://lab/mini")
    assert pushed_one == shipped


def test_a_download_that_breaks_off_is_said_and_done_again(distmat, hub, pushed, tmp_path):
    hub.cut.add("model.safetensors")
    asked = ["predict", SEQUENCE, "--library", "none", "--checkpoint", "hf://lab/mini"]
    done = distmat(hub, tmp_path, *asked)
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    assert "lab/mini can't be had from" in done.stderr
    hub.cut.clear()
    assert distmat(hub, tmp_path, *asked).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["predict", SEQUENCE, "--checkpoint", "hf://lab/nothing"], "There is no lab/nothing on"),
        (["predict", SEQUENCE, "--checkpoint", "hf://lab/mini@v9"], "has no such revision"),
        (["predict", SEQUENCE, "--checkpoint", "hf://lab"], "'hf://lab' is no address of the hub"),
        (["push", "mini", "lab"], "is no address of the hub"),
        (["push", "nothing", "lab/x"], "There is no checkpoint 'nothing'"),
        (["push", "nothing", "lab/x", "--dataset"], "There is no dataset 'nothing'"),
    ],
)
def test_what_is_wrong_is_one_sentence(distmat, hub, pushed, tmp_path, arguments, words):
    done = distmat(hub, tmp_path, *arguments)
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr


def test_without_a_token_or_a_network_nothing_is_sent_and_it_is_said(distmat, hub, tmp_path):
    done = distmat(hub, tmp_path, "push", "mini", "lab/other", token="hf_wrong")
    assert done.returncode == 2 and "401, you may not; type 'hf auth login'" in done.stderr
    assert "lab/other" not in hub.repositories
    done = distmat(None, tmp_path, "push", "mini", "lab/other")
    assert done.returncode == 2 and "check the network and try again" in done.stderr


def test_a_dataset_goes_with_a_card_that_the_viewer_reads(distmat, hub, tmp_path):
    made = distmat(hub, tmp_path, "data", "synthetic", "--chains", "20")
    assert made.returncode == 0, made.stderr
    done = distmat(
        hub, tmp_path, "push", "synthetic", "lab/made-up", "--dataset", "--license", "cc0-1.0"
    )
    assert done.returncode == 0, done.stderr
    files = hub.repositories["lab/made-up"]
    data = front_matter(files["README.md"].decode())
    (config,) = data["configs"]
    (part,) = config["data_files"]
    assert part["path"] in files and files[part["path"]][:4] == b"PAR1"
    assert data["size_categories"] == "n<1K" and data["license"] == "cc0-1.0"
    assert "What a predictor scores that knows nothing" in files["README.md"].decode()


FACTS = ModelFacts(
    "mine",
    "lab/mine",
    {"mode": "lora", "head": "pair"},
    {"train": "a|b <script>", "train_chains": 1234},
    {
        "chains": 60,
        "model": {"mae": 4.932, "pearson": 0.671},
        "baseline": {"mae": 6.642, "pearson": 0.571},
        "interval": {"mae": [4.63, 5.24]},
    },
    "Qwen/Qwen2.5-0.5B",
    ("lab/chains",),
    "apache-2.0",
)


def test_a_card_s_scores_stand_beside_the_baseline_with_their_intervals():
    text = model_card(FACTS)
    data = front_matter(text)
    assert data["base_model"] == "Qwen/Qwen2.5-0.5B" and data["metrics"] == ["mae", "rmse"]
    (model,) = data["model-index"]
    first, *_ = model["results"][0]["metrics"]
    assert first["type"] == "mae" and first["value"] == 4.932
    assert "95 % interval 4.63 – 5.24" in first["name"] and "separation 6.64" in first["name"]
    assert all("knowing only the separation" in m["name"] for m in model["results"][0]["metrics"])
    assert "| 4.93 | 4.63 – 5.24 | 6.64 |" in text
    assert "a\\|b &lt;script>" in text


def test_a_model_on_another_s_encoder_names_it(tmp_path):
    config = json.loads((MINI / "config.json").read_text())
    config |= {"encoder_name": "Qwen/Qwen2.5-0.5B", "pretrained": True}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "distmat.json").write_bytes((MINI / "distmat.json").read_bytes())
    assert model_facts(tmp_path, "x", "a/b", (), "mit").base_model == "Qwen/Qwen2.5-0.5B"
    assert model_facts(MINI, "x", "a/b", (), "mit").base_model is None


@pytest.mark.parametrize(
    "text", ["hf://", "hf://a", "hf://a/b/c", "hf://../b", "hf://a/..", "hf://a/b@", "hf://a b/c"]
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(HubError):
        read_address(text)


def test_who_may_only_look_pushes_nothing(monkeypatch):
    monkeypatch.delenv("DISTMAT_MAY_LAUNCH", raising=False)
    access.serve("0.0.0.0", lambda: Visitor("a@lab.org", logs_in=True))
    with pytest.raises(AccessError, match="may not push models here"):
        push_model("mini", "lab/mini")
    access.leave()
    assert cli.main(["push", "mini", "lab/mini@main"]) == 2
