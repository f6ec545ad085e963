"""Two revisions of each model of speech recognition: one of them listens to, and writes down, all of a sound."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from tests.asr_serving import FakeSpeechServing, asr_client, asr_core
from tests.speech_doubles import sound_file

from coldstart.runtime.core import Core
from coldstart.runtime.registry import ModelRegistry
from coldstart.runtime.routing import Routing

SPOKEN = sound_file(60, (1, 3), (40, 45))
REVISIONS = {"r1", "r2"}


@pytest.fixture
def fakes() -> FakeSpeechServing:
    return FakeSpeechServing(max_s=1000)


@pytest.fixture
def core(tmp_path: Path, fakes: FakeSpeechServing) -> Core:
    core = asr_core(tmp_path, fakes, "tiny")
    entries = [
        replace(entry, revision=revision, is_one_of_several=True)
        for entry in core.registry.entries
        for revision in sorted(REVISIONS)
    ]
    routing = Routing(entries, dict.fromkeys([entry.label for entry in entries], 1.0), seed=7)
    return replace(core, registry=ModelRegistry(entries, core.registry._loader, core.timeline, routing))


@pytest.fixture
async def client(core: Core, fakes: FakeSpeechServing) -> AsyncIterator[httpx.AsyncClient]:
    async with asr_client(core, fakes) as client:
        yield client


async def revisions_of(client: httpx.AsyncClient, path: str, **parts: str) -> set[str]:
    """Which revisions answer 20 requests."""
    met = set()
    for _ in range(20):
        reply = await client.post(path, files={"file": ("sound", SPOKEN)}, data=parts)
        assert reply.status_code == 200, reply.text
        met.add(reply.headers["x-model-revision"])
    return met


async def test_one_revision_listens_to_a_whole_sound(client: httpx.AsyncClient, core: Core) -> None:
    """The sound has its place with the model that listens, and leaves it there."""
    assert await revisions_of(client, "/v1/audio/speech-segments") == REVISIONS
    assert [served.scheduler._turns._begun for served in core.registry.ready()] == [0, 0, 0, 0]


@pytest.mark.parametrize("path", ["/v1/audio/transcriptions", "/v1/audio/translations"])
async def test_one_revision_writes_a_whole_sound_down(client: httpx.AsyncClient, path: str) -> None:
    """It is told in the header, also where the form of the text has no place for it; seconds count for each."""
    assert await revisions_of(client, path, vad_filter="true", response_format="text") == REVISIONS
    metrics = (await client.get("/metrics")).text
    seconds = dict(re.findall(r'(?m)^transcription_audio_seconds_total\{model="(.*)"\} (.*)$', metrics))
    assert set(seconds) == {"tiny@r1", "tiny@r2"}
    assert sum(map(float, seconds.values())) == 20 * 60
