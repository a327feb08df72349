r"""Train the shipped checkpoint again, and draw what its card shows.

Run by hand, from this folder's parent, with the datasets `train`, `val` and `test` in the
workspace:

    python benchmarks/mini.py train --sequences sequences.parquet --out again
    python benchmarks/mini.py maps --data test.parquet

`train` takes the settings and the list of chains from ``checkpoints/mini``: first the encoder
learns to fill in hidden residues of unlabelled sequences, then the network learns distances, in
four phases, in the last of them also from homologues among the same sequences. Everything is
seeded; on one kind of machine the weights come out equal to rounding. `maps` draws predicted
beside true maps of twelve chains: of each of three fold classes and of the others the best, the
median and the worst by correlation.
"""

import argparse
import dataclasses
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pyarrow.parquet as pq
import torch
from disturbed_maps import FOLDS, fold_of
from torch import nn
from torch.nn import functional as F
from transformers import set_seed

from distmat.dataset.homologues import add_homologues
from distmat.dataset.store import DatasetWriter, read_dataset
from distmat.model.build import build_network
from distmat.model.checkpoint import Checkpoint, save_checkpoint
from distmat.model.encoders.mini_modules import MiniEncoder
from distmat.model.predictor import load
from distmat.model.tokens import MASK, PAD, VOCABULARY, encode
from distmat.protein.examples import examples
from distmat.protein.sequence import ALPHABET
from distmat.scoring.baseline import SeparationBaseline
from distmat.scoring.map_scores import score_map
from distmat.training.config import TrainingConfig, read_config
from distmat.training.network_arguments import network_arguments, network_config
from distmat.training.observer import Unobserved
from distmat.training.trainer import train
from distmat.workspace import checkpoint_path, dataset_path, replace_file, workspace

MINI = checkpoint_path("mini")
PHASES = (
    ("training_config_first.json", 1_000),
    ("training_config_second.json", 1_000),
    ("training_config_third.json", None),
    ("training_config.json", None),
)
"""The settings of each phase, and the step it was cut short at."""

HOMOLOGUES = "train-homologues"
"""What the last phase's settings call the training chains with homologues."""

STEPS, CROP, TOKENS, HELD_OUT = 2_000, 128, 4_096, 400
PEAK, WARM_UP = 1.5e-3, 200
HIDDEN = 0.15


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    again = commands.add_parser("train", help="train it again")
    again.add_argument("--sequences", type=Path, required=True, help="columns sequence, cluster50")
    again.add_argument("--out", type=Path, required=True, help="folder of the phases")
    maps = commands.add_parser("maps", help="draw the maps of its card")
    maps.add_argument("--data", type=Path, required=True)
    maps.add_argument("--checkpoint", default="mini")
    maps.add_argument("--out", type=Path, default=Path("docs/mini_maps.png"))
    options = parser.parse_args()
    if options.command == "train":
        train_again(options.sequences, options.out)
    else:
        draw_maps(options.data, options.checkpoint, options.out)


def train_again(sequences: Path, out: Path) -> None:
    """Pre-training, then all phases."""
    torch.set_num_threads(1)
    write_homologues(sequences)
    phases = [(read_config(MINI / name), last) for name, last in PHASES]
    first, _ = phases[0]
    encoder = pretrained(first, sequences)
    start = out / "pretrained"
    set_seed(first.seed)
    network = build_network(**network_arguments(dataclasses.replace(first, init_from="")))
    network.encoder.load_state_dict(encoder.state_dict())
    baseline = json.loads((MINI / "distmat.json").read_text())["baseline"]
    save_checkpoint(Checkpoint(network, SeparationBaseline.from_dict(baseline)), start)
    for number, (config, last) in enumerate(phases, start=1):
        output = out / f"phase{number}"
        places = {
            "init_from": str(start),
            "output": str(output),
            "chain_list": str(MINI / "chains.csv"),
        }
        train(dataclasses.replace(config, **places), progress=print, observer=StopAfter(last))
        start = output / f"checkpoint-{last}" if last else output


