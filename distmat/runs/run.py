"""A run: a training as a job."""

from dataclasses import dataclass

from distmat.jobs.job import Job
from distmat.training.config import TrainingConfig

TRAINING = "training"
"""The kind of job that a run is."""


@dataclass(frozen=True)
class Run(Job):
    """A job whose settings are those of `TrainingConfig`."""

    @property
    def config(self) -> TrainingConfig:
        """Its settings, checked.

        Raises
        ------
        ConfigError
            If they are of a version whose settings were others.
        """
        return TrainingConfig().with_settings(dict(self.settings))
