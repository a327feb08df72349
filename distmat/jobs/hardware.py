"""What a run uses of the machine: processor and memory, and its GPU where there is one."""

import contextlib
import os
import platform
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import psutil

INTERVAL = 5.0
"""Seconds between two samples."""


@dataclass(frozen=True)
class Gpu:
    """An NVIDIA GPU that runs here may use.

    Parameters
    ----------
    index : int
        As NVML counts them.
    name, driver : str
    memory : int
        Bytes.
    """

    index: int
    name: str
    driver: str
    memory: int


def gpus() -> list[Gpu]:
    """The GPUs that ``CUDA_VISIBLE_DEVICES`` lets us see; none if NVML isn't there."""
    nvml = _nvml()
    if nvml is None:
        return []
    with contextlib.suppress(nvml.NVMLError):
        found = []
        for index in range(nvml.nvmlDeviceGetCount()):
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
            memory = int(nvml.nvmlDeviceGetMemoryInfo(handle).total)
            driver = str(nvml.nvmlSystemGetDriverVersion())
            found.append(Gpu(index, str(nvml.nvmlDeviceGetName(handle)), driver, memory))
        return [gpu for gpu in found if _visible(gpu.index)]
    return []


def devices() -> list[str]:
    """What runs can be given, one each: ``'cuda:0'`` and so on, and always ``'cpu'``."""
    return [*(f"cuda:{gpu.index}" for gpu in gpus()), "cpu"]


def machine() -> dict[str, Any]:
    """Processors, memory (bytes) and GPUs, for the record."""
    return {
        "processors": os.cpu_count(),
        "processor": _processor(),
        "memory": psutil.virtual_memory().total,
        "gpus": [asdict(gpu) for gpu in gpus()],
    }


def usable_processors() -> int:
    """How many processors this process may keep busy.

    What ``OMP_NUM_THREADS`` says, which PyTorch's threads heed, too; else what a Slurm job was
    given; else what the system lets it run on.
    """
    for name in ("OMP_NUM_THREADS", "SLURM_CPUS_PER_TASK"):
        if (text := os.environ.get(name, "")).isdecimal() and int(text):
            return int(text)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def out_of_memory_kills() -> int | None:
    """How many processes this machine's kernel has killed for memory since it started."""
    try:
        with open("/proc/vmstat", encoding="ascii") as file:
            return int(dict(line.split() for line in file)["oom_kill"])
    except (OSError, ValueError, KeyError):
        return None


class Sampler:
    """Measures this process and its children every few seconds, in a thread of its own.

    Parameters
    ----------
    tell : callable
        Given each sample: ``cpu`` (% of one processor), ``memory`` (bytes that the run's
        processes hold), ``machine_memory`` (% of the machine's); and for the run's GPU ``gpu``
        (%), ``gpu_memory`` (bytes), ``gpu_temperature`` (°C), ``gpu_power`` (W).
    gpu : int, optional
        Index of the GPU that the run was given; by default the first.
    """

    def __init__(
        self,
        tell: Callable[[dict[str, float]], None],
        gpu: int | None = None,
        interval: float = INTERVAL,
    ) -> None:
        self.tell, self.interval = tell, interval
        visible = gpus()
        self.gpu = gpu if gpu is not None else visible[0].index if visible else None
        self._processes: dict[int, psutil.Process] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._go, name="hardware", daemon=True)

    def __enter__(self) -> "Sampler":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(timeout=10)

    def _go(self) -> None:
        self.sample()
        ended = False
        # The last one when all is over, so that a job of a second has one, too.
        while not ended:
            ended = self._ended.wait(self.interval)
            # A full disk or a busy store is the trainer's to report, not the watcher's.
            with contextlib.suppress(Exception):
                self.tell(self.sample())

    def sample(self) -> dict[str, float]:
        """One measurement; the processor's share is since the one before."""
        cpu = memory = 0.0
        for process in self._family():
            with contextlib.suppress(psutil.Error):
                cpu += process.cpu_percent()
                memory += process.memory_info().rss
        values = {
            "cpu": cpu,
            "memory": memory,
            "machine_memory": psutil.virtual_memory().percent,
        }
        return values | (_gpu_values(self.gpu) if self.gpu is not None else {})

    def _family(self) -> list[psutil.Process]:
        # The same objects each time: they remember what they had used before.
        me = psutil.Process()
        alive = {process.pid: process for process in (me, *me.children(recursive=True))}
        self._processes = {pid: self._processes.get(pid, alive[pid]) for pid in alive}
        return list(self._processes.values())


def _gpu_values(index: int) -> dict[str, float]:
    nvml = _nvml()
    values: dict[str, float] = {}
    if nvml is None:
        return values
    measured: dict[str, Callable[[Any], float]] = {
        "gpu": lambda handle: nvml.nvmlDeviceGetUtilizationRates(handle).gpu,
        "gpu_memory": lambda handle: nvml.nvmlDeviceGetMemoryInfo(handle).used,
        "gpu_temperature": lambda handle: nvml.nvmlDeviceGetTemperature(
            handle, nvml.NVML_TEMPERATURE_GPU
        ),
        "gpu_power": lambda handle: nvml.nvmlDeviceGetPowerUsage(handle) / 1000,
    }
    for name, measure in measured.items():
        # Some cards don't tell everything.
        with contextlib.suppress(nvml.NVMLError):
            values[name] = float(measure(nvml.nvmlDeviceGetHandleByIndex(index)))
    return values


def _nvml() -> Any:
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # not installed, or no driver: there is no GPU to speak of
        return None
    return pynvml


def _visible(index: int) -> bool:
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is None:
        return True
    parts = [part.strip() for part in chosen.split(",")]
    # Unique names of cards ("GPU-…") are left to CUDA.
    return str(index) in parts or any(part and not part.isdigit() for part in parts)


@cache
def processor_has_bf16() -> bool:
    """Whether this machine's processor multiplies in bfloat16 itself; elsewhere it is emulated.

    Where the system doesn't tell, it is taken to be emulated: float32 is right on any processor.
    """
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            words = set(file.read().split())
    except OSError:
        return False
    # x86 calls it by the instructions, ARM by the format.
    return bool(words & {"avx512_bf16", "amx_bf16", "bf16"})


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            names = [line for line in file if line.startswith("model name")]
        return names[0].partition(":")[2].strip()
    except (OSError, IndexError):
        return platform.processor() or platform.machine()
