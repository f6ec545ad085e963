"""The text-to-speech application over fake models, or over espeak-ng, and a real server for it on loopback."""

import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import espeakng_loader
import httpx
from fastapi import FastAPI
from tests.contract.toy_kokoro import write_toy_kokoro
from tests.synthesis_doubles import FakeEncoder, FakeSynthesizer

from coldstart.api.app import create_app
from coldstart.apps import tts
from coldstart.domain.manifest import load_manifest
from coldstart.runtime.budget import Budget
from coldstart.runtime.core import Core
from coldstart.runtime.lifecycle import Lifecycle
from coldstart.runtime.loading import ModelLoading, TaskServing
from coldstart.runtime.registry import ModelRegistry
from coldstart.runtime.settings import Settings, load_settings
from coldstart.runtime.timeline import StartupTimeline
from coldstart.services.golden import golden_digest
from coldstart.services.sound_writing import SoundWriting
from coldstart.services.speech import Speech
from convert.espeak_ng import convert_espeak_ng
from convert.kokoro import convert_kokoro

# Where espeakng-loader is installed.
PACKAGES = Path(espeakng_loader.__file__).parents[1]


def fake_tts_core(directory: Path, engine: FakeSynthesizer, *names: str, **environ: str) -> Core:
    """A core whose models, one for each name, are all the one fake engine; loading has not begun."""
    models = [_model(name, "fake", _fake_artifact(directory / name), {}) for name in names]
    serving: TaskServing[Any, Any, Any] = TaskServing(
        engine_name="fake",
        prepare=lambda: lambda _: engine,
        check=lambda entry, *_: golden_digest(entry.golden),
        recover=lambda *_: None,
    )
    return _core(_settings(directory, models, environ), {"text-to-speech": serving})


def espeak_manifest(directory: Path) -> Path:
    """The manifest of one model, `espeak`, converted as an image has it."""
    artifact = directory / "espeak"
    convert_espeak_ng(PACKAGES, artifact)
    golden = json.loads((artifact / "golden.json").read_bytes())
    return _write_manifest(directory, [_model("espeak", "espeak-ng", artifact, golden)])


def kokoro_manifest(directory: Path) -> Path:
    """The manifest of one model, `kokoro`, converted as an image has it, with small weights (`toy_kokoro`)."""
    artifact = directory / "kokoro"
    write_toy_kokoro(directory / "published")
    convert_kokoro(directory / "published", PACKAGES, artifact)
    golden = json.loads((artifact / "golden.json").read_bytes())
    return _write_manifest(directory, [_model("kokoro", "kokoro", artifact, golden)])


def espeak_core(manifest: Path, **environ: str) -> Core:
    """A core of that manifest, as apps compose it; loading has not begun."""
    settings = load_settings({"SERVICE_MODE": "tts", "MODELS_MANIFEST": str(manifest), **environ})
    return _core(settings, tts.tasks(settings))


def tts_app(core: Core, encoder: FakeEncoder | None = None) -> FastAPI:
    """The application as apps compose it, with its own encoder or a fake one."""
    services = dict(tts.services(core)) if encoder is None else {Speech: speech_over(core, encoder)}
    return create_app(core, routers=tts.routers(), services=services)


def speech_over(core: Core, encoder: FakeEncoder) -> Speech:
    """The service with a fake encoder."""
    budget = Budget(core.settings.tts_queue_characters, unit="characters")
    return Speech(core.registry, SoundWriting(encoder), budget, max_characters=core.settings.tts_max_characters)


@contextlib.asynccontextmanager
async def tts_client(core: Core, encoder: FakeEncoder | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application in this process, once its models are ready; closes the models at the end."""
    core.registry.start()
    assert core.registry.wait_settled(10.0)
    assert core.registry.readiness().ready, core.registry.readiness().reasons
    transport = httpx.ASGITransport(tts_app(core, encoder))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://tts") as client:
            yield client
    finally:
        core.registry.close(5.0)


def _core(settings: Settings, tasks: Mapping[str, TaskServing[Any, Any, Any]]) -> Core:
    timeline = StartupTimeline()
    entries = load_manifest(settings.models_manifest).models
    registry = ModelRegistry(entries, ModelLoading(tasks, settings.queue_limit), timeline)
    return Core(settings, registry, timeline, Lifecycle())


def _settings(directory: Path, models: list[dict[str, Any]], environ: Mapping[str, str]) -> Settings:
    manifest = _write_manifest(directory, models)
    return load_settings({"SERVICE_MODE": "tts", "MODELS_MANIFEST": str(manifest), **environ})


def _write_manifest(directory: Path, models: list[dict[str, Any]]) -> Path:
    path = directory / "models.json"
    path.write_text(json.dumps({"schema_version": 1, "models": models}))
    return path


def _fake_artifact(directory: Path) -> Path:
    directory.mkdir()
    (directory / "model.bin").write_bytes(b"fake")
    return directory


def _model(name: str, engine: str, artifact: Path, golden: Mapping[str, Any]) -> dict[str, Any]:
    files = [
        {
            "path": path.relative_to(artifact).as_posix(),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "size": path.stat().st_size,
        }
        for path in sorted(artifact.rglob("*"))
        if path.is_file()
    ]
    return {
        "name": name,
        "task": "text-to-speech",
        "architecture": engine,
        "repository": f"coldstart/{name}",
        "revision": "r1",
        "license": "GPL-3.0-or-later",
        "required": True,
        "artifacts": {engine: {"path": str(artifact), "files": files}},
        "golden": golden,
    }
