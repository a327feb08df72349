"""Pushing a trained model or a dataset to the hub, with its card."""

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from distmat import hub
from distmat.access import check_may_change
from distmat.dataset.store import read_facts
from distmat.sharing.dataset_card import dataset_card
from distmat.sharing.model_card import EVALUATION, model_card, model_facts
from distmat.workspace import LIBRARY_FILE, checkpoint_path, dataset_path

MODEL_FILES = (
    "config.json", "distmat.json", "training_config.json", EVALUATION, "model.safetensors",
    "adapter_model.safetensors", "adapter_config.json", "head.safetensors",
    "training_sequences.parquet", LIBRARY_FILE, "tokenizer.json", "tokenizer_config.json",
    "special_tokens_map.json", "vocab.txt", "vocab.json", "merges.txt",
)  # fmt: skip
"""What of a checkpoint's folder a prediction needs, or a card tells; nothing else is sent."""

CARD = "README.md"


def push_model(
    name: str | Path,
    repository: str,
    *,
    datasets: Sequence[str] = (),
    license: str = "other",
    private: bool = True,
) -> str:
    """Push a checkpoint, or the final weights of a run, with its card.

    Parameters
    ----------
    name : str or Path
        As for `distmat.load`.
    repository : str
        ``user/name``; it is made if it isn't there.
    datasets : sequence of str
        Names on the hub of what it was trained on.
    license : str
        As the hub calls it, such as ``mit``.
    private : bool
        Of a new repository.

    Returns
    -------
    str
        Where it can be looked at.

    Raises
    ------
    CheckpointError, HubError
    """
    check_may_change("push models")
    address = hub.read_address(repository)
    folder = checkpoint_path(name)
    facts = model_facts(folder, str(name), address.repository, tuple(datasets), license)
    with tempfile.TemporaryDirectory(prefix="distmat-push-") as place:
        staged = Path(place)
        for file in MODEL_FILES:
            if (folder / file).is_file():
                _stage(folder / file, staged / file)
        (staged / CARD).write_text(model_card(facts), encoding="utf-8")
        return hub.send(staged, address, "model", f"{facts.name}, by distmat", private)


def push_dataset(
    name: str | Path, repository: str, *, license: str = "other", private: bool = True
) -> str:
    """Push a dataset with its card.

    Parameters
    ----------
    name : str or Path
        A name in the workspace, or a Parquet file.
    repository : str
        ``user/name``; it is made if it isn't there.
    license : str
        As the hub calls it, such as ``cc0-1.0``.
    private : bool
        Of a new repository.

    Returns
    -------
    str
        Where it can be looked at.

    Raises
    ------
    DatasetError, HubError
    """
    check_may_change("push datasets")
    address = hub.read_address(repository)
    path = dataset_path(name)
    read_facts(path)
    with tempfile.TemporaryDirectory(prefix="distmat-push-") as place:
        staged = Path(place)
        for file in (path, *(path.with_suffix(end) for end in (".json", ".rejects.csv"))):
            if file.is_file():
                _stage(file, staged / file.name)
        card = dataset_card(path, address.repository, license)
        (staged / CARD).write_text(card, encoding="utf-8")
        return hub.send(staged, address, "dataset", f"{path.stem}, by distmat", private)


def _stage(source: Path, target: Path) -> None:
    """The same file under another name, where the disk allows it; else a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
