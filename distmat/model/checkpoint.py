"""A checkpoint on disk: the network's weights and config, and what it needs beside them.

config.json         shape of encoder and head (transformers)
model.safetensors   weights
distmat.json        the separation baseline, the calibration, and what it was trained on
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

from transformers.utils.logging import disable_progress_bar

from distmat.errors import CheckpointError
from distmat.geometry.calibration import Calibration
from distmat.model.baseline import SeparationBaseline
from distmat.model.network import DistanceNetwork
from distmat.workspace import replace_file

COMPANION = "distmat.json"

# A file of a few megabytes is there at once; the bars would garble a run's own.
disable_progress_bar()


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
    """

    network: DistanceNetwork
    baseline: SeparationBaseline
    calibration: Calibration | None = None
    trained_on: dict = field(default_factory=dict)


def save_checkpoint(checkpoint: Checkpoint, folder: Path) -> None:
    """Write a checkpoint into a folder, which is made if it isn't there."""
    folder = Path(folder)
    checkpoint.network.save_pretrained(folder)
    save_companion(checkpoint.baseline, checkpoint.calibration, checkpoint.trained_on, folder)


def save_companion(
    baseline: SeparationBaseline,
    calibration: Calibration | None,
    trained_on: dict,
    folder: Path,
) -> None:
    """Write what travels beside the weights."""
    content = {
        "trained_on": trained_on,
        "calibration": None if calibration is None else calibration.as_dict(),
        "baseline": baseline.as_dict(),
    }
    with replace_file(Path(folder) / COMPANION, "w") as file:
        json.dump(content, file)


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint from a folder; weights come from safetensors only.

    Raises
    ------
    CheckpointError
        If a file is missing or damaged, or the folder holds a model of another kind.
    """
    folder = Path(folder)
    for name in ("config.json", "model.safetensors", COMPANION):
        if not (folder / name).is_file():
            raise CheckpointError(
                f"The checkpoint {folder} has no {name}; give a folder that 'distmat train' wrote."
            )
    try:
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"]
        if kind != DistanceNetwork.config_class.model_type:
            raise CheckpointError(
                f"The checkpoint {folder} holds a model of kind '{kind}', which predicts no "
                "distances; give a folder that 'distmat train' wrote."
            )
        content = json.loads((folder / COMPANION).read_text(encoding="utf-8"))
        network = DistanceNetwork.from_pretrained(
            folder, local_files_only=True, use_safetensors=True
        )
        calibration = content["calibration"]
        return Checkpoint(
            network.eval(),
            SeparationBaseline.from_dict(content["baseline"]),
            None if calibration is None else Calibration.from_dict(calibration),
            content["trained_on"],
        )
    except CheckpointError:
        raise
    # Whatever a damaged file makes transformers or json raise, the person can do one thing.
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CheckpointError(
            f"The checkpoint {folder} can't be loaded ({reason}); train or copy it again."
        ) from error
