"""Training for real, with a tiny network on chains made on the spot."""

import dataclasses
import json
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.numpy import load_file

import distmat
from distmat.dataset.store import read_dataset
from distmat.errors import (
    ConfigError,
    DatasetError,
    DivergedError,
    OutOfMemoryError,
    Remedy,
    RunError,
)
from distmat.library.store import KnownChain, write_library
from distmat.training.callbacks import StopOnSignal
from distmat.training.config import TrainingConfig
from distmat.training.distance_trainer import DistanceTrainer
from distmat.training.trainer import train
from distmat.training.watched_maps import list_watched_steps, read_step, read_truth
from tests.training.conftest import write_shapes


def weights(folder) -> dict[str, np.ndarray]:
    return {
        name: array
        for file in folder.glob("*.safetensors")
        for name, array in load_file(file).items()
    }


def stop_at(step: int, patch) -> None:
    """Send this process SIGTERM when the step begins, as a scheduler would."""

    def on_step_begin(self, args, state, control, **kwargs):
        if state.global_step == step:
            os.kill(os.getpid(), signal.SIGTERM)

    patch.setattr(StopOnSignal, "on_step_begin", on_step_begin)


def test_a_model_learns_what_the_separation_alone_does_not_tell(make_config, tmp_path, watch):
    observer = watch()
    changes = {"dropout": 0.0, "masked_residues": 0.0, "log_every": 50}
    changes |= {"max_steps": 150, "evaluate_every": 75}
    result = train(make_config(tmp_path / "run", **changes), observer=observer)
    scores = result.as_dict()
    assert scores["model"]["mae"] < 0.7 * scores["baseline"]["mae"]
    predictor = distmat.load(tmp_path / "run")
    assert predictor.calibration is not None
    assert predictor.card["max_length"] == 32 and predictor.card["train_chains"] == 24
    as_helix = predictor.predict("AL" * 12).distances[2, 22]
    as_strand = predictor.predict("VT" * 12).distances[2, 22]
    assert as_strand > as_helix + 10
    written = json.loads((tmp_path / "run" / "training_config.json").read_text())
    assert TrainingConfig().with_settings(written).max_steps == 150
    _told_everything(observer)
    _kept_maps(tmp_path / "run")


def _kept_maps(run):
    """Of some validation chains as the checkpoints predict them, with the errors of the scores."""
    assert list_watched_steps(run) == [75, 150]
    chains, last = read_truth(run), read_step(run, 150)
    assert len(chains) == len(last) == len(read_step(run, 75)) == 3
    predictor = distmat.load(run / "checkpoint-150")
    for chain in chains:
        own = predictor.predict(chain.sequence).distances
        np.testing.assert_allclose(last[chain.name].distances, own, atol=0.05)
        off = np.abs(own - chain.true)[np.triu_indices(len(own), 1)]
        assert last[chain.name].mae == pytest.approx(off.mean(), abs=1e-3)
        assert last[chain.name].baseline_mae > 0


def _told_everything(observer):
    facts = observer.facts
    assert facts["total_steps"] == 150 and facts["train_chains"] == facts["val_chains"] == 24
    assert facts["device"] == "cpu" and facts["precision"] == "fp32"
    assert 0 < facts["trainable_parameters"] == facts["parameters"] < 20_000
    assert len(facts["train_fingerprint"]) == 32
    assert sorted(observer.of("loss")) == [50, 100, 150] == sorted(observer.of("grad_norm"))
    assert min(observer.of("residues_per_second").values()) > 0
    assert observer.checkpoints == [75, 150]
    scores = ("mae", "rmse", "pearson", "lddt", "mds_pearson")
    wanted = {f"eval_{name}" for name in (*scores, "loss", "seconds", "chains_per_second")}
    wanted |= {f"eval_baseline_{name}" for name in scores}
    for step in (75, 150):
        assert wanted <= observer.metrics[step].keys()
    assert observer.of("eval_loss")[150] < observer.of("eval_loss")[75]
    assert any("float32 on cpu" in text for text in observer.texts)
    assert any("GiB of memory" in text for text in observer.texts)


