"""Probes and health through the whole life of a process."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from tests.doubles import FakeNextTokenEngine, write_manifest
from tests.polling import until
from tests.wheel_serving import core_over

from coldstart.api.app import create_app
from coldstart.domain.manifest import ModelEntry, load_manifest
from coldstart.runtime.core import Core
from coldstart.runtime.lifecycle import Lifecycle
from coldstart.runtime.models import AnyServedModel, ModelState
from coldstart.runtime.registry import ModelRegistry
from coldstart.runtime.settings import load_settings
from coldstart.runtime.timeline import StartupTimeline

READY_PATHS = ["/readyz", "/ready", "/v2/health/ready"]
LIVE_PATHS = ["/livez", "/healthz", "/v2/health/live"]


@pytest.fixture
def engine() -> Iterator[FakeNextTokenEngine]:
    engine = FakeNextTokenEngine()
    yield engine
    engine.gate.set()


@pytest.fixture
def core(tmp_path: Path, engine: FakeNextTokenEngine) -> Iterator[Core]:
    core = core_over(tmp_path, engine, "alpha", "beta")
    yield core
    engine.gate.set()
    core.registry.close(5)


@asynccontextmanager
async def client_of(core: Core) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(create_app(core)), base_url="http://probes") as client:
        yield client


async def test_liveness_never_looks_at_a_model(core: Core, engine: FakeNextTokenEngine) -> None:
    """200 while models are pending, loading, failed, and during shutdown."""
    async with client_of(core) as client:
        for path in LIVE_PATHS:
            assert (await client.get(path)).json() == {"live": True}
        engine.poison = 116
        core.registry.start()
        assert core.registry.wait_settled(10)
        core.lifecycle.begin_shutdown()
        for path in LIVE_PATHS:
            assert (await client.get(path)).status_code == 200


async def test_readiness_follows_the_models(core: Core, engine: FakeNextTokenEngine) -> None:
    """503 with reasons until every required model is ready, 200 then, 503 from the first moment of shutdown."""
    engine.gate.clear()
    async with client_of(core) as client:
        for path in READY_PATHS:
            reply = await client.get(path)
            assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
            assert reply.headers["content-type"] == "application/problem+json"
            assert reply.json()["detail"] == "model 'alpha' is pending; model 'beta' is pending"
        core.registry.start()
        await until(lambda: all(s.state is ModelState.WARMING for s in core.registry.states().values()))
        assert (await client.get("/readyz")).status_code == 503
        engine.gate.set()
        assert await asyncio.to_thread(core.registry.wait_settled, 10)
        for path in READY_PATHS:
            assert (await client.get(path)).status_code == 200
        core.lifecycle.begin_shutdown()
        for path in READY_PATHS:
            reply = await client.get(path)
            assert (reply.status_code, reply.json()["detail"]) == (503, "the process is shutting down")


async def test_readiness_carries_revision_and_golden_digest(core: Core) -> None:
    """Whoever deploys can compare what answers with what was built."""
    core.registry.start()
    assert core.registry.wait_settled(10)
    async with client_of(core) as client:
        document = (await client.get("/readyz")).json()
    assert document["ready"] is True
    assert set(document["models"]) == {"alpha", "beta"}
    assert document["models"]["alpha"]["revision"] == "r1"
    assert document["models"]["alpha"]["golden"] == core.registry.get("alpha").golden_digest


async def test_a_failed_model_is_told_with_its_reason(core: Core, engine: FakeNextTokenEngine, tmp_path: Path) -> None:
    """The process goes on living; readiness and health say which file differs."""
    (tmp_path / "alpha" / "weights.bin").write_bytes(b"x" * 5000)
    core.registry.start()
    assert core.registry.wait_settled(10)
    async with client_of(core) as client:
        ready, health = await client.get("/readyz"), (await client.get("/health")).json()
    assert (ready.status_code, ready.headers["retry-after"]) == (503, "30")
    assert "weights.bin has sha256" in ready.json()["detail"]
    assert health["status"] == "failed"
    assert health["models_ready"] == {"alpha": False, "beta": True}
    assert "weights.bin has sha256" in health["models"]["alpha"]["reason"]
    assert "golden" not in health["models"]["alpha"]
    assert "device" not in health["models"]["alpha"]
    assert health["models"]["beta"]["device"] == "cpu"


async def test_health_reports_state_phases_and_start(core: Core, engine: FakeNextTokenEngine) -> None:
    """initializing, then healthy with every phase measured."""
    engine.gate.clear()
    core.timeline.mark("imports")
    async with client_of(core) as client:
        core.registry.start()
        before = (await client.get("/health")).json()
        engine.gate.set()
        assert await asyncio.to_thread(core.registry.wait_settled, 10)
        after = (await client.get("/health")).json()
    assert (before["status"], before["all_models_ready"]) == ("initializing", False)
    assert (after["status"], after["all_models_ready"]) == ("healthy", True)
    assert list(after["startup"]) == ["imports", "models"]
    assert set(after["models"]["alpha"]["phases"]) == {"read_s", "build_s", "warmup_s"}
    assert after["models"]["alpha"]["state"] == "ready"
    assert after["models"]["alpha"]["required"] is True
    assert after["models"]["alpha"]["began_s"] > 0
    assert after["version"]


async def test_an_optional_model_that_failed_is_degraded(tmp_path: Path, engine: FakeNextTokenEngine) -> None:
    """Ready all the same, for nobody requires it."""
    core = _optional_second_model_broken(tmp_path, engine)
    core.registry.start()
    assert core.registry.wait_settled(10)
    async with client_of(core) as client:
        assert (await client.get("/readyz")).status_code == 200
        health = (await client.get("/health")).json()
    assert (health["status"], health["all_models_ready"]) == ("degraded", False)
    core.registry.close(5)


async def test_no_models_is_not_ready(tmp_path: Path) -> None:
    """An empty manifest is a failure, not a readiness."""
    manifest = write_manifest(tmp_path)
    settings = load_settings({"SERVICE_MODE": "wheel", "MODELS_MANIFEST": str(manifest)})
    timeline = StartupTimeline()
    registry = ModelRegistry(load_manifest(manifest).models, _no_loader, timeline)
    async with client_of(Core(settings, registry, timeline, Lifecycle())) as client:
        reply, health = await client.get("/readyz"), (await client.get("/health")).json()
    assert (reply.status_code, reply.json()["detail"]) == (503, "the manifest names no model")
    assert (health["status"], health["all_models_ready"], health["models"]) == ("failed", False, {})


async def test_one_models_readiness_by_the_open_inference_protocol(core: Core) -> None:
    """503 until it is ready, 404 where there is none, 503 again during shutdown."""
    async with client_of(core) as client:
        assert (await client.get("/v2/models/alpha/ready")).status_code == 503
        for unknown in ("gamma", "organisation/gamma"):
            reply = await client.get(f"/v2/models/{unknown}/ready")
            assert (reply.status_code, repr(unknown) in reply.json()["detail"]) == (404, True)
        core.registry.start()
        assert core.registry.wait_settled(10)
        assert (await client.get("/v2/models/alpha/ready")).json()["ready"] is True
        core.lifecycle.begin_shutdown()
        assert (await client.get("/v2/models/alpha/ready")).status_code == 503


def _no_loader(entry: ModelEntry, timeline: StartupTimeline, warming: Callable[[], None]) -> AnyServedModel:
    raise AssertionError("there is nothing to load")


def _optional_second_model_broken(directory: Path, engine: FakeNextTokenEngine) -> Core:
    core = core_over(directory, engine, "alpha", "beta")
    path = core.settings.models_manifest
    # Both are written as required; the second one is made optional.
    head, tail = path.read_text().rsplit('"required": true', 1)
    path.write_text(f'{head}"required": false{tail}')
    (directory / "beta" / "weights.bin").unlink()
    entries = load_manifest(path).models
    return Core(
        core.settings,
        ModelRegistry(entries, core.registry._loader, core.timeline),
        core.timeline,
        core.lifecycle,
    )
