import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil
import pytest

ROOT = Path(__file__).parents[2]

SOFTWARE_WEBGL = (
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-gpu-compositing",
)
"""Draws WebGL without a graphics card, and all else of a page as where there is none."""

STILL = """
document.addEventListener("DOMContentLoaded", () => {
  const style = document.createElement("style");
  style.textContent =
    "*, ::before, ::after { animation: none !important; transition: none !important; }";
  document.head.append(style);
});
"""
"""Nothing moves by itself: without a graphics card each frame of a spinner is drawn by a core."""

ONLY_THIS_MACHINE = ("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",)
"""No other machine can be found: as without a network."""

PATIENCE = 120_000
"""Milliseconds that a page of a busy machine has for what it is waited for."""


def missing(reason):
    """A browser must not be missing where it was promised; elsewhere one can do without."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """With a test that fails comes what its page said then."""
    report = yield
    if call.when == "call" and report.failed:
        for name in {"offline", "webgl_offline"} & set(item.funcargs):
            page, _ = item.funcargs[name]
            report.sections.append((page.url, page.locator("body").inner_text(timeout=5_000)))
    return report


@pytest.fixture(scope="session")
def chromium_path():
    found = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
    path = next(filter(None, found), None)
    if path is None:
        missing("Chromium is not installed")
    return path


@pytest.fixture(scope="session")
def playwright():
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def launch(playwright, chromium_path):
    """Start a Chromium with more flags; all are closed in the end."""
    browsers = []

    def start(*flags):
        browser = playwright.chromium.launch(
            executable_path=chromium_path, args=["--no-sandbox", *flags]
        )
        browsers.append(browser)
        return browser

    yield start
    for browser in browsers:
        browser.close()


@pytest.fixture(scope="session")
def browser(launch):
    """One without WebGL, whose pages a core draws as they are, not by way of a graphics card's."""
    return launch("--disable-gpu", *ONLY_THIS_MACHINE)


@contextmanager
def new_context(browser):
    """A window's; nothing of another one is known in it."""
    with browser.new_context(viewport={"width": 1400, "height": 900}) as context:
        context.set_default_timeout(PATIENCE)
        context.add_init_script(STILL)
        yield context


@pytest.fixture(scope="session")
def context(browser):
    """One for all tests, so that the app's scripts are loaded once."""
    with new_context(browser) as context:
        yield context


@pytest.fixture(scope="session")
def webgl_context(launch):
    """One that draws in 3D, for tests that look at it."""
    with new_context(launch(*SOFTWARE_WEBGL, *ONLY_THIS_MACHINE)) as context:
        yield context


@contextmanager
def new_page(context):
    """A page, and the addresses beyond this machine that it wanted."""
    wanted = []

    def note(request):
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:", "about:")):
            wanted.append(request.url)

    page = context.new_page()
    page.on("request", note)
    yield page, wanted
    page.close()


@pytest.fixture
def offline(context):
    """A new page that reaches this machine alone, and the addresses that it wanted besides."""
    with new_page(context) as page_and_wanted:
        yield page_and_wanted


@pytest.fixture
def webgl_offline(webgl_context):
    """The same, and it draws in 3D."""
    with new_page(webgl_context) as page_and_wanted:
        yield page_and_wanted


@dataclass(frozen=True)
class Server:
    """`streamlit run app.py`: where it answers, its process, and its workspace."""

    url: str
    process: psutil.Process
    home: Path


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """One for all tests that don't mind what others did there."""
    with serving(tmp_path_factory.mktemp("app")) as started:
        yield started


@pytest.fixture(scope="session")
def address(server):
    """Where that one answers."""
    return server.url


@pytest.fixture
def fresh(tmp_path):
    """One that nobody has opened a page of."""
    with serving(tmp_path) as started:
        yield started


@contextmanager
def serving(folder):
    """The app with a workspace in this folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # One thread: several are slower than one where the tests keep every core busy.
    environment = {**os.environ, "DISTMAT_HOME": str(folder / "home"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    options = ["--server.headless=true", f"--server.port={port}"]
    with (
        open(folder / "log", "w", encoding="utf-8") as log,
        subprocess.Popen(
            [*command, *options], cwd=ROOT, env=environment, stdout=log, stderr=log
        ) as server,
    ):
        try:
            wait_until_it_answers(f"http://127.0.0.1:{port}/_stcore/health", server, folder / "log")
            url = f"http://127.0.0.1:{port}"
            yield Server(url, psutil.Process(server.pid), folder / "home")
        finally:
            server.terminate()
            server.wait(60)
            end_runs(folder / "home")


def end_runs(home):
    """What tests have started in the background; what waits is left waiting."""
    from distmat.jobs import processes
    from distmat.runs.store import RunStore

    with RunStore(home) as store:
        store.pause(True)
        for run in store.list_active():
            if run.process:
                processes.kill(run.process)


def wait_until_it_answers(url, server, log):
    until = time.monotonic() + 120
    while time.monotonic() < until and server.poll() is None:
        try:
            with urlopen(url, timeout=1):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"the app didn't start:\n{log.read_text(encoding='utf-8')}")
