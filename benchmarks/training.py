"""What training costs, and which of the published and our own recipes learns most in equal time.

Run by hand, from this folder's parent; DATA holds train.parquet, val.parquet and test.parquet:

    python benchmarks/training.py speed DATA        published recipe against ours, 200 chains
    python benchmarks/training.py compare DATA --minutes 6 --out comparison --readme
    python benchmarks/training.py half-billion      Qwen2.5-0.5B's shape: memory and parameters

Each prints a Markdown table. Everything runs on one thread, for its time to mean something on
a machine that others use as well; `compare` measures its budget in CPU time for the same reason.
"""

import argparse
import dataclasses
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np
from tables import write_part

from distmat.dataset.store import Dataset, read_dataset
from distmat.training.config import TrainingConfig
from distmat.training.observer import Unobserved
from distmat.training.presets import preset

GIB = 2**30
LONGEST = 256
SPEED_CHAINS = 200

PUBLISHED = {
    "head": "placeholder",
    "scaling": "own_maximum",
    "crops": (LONGEST,),
    "pad_to": LONGEST,
    "chains_per_batch": 1,
    "pairs_per_batch": LONGEST**2,
    "accumulation": 8,
    "cluster_sampling": False,
    "masked_residues": 0.0,
    "activation_checkpointing": True,
}
"""The published recipe, whatever encoder it meets."""

WHOLE_CHAINS = {
    "crops": (LONGEST,),
    "pairs_per_batch": 8 * LONGEST**2,
    "chains_per_batch": 8,
}
"""For heads that answer for a chain as a whole: batches of similar length, not padded further."""

VARIANTS: dict[str, tuple[str, dict]] = {
    "v1": ("v1: coordinates, MSE", {"head": "coordinates", **WHOLE_CHAINS}),
    "v1-fape": ("v1 + FAPE", {"head": "coordinates", "loss": "fape", **WHOLE_CHAINS}),
    "v2-published": ("v2 as published", PUBLISHED),
    "v2-bucketed": (
        "v2, its fault, our batches",
        {"head": "placeholder", "scaling": "own_maximum", **WHOLE_CHAINS},
    ),
    "v2-cured": ("v2 with the scaling cured", {"head": "placeholder", **WHOLE_CHAINS}),
    "pair": ("pair", {"head": "pair"}),
}
"""What is compared: a short name, how the table calls it, and its settings."""

COMMON = {
    "max_chain_length": LONGEST,
    "evaluation_max_length": LONGEST,
    "learning_rate": 1e-3,
    "warmup_steps": 0.1,
    "schedule": "cosine",
    "weight_decay": 0.01,
    "dropout": 0.05,
    "seed": 0,
}
"""The same for all that is compared: a mini, trained in full."""

PROBE_STEPS, PROBE_SKIPPED = 14, 4
"""Steps to learn what one costs, and how many of them warm up."""

SCORES = {
    "mae": "MAE Å",
    "rmse": "RMSE Å",
    "pearson": "r",
    "lddt": "distance lDDT",
    "long_precision": "long P@L",
    "mds_pearson": "MDS r",
}


# ----------------------------------------------------------------------- compare


def compare(data: Path, minutes: float, out: Path, names: list[str], readme: bool) -> None:
    """Train every variant for the same CPU time, score all on the test chains."""
    out.mkdir(parents=True, exist_ok=True)
    results = {}
    for name in names:
        kept = out / f"{name}.json"
        if not kept.exists():
            kept.write_text(json.dumps(_compared(name, data, minutes, out), indent=2))
        results[name] = json.loads(kept.read_text())
        print(f"{name}: {results[name]['model']}", file=sys.stderr, flush=True)
    table = _comparison(results, minutes)
    (out / "table.md").write_text(table)
    print(table)
    if readme:
        write_part("training", table)


