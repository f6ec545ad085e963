"""What happens around every request: ids, logs, metrics, and the gate at shutdown."""

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import structlog
from fastapi import APIRouter
from tests.doubles import FakeNextTokenEngine
from tests.polling import until
from tests.wheel_serving import core_over

from coldstart.api.app import create_app
from coldstart.runtime.core import Core
from coldstart.runtime.logs import configure_logs
from coldstart.runtime.settings import load_settings


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    core = core_over(tmp_path, FakeNextTokenEngine(), "alpha", BUILD_REVISION="abc123")
    yield core
    core.registry.close(5)


@pytest.fixture
def gate() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
async def client(core: Core, gate: asyncio.Event) -> AsyncIterator[httpx.AsyncClient]:
    router = APIRouter()

    @router.get("/items/{name}")
    async def item(name: str) -> str:
        return name

    @router.get("/held")
    async def held() -> str:
        await gate.wait()
        return "done"

    @router.get("/broken")
    async def broken() -> None:
        prompt = "a secret prompt"
        raise RuntimeError("broken while holding " + str(len(prompt)))

    transport = httpx.ASGITransport(create_app(core, routers=[router]))
    async with httpx.AsyncClient(transport=transport, base_url="http://middleware") as client:
        yield client


@pytest.fixture
def log_lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """The process's log as in production; the test runner's own handlers come back afterwards."""
    monkeypatch.setattr(logging.getLogger("httpx"), "disabled", True)
    root = logging.getLogger()
    before = (root.handlers, root.level)
    stream = io.StringIO()
    configure_logs(load_settings({"SERVICE_MODE": "wheel", "MODELS_MANIFEST": "/m"}), stream)
    yield stream
    root.handlers, level = before
    root.setLevel(level)
    structlog.reset_defaults()


async def test_a_sane_request_id_is_kept(client: httpx.AsyncClient) -> None:
    """A caller's id goes through, so that its traces and ours meet."""
    reply = await client.get("/livez", headers={"x-request-id": "trace-1/a:b"})
    assert reply.headers["x-request-id"] == "trace-1/a:b"


@pytest.mark.parametrize("asked", ["", "a b", "x" * 129, 'a"b', "é"])
async def test_any_other_request_id_is_replaced(client: httpx.AsyncClient, asked: str) -> None:
    """Ids go into logs and headers, so only plain short ones are taken."""
    reply = await client.get("/livez", headers={b"x-request-id": asked.encode()})
    assert reply.headers["x-request-id"] != asked
    assert len(reply.headers["x-request-id"]) == 32


async def test_each_request_has_an_id_of_its_own(client: httpx.AsyncClient) -> None:
    """Two requests are told apart."""
    first, second = await client.get("/livez"), await client.get("/livez")
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


async def test_a_request_is_one_json_line(client: httpx.AsyncClient, log_lines: io.StringIO) -> None:
    """Event, fields and the request id; the route's template and not the path."""
    await client.get("/items/private-name", headers={"x-request-id": "r-1"})
    line = json.loads(log_lines.getvalue())
    expected = {"event": "http_request", "route": "/items/{name}", "status": 200, "request_id": "r-1", "level": "info"}
    assert expected.items() <= line.items()
    assert "private-name" not in log_lines.getvalue()


async def test_probes_do_not_fill_the_log(client: httpx.AsyncClient, log_lines: io.StringIO) -> None:
    """They come every second and say nothing."""
    await client.get("/livez")
    assert log_lines.getvalue() == ""


async def test_a_traceback_shows_no_variables(client: httpx.AsyncClient, log_lines: io.StringIO) -> None:
    """Local variables hold prompts."""
    await client.get("/broken")
    error = next(line for line in map(json.loads, log_lines.getvalue().splitlines()) if line["level"] == "error")
    assert "RuntimeError: broken while holding 15" in error["exception"]
    assert "a secret prompt" not in log_lines.getvalue()


async def test_library_records_come_through_the_same_pipe(log_lines: io.StringIO) -> None:
    """uvicorn's warnings are JSON lines too."""
    logging.getLogger("uvicorn.error").warning("Invalid %s", "request")
    line = json.loads(log_lines.getvalue())
    assert (line["event"], line["level"], line["logger"]) == ("Invalid request", "warning", "uvicorn.error")


