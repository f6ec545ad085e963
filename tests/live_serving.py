"""Live transcription on a real server of this process, as the command starts it, and a client of its protocol."""

import contextlib
import json
import signal
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import numpy as np
from fastapi import FastAPI
from tests.asr_serving import FakeSpeechServing, asr_app
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from coldstart.apps.serving import DrainingServer, config_of
from coldstart.domain.audio import SPEECH_RATE_HZ
from coldstart.runtime.core import Core

PATH = "/v1/audio/transcriptions/live"


class LiveServer:
    """A server that drains, and where it is."""

    def __init__(self, server: DrainingServer, thread: threading.Thread, port: int) -> None:
        self._server = server
        self._thread = thread
        self.url = f"ws://127.0.0.1:{port}{PATH}"
        self.http = f"http://127.0.0.1:{port}"

    def sigterm(self) -> None:
        """As the signal's handler does."""
        self._server.handle_exit(signal.SIGTERM, None)

    def wait_ended(self) -> None:
        """Until it has answered and closed everything."""
        self._thread.join(30)
        assert not self._thread.is_alive()


@contextlib.contextmanager
def live_served(core: Core, fakes: FakeSpeechServing) -> Iterator[LiveServer]:
    """The application over fake models, on a free port, once it is ready; ended at the end."""
    core.registry.start()
    assert core.registry.wait_settled(10)
    fakes.transcriber.calls.clear()
    with served_draining(core, asr_app(core, fakes)) as served:
        try:
            yield served
        finally:
            fakes.open_gates()


@contextlib.contextmanager
def served_draining(core: Core, app: FastAPI) -> Iterator[LiveServer]:
    """Any application on a free port, with a server as the command starts it; ended at the end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = DrainingServer(config_of(app), core)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        served = LiveServer(server, thread, listener.getsockname()[1])
        try:
            yield served
        finally:
            served.sigterm()
            served.sigterm()
            served.wait_ended()


class LiveClient:
    """One session."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def start(self, **options: Any) -> dict[str, Any]:
        """Begin; what the server says to it."""
        await self.connection.send(json.dumps({"type": "start", **options}))
        return await self.event()

    async def say(self, *stretches: tuple[int, float]) -> None:
        """Send sound of these numbers, 0 for silence, each for so many seconds, in pieces of 0.1 s."""
        sound = pcm(*stretches)
        for begin in range(0, len(sound), 3200):
            await self.connection.send(sound[begin : begin + 3200])

    async def end(self) -> None:
        """No more sound."""
        await self.connection.send('{"type": "end"}')

    async def event(self) -> dict[str, Any]:
        """The next event."""
        return dict(json.loads(await self.connection.recv()))

    async def rest(self) -> tuple[list[dict[str, Any]], int]:
        """All events up to the close, and its code."""
        events = []
        try:
            while True:
                events.append(await self.event())
        except ConnectionClosed:
            assert self.connection.close_code is not None
            return events, self.connection.close_code


@contextlib.asynccontextmanager
async def live_client(server: LiveServer, **headers: str) -> AsyncIterator[LiveClient]:
    """A connection that was accepted."""
    async with connect(server.url, additional_headers=headers, proxy=None, max_queue=None) as connection:
        yield LiveClient(connection)


def pcm(*stretches: tuple[int, float]) -> bytes:
    """As `LiveClient.say` sends it. The value n / 1000 of a fake sound is not one of 16 bits, but rounds to it."""
    return b"".join(
        np.full(round(seconds * SPEECH_RATE_HZ), round(number / 1000 * 2**15), "<i2").tobytes()
        for number, seconds in stretches
    )
