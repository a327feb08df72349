"""Many people at once: real browser sessions that open examples and look, on a server of their own.

    python benchmarks/load.py [--sessions 30] [--minutes 10] [--long] [--without-browser]

Each session is a page of headless Chromium that opens one example after another and waits until
its heading is there. Printed: how long that took, errors, the server's own processor time for each
action, and what its memory did after the first minute (or the first third, if that is shorter).
With ``--long`` one more session predicts 1,000 residues again and again beside them. The browsers
compute on the same machine, and that is most of the wall time; ``--without-browser`` lets sessions
speak the server's protocol instead (see ``sessions.py``), which measures the server alone. The
traffic goes to 127.0.0.1 alone and ends by itself.
"""

import argparse
import asyncio
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

import psutil
from sessions import Found, long_chains, person

from distmat.protein.examples import examples

ROOT = Path(__file__).parents[1]
FLAGS = ("--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")


def start_server(home: str) -> tuple[subprocess.Popen, str]:
    """The app on a free port, once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "distmat", "app", f"--port={port}", "--no-browser"],
        cwd=ROOT,
        env={**os.environ, "DISTMAT_HOME": home},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(600):
        try:
            with urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1):
                return server, f"http://127.0.0.1:{port}"
        except OSError:
            time.sleep(0.1)
    raise SystemExit("The server didn't start.")


async def visit(browser, address: str, until: float, titles: dict[str, str], found: Found) -> None:
    """One person, who opens examples until the time is up."""
    context = await browser.new_context(viewport={"width": 1200, "height": 800})
    page = await context.new_page()
    page.set_default_timeout(120_000)
    keys = list(titles)
    try:
        while time.monotonic() < until:
            key = random.choice(keys)
            started = time.monotonic()
            await page.goto(f"{address}/predict?example={key}")
            await page.get_by_role("heading", name=titles[key]).first.wait_for()
            found.seconds.setdefault("open an example", []).append(time.monotonic() - started)
            if await page.get_by_text("fault of the program").count():
                found.errors.append(key)
            await asyncio.sleep(random.uniform(1, 5))
    # Whatever it is, it is what a person would have met.
    except Exception as error:
        found.errors.append(f"{type(error).__name__}: {error}".splitlines()[0][:150])
    finally:
        await context.close()


async def watch(process: psutil.Process, until: float, found: Found) -> None:
    """The server's memory and processor time, twice a second; its workers' are theirs."""
    while time.monotonic() < until:
        used = process.cpu_times()
        found.processor.append((time.monotonic(), used.user + used.system))
        found.memory.append((time.monotonic(), process.memory_info().rss))
        await asyncio.sleep(0.5)


async def measure_server(
    options: argparse.Namespace, address: str, process: psutil.Process
) -> Found:
    """Let all of them come without a browser."""
    keys, found = [example.key for example in examples()], Found()
    # Nobody is measured by a network that is still being loaded.
    await person(address, time.monotonic() + 1, keys, Found())
    until = time.monotonic() + 60 * options.minutes
    people = [person(address, until, keys, found) for _ in range(options.sessions)]
    others = [long_chains(address, until, 1000, found)] if options.long else []
    await asyncio.gather(*people, *others, watch(process, until, found))
    return found


async def measure_browsers(
    options: argparse.Namespace, address: str, process: psutil.Process
) -> Found:
    """Let all of them come in pages of one Chromium."""
    from playwright.async_api import async_playwright

    titles, found = {example.key: example.title for example in examples()}, Found()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        await visit(browser, address, time.monotonic() + 1, titles, Found())
        until = time.monotonic() + 60 * options.minutes
        people = [visit(browser, address, until, titles, found) for _ in range(options.sessions)]
        others = [long_chains(address, until, 1000, found)] if options.long else []
        await asyncio.gather(*people, *others, watch(process, until, found))
        await browser.close()
    return found


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--long", action="store_true", help="with predictions of 1,000 residues")
    parser.add_argument("--without-browser", action="store_true", help="the server alone")
    options = parser.parse_args()
    measure = measure_server if options.without_browser else measure_browsers
    print(f"Load average before {os.getloadavg()[0]:.2f}, {os.cpu_count()} processors.")
    with tempfile.TemporaryDirectory() as home:
        server, address = start_server(home)
        try:
            found = asyncio.run(measure(options, address, psutil.Process(server.pid)))
        finally:
            server.terminate()
            server.wait()
    report(options, found)
    print(f"Load average after {os.getloadavg()[0]:.2f}.")


def report(options: argparse.Namespace, found: Found) -> None:
    """What was found, as a table and in sentences."""
    count = sum(map(len, found.seconds.values()))
    print(f"{options.sessions} sessions, {options.minutes:g} minutes: {count:,} actions.\n")
    print("| action | times | median s | 90 % within s | slowest s | kB sent |")
    print("|---|---|---|---|---|---|")
    for kind, seconds in found.seconds.items():
        ordered, sizes = sorted(seconds), found.sent.get(kind)
        sent = f"{statistics.median(sizes) / 1000:.0f}" if sizes else ""
        print(
            f"| {kind} | {len(seconds):,} | {statistics.median(ordered):.2f} | "
            f"{ordered[int(0.9 * (len(ordered) - 1))]:.2f} | {ordered[-1]:.2f} | {sent} |"
        )
    everything = [one for seconds in found.seconds.values() for one in seconds]
    used = found.processor[-1][1] - found.processor[0][1]
    print(f"\nMedian of all actions {statistics.median(everything):.2f} s.")
    print(
        f"The server's own processor time: {1000 * used / count:.0f} ms an action, "
        f"{used / (found.processor[-1][0] - found.processor[0][0]):.0%} of a core."
    )
    first = found.memory[0][0]
    settled = [rss for at, rss in found.memory if at - first >= min(60, 20 * options.minutes)]
    print(
        f"Its memory {settled[0] / 2**20:.0f} MiB after the warm-up, {settled[-1] / 2**20:.0f} at "
        f"the end, {max(settled) / 2**20:.0f} at most."
    )
    if options.long:
        print(f"1,000 residues: {len(found.long)} times, {[round(s, 1) for s in found.long]} s.")
    print(f"Errors: {len(found.errors)} {found.errors[:5]}")


if __name__ == "__main__":
    main()