async def test_metrics_count_requests_by_route(client: httpx.AsyncClient) -> None:
    """Templates are labels; a path that leads nowhere is one label for all."""
    for path in ("/items/a", "/items/b", "/nowhere/1", "/nowhere/2"):
        await client.get(path)
    metrics = (await client.get("/metrics")).text
    assert (
        'http_request_duration_seconds_count{method="GET",model="",route="/items/{name}",status="200"} 2.0' in metrics
    )
    assert 'http_request_duration_seconds_count{method="GET",model="",route="unmatched",status="404"} 2.0' in metrics
    assert "/nowhere" not in metrics


async def test_metrics_tell_of_models_start_and_build(client: httpx.AsyncClient, core: Core) -> None:
    """Queue depth, refusals, phases, states, start to ready, and what was built."""
    core.registry.start()
    assert core.registry.wait_settled(10)
    core.timeline.mark("listening")
    metrics = (await client.get("/metrics")).text
    for line in (
        'model_queue_depth{model="alpha"} 0.0',
        'model_refusals_total{model="alpha"} 0.0',
        'model_state{model="alpha",state="ready"} 1.0',
        'model_state{model="alpha",state="failed"} 0.0',
        'model_load_seconds{model="alpha",phase="read"}',
        'model_load_seconds{model="alpha",phase="warmup"}',
        'coldstart_startup_seconds{phase="ready"}',
        "process_start_to_ready_seconds ",
        'coldstart_build_info{revision="abc123",version="',
        "process_resident_memory_bytes",
    ):
        assert line in metrics


async def test_in_flight_requests_are_counted(client: httpx.AsyncClient, core: Core, gate: asyncio.Event) -> None:
    """The held request and the one that asks."""
    held = asyncio.create_task(client.get("/held"))
    await until(lambda: core.lifecycle.in_flight == 1)
    assert "http_requests_in_flight 2.0" in (await client.get("/metrics")).text
    gate.set()
    assert (await held).json() == "done"
    assert "http_requests_in_flight 1.0" in (await client.get("/metrics")).text


async def test_two_applications_do_not_share_metrics(client: httpx.AsyncClient, core: Core) -> None:
    """Collectors belong to an application, so a second one can be made at all."""
    await client.get("/items/a")
    transport = httpx.ASGITransport(create_app(core))
    async with httpx.AsyncClient(transport=transport, base_url="http://other") as other:
        assert "/items" not in (await other.get("/metrics")).text


async def test_shutdown_lets_nothing_new_in(client: httpx.AsyncClient, core: Core, gate: asyncio.Event) -> None:
    """What has begun is finished; new requests get 503, Retry-After and a closed connection; probes answer."""
    held = asyncio.create_task(client.get("/held"))
    await until(lambda: core.lifecycle.in_flight == 1)
    core.lifecycle.begin_shutdown()
    refused = await client.get("/items/a")
    assert (refused.status_code, refused.headers["retry-after"], refused.headers["connection"]) == (503, "1", "close")
    assert refused.json()["detail"] == "the process is shutting down"
    assert (await client.get("/v1/models")).json()["error"]["type"] == "service_unavailable_error"
    assert (await client.get("/livez")).status_code == 200
    assert (await client.get("/metrics")).status_code == 200
    gate.set()
    assert (await held).json() == "done"
    assert core.lifecycle.in_flight == 0


@pytest.mark.parametrize(("profile", "status"), [("dev", 200), ("staging", 200), ("prod", 404)])
async def test_docs_are_for_development(tmp_path: Path, profile: str, status: int) -> None:
    """Production shows no docs and no schema."""
    core = core_over(tmp_path, FakeNextTokenEngine(), "alpha", PROFILE=profile)
    transport = httpx.ASGITransport(create_app(core))
    async with httpx.AsyncClient(transport=transport, base_url="http://docs") as client:
        assert (await client.get("/docs")).status_code == status
        assert (await client.get("/openapi.json")).status_code == status
