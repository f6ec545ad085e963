"""Forms with a file: read in memory, within limits that are the route's own."""

import asyncio
import tempfile
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, NoReturn, cast

import httpx
import pytest
from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute
from starlette.types import Message, Receive, Scope, Send
from tests.doubles import FakeNextTokenEngine
from tests.polling import until
from tests.wheel_serving import core_over

from coldstart.api.app import create_app
from coldstart.api.bodies import BoundedRequest, Uploads, streams_its_body, takes_sound_files
from coldstart.api.dependencies import service_of
from coldstart.api.uploads import read_upload, stream_upload
from coldstart.domain.errors import PayloadTooLarge
from coldstart.runtime.budget import Budget

FILE_LIMIT, BODY_LIMIT, HELD_LIMIT = 3_000_000, 10_000, 5_000_000
_FORM = {"content-type": "multipart/form-data; boundary=b"}


class Gate(asyncio.Event):
    """What the route waits for, and how many wait."""

    waiting = 0

    async def passed(self) -> None:
        self.waiting += 1
        await self.wait()
        self.waiting -= 1


GateOf = Annotated[Gate, Depends(service_of(Gate))]


class SlowDisk:
    """Takes the first piece of a file and is not done with it before it is let go."""

    def __init__(self) -> None:
        self.entered, self.let_go = threading.Event(), threading.Event()
        self.events: list[str] = []

    def write(self, data: bytes) -> None:
        self.entered.set()
        self.let_go.wait(30)
        self.events.append("written")

    def close(self) -> None:
        self.events.append("closed")


SlowDiskOf = Annotated[SlowDisk, Depends(service_of(SlowDisk))]


def routes() -> APIRouter:
    router = APIRouter()

    @router.post("/sounds")
    @router.post("/v1/sounds")
    @takes_sound_files
    async def take(request: Request, gate: GateOf) -> dict[str, Any]:
        upload = await read_upload(request)
        await gate.passed()
        return {"size": len(upload.data), "begin": upload.data[:4].decode(), "fields": dict(upload.fields)}

    @router.post("/streams")
    @streams_its_body
    async def stream(request: Request, disk: SlowDiskOf) -> None:
        try:
            await stream_upload(request, disk.write)
        finally:
            disk.close()

    @router.post("/texts")
    async def take_text(request: Request) -> int:
        return len(await request.body())

    return router


@pytest.fixture
def gate() -> Gate:
    gate = Gate()
    gate.set()
    return gate


@pytest.fixture
def disk() -> SlowDisk:
    return SlowDisk()


@pytest.fixture
async def client(tmp_path: Path, gate: Gate, disk: SlowDisk) -> AsyncIterator[httpx.AsyncClient]:
    limits = {"AUDIO_MAX_BYTES": FILE_LIMIT, "MAX_BODY_BYTES": BODY_LIMIT, "UPLOADS_MAX_BYTES": HELD_LIMIT}
    core = core_over(tmp_path, FakeNextTokenEngine(), "alpha", **{name: str(value) for name, value in limits.items()})
    transport = httpx.ASGITransport(create_app(core, routers=[routes()], services={Gate: gate, SlowDisk: disk}))
    async with httpx.AsyncClient(transport=transport, base_url="http://uploads") as client:
        yield client


def form_of(size: int, name: str = "any.wav") -> dict[str, Any]:
    return {"file": (name, b"RIFF" + bytes(size - 4))}


async def test_a_form_is_its_file_and_its_fields(client: httpx.AsyncClient) -> None:
    """A field may come several times; a file's name may be anything."""
    data = {"model": "tiny", "timestamp_granularities[]": ["word", "segment"], "prompt": "ä"}
    reply = await client.post("/sounds", files=form_of(1000, "ü 'x'.exe"), data=data)
    assert reply.json() == {
        "size": 1000,
        "begin": "RIFF",
        "fields": {"model": ["tiny"], "timestamp_granularities[]": ["word", "segment"], "prompt": ["ä"]},
    }


async def test_nothing_is_closed_while_a_piece_of_a_file_is_written(client: httpx.AsyncClient, disk: SlowDisk) -> None:
    """Not even where the request is cancelled: what is opened next could get the piece."""
    request = asyncio.create_task(client.post("/streams", files=form_of(1000)))
    await asyncio.to_thread(disk.entered.wait, 30)
    request.cancel()
    await asyncio.wait((request,), timeout=0.05)
    assert disk.events == []
    disk.let_go.set()
    await until(lambda: len(disk.events) == 2)
    assert disk.events == ["written", "closed"]


