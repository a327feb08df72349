"""Many people at once: real browser sessions that open examples and look, on a server of their own.

    python benchmarks/load.py [--sessions 30] [--minutes 10] [--long]

Each session is a page of headless Chromium that opens one example after another and waits until
its heading is there. Printed: how long that took, errors, and what the server's memory did after
the first minute (or the first third, if that is shorter). With ``--long`` one more session predicts
1,000 residues again and again beside them. The browsers compute on the same machine: their work is
in these figures, too. The traffic goes to 127.0.0.1 alone and ends by itself.
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

ROOT = Path(__file__).parents[1]
FLAGS = ("--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
LETTERS = "ACDEFGHIKLMNPQRSTVWY"


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


async def visit(browser, address: str, until: float, titles: dict[str, str], found: dict) -> None:
    """One person, who opens examples until the time is up."""
    context = await browser.new_context(viewport={"width": 1200, "height": 800})
    page = await context.new_page()
    page.set_default_timeout(120_000)
    keys = list(titles)
    try:
        while time.monotonic() < until:
            key = random.choice(keys)
            started = time.monotonic()
            await page.goto(f"{address}/?example={key}")
            await page.get_by_role("heading", name=titles[key]).first.wait_for()
            found["seconds"].append(time.monotonic() - started)
            if await page.get_by_text("fault of the program").count():
                found["errors"].append(key)
            await asyncio.sleep(random.uniform(1, 5))
    # Whatever it is, it is what a person would have met.
    except Exception as error:
        found["errors"].append(f"{type(error).__name__}: {error}".splitlines()[0][:150])
    finally:
        await context.close()


async def predict_long(browser, address: str, until: float, found: dict) -> None:
    """Somebody who predicts 1,000 residues, another sequence each time."""
    page = await browser.new_page()
    page.set_default_timeout(180_000)
    while time.monotonic() < until:
        await page.goto(address)
        await page.get_by_role("tab", name="Paste a sequence").click()
        name = f"long-{len(found['long'])}"
        sequence = "".join(random.choices(LETTERS, k=1000))
        await page.get_by_label("Sequence", exact=True).fill(f">{name}\n{sequence}")
        started = time.monotonic()
        await page.get_by_role("button", name="Predict", exact=True).click()
        await page.get_by_role("heading", name=name).first.wait_for()
        found["long"].append(time.monotonic() - started)


async def watch(process: psutil.Process, until: float, found: dict) -> None:
    """The server's memory, twice a second."""
    while time.monotonic() < until:
        found["memory"].append((time.monotonic(), process.memory_info().rss))
        await asyncio.sleep(0.5)


async def measure(options: argparse.Namespace, address: str, process: psutil.Process) -> dict:
    """Let all of them come, spread over ten seconds."""
    from playwright.async_api import async_playwright

    from distmat.protein.examples import examples

    titles = {example.key: example.title for example in examples()}
    found: dict = {"seconds": [], "errors": [], "memory": [], "long": []}
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        # The first prediction of a server loads PyTorch; nobody is measured by that.
        warm: dict = {"seconds": [], "errors": []}
        await visit(browser, address, time.monotonic() + 1, titles, warm)
        until = time.monotonic() + 60 * options.minutes
        people = [visit(browser, address, until, titles, found) for _ in range(options.sessions)]
        others = [predict_long(browser, address, until, found)] if options.long else []
        await asyncio.gather(*people, *others, watch(process, until, found))
        await browser.close()
    return found


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--long", action="store_true", help="with predictions of 1,000 residues")
    options = parser.parse_args()
    print(f"Load average before {os.getloadavg()[0]:.2f}, {os.cpu_count()} processors.")
    with tempfile.TemporaryDirectory() as home:
        server, address = start_server(home)
        try:
            found = asyncio.run(measure(options, address, psutil.Process(server.pid)))
        finally:
            server.terminate()
            server.wait()
    seconds = sorted(found["seconds"])
    first = found["memory"][0][0]
    settled = [rss for at, rss in found["memory"] if at - first >= min(60, 20 * options.minutes)]
    print(f"{options.sessions} sessions, {options.minutes:g} minutes: {len(seconds)} examples.")
    print(
        f"Median {statistics.median(seconds):.1f} s, 90 % within "
        f"{seconds[int(0.9 * (len(seconds) - 1))]:.1f} s, slowest {seconds[-1]:.1f} s."
    )
    print(
        f"Memory of the server {settled[0] / 2**20:.0f} MiB after the warm-up, "
        f"{settled[-1] / 2**20:.0f} at the end, {max(settled) / 2**20:.0f} at most."
    )
    if options.long:
        print(
            f"1,000 residues: {len(found['long'])} times, {[round(s, 1) for s in found['long']]} s."
        )
    print(f"Errors: {len(found['errors'])} {found['errors'][:5]}")


if __name__ == "__main__":
    main()