def test_homologues_are_learned_from_in_the_chains_stead(dataset, make_config, tmp_path):
    """Of letters that no chain has: what they mean can be known from homologues alone."""
    table = pq.read_table(dataset)
    shown = [
        [("W" if set(text) <= set("AL") else "Y") * len(text)]
        for text in table["sequence"].to_pylist()
    ]
    path = tmp_path / "with.parquet"
    pq.write_table(table.append_column("homologues", pa.array(shown)), path)
    changes = {"dropout": 0.0, "masked_residues": 0.0, "max_steps": 100, "evaluate_every": 100}
    errors = {}
    for share in (0.0, 1.0):
        config = make_config(tmp_path / str(share), train=str(path), homologue_share=share)
        result = train(dataclasses.replace(config, **changes))
        errors[share] = result.as_dict()["model"]["mae"]
    predictor = distmat.load(tmp_path / "1.0")
    as_helix, as_strand = (predictor.predict(x * 24).distances[2, 22] for x in "WY")
    assert as_strand > as_helix + 10
    # The chains' own letters were seen by the other run alone.
    assert errors[0.0] < 0.5 * errors[1.0]


def test_a_run_stopped_by_sigterm_goes_on_to_the_same_bits(
    make_config, tmp_path, monkeypatch, watch
):
    whole, first, second = watch(), watch(), watch()
    changes = {"accumulation": 2, "pairs_per_batch": 2 * 32**2}
    train(make_config(tmp_path / "whole", **changes), observer=whole)
    assert 6 % whole.facts["steps_per_epoch"], "the stop is to come in the middle of an epoch"
    with monkeypatch.context() as patch:
        stop_at(5, patch)
        config = make_config(tmp_path / "parts", **changes)
        assert train(config, observer=first) is None
    assert not (tmp_path / "parts" / "model.safetensors").exists()
    assert first.checkpoints == [6]
    assert train(config, resume=True, observer=second) is not None
    assert second.facts["first_step"] == 6
    assert first.of("loss") | second.of("loss") == whole.of("loss")
    # The signal came in the step that an evaluation was due after; the second part made up for it.
    assert second.of("eval_mae") == whole.of("eval_mae")
    a, b = (weights(tmp_path / run / "checkpoint-12") for run in ("whole", "parts"))
    for name in a:
        np.testing.assert_array_equal(b[name], a[name])


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_any_checkpoint_is_one_to_go_on_from(make_config, tmp_path, watch, optimizer):
    changes = {"evaluate_every": 3, "keep_checkpoints": 4, "optimizer": optimizer}
    config = make_config(tmp_path / "run", **changes)
    train(config, observer=(whole := watch()))
    before = weights(tmp_path / "run" / "checkpoint-12")
    resumed = watch()
    train(config, resume=tmp_path / "run" / "checkpoint-3", observer=resumed)
    assert resumed.of("loss") == {k: v for k, v in whole.of("loss").items() if k > 3}
    for name, array in weights(tmp_path / "run" / "checkpoint-12").items():
        np.testing.assert_array_equal(array, before[name])


def test_a_run_that_has_ended_makes_no_further_step_when_resumed(make_config, tmp_path, watch):
    config = make_config(tmp_path / "run", max_steps=10)
    train(config, observer=(first := watch()))
    before = weights(tmp_path / "run" / "checkpoint-10")
    again = watch()
    assert train(config, resume=True, observer=again) is not None
    assert again.metrics == {}
    # In the middle of an epoch.
    assert 10 % first.facts["steps_per_epoch"]
    assert max(first.of("loss")) == 10
    for name, array in weights(tmp_path / "run" / "checkpoint-10").items():
        np.testing.assert_array_equal(array, before[name])


def test_a_copied_checkpoint_begins_a_run_of_its_own(make_config, tmp_path, watch):
    train(make_config(tmp_path / "run"))
    shutil.copytree(tmp_path / "run" / "checkpoint-6", tmp_path / "copy")
    observer = watch()
    train(make_config(tmp_path / "other"), resume=tmp_path / "copy", observer=observer)
    assert observer.facts["first_step"] == 6
    assert distmat.load(tmp_path / "other").card["steps"] == 12


