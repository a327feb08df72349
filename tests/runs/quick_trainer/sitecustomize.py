"""In the place of the real trainer: the same calls without PyTorch, for tests of what is around.

Python imports this module at its start where its folder is on the path; the worker then finds
it as `distmat.training.trainer`. `config.seed` says what happens, one step takes 20 ms.
"""

import errno
import json
import os
import signal
import sys
import time
import types
from pathlib import Path

FINISH, FAULT, DIVERGE, DEAF, KILL, FULL, LEAVE, SEGFAULT, MEMORY = range(9)


class Result:
    def as_dict(self, per_chain=False, intervals=False):
        return {"model": {"mae": 1.0}}


def train(config, resume=False, progress=print, observer=None, accept_changed_data=False):
    from distmat.errors import DivergedError
    from distmat.training.run_folder import checkpoints

    folder = Path(config.output)
    stopped = []
    first = max(checkpoints(folder)) if resume else 0
    facts = {"total_steps": config.max_steps, "first_step": first, "device": "cpu"}
    if observer is None:
        from distmat.training.observer import Unobserved

        # Of several processes all but the first: this one waits for the others' stop.
        observer = Unobserved()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        time.sleep(config.max_steps * 0.02)
        return Result()
    observer.begin(facts | {"accepted": accept_changed_data})
    previous = signal.signal(signal.SIGTERM, lambda *_: stopped.append(1))
    for step in range(first + 1, config.max_steps + 1):
        time.sleep(0.02)
        observer.log(step, step / 10, {"loss": 1.0 / step, "pid": float(os.getpid())})
        if step == 5 and not resume:
            if config.seed == FAULT:
                raise KeyError("no such thing")
            if config.seed == DIVERGE:
                raise DivergedError("The loss became NaN at step 5; lower learning_rate.")
            if config.seed == KILL:
                progress("working hard")
                os.kill(os.getpid(), signal.SIGKILL)
            elif config.seed == FULL:
                raise OSError(errno.ENOSPC, "No space left on device")
            elif config.seed == LEAVE:
                os._exit(3)
            elif config.seed == SEGFAULT:
                signal.signal(signal.SIGSEGV, signal.SIG_DFL)
                os.kill(os.getpid(), signal.SIGSEGV)
            elif config.seed == MEMORY:
                raise MemoryError
        stop = stopped and config.seed != DEAF
        if stop or step % config.evaluate_every == 0 or step == config.max_steps:
            path = folder / f"checkpoint-{step}"
            path.mkdir(parents=True, exist_ok=True)
            (path / "trainer_state.json").write_text(
                json.dumps({"log_history": [{"step": step, "eval_mae": 10 / step, "epoch": 1}]})
            )
            (path / "training_config.json").write_text(json.dumps(config.as_dict()))
            (path / "model.safetensors").write_bytes(b"0" * 1000)
            observer.checkpoint(step, path)
        if stop:
            signal.signal(signal.SIGTERM, previous)
            return None
    signal.signal(signal.SIGTERM, previous)
    return Result()


if "distmat.jobs.worker" in sys.orig_argv:
    module = types.ModuleType("distmat.training.trainer")
    module.train = train
    sys.modules["distmat.training.trainer"] = module
