"""A request whose client left does not run: plain JSON routes on a real server, and the middleware by itself."""

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from tests.doubles import FakeNextTokenEngine
from tests.polling import until
from tests.wheel_serving import core_over, served

from coldstart.api.bodies import BoundedRequest
from coldstart.runtime.core import Core

SCOPE: Scope = {"type": "http", "headers": [], "path": "/"}


@pytest.fixture
def engine() -> Iterator[FakeNextTokenEngine]:
    engine = FakeNextTokenEngine(max_batch=1)
    yield engine
    engine.gate.set()


@pytest.fixture
def core(tmp_path: Path, engine: FakeNextTokenEngine) -> Core:
    return core_over(tmp_path, engine, "alpha")


def post(address: str, prompt: str) -> socket.socket:
    """Send a request by hand, so that the connection can be dropped at will."""
    host, port = address.removeprefix("http://").split(":")
    body = json.dumps({"prompt": prompt}).encode()
    head = f"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    connection = socket.create_connection((host, int(port)), timeout=10)
    connection.sendall(head.encode() + b"\r\n\r\n" + body)
    return connection


async def test_a_request_whose_client_left_never_runs(core: Core, engine: FakeNextTokenEngine) -> None:
    """It leaves the queue as soon as the connection is gone; others are served as if it had never been."""
    with served(core) as address:
        scheduler = core.registry.get("alpha").scheduler
        engine.calls.clear()
        engine.gate.clear()
        first = post(address, "A")
        await until(lambda: scheduler.active == 1)
        leaver, stayer = post(address, "B"), post(address, "C")
        await until(lambda: scheduler.depth == 2)
        leaver.close()
        await until(lambda: scheduler.depth == 1)
        engine.gate.set()
        for connection in (first, stayer):
            assert (await asyncio.to_thread(connection.recv, 100)).startswith(b"HTTP/1.1 201")
            connection.close()
        assert [request.token_ids for call in engine.calls for request in call] == [(65,), (67,)]


async def test_a_client_that_leaves_in_the_batch_frees_its_place(core: Core, engine: FakeNextTokenEngine) -> None:
    """A prefill of many calls ends with the call during which its client left."""
    with served(core) as address:
        scheduler = core.registry.get("alpha").scheduler
        engine.steps = 1000
        engine.gate.clear()
        leaver = post(address, "A")
        await until(lambda: scheduler.active == 1)
        leaver.close()
        await until(lambda: core.lifecycle.in_flight == 0)
        engine.gate.set()
        await until(lambda: scheduler.active == 0)
        assert len(engine.calls) < 1000


class Client:
    """The server's side of one exchange: what is received, then the client's leaving when the test says so."""

    def __init__(self, *bodies: bytes) -> None:
        self.messages: list[Message] = [
            {"type": "http.request", "body": body, "more_body": i < len(bodies) - 1} for i, body in enumerate(bodies)
        ]
        self.left = asyncio.Event()
        self.sent: list[Message] = []

    async def receive(self) -> Message:
        if self.messages:
            return self.messages.pop(0)
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def exchange(self, app: ASGIApp) -> None:
        await BoundedRequest(app, 100)(SCOPE, self.receive, self.send)


async def test_the_application_gets_the_whole_body_at_once() -> None:
    """However many pieces it came in."""
    client = Client(b"ab", b"cd", b"")
    received: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        received.append(await receive())

    await client.exchange(app)
    assert received == [{"type": "http.request", "body": b"abcd", "more_body": False}]


async def test_the_application_is_cancelled_when_the_client_leaves() -> None:
    """And the exchange is over without an error, for nobody is there to be told."""
    client, begun, cancelled = Client(b""), asyncio.Event(), asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    exchange = asyncio.create_task(client.exchange(app))
    await begun.wait()
    client.left.set()
    await exchange
    assert cancelled.is_set()


async def test_what_follows_a_complete_answer_is_not_cancelled() -> None:
    """Servers report a disconnect after the answer; background work may then still be under way."""
    client = Client(b"")
    finished: list[bool] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.body", "body": b"answer"})
        client.left.set()
        assert (await receive())["type"] == "http.disconnect"
        finished.append(True)

    await client.exchange(app)
    assert finished == [True]


async def test_a_client_that_leaves_before_its_body_ends_runs_nothing() -> None:
    """Half a request is none."""
    client = Client(b"half", b"rest")
    called: list[bool] = []
    client.messages.pop()
    client.left.set()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        called.append(True)

    await client.exchange(app)
    assert called == []


async def test_the_servers_own_cancellation_reaches_the_application() -> None:
    """At the end of the shutdown's grace the server cancels what is left."""
    client, begun, cancelled = Client(b""), asyncio.Event(), asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    exchange = asyncio.create_task(client.exchange(app))
    await begun.wait()
    exchange.cancel()
    with pytest.raises(asyncio.CancelledError):
        await exchange
    await cancelled.wait()


async def test_an_error_of_the_application_comes_through() -> None:
    """The boundary outside answers it."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await Client(b"").exchange(app)
