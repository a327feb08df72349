"""What the server alone costs: many sessions that speak its protocol, without a browser.

Each is a websocket that asks for pages as a browser does and reads what it is sent, unread; so the
server's own work is measured, which headless browsers on the same cores hide.
"""

import asyncio
import random
import time
from dataclasses import dataclass, field

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect

LETTERS = "ACDEFGHIKLMNPQRSTVWY"


@dataclass
class Found:
    """What came of it, by kind of action: seconds and bytes of each; and of the server, in time."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    sent: dict[str, list[int]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    memory: list[tuple[float, int]] = field(default_factory=list)
    processor: list[tuple[float, float]] = field(default_factory=list)
    long: list[float] = field(default_factory=list)


class Session:
    """One person's connection."""

    def __init__(self, address: str, found: Found) -> None:
        self._address, self._found = address, found
        self._known: set[str] = set()
        self._script, self._explorer = "", ""

    async def __aenter__(self) -> "Session":
        host = self._address.removeprefix("http://")
        self._socket = await connect(
            f"ws://{host}/_stcore/stream",
            subprotocols=["streamlit"],
            origin=self._address,
            max_size=None,
            compression=None,
            open_timeout=60,
        )
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._socket.close()

    async def run(self, kind: str, page: str, query: str = "", explorer: bool = False) -> str:
        """Ask for a page, or for its explorer alone, and wait until it is all there."""
        asked = BackMsg()
        if explorer:
            asked.rerun_script.fragment_id = self._explorer
            asked.rerun_script.page_script_hash = self._script
        asked.rerun_script.page_name = page
        asked.rerun_script.query_string = query
        # What a browser still has isn't sent to it again.
        asked.rerun_script.cached_message_hashes.extend(self._known)
        started, size, words = time.monotonic(), 0, []
        await self._socket.send(asked.SerializeToString())
        while True:
            content = await asyncio.wait_for(self._socket.recv(), 180)
            size += len(content)
            message = ForwardMsg.FromString(content)
            if message.metadata.cacheable:
                self._known.add(message.hash)
            if message.WhichOneof("type") == "script_finished":
                if message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    break
            elif message.WhichOneof("type") == "new_session":
                self._script = message.new_session.page_script_hash
            elif message.WhichOneof("type") == "delta":
                element = message.delta.new_element
                if element.WhichOneof("type") == "bidi_component":
                    self._explorer = message.delta.fragment_id
                words.append(element.heading.body or element.markdown.body or element.alert.body)
                if element.WhichOneof("type") == "exception":
                    self._found.errors.append(f"{kind}: {element.exception.message[:100]}")
        self._found.seconds.setdefault(kind, []).append(time.monotonic() - started)
        self._found.sent.setdefault(kind, []).append(size)
        text = " ".join(words)
        if "fault of the program" in text:
            self._found.errors.append(f"{kind}: a fault of the program")
        return text


async def person(address: str, until: float, keys: list[str], found: Found) -> None:
    """Opens an example, presses something there a few times, and looks at other pages."""
    try:
        while time.monotonic() < until:
            async with Session(address, found) as session:
                key = random.choice(keys)
                words = await session.run("open an example", "predict", f"example={key}")
                if "Map and structure" not in words:
                    found.errors.append(f"{key}: not shown")
                for _ in range(3):
                    await asyncio.sleep(random.uniform(1, 5))
                    await session.run("press something there", "predict", f"example={key}")
                    await asyncio.sleep(random.uniform(1, 5))
                    await session.run("look about in the explorer", "predict", explorer=True)
                for page in ("runs", "data", ""):
                    await asyncio.sleep(random.uniform(1, 5))
                    await session.run(f"open {page or 'home'}", page)
    # Whatever it is, it is what a person would have met.
    except Exception as error:
        found.errors.append(f"{type(error).__name__}: {error}".splitlines()[0][:150])


async def long_chains(address: str, until: float, residues: int, found: Found) -> None:
    """Somebody who predicts long chains, another sequence each time."""
    while time.monotonic() < until:
        sequence = "".join(random.choices(LETTERS, k=residues))
        async with Session(address, Found()) as session:
            started = time.monotonic()
            await session.run("long", "predict", f"seq={sequence}&name=long")
            found.long.append(time.monotonic() - started)
