"""What the tests ask workers to do."""

import os
import signal
import time

from distmat.errors import Remedy, RunError


def whoami(*, progress):
    return os.getpid()


def count(last, seconds, *, progress):
    for step in range(last):
        progress(step / last, f"step {step}")
        time.sleep(seconds)
    return last


def refuse(*, progress):
    raise RunError("The value 7 is too small; give 8.", Remedy.RESUME)


def stumble(*, progress):
    class OwnError(Exception):
        """Known in this process alone."""

    raise OwnError("what happened")


def print_much(*, progress):
    print("x" * 10_000)
    os.write(1, b"y" * 10_000)
    return "done"


def die(number, *, progress):
    progress(0.5, "dying")
    os.kill(os.getpid(), number)
    time.sleep(60)


def leave(*, progress):
    os._exit(3)


def be_ready():
    while not os.path.exists(os.environ["QUESTIONS_GO_ON"]):
        time.sleep(0.02)
    with open(os.environ["QUESTIONS_READY"], "a") as file:
        file.write(f"{os.getpid()}\n")


SIGKILL = signal.SIGKILL


def twice(table, *, progress):
    return 2 * table