def _compared(name: str, data: Path, minutes: float, out: Path) -> dict:
    from distmat.model.predictor import load
    from distmat.training.evaluation import evaluate
    from distmat.training.trainer import train

    config = TrainingConfig().with_settings(
        {
            **COMMON,
            "train": str(data / "train.parquet"),
            "val": str(data / "val.parquet"),
            "output": str(out / name),
            "evaluation_chains": 30,
            **VARIANTS[name][1],
        }
    )
    seconds = _cpu_seconds_of_a_step(config)
    steps = max(int(60 * minutes / seconds), 20)
    every = -(-steps // 3)
    config = dataclasses.replace(
        config, max_steps=steps, evaluate_every=every, log_every=max(steps // 40, 1)
    )
    watch = Facts()
    resume = any((out / name).glob("checkpoint-*"))
    train(config, resume, lambda text: print(text, file=sys.stderr, flush=True), watch)
    test = read_dataset(data / "test.parquet").representatives().no_longer_than(LONGEST)
    scores = evaluate(load(out / name), test.chains).as_dict()
    return {
        **scores,
        "steps": steps,
        "cpu_seconds_per_step": seconds,
        "parameters": watch.facts["trainable_parameters"],
        "epochs": steps / watch.facts["steps_per_epoch"],
    }


class Facts(Unobserved):
    """An observer that keeps a run's facts."""

    def begin(self, facts: dict) -> None:
        self.facts = facts


def _cpu_seconds_of_a_step(config: TrainingConfig) -> float:
    """Mean CPU time of a step of this run, without its evaluations."""
    times, _ = _probe(config, PROBE_STEPS)
    return float(np.diff([cpu for cpu, _ in times[PROBE_SKIPPED:]]).mean())


def _probe(
    config: TrainingConfig, steps: int, train: Dataset | None = None
) -> tuple[list[tuple[float, float]], list[int]]:
    """CPU and wall time at the end of each step, and the residues seen in each."""
    from transformers import TrainerCallback

    from distmat.model.build import build_network
    from distmat.scoring.baseline import SeparationBaseline
    from distmat.training.chains import choose_chains, training_chains
    from distmat.training.distance_trainer import DistanceTrainer, TrainingData
    from distmat.training.network_arguments import network_arguments

    times: list[tuple[float, float]] = []
    residues: list[int] = []

    class Clock(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            times.append((time.process_time(), time.perf_counter()))
            residues.append(trainer.residues_seen)
            control.should_training_stop = len(times) == steps

    if train is None:
        train = training_chains(config, choose_chains(config, "train"))
    with tempfile.TemporaryDirectory() as folder:
        config = dataclasses.replace(
            config, output=folder, max_steps=10**6, evaluate_every=10**9, log_every=10**9
        )
        material = TrainingData(train, (), SeparationBaseline(np.zeros((31, 2))), {}, {})
        trainer = DistanceTrainer(
            config, build_network(**network_arguments(config)), material, Unobserved(), print
        )
        trainer.add_callback(Clock())
        trainer.train()
    return times, residues


def _comparison(results: dict[str, dict], minutes: float) -> str:
    lines = [
        "| | " + " | ".join(SCORES.values()) + " | steps | CPU s a step | passes |",
        "|---" * (len(SCORES) + 4) + "|",
    ]
    first = next(iter(results.values()))
    lines.append(f"| separation and length only | {_cells(first['baseline'])} | | | |")
    for name, result in results.items():
        lines.append(
            f"| {VARIANTS[name][0]} | {_cells(result['model'])} | {result['steps']:,} | "
            f"{result['cpu_seconds_per_step']:.2f} | {result['epochs']:.2f} |"
        )
    note = (
        f"{first['chains']} test chains; {minutes:g} minutes of CPU time for the steps of each, "
        "on one thread."
    )
    return "\n".join([*lines, "", note, ""])


def _cells(scores: dict) -> str:
    return " | ".join(
        "–"
        if scores.get(name) is None
        else f"{scores[name]:.{2 if name[-2:] in ('ae', 'se') else 3}f}"
        for name in SCORES
    )


# ------------------------------------------------------------------------- speed


SHAPES = {
    "small": {"hidden_size": 256, "num_hidden_layers": 6, "intermediate_size": 704},
    "medium": {"hidden_size": 512, "num_hidden_layers": 12, "intermediate_size": 1408},
}
"""Of small encoders of Qwen2's kind."""

OURS = {
    "head": "pair",
    "bidirectional": True,
    "crops": (96, 128),
    "pairs_per_batch": 128**2,
    "accumulation": 4,
}
"""Our recipe for them: one crop at a time, as long as the published chains are on average."""

RECIPES = {
    "published": PUBLISHED,
    "ours": OURS,
    "ours, with activation checkpointing": {**OURS, "activation_checkpointing": True},
}


def speed(data: Path, steps: int) -> None:
    """Residues a second and peak memory of both recipes, each in a process of its own."""
    rows = []
    for shape in SHAPES:
        results = {name: _in_own_process(data, shape, name, steps) for name in RECIPES}
        published = results["published"]["residues_per_second"]
        for name, result in results.items():
            rows.append(
                f"| {shape} ({result['encoder'] / 1e6:.1f} M) | {name} | "
                f"{result['residues_per_second']:,.0f} | "
                f"{result['residues_per_second'] / published:.1f} | "
                f"{result['peak'] / GIB:.2f} | {result['residues_per_step']:,.0f} |"
            )
    print("| encoder | recipe | residues/s | × published | peak GiB | residues a step |")
    print("|---|---|---|---|---|---|")
    print("\n".join(rows))


def _in_own_process(data: Path, shape: str, recipe: str, steps: int) -> dict:
    command = [sys.executable, __file__, "speed", str(data), "--steps", str(steps)]
    answer = subprocess.run(
        [*command, "--only", shape, recipe], capture_output=True, text=True, check=False
    )
    if answer.returncode:
        raise RuntimeError(answer.stderr)
    return json.loads(answer.stdout.splitlines()[-1])


def speed_of(data: Path, shape: str, recipe: str, steps: int) -> dict:
    """Of one recipe, in this process."""
    from distmat.model.build import build_network, total_parameters
    from distmat.training.network_arguments import network_arguments

    with tempfile.TemporaryDirectory() as folder:
        config = TrainingConfig().with_settings(
            {
                "train": str(data / "train.parquet"),
                "encoder": _small_encoder(Path(folder), SHAPES[shape]),
                "pretrained": False,
                "max_chain_length": LONGEST,
                **RECIPES[recipe],
            }
        )
        chains = read_dataset(data / "train.parquet").no_longer_than(LONGEST).representatives()
        chosen = np.zeros(len(chains), dtype=bool)
        chosen[np.linspace(0, len(chains) - 1, SPEED_CHAINS).astype(int)] = True
        times, residues = _probe(config, steps, chains.where(chosen))
        encoder = total_parameters(build_network(**network_arguments(config)).encoder)
    first, last = 1, len(times) - 1
    seconds = times[last][0] - times[first][0]
    return {
        "residues_per_second": (residues[last] - residues[first]) / seconds,
        "residues_per_step": (residues[last] - residues[first]) / (last - first),
        "peak": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "encoder": encoder,
    }


def _small_encoder(folder: Path, shape: dict) -> str:
    from transformers import Qwen2Config

    heads = shape["hidden_size"] // 64
    Qwen2Config(
        vocab_size=64, num_attention_heads=heads, num_key_value_heads=heads // 2, **shape
    ).save_pretrained(folder)
    return str(folder)


# ------------------------------------------------------------------ half-billion


QWEN_HALF_BILLION = {
    "hidden_size": 896,
    "num_hidden_layers": 24,
    "num_attention_heads": 14,
    "num_key_value_heads": 2,
    "intermediate_size": 4864,
    "vocab_size": 151936,
    "tie_word_embeddings": True,
}
"""From the config that Qwen2.5-0.5B is published with."""

PUBLISHED_BYTES_PER_WEIGHT = 2
"""The published checkpoints hold their whole state in bfloat16."""


def half_billion() -> None:
    """Two steps of 256 residues at the true shape, in float32: memory, and what is saved."""
    from transformers import Qwen2Config

    from distmat.model.adapters import lora_parameters
    from distmat.model.build import build_network, total_parameters
    from distmat.model.encoders import shape_of
    from distmat.model.weights import save_network
    from distmat.training.memory import estimate_memory
    from distmat.training.network_arguments import network_arguments

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        Qwen2Config(**QWEN_HALF_BILLION).save_pretrained(folder / "encoder")
        config = dataclasses.replace(
            preset("recommended-0.5b"),
            encoder=str(folder / "encoder"),
            pretrained=False,
            crops=(LONGEST,),
            pairs_per_batch=LONGEST**2,
            accumulation=1,
            precision="fp32",
            device="cpu",
        )
        times, _ = _probe(config, 2, _one_chain())
        peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        network = build_network(**network_arguments(config))
        save_network(network, folder / "ours")
        ours = sum(file.stat().st_size for file in (folder / "ours").glob("*.safetensors"))
        published = dataclasses.replace(config, head="placeholder")
        theirs = PUBLISHED_BYTES_PER_WEIGHT * (
            total_parameters(network)
            - config.head_kind.parameters(config, 896)
            + published.head_kind.parameters(published, 896)
        )
        estimate = estimate_memory(config, shape_of(network.config.encoder.to_dict()))
        print("| Qwen2.5-0.5B's shape, LoRA, pair head, 1 × 256 residues, fp32 | |")
        print("|---|---|")
        print(f"| LoRA parameters | {lora_parameters(network):,} |")
        print(f"| all parameters | {total_parameters(network):,} |")
        print(f"| second step | {times[1][1] - times[0][1]:.1f} s |")
        print(f"| peak memory | {peak / GIB:.2f} GiB |")
        print(f"| estimated beforehand | {estimate.total / GIB:.2f} GiB |")
        print(f"| weights in our checkpoint | {ours / 1e6:.1f} MB |")
        print(f"| weights in the published one (whole state, bf16) | {theirs / 1e6:.1f} MB |")
        print(f"| smaller by | {theirs / ours:.0f} × |")


def _one_chain() -> Dataset:
    from distmat.protein.chain import Chain

    random = np.random.default_rng(0)
    chain = Chain(
        "walk",
        "".join(random.choice(list("ACDEFGHIKLMNPQRSTVWY"), LONGEST)),
        np.cumsum(random.normal(0, 2.2, (LONGEST, 3)), axis=0),
    )
    return Dataset("walk", (chain,), np.array([0]), np.array([True]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tasks = parser.add_subparsers(dest="task", required=True)
    task = tasks.add_parser("speed")
    task.add_argument("data", type=Path)
    task.add_argument("--steps", type=int, default=12)
    task.add_argument("--only", nargs=2, metavar=("SHAPE", "RECIPE"))
    task = tasks.add_parser("compare")
    task.add_argument("data", type=Path)
    task.add_argument("--minutes", type=float, default=6.0)
    task.add_argument("--out", type=Path, default=Path("comparison"))
    task.add_argument("--variants", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    task.add_argument("--readme", action="store_true", help="write the table into README.md")
    tasks.add_parser("half-billion")
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    if options.task == "compare":
        compare(options.data, options.minutes, options.out, options.variants, options.readme)
    elif options.task == "half-billion":
        half_billion()
    elif options.only:
        print(json.dumps(speed_of(options.data, *options.only, options.steps)))
    else:
        speed(options.data, options.steps)


if __name__ == "__main__":
    main()
