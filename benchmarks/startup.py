"""How long a newcomer waits: for `--help`, for the first page, for the first prediction.

    python benchmarks/startup.py [--times 5]

Each is measured anew in processes of its own, on the machine as it is: the load average is printed
beside the figures, as another busy process can double them. Seconds of the processor, of all these
processes together, tell more of the program and less of the load.
"""

import argparse
import asyncio
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from load import start_server
from sessions import Found, Session

ROOT = Path(__file__).parents[1]
SEQUENCE = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQFEVVHSLAKWKRQ"

TARGETS = {
    "--help": 0.3,
    "page answers": 3.0,
    "first prediction, page": 8.0,
    "first prediction, command": 8.0,
    "first prediction without a library": 8.0,
}
"""Seconds that were aimed at."""


def run(*arguments: str) -> float:
    """Seconds of a command from its start to its end."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "distmat", *arguments], check=True, capture_output=True, cwd=ROOT
    )
    return time.perf_counter() - started


def busy() -> float:
    """Seconds of the processor that processes of this one have taken until now."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def page() -> float:
    """Seconds from the start of the server to its first page's HTML."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as home:
        started = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, "-m", "distmat", "app", f"--port={port}", "--no-browser"],
            cwd=ROOT,
            env={**os.environ, "DISTMAT_HOME": home},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as server:
            try:
                while time.perf_counter() - started < 60 and server.poll() is None:
                    try:
                        with urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                            answer.read()
                            return time.perf_counter() - started
                    except (URLError, OSError):
                        time.sleep(0.02)
                raise SystemExit("The page didn't answer.")
            finally:
                server.terminate()


def page_prediction() -> float:
    """Seconds from the start of the server until its first visitor has a prediction on the page."""

    async def ask(address: str) -> None:
        # As a browser does before it connects.
        with urlopen(f"{address}/predict", timeout=5) as answer:
            answer.read()
        async with Session(address, found) as session:
            said = await session.run("predict", "predict", f"seq={SEQUENCE}&name=first")
            if "Map and structure" not in said:
                raise SystemExit(f"There is no prediction on the page: {said[:300]}")

    found = Found()
    with tempfile.TemporaryDirectory() as home:
        started = time.perf_counter()
        server, address = start_server(home)
        try:
            asyncio.run(ask(address))
            return time.perf_counter() - started
        finally:
            server.terminate()
            server.wait()


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=5)
    times = parser.parse_args().times
    measured = {
        "--help": lambda: run("--help"),
        "page answers": page,
        "first prediction, page": page_prediction,
        "first prediction, command": lambda: run("predict", SEQUENCE),
        "first prediction without a library": lambda: run("predict", SEQUENCE, "--library", "none"),
    }
    print(f"Load average at the start {os.getloadavg()[0]:.2f}, {os.cpu_count()} processors.\n")
    print("| | median s | slowest s | of the processor s | aim s |\n|---|---|---|---|---|")
    for name, measure in measured.items():
        before = busy()
        seconds = [measure() for _ in range(times)]
        print(
            f"| {name} | {statistics.median(seconds):.2f} | {max(seconds):.2f} "
            f"| {(busy() - before) / times:.2f} | {TARGETS[name]:g} |"
        )
    print(f"\nLoad average at the end {os.getloadavg()[0]:.2f}.")


if __name__ == "__main__":
    main()
