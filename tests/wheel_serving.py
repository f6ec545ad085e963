"""The token wheel's application over fake engines, and a real server for it on loopback."""

import contextlib
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI
from tests.doubles import FakeNextTokenEngine, write_manifest

from coldstart.api.app import create_app
from coldstart.apps import wheel
from coldstart.domain.manifest import load_manifest
from coldstart.runtime.core import Core
from coldstart.runtime.lifecycle import Lifecycle
from coldstart.runtime.loading import ModelLoading, TaskServing
from coldstart.runtime.registry import ModelRegistry
from coldstart.runtime.settings import load_settings
from coldstart.runtime.timeline import StartupTimeline
from coldstart.services.next_token_golden import check_next_token


def core_over(directory: Path, engine: FakeNextTokenEngine, *names: str, **environ: str) -> Core:
    """A core whose models, one for each name, are all the one fake engine; loading has not begun."""
    manifest = write_manifest(directory, *names)
    settings = load_settings({"SERVICE_MODE": "wheel", "MODELS_MANIFEST": str(manifest), **environ})
    serving = TaskServing(
        engine_name="fake",
        prepare=lambda: lambda _: engine,
        check=check_next_token,
        recover=lambda kept, request: kept.forget(request.sequence_id or ""),
    )
    timeline = StartupTimeline()
    loading = ModelLoading({"next-token": serving}, settings.queue_limit)
    return Core(settings, ModelRegistry(load_manifest(manifest).models, loading, timeline), timeline, Lifecycle())


def wheel_app(core: Core) -> FastAPI:
    """The application as apps compose it."""
    return create_app(core, routers=wheel.routers(), services=wheel.services(core))


@contextlib.asynccontextmanager
async def wheel_client(core: Core) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application in this process, once its models are ready; closes the models at the end."""
    core.registry.start()
    assert core.registry.wait_settled(10.0)
    transport = httpx.ASGITransport(wheel_app(core))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://wheel") as client:
            yield client
    finally:
        core.registry.close(5.0)


def served(core: Core) -> contextlib.AbstractContextManager[str]:
    """The address of a real server in a thread of its own."""
    return served_app(core, wheel_app(core))


@contextlib.contextmanager
def served_app(core: Core, app: FastAPI) -> Iterator[str]:
    """The address of a real server of that application, once the core's models are ready."""
    core.registry.start()
    assert core.registry.wait_settled(10.0)
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, ws="none", lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10.0
    while not server.started:
        assert thread.is_alive()
        assert time.monotonic() < deadline
        thread.join(0.01)
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join(10.0)
        assert not thread.is_alive()
