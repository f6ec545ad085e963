"""Refusing before the body is read, where the queue is full."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import structlog
from tests.doubles import FakeNextTokenEngine
from tests.polling import until
from tests.wheel_serving import core_over, wheel_client

COMPLETIONS, SESSIONS = "/v1/completions", "/api/v1/sessions"
UNREADABLE = b"{"


@pytest.fixture
def engine() -> Iterator[FakeNextTokenEngine]:
    engine = FakeNextTokenEngine(max_batch=1)
    yield engine
    engine.gate.set()


@asynccontextmanager
async def full(directory: Path, engine: FakeNextTokenEngine, *names: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a process of these models, the first of which has a request in its batch and one in its queue."""
    core = core_over(directory, engine, *names, QUEUE_LIMIT="1")
    async with wheel_client(core) as client:
        engine.gate.clear()
        engine.entered.clear()
        held = [asyncio.create_task(_complete(client))]
        await until(engine.entered.is_set)
        held.append(asyncio.create_task(_complete(client)))
        await until(lambda: core.registry.states()[names[0]].queue_depth == 1)
        yield client
        engine.gate.set()
        assert [reply.status_code for reply in await asyncio.gather(*held)] == [200, 200]
        assert (await _complete(client)).status_code == 200


async def _complete(client: httpx.AsyncClient, model: str = "tiny") -> httpx.Response:
    return await client.post(COMPLETIONS, json={"prompt": "the cat", "max_tokens": 1, "model": model})


async def test_a_full_queue_refuses_before_the_body_is_read(tmp_path: Path, engine: FakeNextTokenEngine) -> None:
    """Even a body that is no JSON gets the 429 of its API, with Retry-After, and not a word on the JSON."""
    async with full(tmp_path, engine, "tiny") as client:
        completion = await client.post(COMPLETIONS, content=UNREADABLE)
        session = await client.post(SESSIONS, content=UNREADABLE)
    assert [completion.status_code, session.status_code] == [429, 429]
    assert completion.json()["error"]["type"] == "rate_limit_error"
    assert session.headers["content-type"] == "application/problem+json"
    assert session.json()["detail"] == "the queue of model 'tiny' is full: 1 requests wait"
    assert all(int(reply.headers["retry-after"]) >= 1 for reply in (completion, session))


async def test_an_early_refusal_is_counted_like_a_late_one(tmp_path: Path, engine: FakeNextTokenEngine) -> None:
    """Under its route, and as a refusal of the model."""
    async with full(tmp_path, engine, "tiny") as client:
        await client.post(COMPLETIONS, content=UNREADABLE)
        metrics = (await client.get("/metrics")).text
    assert (
        'http_request_duration_seconds_count{method="POST",model="",route="/v1/completions",status="429"} 1.0'
        in metrics
    )
    assert 'model_refusals_total{model="tiny"} 1.0' in metrics


async def test_refusals_are_no_lines_of_their_own(tmp_path: Path, engine: FakeNextTokenEngine) -> None:
    """They come in floods; that the queue is full is told once."""
    with structlog.testing.capture_logs() as log:
        async with full(tmp_path, engine, "tiny") as client:
            for _ in range(10):
                await client.post(COMPLETIONS, content=UNREADABLE)
    told = [line for line in log if line["log_level"] != "debug"]
    assert [line["event"] for line in told if line["event"] == "queue_full"] == ["queue_full"]
    assert 429 not in [line.get("status") for line in told]


async def test_while_a_model_has_room_bodies_are_read(tmp_path: Path, engine: FakeNextTokenEngine) -> None:
    """The body may name that model; where it names the full one, that one's queue refuses."""
    async with full(tmp_path, engine, "tiny", "other") as client:
        assert (await client.post(COMPLETIONS, content=UNREADABLE)).status_code == 400
        refused = await _complete(client, "tiny")
        assert refused.status_code == 429
        assert "model 'tiny'" in json.loads(refused.content)["error"]["message"]


async def test_what_needs_no_queue_is_not_refused(tmp_path: Path, engine: FakeNextTokenEngine) -> None:
    """Lists, probes and sessions that are only shown answer however full the queue is."""
    async with full(tmp_path, engine, "tiny") as client:
        assert (await client.get("/v1/models")).status_code == 200
        assert (await client.get("/readyz")).status_code == 200
        assert (await client.get(f"{SESSIONS}/none")).status_code == 404
