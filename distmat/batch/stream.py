"""Predictions of many chains, one after the other; no more than one of them is in memory."""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from distmat.errors import SequenceError
from distmat.library.search import Exclusion, find_templates
from distmat.library.templates import Template
from distmat.prediction import Prediction, complete_prediction
from distmat.protein.query import Query
from distmat.protein.sequence import check_letters
from distmat.workspace import checkpoint_for

if TYPE_CHECKING:
    from distmat.library.store import Library
    from distmat.model.predictor import Predictor

MOST_TOGETHER = 64
"""Chains whose templates are looked up in one search, and that a killed job does again at most."""

_LEAST_TOGETHER, _GROUPS = 8, 8
"""A few chains make so many groups, for as many processes, unless these would be smaller."""

_MOST_RESIDUES = 2**13
"""Of chains in a group; long ones take minutes."""


def choose_checkpoints(checkpoint: str, queries: Sequence[Query]) -> list[str]:
    """Name of the checkpoint that predicts each chain; as `distmat.workspace.checkpoint_for`."""
    lengths = [len(query.sequence) for query in queries]
    # Each answer looks at the disk.
    chosen = {residues: checkpoint_for(checkpoint, residues) for residues in set(lengths)}
    return [chosen[residues] for residues in lengths]


def open_in_turn() -> "Callable[[str], Predictor]":
    """Opens checkpoints by their names, each once if its groups come one after the other."""
    from distmat.model.predictor import load

    return lru_cache(maxsize=1)(load)


def deal(lengths: Sequence[int], checkpoints: Sequence[str]) -> list[list[int]]:
    """Places of chains in groups that are predicted together, the longest chains first.

    Parameters
    ----------
    lengths : sequence of int
        Residues of each chain.
    checkpoints : sequence of str
        What predicts each chain; those of a group have the same.

    Returns
    -------
    list of list of int
        The same for the same lengths and checkpoints.
    """
    groups: list[list[int]] = []
    most = min(MOST_TOGETHER, max(_LEAST_TOGETHER, -(-len(lengths) // _GROUPS)))
    residues = 0
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        residues += lengths[place]
        full = not groups or len(groups[-1]) == most or residues > _MOST_RESIDUES
        if full or checkpoints[groups[-1][0]] != checkpoints[place]:
            groups.append([])
            residues = lengths[place]
        groups[-1].append(place)
    return groups


def predict_chains(
    predictor: "Predictor",
    queries: Sequence[Query],
    library: "Library | None" = None,
    exclude: Exclusion | None = None,
) -> Iterator[tuple[int, Prediction | SequenceError]]:
    """Predict some chains together; see `distmat.prediction.predict_chain`.

    Yields
    ------
    int
        Place in `queries`.
    Prediction or SequenceError
        Why a chain couldn't be predicted: it is too long, for example.
    """
    fit: list[int] = []
    for place, query in enumerate(queries):
        try:
            predictor.check_length(len(check_letters(query.sequence)))
            fit.append(place)
        except SequenceError as error:
            yield place, error
    chosen = [queries[place] for place in fit]
    templates = _templates(predictor, chosen, library, exclude)
    sequences = [query.sequence for query in chosen]
    known = predictor.training_sequences
    overlaps = [None] * len(chosen) if known is None else known.overlaps(sequences)
    families = [query.alignment for query in chosen]
    for number, predicted in predictor.predict_many(sequences, templates, families):
        query = chosen[number]
        yield (
            fit[number],
            complete_prediction(
                predictor,
                predicted,
                query.name,
                query.structure,
                templates[number],
                overlaps[number],
                alignment=query.alignment,
            ),
        )


def _templates(
    predictor: "Predictor",
    queries: Sequence[Query],
    library: "Library | None",
    exclude: Exclusion | None,
) -> list[tuple[Template, ...]]:
    if library is None or not predictor.takes_templates or not queries:
        return [() for _ in queries]
    # Of a chain whose structure is known its own entry is no template.
    own = [query.name if query.structure else "" for query in queries]
    alignments = [query.alignment for query in queries]
    sequences = [query.sequence for query in queries]
    found = find_templates(library, sequences, exclude, own, threads=1, alignments=alignments)
    return [tuple(templates) for templates in found]


def expected_error(prediction: Prediction) -> float:
    """The mean over all pairs of the standard deviation that the model gives its distances, Å."""
    std = prediction.map.std
    return float(std[np.triu_indices(len(std), 1)].mean())
