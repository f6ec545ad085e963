"""Text to speech over HTTP with Kokoro: the code path of the real voice, on small weights of its form."""

import io
import json
import wave
from pathlib import Path

import httpx
import pytest
from tests.contract.toy_kokoro import voice_bytes
from tests.tts_serving import espeak_core, kokoro_manifest, tts_client

from coldstart.runtime.core import Core

SPEECH, VOICES = "/v1/audio/speech", "/v1/voices"


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kokoro_manifest(tmp_path_factory.mktemp("kokoro"))


def core_of(manifest: Path, added: Path) -> Core:
    return espeak_core(manifest, TTS_VOICES=str(added))


async def seconds_of(client: httpx.AsyncClient, voice: str) -> float:
    body = {"input": "It is 10 past 3, Dr. Smith.", "voice": voice, "response_format": "wav"}
    reply = await client.post(SPEECH, json=body)
    assert reply.status_code == 200, reply.text
    with wave.open(io.BytesIO(reply.content)) as sound:
        assert sound.getframerate() == 24_000
        assert sound.getnchannels() == 1
    # A file that is written as it goes has no length in its header.
    return (len(reply.content) - 44) / 2 / 24_000


async def test_kokoro_answers_for_openais_names_and_default(manifest: Path, tmp_path: Path) -> None:
    """The model became ready, so its golden sentence was met; the first voice answers to `default`."""
    async with tts_client(core_of(manifest, tmp_path)) as client:
        assert await seconds_of(client, "default") == await seconds_of(client, "af_heart")
        assert await seconds_of(client, "alloy") > 1


async def test_added_voices_are_listed_and_others_are_told(manifest: Path, tmp_path: Path) -> None:
    """Without a look into the log."""
    (tmp_path / "am_puck.bin").write_bytes(voice_bytes(3))
    (tmp_path / "am_broken.bin").write_bytes(b"no voice")
    async with tts_client(core_of(manifest, tmp_path)) as client:
        voices = (await client.get(VOICES)).json()
        assert await seconds_of(client, "am_puck") > 1
    assert "am_puck" in {voice["id"] for voice in voices["data"]}
    assert voices["refused"] == [
        {
            "model": "kokoro",
            "reason": "voice file 'am_broken.bin' is not used: it has 8 bytes; a voice has 522240",
        }
    ]


def test_other_weights_never_become_ready(manifest: Path, tmp_path: Path) -> None:
    """A golden sentence of another length is told by its length."""
    document = json.loads(manifest.read_text(encoding="utf-8"))
    document["models"][0]["golden"]["duration_s"] *= 2
    (tmp_path / "models.json").write_text(json.dumps(document), encoding="utf-8")
    core = core_of(tmp_path / "models.json", tmp_path)
    core.registry.start()
    assert core.registry.wait_settled(10.0)
    (reason,) = core.registry.readiness().reasons
    core.registry.close(5.0)
    assert "the golden sentence of engine 'kokoro' takes" in reason
