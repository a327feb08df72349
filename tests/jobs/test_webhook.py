"""The message of a run's end, and where it doesn't go."""

import dataclasses
import http.server
import threading

import pytest

from distmat.jobs import webhook
from distmat.jobs.states import State
from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig


@pytest.fixture
def run(tmp_path):
    with RunStore(tmp_path) as store:
        made = store.add(TrainingConfig(), name="fast")
        store.change_state(made.id, State.STARTING)
        store.change_state(made.id, State.FAILED, cause="The loss became NaN.")
        yield store.get(made.id)


def test_the_message_says_what_happened(run):
    said = webhook.message(run)
    assert said["event"] == "failed" and said["run"]["id"] == run.id
    assert said["text"] == f"fast ({run.id}) has failed: The loss became NaN."
    finished = dataclasses.replace(run, state=State.FINISHED, cause="")
    assert webhook.message(finished)["text"].endswith("has finished.")


def test_an_address_that_sends_elsewhere_is_not_followed(run, tmp_path):
    asked = []

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(self.path)
            self.send_response(302)
            self.send_header("Location", "/elsewhere" if self.path == "/" else "file:///etc/passwd")
            self.end_headers()

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        for path in ("/", "/file"):
            assert not webhook.post(dataclasses.replace(run, webhook=address + path))
        server.shutdown()
        thread.join()
    assert asked == ["/", "/file"]


def test_nobody_at_home_is_no_error(run):
    assert not webhook.post(dataclasses.replace(run, webhook="http://127.0.0.1:9/"))
