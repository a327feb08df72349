"""The server itself: what it holds, how it ends, and that nobody's prediction stalls another's."""

import re
import signal
import socket
import time
from pathlib import Path

import psutil
import pytest

from tests.browser.test_predict import SEQUENCE, open_page
from tests.runs.conftest import wait_until

pytestmark = pytest.mark.xdist_group("browser")

LETTERS = "ACDEFGHIKLMNPQRSTVWY"


def workers_of(server):
    return [child for child in server.children() if "distmat.jobs.workers" in child.cmdline()]


def paste(page, url, name, sequence):
    open_page(page, url)
    page.get_by_role("tab", name="Paste a sequence").click()
    page.get_by_role("textbox", name="Sequence").fill(f">{name}\n{sequence}")
    page.get_by_role("button", name="Predict", exact=True).click()


def predict_long(page, url, residues):
    """Begin with a chain that takes a while."""
    paste(page, url, "long", (LETTERS * 75)[:residues])
    return page.get_by_text(re.compile(rf"Predicting {residues:,} residues: step"))


def test_a_long_prediction_stalls_nobody_may_be_killed_and_stops_when_its_page_is_left(
    server, offline, context
):
    page, _ = offline
    other = context.new_page()
    at_work = predict_long(other, server.url, 1500)
    at_work.wait_for()
    paste(page, server.url, "short", SEQUENCE)
    page.get_by_role("heading", name="short").wait_for()
    assert at_work.count()
    # PyTorch is the workers' alone.
    assert not loads_pytorch(server.process)
    assert any(map(loads_pytorch, workers_of(server.process)))

    # A worker that is killed is one sentence, and the next one predicts.
    for worker in workers_of(server.process):
        worker.kill()
    other.get_by_text("most likely because memory ran out").first.wait_for()
    predict_long(other, server.url, 900).wait_for()

    # What it had to do is left.
    other.close()
    wait_until(lambda: all(one.cpu_percent(0.5) < 5 for one in workers_of(server.process)))


def loads_pytorch(process):
    return any(Path(one.path).name.startswith("libtorch") for one in process.memory_maps())


def test_the_server_ends_within_seconds_though_a_page_and_an_upload_are_open(fresh, offline):
    url, server = fresh.url, fresh.process
    page, _ = offline
    page.goto(url)
    page.get_by_text("Look at it in 3D").wait_for()
    workers = workers_of(server)
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as upload:
        # A request whose end never comes.
        upload.sendall(
            b"PUT /_stcore/upload_file/a/b HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"
        )
        mine = upload.getsockname()
        wait_until(lambda: mine in [other.raddr for other in server.net_connections("tcp")])
        started = time.monotonic()
        server.send_signal(signal.SIGTERM)
        server.wait(60)
        assert time.monotonic() - started < 8
    psutil.wait_procs(workers, 10)
    assert workers and not any(one.is_running() for one in workers)
