"""What is right and wrong with a run: sentences, each with its evidence and threshold.

A falling loss alone says little: a run can sit on the processor beside an idle GPU, or learn no
more than that neighbours in the chain are near in space. So those are asked, too.
"""

import shutil
import time
from collections.abc import Callable

from distmat.errors import ConfigError
from distmat.runs.checkpoints import list_checkpoints
from distmat.runs.diagnosis import learning, upkeep
from distmat.runs.diagnosis.evidence import Evidence
from distmat.runs.diagnosis.finding import Finding
from distmat.runs.run import Run
from distmat.runs.store import RunStore

CHECKS: tuple[Callable[[Evidence], list[Finding]], ...] = (
    learning.check_baseline,
    upkeep.check_gpu,
    learning.check_loss,
    learning.check_gradient,
    learning.check_overfitting,
    learning.check_schedule,
    upkeep.check_evaluation,
    upkeep.check_checkpoints,
    upkeep.check_throughput,
    upkeep.check_memory,
    upkeep.check_disk,
    upkeep.check_progress,
)
"""Each gives at most one finding."""
"""Each gives at most one finding."""


def diagnose(store: RunStore, run: Run) -> list[Finding]:
    """What is right and wrong with a run now, the worst first."""
    key = ("diagnosis", run.id, run.state)
    return store.cache.get_or_compute(key, lambda: _diagnose(store, run))


def _diagnose(store: RunStore, run: Run) -> list[Finding]:
    try:
        config = run.config
    except ConfigError:
        config = None
    return findings(
        Evidence(
            run,
            config,
            # What the page draws as well: where answers are shared they are found once.
            store.curves(run.id, points=1000),
            store.hardware(run.id, points=400),
            list_checkpoints(run.folder),
            store.first_nan(run.id, "loss"),
            shutil.disk_usage(store.home).free,
            time.time(),
        )
    )


def findings(evidence: Evidence) -> list[Finding]:
    """The same from evidence alone."""
    found = [finding for check in CHECKS for finding in check(evidence)]
    order = ("bad", "note", "good")
    return sorted(found, key=lambda finding: order.index(finding.severity))
