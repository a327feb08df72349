"""A checkpoint on disk: the network's weights and config, and what it needs beside them.

config.json                 shape of encoder and head, and where the encoder's weights lie
model.safetensors           all weights, in full mode; or, in the other modes, only
adapter_model.safetensors   the adapters, as peft writes them (with adapter_config.json), and
head.safetensors            the head
distmat.json                the separation baseline, the calibration, and what it was trained on
training_sequences.parquet  ids and sequences of the chains that it was trained on

A folder as the published training script writes it opens, too; see `published`.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

from distmat.errors import CheckpointError
from distmat.geometry.calibration import Calibration
from distmat.library.training_sequences import TrainingSequences, read_training_sequences
from distmat.model.network import DistanceNetwork
from distmat.model.published import is_published, read_published
from distmat.model.residuals import Residuals
from distmat.model.schema import CompanionFile, SchemaError, read_checked
from distmat.model.soundness import unloadable
from distmat.model.source import load_network
from distmat.model.weights import save_network
from distmat.scoring.baseline import SeparationBaseline
from distmat.workspace import checkpoint_path, replace_file

COMPANION = "distmat.json"


@dataclass(frozen=True)
class Checkpoint:
    """A trained network and what has to travel with it.

    Parameters
    ----------
    network : DistanceNetwork
    baseline : SeparationBaseline
        Fitted on the chains that the network was trained on.
    calibration : Calibration, optional
        How much the network shrinks its distances to the mean, fitted on validation chains.
    trained_on : dict
        Datasets, numbers of chains, steps; whatever a person should know of its origin.
    residuals : Residuals, optional
        How far off the network's distances are, fitted on validation chains; a distogram
        tells so itself.
    training_sequences : TrainingSequences, optional
        The chains that it was trained on.
    """

    network: DistanceNetwork
    baseline: SeparationBaseline
    calibration: Calibration | None = None
    trained_on: dict = field(default_factory=dict)
    residuals: Residuals | None = None
    training_sequences: TrainingSequences | None = None


def save_checkpoint(checkpoint: Checkpoint, folder: Path) -> None:
    """Write a checkpoint into a folder, which is made if it isn't there."""
    folder = Path(folder)
    save_network(checkpoint.network, folder)
    save_companion(
        checkpoint.baseline,
        checkpoint.calibration,
        checkpoint.trained_on,
        folder,
        checkpoint.residuals,
    )
    if checkpoint.training_sequences is not None:
        checkpoint.training_sequences.save(folder)


def save_companion(
    baseline: SeparationBaseline,
    calibration: Calibration | None,
    trained_on: dict,
    folder: Path,
    residuals: Residuals | None = None,
) -> None:
    """Write what travels beside the weights."""
    content = {
        "trained_on": trained_on,
        "calibration": None if calibration is None else calibration.as_dict(),
        "residuals": None if residuals is None else residuals.as_dict(),
        "baseline": baseline.as_dict(),
    }
    with replace_file(Path(folder) / COMPANION, "w") as file:
        json.dump(content, file)


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint of any kind from a folder.

    Raises
    ------
    CheckpointError
        If a file is missing or damaged, or the folder holds a model of another kind.
    """
    folder = Path(folder)
    if is_published(folder):
        return _published_checkpoint(folder)
    for name in ("config.json", COMPANION):
        if not (folder / name).is_file():
            raise CheckpointError(
                f"The checkpoint {folder} has no {name}; give a folder that 'distmat train' wrote."
            )
    network = load_network(folder)
    try:
        facts = read_checked(CompanionFile, folder / COMPANION)
    except (OSError, SchemaError) as error:
        raise unloadable(folder, error) from error
    table, residuals = facts.calibration, facts.residuals
    return Checkpoint(
        network.eval(),
        SeparationBaseline.from_dict(facts.baseline.model_dump()),
        None if table is None else Calibration.from_dict(table.model_dump()),
        facts.trained_on.model_dump(exclude_unset=True),
        None if residuals is None else Residuals.from_dict(residuals.model_dump()),
        read_training_sequences(folder),
    )


def _published_checkpoint(folder: Path) -> Checkpoint:
    network = read_published(folder)
    # It says nothing of its training chains' distances; the shipped checkpoint's will do.
    shipped = read_checked(CompanionFile, checkpoint_path("mini") / COMPANION)
    return Checkpoint(
        network.eval(),
        SeparationBaseline.from_dict(shipped.baseline.model_dump()),
        trained_on={"published_model": network.config.encoder_name, "baseline_of": "mini"},
    )
