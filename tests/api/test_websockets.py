"""What happens around every WebSocket: ids, logs, metrics, errors, and the gate at shutdown."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from fastapi import APIRouter, FastAPI, WebSocket
from starlette.types import Message
from tests.doubles import FakeNextTokenEngine
from tests.polling import until
from tests.wheel_serving import core_over, wheel_app

from coldstart.api.app import create_app
from coldstart.apps.serving import config_of
from coldstart.domain.errors import Overloaded
from coldstart.runtime.core import Core


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    core = core_over(tmp_path, FakeNextTokenEngine(), "alpha")
    yield core
    core.registry.close(5)


@pytest.fixture
def app(core: Core) -> FastAPI:
    router = APIRouter()

    @router.websocket("/echo/{name}")
    async def echo(websocket: WebSocket, name: str) -> None:
        await websocket.accept()
        async for text in websocket.iter_text():
            await websocket.send_text(text)

    @router.websocket("/full")
    async def full(websocket: WebSocket) -> None:
        raise Overloaded("there is no room", retry_after_s=7)

    @router.websocket("/broken/{when}")
    async def broken(websocket: WebSocket, when: str) -> None:
        if when == "after":
            await websocket.accept()
        raise RuntimeError("a secret text")

    return create_app(core, routers=[router])


class Client:
    """The server's side of one WebSocket."""

    def __init__(self, app: FastAPI, path: str, **headers: str) -> None:
        self.sent: list[Message] = []
        self._incoming: asyncio.Queue[Message] = asyncio.Queue()
        self.put({"type": "websocket.connect"})
        scope: dict[str, Any] = {
            "type": "websocket",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "subprotocols": [],
            "extensions": {"websocket.http.response": {}},
        }
        self.task = asyncio.ensure_future(app(scope, self._incoming.get, self._send))

    def put(self, message: Message) -> None:
        """Have the application receive it."""
        self._incoming.put_nowait(message)

    def leave(self, code: int) -> None:
        """Close from the client's side."""
        self.put({"type": "websocket.disconnect", "code": code})

    async def _send(self, message: Message) -> None:
        self.sent.append(message)

    @property
    def types(self) -> list[str]:
        return [message["type"] for message in self.sent]

    def headers(self) -> Mapping[str, str]:
        """Of the answer to the handshake."""
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}


async def metrics(app: FastAPI) -> str:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as client:
        return (await client.get("/metrics")).text


async def test_an_accepted_websocket_carries_its_request_id(app: FastAPI) -> None:
    """The caller's own where that is sane."""
    client = Client(app, "/echo/a", **{"x-request-id": "trace-1"})
    client.leave(1000)
    await client.task
    assert client.headers()["x-request-id"] == "trace-1"


async def test_a_refusal_is_a_reply_from_the_one_table(app: FastAPI) -> None:
    """Status, Retry-After and the problem document, as for any request."""
    client = Client(app, "/full")
    await client.task
    assert client.types == ["websocket.http.response.start", "websocket.http.response.body"]
    assert client.sent[0]["status"] == 429
    assert client.headers()["retry-after"] == "7"
    assert len(client.headers()["x-request-id"]) == 32
    assert b"there is no room" in client.sent[1]["body"]


async def test_an_error_before_the_handshake_is_500_and_after_it_a_close(app: FastAPI) -> None:
    """Neither tells what it was; the log does."""
    with structlog.testing.capture_logs() as log:
        before, after = Client(app, "/broken/before"), Client(app, "/broken/after")
        await asyncio.gather(before.task, after.task)
    assert before.sent[0]["status"] == 500
    assert b"secret" not in before.sent[1]["body"]
    assert [message["type"] for message in after.sent] == ["websocket.accept", "websocket.close"]
    assert after.sent[1]["code"] == 1011
    assert [line["event"] for line in log].count("internal_error") == 2


async def test_a_websocket_is_in_flight_until_it_is_over(app: FastAPI, core: Core) -> None:
    """So that a drain waits for it; then it counts by its route and close code, and is one line of the log."""
    with structlog.testing.capture_logs() as log:
        client = Client(app, "/echo/private-name")
        await until(lambda: core.lifecycle.in_flight == 1)
        assert "http_requests_in_flight 2.0" in await metrics(app)
        client.leave(1001)
        await client.task
    assert core.lifecycle.in_flight == 0
    assert 'websocket_closes_total{code="1001",route="/echo/{name}"} 1.0' in await metrics(app)
    line = next(line for line in log if line["event"] == "websocket")
    assert (line["route"], line["close_code"]) == ("/echo/{name}", 1001)
    assert "private-name" not in repr(log)


async def test_close_codes_that_clients_invent_are_one(app: FastAPI) -> None:
    """Or anybody could fill the metrics."""
    for code in (3000, 4999):
        client = Client(app, "/echo/a")
        client.leave(code)
        await client.task
    assert 'websocket_closes_total{code="other",route="/echo/{name}"} 2.0' in await metrics(app)


async def test_shutdown_lets_no_websocket_in(app: FastAPI, core: Core) -> None:
    """503 and Retry-After; those that are open go on."""
    opened = Client(app, "/echo/a")
    await until(lambda: core.lifecycle.in_flight == 1)
    core.lifecycle.begin_shutdown()
    refused = Client(app, "/echo/b")
    await refused.task
    assert (refused.sent[0]["status"], refused.headers()["retry-after"]) == (503, "1")
    opened.put({"type": "websocket.receive", "text": "still there"})
    await until(lambda: len(opened.sent) == 2)
    opened.leave(1000)
    await opened.task
    assert opened.sent[1]["text"] == "still there"


async def test_an_unknown_path_is_refused(app: FastAPI) -> None:
    """And counts as such."""
    client = Client(app, "/nowhere")
    await client.task
    assert client.types == ["websocket.close"]
    assert (
        'http_request_duration_seconds_count{method="GET",model="",route="unmatched",status="403"} 1.0'
        in await metrics(app)
    )


def test_the_library_is_only_needed_where_a_route_takes_websockets(app: FastAPI, core: Core) -> None:
    """The wheel's image has none."""
    assert config_of(app).ws == "websockets-sansio"
    assert config_of(wheel_app(core)).ws == "none"
