"""Which chains a run learns from, and which it is judged by."""

from pathlib import Path

import numpy as np

from distmat.dataset.id_list import read_ids
from distmat.dataset.store import Dataset, read_dataset
from distmat.dataset.synthetic import NAME as SYNTHETIC
from distmat.dataset.synthetic import ensure_synthetic
from distmat.errors import DatasetError
from distmat.training.config import TrainingConfig
from distmat.workspace import dataset_path


def choose_chains(config: TrainingConfig, split: str) -> Dataset:
    """The chains of ``"train"`` or ``"val"`` that the config lets in, of any length.

    Raises
    ------
    DatasetError
        If the dataset can't be read, or nothing of it is left.
    """
    dataset = _read(getattr(config, split))
    of_split = dataset.of_split(split)
    if not len(of_split):
        raise DatasetError(f"{dataset.name} has no chain of the split '{split}'; split it anew.")
    if not config.chain_list:
        return of_split
    listed = of_split.of_names(_read_list(Path(config.chain_list), split))
    if not len(listed):
        raise DatasetError(
            f"No chain of {dataset.name} is listed as '{split}' in {config.chain_list}."
        )
    return listed


def training_chains(config: TrainingConfig, chosen: Dataset) -> Dataset:
    """Those of the chosen chains that aren't too long to train on."""
    short = chosen.no_longer_than(config.max_chain_length)
    if not len(short):
        raise DatasetError(
            f"{chosen.name} has no chain of at most {config.max_chain_length} residues; "
            "raise max_chain_length."
        )
    return short


def evaluation_chains(config: TrainingConfig, chosen: Dataset) -> Dataset:
    """One chain of each cluster, if it isn't too long to evaluate."""
    evaluated = chosen.representatives().no_longer_than(config.evaluation_max_length)
    if not len(evaluated):
        raise DatasetError(
            f"{chosen.name} has no chain of at most {config.evaluation_max_length} residues; "
            "raise evaluation_max_length."
        )
    return evaluated


def thin_out(dataset: Dataset, most: int) -> Dataset:
    """At most so many chains, evenly taken from the whole file."""
    keep = np.zeros(len(dataset), dtype=bool)
    keep[np.linspace(0, len(dataset) - 1, min(most, len(dataset))).astype(int)] = True
    return dataset.where(keep)


def _read(name: str) -> Dataset:
    try:
        return read_dataset(dataset_path(name))
    except DatasetError:
        if name != SYNTHETIC:
            raise
    return read_dataset(ensure_synthetic())


def _read_list(path: Path, split: str) -> set[str]:
    if not path.is_file():
        raise DatasetError(f"There is no list of chains at {path}; check the path.")
    listed = read_ids(path)
    if not any(of_split for _, of_split in listed):
        raise DatasetError(f"{path} has no column 'split'; it needs 'id' and 'split'.")
    return {name for name, of_split in listed if of_split == split}
