"""What a live page asks for while it is being left."""

import re

import pytest
from playwright.sync_api import expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig

pytestmark = pytest.mark.xdist_group("browser")


class Channel:
    """Between browser and server: it can ask for the refresh that the page asked for last."""

    def __init__(self, route):
        self.begun, self.refresh = [], None
        """Pages that the server has begun to run; what the browser sent."""
        self._server, self._browser = route.connect_to_server(), route
        self._browser.on_message(self._ask)
        self._server.on_message(self._answer)

    def ask_again(self):
        self._server.send(self.refresh)

    def _ask(self, message):
        if BackMsg.FromString(message).rerun_script.is_auto_rerun:
            self.refresh = message
        self._server.send(message)

    def _answer(self, message):
        told = ForwardMsg.FromString(message)
        if told.WhichOneof("type") == "new_session":
            self.begun.append(told.new_session.page_script_hash)
        self._browser.send(message)


def test_a_late_refresh_of_a_live_page_does_not_empty_the_next_one(offline, fresh):
    page, _ = offline
    channels = []
    page.route_web_socket(re.compile("stream$"), lambda route: channels.append(Channel(route)))
    with RunStore(fresh.home) as store:
        store.pause(True)
        run = store.add(TrainingConfig(), name="waits")
    page.goto(f"{fresh.url}/runs?run={run.id}")
    page.get_by_role("button", name="Duplicate").wait_for()
    (channel,) = channels
    while channel.refresh is None:
        page.wait_for_timeout(50)
    left = channel.begun[-1]
    page.get_by_role("button", name="Duplicate").click()
    # As it happens to a browser that is told late.
    while channel.begun[-1] == left:
        channel.ask_again()
        page.wait_for_timeout(5)
    heard = len(channel.begun)
    rate = page.get_by_role("textbox", name="Learning rate", exact=True)
    rate.wait_for()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    rate.fill("0.0123")
    rate.press("Enter")
    text = page.get_by_role("textbox", name="The same as YAML")
    expect(text).to_have_value(re.compile("learning_rate: 0.0123"))
    assert left not in channel.begun[heard:]
