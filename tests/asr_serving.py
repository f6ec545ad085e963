"""The speech recognition application over fake models, and a real server for it on loopback."""

import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from tests.speech_doubles import FakeDecoder, FakeTranscriber, FakeVoiceActivity
from tests.wheel_serving import served_app

from coldstart.api import live_transcription, openai_audio, speech_segments
from coldstart.api.app import create_app
from coldstart.domain.manifest import load_manifest
from coldstart.runtime.budget import Budget
from coldstart.runtime.core import Core
from coldstart.runtime.lifecycle import Lifecycle
from coldstart.runtime.loading import ModelLoading, TaskServing
from coldstart.runtime.registry import ModelRegistry
from coldstart.runtime.settings import load_settings
from coldstart.runtime.timeline import StartupTimeline
from coldstart.services.golden import golden_digest
from coldstart.services.live_transcription import LiveLimits, LiveTranscriptions
from coldstart.services.pcm_stream import PcmStream
from coldstart.services.sound_files import SoundFiles
from coldstart.services.speech_files import SpeechFiles
from coldstart.services.speech_segments import SpeechSegments
from coldstart.services.transcription import Transcriptions


@dataclass(frozen=True)
class FakeSpeechServing:
    """Fakes of everything that a process of speech recognition has, for a test to look into.

    Args:
        max_s: the longest sound.
    """

    transcriber: FakeTranscriber = field(default_factory=FakeTranscriber)
    voice_activity: FakeVoiceActivity = field(default_factory=FakeVoiceActivity)
    decoder: FakeDecoder = field(default_factory=FakeDecoder)
    max_s: float = 7200.0

    def tasks(self) -> dict[str, TaskServing[Any, Any, Any]]:
        """How the fake models are served."""
        return {"speech-to-text": _serving(self.transcriber), "voice-activity": _serving(self.voice_activity)}

    def open_gates(self) -> None:
        """Let everything that a test holds come to its end."""
        self.transcriber.gate.set()
        self.decoder.gate.set()


def write_speech_manifest(directory: Path, *names: str) -> Path:
    """A manifest of speech-to-text models of these names, and one of voice activity."""
    models = [
        *(_model(directory, name, "speech-to-text") for name in names),
        _model(directory, "vad", "voice-activity"),
    ]
    path = directory / "models.json"
    path.write_text(json.dumps({"schema_version": 1, "models": models}))
    return path


def asr_core(directory: Path, fakes: FakeSpeechServing, *names: str, **environ: str) -> Core:
    """A core whose speech-to-text models, one for each name, are all the one fake; loading has not begun."""
    manifest = write_speech_manifest(directory, *names)
    settings = load_settings({"SERVICE_MODE": "asr", "MODELS_MANIFEST": str(manifest), **environ})
    timeline = StartupTimeline()
    loading = ModelLoading(fakes.tasks(), settings.queue_limit)
    return Core(settings, ModelRegistry(load_manifest(manifest).models, loading, timeline), timeline, Lifecycle())


def asr_app(core: Core, fakes: FakeSpeechServing) -> FastAPI:
    """The application as apps compose it, with the fake decoder."""
    budget = Budget(core.settings.asr_queue_s, unit="seconds of sound")
    sounds = SoundFiles(fakes.decoder, max_s=fakes.max_s)
    speech = SpeechSegments(core.registry)
    transcriptions = Transcriptions(core.registry, sounds, speech, budget)
    limits = LiveLimits(
        core.settings.live_sessions,
        core.settings.live_max_unread_s,
        max_sound_s=core.settings.live_max_s,
        idle_s=core.settings.live_idle_s,
    )
    services: Mapping[type[Any], Any] = {
        Transcriptions: transcriptions,
        SpeechFiles: SpeechFiles(sounds, speech, budget),
        LiveTranscriptions: LiveTranscriptions(transcriptions, speech, {"pcm_s16le": PcmStream}, limits),
    }
    routers = [openai_audio.router, speech_segments.router, live_transcription.router]
    return create_app(core, routers=routers, services=services)


@contextlib.asynccontextmanager
async def asr_client(core: Core, fakes: FakeSpeechServing) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application in this process, once its models are ready; closes the models at the end."""
    core.registry.start()
    assert core.registry.wait_settled(10.0)
    transport = httpx.ASGITransport(asr_app(core, fakes))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://asr") as client:
            yield client
    finally:
        fakes.open_gates()
        core.registry.close(5.0)


@contextlib.contextmanager
def asr_served(core: Core, fakes: FakeSpeechServing) -> Iterator[str]:
    """The address of a real server in a thread of its own."""
    try:
        with served_app(core, asr_app(core, fakes)) as address:
            yield address
    finally:
        fakes.open_gates()


def _serving(engine: Any) -> TaskServing[Any, Any, Any]:
    return TaskServing(
        engine_name="fake",
        prepare=lambda: lambda _: engine,
        check=lambda entry, *_: golden_digest(entry.golden),
        recover=lambda *_: None,
    )


def _model(directory: Path, name: str, task: str) -> dict[str, object]:
    artifact = directory / name
    artifact.mkdir()
    content = name.encode()
    (artifact / "model.bin").write_bytes(content)
    file = {"path": "model.bin", "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
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
