"""Who watches a run: the trainer tells an observer what happens, and doesn't know where it goes."""

from pathlib import Path
from typing import Protocol


class RunObserver(Protocol):
    """Told of everything that happens in a run; in a run of several processes by the first alone.

    Metrics come under these names, all but the first four from an evaluation on validation
    chains: ``loss``, ``grad_norm``, ``learning_rate``, ``residues_per_second``; ``eval_loss``,
    ``eval_mae``, ``eval_rmse`` (Å), ``eval_pearson``, ``eval_lddt``, ``eval_long_precision``,
    ``eval_mds_pearson``, each but the loss also as ``eval_baseline_…``; ``eval_seconds`` and
    ``eval_chains_per_second``. A metric that isn't defined is left out; a NaN is passed on.
    """

    def begin(self, facts: dict) -> None:
        """Before the first step.

        Parameters
        ----------
        facts : dict
            For JSON: ``total_steps``, ``first_step`` (0, or where a resumed run goes on),
            ``parameters``, ``trainable_parameters``, ``device``, ``precision``, ``processes``,
            ``train_chains``, ``train_clusters``, ``val_chains``, ``train_fingerprint``,
            ``val_fingerprint``, ``memory`` (bytes: ``estimate``, ``free``).
        """

    def log(self, step: int, epoch: float, metrics: dict[str, float]) -> None:
        """New metrics of a step; a resumed run tells some steps again, with the same values."""

    def checkpoint(self, step: int, folder: Path) -> None:
        """A whole checkpoint lies in this folder."""

    def say(self, text: str) -> None:
        """A sentence for the log."""


class Unobserved:
    """Nobody watches."""

    def begin(self, facts: dict) -> None:
        """Ignored, as everything."""

    def log(self, step: int, epoch: float, metrics: dict[str, float]) -> None:
        """Ignored."""

    def checkpoint(self, step: int, folder: Path) -> None:
        """Ignored."""

    def say(self, text: str) -> None:
        """Ignored."""
