"""Jobs as several processes of this machine, started by torchrun."""

from typing import ClassVar

from distmat.jobs.backends.backend import Field
from distmat.jobs.backends.local import Local
from distmat.jobs.commands import torchrun_command
from distmat.jobs.job import Job


class Torchrun(Local):
    """Several processes here."""

    name = "torchrun"
    summary = "several processes on this machine"
    fields: ClassVar[tuple[Field, ...]] = (Field("processes", "Processes", 2, 1, 64),)

    def count_devices(self, job: Job) -> int:
        """As many as processes."""
        wanted = job.backend_settings.get("processes", 2)
        return max(1, int(wanted)) if isinstance(wanted, (int, float, str)) else 2

    def command(self, job: Job) -> list[str]:
        """Of torchrun."""
        count = self.count_devices(job)
        return torchrun_command(job, ["--standalone", f"--nproc-per-node={count}"])
