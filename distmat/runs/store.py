"""The runs among the jobs of a workspace."""

import itertools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from distmat.jobs.kinds import folder_of
from distmat.jobs.states import State
from distmat.jobs.store import Event, RecordedCheckpoint, Store
from distmat.runs.run import TRAINING, Run
from distmat.settings import current_names
from distmat.training.config import TrainingConfig
from distmat.training.presets import PRESETS

_PRESET_OUTPUTS = frozenset(str(preset.get("output", "")) for preset in PRESETS.values()) - {""}

__all__ = ["Event", "RecordedCheckpoint", "RunStore"]


class RunStore(Store[Run]):
    """The store, for those who want to know of trainings; see `distmat.jobs.store.Store`."""

    job_class = Run

    def add(self, config: TrainingConfig, *, name: str = "", **options: Any) -> Run:
        """A new run at the end of the queue; nothing is started (see `distmat.runs.operations`).

        Parameters
        ----------
        config : TrainingConfig
            Its `output` becomes the run's own folder.
        name : str
            For people; by default the last part of the config's `output`, or, where that is
            nobody's choice, what is trained on what, with a number if a run is called so.
        **options
            As for `distmat.jobs.store.jobs.Jobs.add_job`.
        """
        return self.add_job(
            TRAINING,
            lambda folder: {**config.as_dict(), "output": str(folder)},
            name=name.strip() or self._telling_name(config),
            **options,
        )

    def _telling_name(self, config: TrainingConfig) -> str:
        """Of a run that nobody has named."""
        given = Path(config.output).name
        if given not in ("", TrainingConfig().output, *_PRESET_OUTPUTS):
            return given
        if given not in _PRESET_OUTPUTS:
            encoder, data = (Path(str(one)).name for one in (config.encoder, config.train))
            given = f"{encoder} {config.head} on {data.removesuffix('.parquet')}"
        taken = {run.name for run in self.runs()}
        numbers = (f"{given} {number}" for number in itertools.count(2))
        return given if given not in taken else next(name for name in numbers if name not in taken)

    def runs(
        self, states: Iterable[State] | None = None, *, group: str | None = None, text: str = ""
    ) -> list[Run]:
        """Trainings, the newest first; see `distmat.jobs.store.jobs.Jobs.jobs`."""
        return self.jobs(states, kinds=[TRAINING], group=group, text=text)

    def folder(self, run_id: str) -> Path:
        """Where a run's files lie."""
        return self.home / folder_of(TRAINING) / run_id

    def _settings(self, kind: str, text: str) -> dict[str, Any]:
        settings = json.loads(text)
        return current_names(TrainingConfig, settings) if kind == TRAINING else settings
