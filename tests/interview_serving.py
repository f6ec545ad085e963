"""The interview application over fake models: storage, jobs, sound files and questions are the real ones."""

import asyncio
import contextlib
import hashlib
import io
import json
import wave
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from tests.asr_serving import FakeSpeechServing
from tests.live_serving import LiveServer, pcm, served_draining
from tests.synthesis_doubles import FakeSynthesizer

from coldstart.api.app import create_app
from coldstart.apps import interview
from coldstart.domain.audio import SPEECH_RATE_HZ
from coldstart.domain.errors import ModelRejected
from coldstart.domain.manifest import load_manifest
from coldstart.runtime.core import Core
from coldstart.runtime.lifecycle import Lifecycle
from coldstart.runtime.loading import ModelLoading, TaskServing
from coldstart.runtime.registry import ModelRegistry
from coldstart.runtime.settings import load_settings
from coldstart.runtime.timeline import StartupTimeline
from coldstart.services.golden import golden_digest

TASKS = ("speech-to-text", "voice-activity", "text-to-speech")


@dataclass
class InterviewFakes:
    """Fakes of the models, for a test to look into.

    Args:
        broken: tasks whose models fail to load.
    """

    speech: FakeSpeechServing = field(default_factory=FakeSpeechServing)
    voice: FakeSynthesizer = field(default_factory=FakeSynthesizer)
    broken: frozenset[str] = frozenset()

    def tasks(self, required: frozenset[str]) -> dict[str, TaskServing[Any, Any, Any]]:
        """How they are served."""
        engines = {
            "speech-to-text": self.speech.transcriber,
            "voice-activity": self.speech.voice_activity,
            "text-to-speech": self.voice,
        }
        return {task: self._serving(task, engine, task in required) for task, engine in engines.items()}

    def open_gates(self) -> None:
        """Let everything that a test holds come to its end."""
        self.speech.open_gates()
        self.voice.gate.set()

    def _serving(self, task: str, engine: Any, required: bool) -> TaskServing[Any, Any, Any]:
        def check(entry: Any, *_: Any) -> str:
            if task in self.broken:
                raise ModelRejected(f"{task} is broken")
            return golden_digest(entry.golden)

        return TaskServing(
            engine_name="fake",
            prepare=lambda: lambda _: engine,
            check=check,
            recover=lambda *_: None,
            required=required,
        )


def interview_core(directory: Path, fakes: InterviewFakes, *, without: str = "", **environ: str) -> Core:
    """A core with one model of each task but `without`; loading has not begun."""
    manifest = _write_manifest(directory, [task for task in TASKS if task != without])
    root = directory / "interviews"
    settings = load_settings(
        {"SERVICE_MODE": "wheel", "MODELS_MANIFEST": str(manifest), "INTERVIEW_ROOT": str(root), **environ}
    )
    tasks = fakes.tasks(settings.interview_required_tasks)
    timeline = StartupTimeline()
    loading = ModelLoading(tasks, settings.queue_limit)
    entries = tuple(tasks[entry.task].entry_of(entry) for entry in load_manifest(manifest).models)
    return Core(settings, ModelRegistry(entries, loading, timeline), timeline, Lifecycle())


def interview_app(core: Core) -> FastAPI:
    """The application as apps compose it."""
    return create_app(core, routers=interview.routers(), services=interview.services(core))


@contextlib.asynccontextmanager
async def interview_client(core: Core, fakes: InterviewFakes) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application in this process, once its models have settled; closes everything at the end."""
    core.registry.start()
    assert core.registry.wait_settled(10.0)
    app = interview_app(core)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://interview") as client,
    ):
        try:
            yield client
        finally:
            fakes.open_gates()


@contextlib.contextmanager
def interview_served(core: Core, fakes: InterviewFakes) -> Iterator[LiveServer]:
    """The application on a real server that drains, once its models have settled."""
    core.registry.start()
    assert core.registry.wait_settled(10.0)
    with served_draining(core, interview_app(core)) as server:
        try:
            yield server
        finally:
            fakes.open_gates()


def wav(*stretches: tuple[int, float]) -> bytes:
    """A file of these numbers, 0 for silence, each for so many seconds."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(SPEECH_RATE_HZ)
        writer.writeframes(pcm(*stretches))
    return file.getvalue()


def _write_manifest(directory: Path, tasks: list[str]) -> Path:
    path = directory / "models.json"
    path.write_text(json.dumps({"schema_version": 1, "models": [_model(directory, task) for task in tasks]}))
    return path


def _model(directory: Path, task: str) -> dict[str, object]:
    name = f"fake-{task}"
    artifact = directory / name
    artifact.mkdir()
    (artifact / "model.bin").write_bytes(name.encode())
    file = {"path": "model.bin", "sha256": hashlib.sha256(name.encode()).hexdigest(), "size": len(name)}
    return {
        "name": name,
        "task": task,
        "architecture": "fake",
        "repository": f"coldstart/{name}",
        "revision": "r1",
        "license": "MIT",
        "required": True,
        "artifacts": {"fake": {"path": str(artifact), "files": [file]}},
        "golden": {},
    }


@contextlib.asynccontextmanager
async def half_an_upload(
    server: LiveServer, session: str
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection on which 50 kB of a sound have come, of 90 kB."""
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(server.http).port)
    head = f"POST /sessions/{session}/answers HTTP/1.1\r\nhost: x\r\ncontent-length: 90000\r\n"
    form = '--b\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\n'
    writer.write(f"{head}content-type: multipart/form-data; boundary=b\r\n\r\n{form}".encode() + bytes(50_000))
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