async def test_a_large_file_stays_in_memory(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file is made, for a container's disk may be read-only."""

    def no_disk(**_: object) -> NoReturn:
        raise OSError("read-only")

    monkeypatch.setattr(tempfile, "TemporaryFile", no_disk)
    reply = await client.post("/sounds", files=form_of(FILE_LIMIT))
    assert reply.json()["size"] == FILE_LIMIT


async def test_a_file_may_be_larger_than_other_bodies(client: httpx.AsyncClient) -> None:
    """Only where a route is marked."""
    assert (await client.post("/sounds", files=form_of(BODY_LIMIT * 2))).status_code == 200
    reply = await client.post("/texts", files=form_of(BODY_LIMIT * 2))
    assert reply.status_code == 413
    size = reply.request.headers["content-length"]
    assert reply.json()["detail"] == f"the request body has {size} bytes; at most {BODY_LIMIT} are taken"


async def test_a_file_that_is_too_large(client: httpx.AsyncClient) -> None:
    """413 with the file's size, as long as the body could be read."""
    reply = await client.post("/sounds", files=form_of(FILE_LIMIT + 1))
    assert reply.status_code == 413
    assert reply.json()["detail"] == f"the file has {FILE_LIMIT + 1} bytes; at most {FILE_LIMIT} are taken"


async def test_a_body_that_is_too_large_for_a_file(client: httpx.AsyncClient) -> None:
    """413 by its declared length, before it is read; or when the bytes are there, and with their number."""
    limit = FILE_LIMIT + BODY_LIMIT
    reply = await client.post("/v1/sounds", files=form_of(limit))
    size = reply.request.headers["content-length"]
    assert reply.status_code == 413
    assert reply.json()["error"]["message"] == f"the request body has {size} bytes; at most {limit} are taken"

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(4):
            yield bytes(limit // 3)

    reply = await client.post("/v1/sounds", content=chunks(), headers=_FORM)
    assert reply.status_code == 413
    met = limit // 3 * 4
    assert reply.json()["error"]["message"] == f"the request body has at least {met} bytes; at most {limit} are taken"


@pytest.mark.parametrize(
    ("body", "headers", "message"),
    [
        (b"{}", {"content-type": "application/json"}, "the request body is application/json; multipart/form-data"),
        (b"RIFF", {}, "the request body is of no declared type; multipart/form-data"),
        (b"a=b", {"content-type": "application/x-www-form-urlencoded"}, "is application/x-www-form-urlencoded; multip"),
        (b"--b--", {"content-type": "multipart/form-data"}, "the form cannot be read: Missing boundary"),
        (b"", _FORM, "the form cannot be read: Its last boundary"),
        (b"no form", _FORM, "the form cannot be read: Invalid multipart data"),
        (
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nRIFF',
            _FORM,
            "the form cannot be read: Its last boundary",
        ),
        (b"--b\r\n\r\nRIFF\r\n--b--\r\n", _FORM, "the form cannot be read: The Content-Disposition"),
    ],
)
async def test_a_body_that_is_no_whole_form(
    client: httpx.AsyncClient, body: bytes, headers: dict[str, str], message: str
) -> None:
    """422 (OpenAI: 400), with what was met."""
    reply = await client.post("/sounds", content=body, headers=headers)
    assert reply.status_code == 422
    assert message in reply.json()["detail"]
    assert (await client.post("/v1/sounds", content=body, headers=headers)).status_code == 400


async def test_a_form_without_its_file(client: httpx.AsyncClient) -> None:
    """The error names the field, in OpenAI's form as `param`."""
    for form in ({"files": {"sound": b"RIFF"}}, {"files": {"x": b""}, "data": {"file": "RIFF"}}):
        reply = await client.post("/v1/sounds", **form)
        assert reply.status_code == 400
        assert reply.json()["error"]["param"] == "file"


async def test_forms_are_bounded(client: httpx.AsyncClient) -> None:
    """Files, fields, and the size of each field."""
    two = [("file", b"RIFF"), ("file", b"RIFF")]
    for form in (
        {"files": two},
        {"files": form_of(10), "data": {f"f{n}": "" for n in range(100)}},
        {"files": form_of(10), "data": {"prompt": "x" * 100_000}},
    ):
        reply = await client.post("/sounds", **form)
        assert reply.status_code == 422
        assert "the form cannot be read: " in reply.json()["detail"]


async def test_a_text_that_is_not_in_its_character_set(client: httpx.AsyncClient) -> None:
    """Whatever character set a form declares, it is no internal error."""
    body = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n\xff\xfe\x80\r\n--b--\r\n'
    for charset in ("utf-8", "idna", "punycode", "utf-16", "zlib", "no-such"):
        headers = {"content-type": f"multipart/form-data; boundary=b; charset={charset}"}
        assert (await client.post("/sounds", content=body, headers=headers)).status_code == 422


async def test_uploads_at_one_time_are_bounded_together(client: httpx.AsyncClient, gate: Gate) -> None:
    """What would go beyond gets 429 with Retry-After; when one is answered, there is room again."""
    gate.clear()
    first = asyncio.create_task(client.post("/sounds", files=form_of(FILE_LIMIT)))
    await until(lambda: gate.waiting == 1)
    refused = await client.post("/v1/sounds", files=form_of(FILE_LIMIT))
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    assert f"of {HELD_LIMIT} at most" in refused.json()["error"]["message"]
    assert 'method="POST",model="",route="/v1/sounds",status="429"} 1.0' in (await client.get("/metrics")).text
    small = asyncio.create_task(client.post("/sounds", files=form_of(1000)))
    await until(lambda: gate.waiting == 2)
    gate.set()
    assert [reply.status_code for reply in await asyncio.gather(first, small)] == [200, 200]
    assert (await client.post("/sounds", files=form_of(FILE_LIMIT))).status_code == 200


async def test_an_upload_that_is_broken_off_frees_its_room() -> None:
    """Whether the client leaves or the body becomes too large."""
    held, router = Budget(1000, unit="bytes"), routes()
    uploads = Uploads({("POST", "/sounds"): cast(APIRoute, router.routes[0])}, 500, held)
    pieces: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError

    async def receive() -> Message:
        return pieces.pop(0) if pieces else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        raise AssertionError

    scope = {"type": "http", "method": "POST", "path": "/sounds", "headers": []}
    bounded = BoundedRequest(app, 100, uploads)
    pieces = [{"type": "http.request", "body": bytes(400), "more_body": True}]
    await bounded(scope, receive, send)
    assert held.used == 0
    pieces = [{"type": "http.request", "body": bytes(400), "more_body": True}] * 2
    with pytest.raises(PayloadTooLarge, match="at least 800 bytes; at most 500 are taken"):
        await bounded(scope, receive, send)
    assert held.used == 0