def write_homologues(sequences: Path) -> None:
    """The training chains with relatives that are no relatives of val, test and the examples."""
    folder = workspace() / "datasets"
    shown = folder / "examples.parquet"
    with replace_file(shown) as file, DatasetWriter(file) as writer:
        for number, example in enumerate(examples()):
            writer.add(example.read(), cluster=number, rep=True)
    exclude = [dataset_path("val"), dataset_path("test"), shown]
    output = folder / f"{HOMOLOGUES}.parquet"
    print(add_homologues(dataset_path("train"), sequences, output, exclude), flush=True)


class StopAfter(Unobserved):
    """Stops a run when it has written the checkpoint of this step."""

    def __init__(self, step: int | None) -> None:
        self.step = step

    def checkpoint(self, step: int, folder: Path) -> None:
        """A checkpoint has been written."""
        if step == self.step:
            signal.raise_signal(signal.SIGTERM)


def pretrained(config: TrainingConfig, path: Path) -> MiniEncoder:
    """Mini's encoder after filling in hidden residues, one sequence of a cluster at a time."""
    sequences, clusters = read_sequences(path)
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    shape = network_config(config).encoder
    shape.dropout = 0.0
    encoder, width = MiniEncoder(shape), config.hidden_size
    head = nn.Sequential(
        nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width), nn.Linear(width, len(VOCABULARY))
    )
    weights = [*encoder.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(
        weights, lr=PEAK, weight_decay=0.02, betas=(0.9, 0.98), fused=True
    )
    held_out = sorted(
        (int(members[0]) for members in clusters[-HELD_OUT:]), key=lambda i: len(sequences[i])
    )
    batches = batches_of(sequences, clusters[:-HELD_OUT], rng)
    running, started = None, time.perf_counter()
    for step in range(STEPS):
        rate = PEAK * min(1.0, (step + 1) / WARM_UP) * (0.5 * (1 + np.cos(np.pi * step / STEPS)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = filling_loss(encoder, head, *hidden(sequences, next(batches), rng))
        loss.backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        running = loss.item() if running is None else 0.98 * running + 0.02 * loss.item()
        if (step + 1) % 100 == 0:
            minutes = (time.perf_counter() - started) / 60
            print(
                f"pre-training step {step + 1}: loss {running:.4f}, {minutes:.1f} min", flush=True
            )
    print(f"held-out loss {held_out_loss(encoder, head, sequences, held_out):.4f}", flush=True)
    return encoder


def read_sequences(path: Path) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Token ids of every sequence, and which sequences each cluster holds."""
    table = pq.read_table(path, columns=["sequence", "cluster50"]).to_pandas()
    sequences = [encode(text) for text in table.sequence]
    _, cluster = np.unique(table.cluster50.to_numpy(), return_inverse=True)
    order = np.argsort(cluster, kind="stable")
    starts = np.flatnonzero(np.diff(cluster[order], prepend=-1))
    return sequences, np.split(order, starts[1:])


def batches_of(
    sequences: list[np.ndarray], clusters: list[np.ndarray], rng: np.random.Generator
) -> Iterator[list[int]]:
    """Sequences of like length, of at most `TOKENS` residues together."""
    while True:
        order = rng.permutation(len(clusters))
        for first in range(0, len(order), 512):
            chunk = [int(rng.choice(clusters[place])) for place in order[first : first + 512]]
            chunk.sort(key=lambda index: len(sequences[index]))
            batches: list[list[int]] = []
            batch: list[int] = []
            for index in chunk:
                if batch and (len(batch) + 1) * min(len(sequences[index]), CROP) > TOKENS:
                    batches.append(batch)
                    batch = []
                batch.append(index)
            batches.append(batch)
            for place in rng.permutation(len(batches)):
                yield batches[place]


def hidden(
    sequences: list[np.ndarray], batch: list[int], rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Residues of which some are hidden or exchanged, which of them there are, and the answers."""
    length = max(min(len(sequences[index]), CROP) for index in batch)
    whole = np.full((len(batch), length), PAD)
    for row, index in enumerate(batch):
        residues = sequences[index]
        if len(residues) > length:
            start = rng.integers(len(residues) - length + 1)
            residues = residues[start : start + length]
        whole[row, : len(residues)] = residues
    there = whole != PAD
    asked = (rng.random(whole.shape) < HIDDEN) & there
    draw = rng.random(whole.shape)
    seen = whole.copy()
    seen[asked & (draw < 0.8)] = MASK
    exchanged = asked & (draw >= 0.9)
    seen[exchanged] = encode(ALPHABET)[rng.integers(20, size=exchanged.sum())]
    answers = np.where(asked, whole, -100)
    return (
        torch.from_numpy(seen),
        torch.from_numpy(there.astype(np.int64)),
        torch.from_numpy(answers),
    )


def filling_loss(
    encoder: nn.Module,
    head: nn.Module,
    seen: torch.Tensor,
    there: torch.Tensor,
    answers: torch.Tensor,
) -> torch.Tensor:
    """Mean cross-entropy of the hidden residues, in nats."""
    asked = answers >= 0
    with torch.autocast("cpu", torch.bfloat16):
        logits = head(encoder(seen, there).last_hidden_state[asked])
    return F.cross_entropy(logits.float(), answers[asked])


@torch.no_grad()
def held_out_loss(
    encoder: nn.Module, head: nn.Module, sequences: list[np.ndarray], held_out: list[int]
) -> float:
    """Of clusters that weren't learned from."""
    rng = np.random.default_rng(1)
    total, count = 0.0, 0
    for first in range(0, len(held_out), 20):
        batch = hidden(sequences, held_out[first : first + 20], rng)
        asked = int((batch[2] >= 0).sum())
        total += float(filling_loss(encoder, head, *batch)) * asked
        count += asked
    return total / count


def draw_maps(data: Path, checkpoint: str, out: Path) -> None:
    """Predicted map above the diagonal, true one below, of twelve chains."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    predictor = load(checkpoint)
    scored = []
    for chain in read_dataset(data).representatives().no_longer_than(256).chains:
        predicted = predictor.predict(chain.sequence)
        scores = score_map(predicted.distances, chain.ca, predicted.contacts)
        scored.append((scores.pearson, scores, chain, predicted, fold_of(chain.ca)))
    scored.sort(key=lambda row: row[0])
    figure = Figure(figsize=(11, 14.4), layout="constrained", dpi=110)
    FigureCanvasAgg(figure)
    axes = figure.subplots(4, 3)
    for row, fold in zip(axes, (*FOLDS, None), strict=True):
        of_fold = [entry for entry in scored if entry[-1] == fold]
        chosen = of_fold[-1], of_fold[len(of_fold) // 2], of_fold[0]
        for axis, word, entry in zip(row, ("best", "median", "worst"), chosen, strict=True):
            _, scores, chain, predicted, _ = entry
            lower = np.tri(len(chain), k=-1, dtype=bool)
            image = axis.imshow(
                np.where(lower, chain.distances, predicted.distances),
                cmap="viridis",
                vmin=0,
                vmax=40,
                interpolation="nearest",
            )
            axis.set_title(
                f"{fold or 'other'}, {word}: {chain.name}\n"
                f"MAE {scores.mae:.1f} Å, r {scores.pearson:.2f}, lDDT {scores.lddt:.2f}, "
                f"P@L {scores.long_precision:.2f} of {scores.long_precision_ceiling:.2f}",
                fontsize=8,
            )
            axis.tick_params(labelsize=7)
            print(fold or "other", word, chain.name, len(chain), scores.as_dict(), flush=True)
    figure.colorbar(
        image, ax=axes, label="Å (predicted above the diagonal, true below)", shrink=0.4
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out)


if __name__ == "__main__":
    main()