def test_what_was_learned_from_travels_with_every_checkpoint_and_into_what_begins_with_it(
    make_config, tmp_path
):
    train(make_config(tmp_path / "run", max_steps=6))
    learned = distmat.load(tmp_path / "run" / "checkpoint-6").training_sequences
    chains = read_dataset(Path(make_config(tmp_path).train)).chains
    assert learned.names == tuple(chain.name for chain in chains)
    assert learned.sequences == tuple(chain.sequence for chain in chains)
    other = write_shapes(tmp_path / "other.parquet", chains=8, seed=1)
    second = {"train": str(other), "init_from": str(tmp_path / "run"), "max_steps": 1}
    train(make_config(tmp_path / "second", **second))
    both = distmat.load(tmp_path / "second").training_sequences
    assert set(both.sequences) > set(learned.sequences) and len(both) == len(learned) + 8


def test_a_stop_does_not_wait_for_an_evaluation_and_the_resumed_run_makes_up_for_it(
    make_config, tmp_path, monkeypatch, watch
):
    whole, parts = watch(), watch()
    train(make_config(tmp_path / "whole"), observer=whole)
    scored = []

    def stop_after_one_chain(self, done, total):
        scored.append(done)
        self.on_signal.stopped = True
        DistanceTrainer_go_on(self, done, total)

    DistanceTrainer_go_on = DistanceTrainer._go_on
    with monkeypatch.context() as patch:
        patch.setattr(DistanceTrainer, "_go_on", stop_after_one_chain)
        assert train(make_config(tmp_path / "parts"), observer=parts) is None
    assert scored == [1] and parts.checkpoints == [6]
    train(make_config(tmp_path / "parts"), resume=True, observer=parts)
    assert parts.of("eval_mae") == whole.of("eval_mae")
    assert parts.of("loss") == whole.of("loss")


def test_a_checkpoint_cut_short_is_not_resumed_from_and_cleaned_away(make_config, tmp_path):
    config = make_config(tmp_path / "run")
    train(config)
    (tmp_path / "run" / "checkpoint-12" / "trainer_state.json").unlink()
    half = tmp_path / "run" / ".checkpoint-18.writing"
    shutil.copytree(tmp_path / "run" / "checkpoint-6", half)
    said = []
    assert train(config, resume=True, progress=said.append) is not None
    assert not half.exists()
    assert any(".checkpoint-18.writing" in text for text in said)


def test_a_checkpoint_appears_whole_or_not_at_all(make_config, tmp_path, monkeypatch):
    def full_disk(self, folder):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(DistanceTrainer, "_save_rng_state", full_disk)
        with pytest.raises(OSError, match="No space left"):
            train(make_config(tmp_path / "run"))
    assert not list((tmp_path / "run").glob("checkpoint-*"))
    with pytest.raises(RunError, match="no checkpoint"):
        train(make_config(tmp_path / "run"), resume=True)


def test_a_changed_dataset_is_refused_unless_told(make_config, tmp_path):
    mine = write_shapes(tmp_path / "mine.parquet")
    config = make_config(tmp_path / "run", train=str(mine))
    train(config)
    write_shapes(mine, seed=1)
    longer = config.with_settings({"max_steps": 13})
    with pytest.raises(RunError, match="'train' aren't those that checkpoint-12") as error:
        train(longer, resume=True)
    assert error.value.remedy == Remedy.ACCEPT_CHANGED_DATA and "--" not in str(error.value)
    assert train(longer, resume=True, accept_changed_data=True) is not None


def test_a_resumed_run_may_learn_otherwise_but_not_be_another_network(make_config, tmp_path, watch):
    train(make_config(tmp_path / "run", schedule="constant"))
    slower = make_config(
        tmp_path / "run", schedule="constant", max_steps=14, learning_rate=1e-3, crops=(24,)
    )
    observer = watch()
    train(slower, resume=True, observer=observer)
    assert observer.of("learning_rate") == {13: 1e-3, 14: 1e-3}
    assert any("learning_rate 0.001, which was 0.01" in text for text in observer.texts)
    other = make_config(tmp_path / "run", max_steps=20, pair_width=16)
    with pytest.raises(RunError, match="has pair_width 8, and this run has 16"):
        train(other, resume=True)


def test_the_newest_and_the_best_checkpoint_are_kept(make_config, tmp_path, watch):
    observer = watch()
    config = make_config(
        tmp_path / "run", evaluate_every=2, keep_checkpoints=1, learning_rate=0.05, max_steps=16
    )
    train(config, observer=observer)
    scores = observer.of("eval_mae")
    best = min(scores, key=lambda step: scores[step])
    kept = {int(folder.name[11:]) for folder in (tmp_path / "run").glob("checkpoint-*")}
    assert best in kept and 16 in kept and len(kept) <= 3
    assert distmat.load(tmp_path / "run").card["steps"] == best


