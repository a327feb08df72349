"""What happens beside the steps of a run: lines on the terminal, the observer, reasons to stop."""

import math
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm
from transformers import TrainerCallback

from distmat.errors import DivergedError
from distmat.training.config import TrainingConfig
from distmat.training.observer import RunObserver
from distmat.training.run_folder import checkpoints

RUN_AWAY = (4.0, 2.0, 3)
"""A loss has run away if it exceeds so many times the lowest one logged, and so many times the
first one, in so many logs in a row."""

STEP_METRICS = ("loss", "grad_norm", "learning_rate", "residues_per_second")


class TerminalProgress(TrainerCallback):
    """One readable line for every logged step, and where somebody looks a progress bar below.

    On standard error, for standard output holds results alone.
    """

    def __init__(self) -> None:
        self.bar: tqdm | None = None

    def on_train_begin(self, args, state, control, **kwargs) -> None:
        if state.is_world_process_zero:
            self.bar = tqdm(
                total=state.max_steps,
                initial=state.global_step,
                desc="Training",
                unit="step",
                disable=None,
                file=sys.stderr,
            )

    def on_step_end(self, args, state, control, **kwargs) -> None:
        if self.bar is not None:
            self.bar.update(state.global_step - self.bar.n)

    def on_log(self, args, state, control, logs=None, **kwargs) -> None:
        line = _line(state.global_step, logs or {})
        if line and state.is_world_process_zero:
            tqdm.write(line, file=sys.stderr)

    def on_train_end(self, args, state, control, **kwargs) -> None:
        if self.bar is not None:
            self.bar.close()


def _line(step: int, logs: dict[str, Any]) -> str:
    if "eval_mae" in logs:
        return (
            f"step {step}: validation MAE {logs['eval_mae']:.2f} Å "
            f"(separation only {logs['eval_baseline_mae']:.2f}), "
            f"RMSE {logs['eval_rmse']:.2f} Å, r {logs['eval_pearson']:.3f}, "
            f"lDDT {logs['eval_lddt']:.3f}, long P@L {logs.get('eval_long_precision', 0):.3f}"
        )
    if "loss" in logs:
        return (
            f"step {step}: loss {float(logs['loss']):.4f}, gradient norm "
            f"{float(logs['grad_norm']):.2f}, learning rate {float(logs['learning_rate']):.2e}, "
            f"{logs['residues_per_second']:,.0f} residues/s"
        )
    return ""


class TellObserver(TrainerCallback):
    """Hands every metric and checkpoint on, from one process alone."""

    def __init__(self, observer: RunObserver) -> None:
        self.observer = observer

    def on_log(self, args, state, control, logs=None, **kwargs) -> None:
        metrics = {
            name: float(value)
            for name, value in (logs or {}).items()
            if name in STEP_METRICS or name.startswith("eval_")
        }
        if metrics and state.is_world_process_zero:
            self.observer.log(state.global_step, float(state.epoch or 0), metrics)

    def on_save(self, args, state, control, **kwargs) -> None:
        if state.is_world_process_zero:
            folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            self.observer.checkpoint(state.global_step, folder)


class StopOnSignal(TrainerCallback):
    """Ctrl-C and SIGTERM end the run after the present step, with a checkpoint to resume from."""

    def __init__(self) -> None:
        self.stopped = False
        self._previous: dict[int, Any] = {}

    def on_train_begin(self, args, state, control, **kwargs) -> None:
        # Python lets the main thread alone handle signals; elsewhere somebody else has to stop us.
        if threading.current_thread() is threading.main_thread():
            self._previous = {
                number: signal.signal(number, self._stop)
                for number in (signal.SIGINT, signal.SIGTERM)
            }

    def _stop(self, *_) -> None:
        self.stopped = True

    def on_step_end(self, args, state, control, **kwargs) -> None:
        if _any_process(self.stopped, args):
            self.stopped = control.should_save = control.should_training_stop = True
            # A person who stops a run doesn't wait for a validation set.
            control.should_evaluate = False

    def restore(self) -> None:
        """Give the signals back to whom they belonged."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}


def _any_process(flag: bool, args) -> bool:
    """Whether any process has its flag up; all of them must do the same at the same step."""
    if args.world_size == 1:
        return flag
    raised = torch.tensor(int(flag), device=args.device)
    torch.distributed.all_reduce(raised, torch.distributed.ReduceOp.MAX)
    return bool(raised.item())


class StopEarly(TrainerCallback):
    """Ends a run that hasn't become better for some evaluations.

    Parameters
    ----------
    patience : int
        Evaluations; 0 for never.
    say : callable
        Told why the run ends.
    """

    def __init__(self, patience: int, say: Callable[[str], None]) -> None:
        self.patience, self.say = patience, say
        self.stopped = False

    def on_save(self, args, state, control, **kwargs) -> None:
        # What the log tells survives a stop and a resume; a counter of our own would not.
        worse = [
            entry["step"]
            for entry in state.log_history
            if "eval_mae" in entry and entry["step"] > (state.best_global_step or 0)
        ]
        if self.patience and len(worse) >= self.patience:
            self.stopped = control.should_training_stop = True
            self.say(
                f"No better score in {len(worse)} evaluations since step "
                f"{state.best_global_step}; the run ends early."
            )


class StopDiverging(TrainerCallback):
    """Ends a run whose loss is no number any more, or has run away.

    Raises
    ------
    DivergedError
        With the step and what to try.
    """

    def __init__(self, config: TrainingConfig) -> None:
        self.config = config
        self.first_bad: torch.Tensor | None = None

    def watch(self, loss: torch.Tensor, step: int) -> None:
        """Remember the first step whose loss isn't finite, without waiting for the device."""
        if self.first_bad is None:
            self.first_bad = torch.full((), -1, device=loss.device)
        bad = ~torch.isfinite(loss) & (self.first_bad < 0)
        self.first_bad = torch.where(bad, step, self.first_bad)

    def check(self) -> None:
        """Raise if any loss so far wasn't finite."""
        if self.first_bad is not None and self.first_bad >= 0:
            self._give_up(int(self.first_bad), "became NaN or infinite")

    def on_log(self, args, state, control, logs=None, **kwargs) -> None:
        if not logs or "loss" not in logs:
            return
        self.check()
        losses = [entry["loss"] for entry in state.log_history if "loss" in entry]
        if not math.isfinite(losses[-1]):
            self._give_up(state.global_step, "became NaN or infinite")
        over_lowest, over_first, times = RUN_AWAY
        limit = max(over_lowest * min(losses), over_first * losses[0])
        if len(losses) > times and min(losses[-times:]) > limit:
            self._give_up(state.global_step, f"ran away from {min(losses):.3g} to {losses[-1]:.3g}")

    def _give_up(self, step: int, what: str) -> None:
        config = self.config
        there = [earlier for earlier in checkpoints(Path(config.output)) if earlier < step]
        place = f"resume from checkpoint-{there[-1]}" if there else "start again"
        precision = "" if config.precision == "fp32" else ", set precision to fp32"
        raise DivergedError(
            f"The loss {what} at step {step}; {place} with a lower learning_rate (it is "
            f"{config.learning_rate:g}), more warmup_steps ({config.warmup_steps:g}) or a lower "
            f"max_grad_norm ({config.max_grad_norm:g}){precision}."
        )