def test_a_run_that_becomes_no_better_ends_early(make_config, tmp_path, watch):
    observer = watch()
    # At a learning rate of next to nothing the first evaluation is as good as any.
    config = make_config(
        tmp_path / "run",
        max_steps=100,
        evaluate_every=2,
        early_stopping_patience=3,
        learning_rate=1e-8,
        monitor="lddt",
    )
    assert train(config, observer=observer) is not None
    assert max(observer.of("loss")) == 8  # evaluated at 2, 4, 6 and 8
    assert any("ends early" in text for text in observer.texts)


def test_a_loss_that_is_no_number_ends_the_run_with_the_step_and_what_to_try(
    make_config, tmp_path, monkeypatch
):
    honest = DistanceTrainer.compute_loss

    def spoiled(self, model, inputs, *args, **kwargs):
        loss = honest(self, model, inputs, *args, **kwargs)
        return loss * float("nan") if self.state.global_step == 7 else loss

    monkeypatch.setattr(DistanceTrainer, "compute_loss", spoiled)
    with pytest.raises(DivergedError, match="became NaN or infinite at step 8") as error:
        train(make_config(tmp_path / "run", log_every=5))
    for words in ("checkpoint-6", "learning_rate (it is 0.01)", "warmup_steps", "max_grad_norm"):
        assert words in str(error.value)
    assert not (tmp_path / "run" / "checkpoint-12").exists()


def test_a_loss_that_runs_away_ends_the_run(make_config, tmp_path, monkeypatch):
    honest = DistanceTrainer.compute_loss

    def worse_and_worse(self, model, inputs, *args, **kwargs):
        return honest(self, model, inputs, *args, **kwargs) * 2.0**self.state.global_step

    monkeypatch.setattr(DistanceTrainer, "compute_loss", worse_and_worse)
    with pytest.raises(DivergedError, match=r"ran away from .* at step [5-9]; resume"):
        train(make_config(tmp_path / "run", evaluate_every=3, max_steps=60, learning_rate=1e-6))


def test_a_score_that_these_chains_do_not_have_chooses_nothing(make_config, tmp_path):
    # No residues of these short chains are 24 apart and in contact, or not: most have no pair.
    short = tmp_path / "short.parquet"
    write_shapes(short, residues=(16, 23))
    with pytest.raises(RunError, match="monitor is 'long_precision', which"):
        train(make_config(tmp_path / "run", val=str(short), monitor="long_precision"))


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
    ],
)
def test_running_out_of_memory_ends_with_what_to_change(make_config, tmp_path, monkeypatch, error):
    def too_much(self, *args, **kwargs):
        raise error

    monkeypatch.setattr(DistanceTrainer, "compute_loss", too_much)
    with pytest.raises(OutOfMemoryError, match="isn't enough") as caught:
        train(make_config(tmp_path / "run", pairs_per_batch=4096, crops=(32, 48)))
    for words in ("turn on activation_checkpointing", "and start again"):
        assert words in str(caught.value)


def test_a_run_that_ran_out_of_memory_resumes_with_what_it_was_told_to_change(
    make_config, tmp_path, monkeypatch
):
    honest = DistanceTrainer.compute_loss

    def too_much(self, *args, **kwargs):
        if self.state.global_step >= 7 and self.config.pairs_per_batch > 2048:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return honest(self, *args, **kwargs)

    monkeypatch.setattr(DistanceTrainer, "compute_loss", too_much)
    with pytest.raises(OutOfMemoryError, match=r"halve pairs_per_batch to 2048 .* and resume"):
        train(make_config(tmp_path / "run"))
    changes = {"pairs_per_batch": 2048, "accumulation": 2, "activation_checkpointing": True}
    assert train(make_config(tmp_path / "run", **changes), resume=True) is not None


def test_what_is_no_lack_of_memory_is_left_alone(make_config, tmp_path, monkeypatch):
    def broken(self, *args, **kwargs):
        raise RuntimeError("a bug")

    monkeypatch.setattr(DistanceTrainer, "compute_loss", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        train(make_config(tmp_path / "run"))


def test_activation_checkpointing_changes_the_memory_and_not_the_losses(
    make_config, tmp_path, watch
):
    losses = []
    for on in (False, True):
        observer = watch()
        config = make_config(tmp_path / str(on), activation_checkpointing=on, max_steps=4)
        train(config, observer=observer)
        losses.append(observer.of("loss"))
    assert losses[1] == pytest.approx(losses[0], rel=1e-6)


def test_only_listed_chains_are_used(make_config, tmp_path):
    listed = tmp_path / "chains.csv"
    listed.write_text("id,split\n" + "".join(f"c{i},train\n" for i in range(6)) + "c7,val\n")
    train(make_config(tmp_path / "run", chain_list=str(listed), max_steps=6))
    assert distmat.load(tmp_path / "run").card["train_chains"] == 6


def test_a_missing_synthetic_dataset_is_made(make_config, tmp_path, monkeypatch):
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("distmat.dataset.synthetic.CHAINS", 20)
    config = make_config(
        tmp_path / "run", train="synthetic", val="synthetic", max_steps=2, evaluation_max_length=128
    )
    train(config)
    assert (tmp_path / "home" / "datasets" / "synthetic.parquet").is_file()
    assert 0 < distmat.load(tmp_path / "run").card["train_chains"] < 20


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"train": "nowhere"}, DatasetError, "There is no dataset 'nowhere'"),
        ({"chain_list": "nowhere.csv"}, DatasetError, "There is no list of chains at nowhere.csv"),
        ({"evaluation_max_length": 18}, DatasetError, "raise evaluation_max_length"),
        ({"max_chain_length": 18}, DatasetError, "raise max_chain_length"),
        ({"report_to": "wandb"}, ConfigError, "wandb isn't installed; run pip install wandb"),
        ({"precision": "fp16", "device": "cpu"}, ConfigError, "'fp16', which needs a GPU"),
    ],
)
def test_a_run_that_cannot_start_says_why(
    make_config, tmp_path, changes, error, words, monkeypatch
):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(error, match=words):
        train(make_config(tmp_path / "run", **changes))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_not_waited_for(make_config, tmp_path):
    with pytest.raises(ConfigError, match="device is 'cuda', but PyTorch sees no GPU"):
        train(make_config(tmp_path / "run", device="cuda"))


def test_a_run_is_never_overwritten_nor_resumed_out_of_nothing(make_config, tmp_path):
    with pytest.raises(RunError, match="no checkpoint"):
        train(make_config(tmp_path / "none"), resume=True)
    with pytest.raises(RunError, match="no whole checkpoint"):
        train(make_config(tmp_path / "none"), resume=tmp_path)
    train(make_config(tmp_path / "run", max_steps=6))
    with pytest.raises(RunError, match="already holds a run; choose another output"):
        train(make_config(tmp_path / "run", max_steps=6))
    shutil.rmtree(tmp_path / "run" / "checkpoint-6")
    with pytest.raises(RunError, match="already holds a run; choose another output"):
        train(make_config(tmp_path / "run", max_steps=6))


def test_a_head_that_reads_relatives_learns_with_a_library_and_resumes_exactly(
    make_config, dataset, tmp_path, monkeypatch
):
    """The library holds the training's own chains, by other names and in other clusters."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    chains = read_dataset(dataset).chains
    known = [dataclasses.replace(c, name=f"{n + 1000}_A") for n, c in enumerate(chains)]
    library = tmp_path / "library.parquet"
    write_library(library, (KnownChain(c, None, n + 100) for n, c in enumerate(known)))
    changes = {"relatives": True, "library": str(library), "template_share": 1.0}
    changes |= {"profile_share": 0.5}
    straight = make_config(tmp_path / "straight", **changes)
    result = train(straight)
    assert result is not None
    predictor = distmat.load(tmp_path / "straight")
    assert predictor.reads_relatives
    assert predictor.network.head.relatives.evidence.weight.abs().max() > 0
    broken = make_config(tmp_path / "broken", **changes)
    with monkeypatch.context() as patch:
        stop_at(7, patch)
        assert train(broken) is None
    train(broken, resume=True)
    ours, theirs = weights(tmp_path / "straight"), weights(tmp_path / "broken")
    assert all((ours[name] == theirs[name]).all() for name in ours)


def test_a_library_is_refused_for_a_head_that_reads_none(make_config, tmp_path):
    with pytest.raises(ConfigError, match="library is 'mine', but relatives is false"):
        make_config(tmp_path / "run", library="mine")
