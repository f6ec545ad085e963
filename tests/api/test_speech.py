"""The routes of text to speech."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.polling import until
from tests.synthesis_doubles import PCM, POISON, FakeEncoder, FakeSynthesizer, fake_pcm, fake_sound
from tests.tts_serving import fake_tts_core, tts_client

from coldstart.domain.speech import SpeechRequest

SPEECH, VOICES = "/v1/audio/speech", "/v1/voices"
HELLO = {"model": "tiny", "voice": "ann", "input": "Hello. World.", "response_format": PCM}
FILE = b"".join(
    [b"<pcm 8000>", *(fake_pcm(fake_sound(SpeechRequest(text, "ann"))) for text in ("Hello.", "World.")), b"<end>"]
)


@pytest.fixture
def engine() -> Iterator[FakeSynthesizer]:
    engine = FakeSynthesizer()
    yield engine
    engine.gate.set()


@pytest.fixture
async def client(tmp_path: Path, engine: FakeSynthesizer) -> AsyncIterator[httpx.AsyncClient]:
    core = fake_tts_core(tmp_path, engine, "tiny", "other", QUEUE_LIMIT="1", TTS_QUEUE_CHARACTERS="5000")
    async with tts_client(core, FakeEncoder()) as client:
        yield client
        engine.gate.set()


async def test_a_text_becomes_a_sound_file(client: httpx.AsyncClient) -> None:
    """Of the format's media type, without a length, for it is not known when the first bytes leave."""
    reply = await client.post(SPEECH, json=HELLO)
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "audio/pcm"
    assert "content-length" not in reply.headers
    assert reply.content == FILE


async def test_only_the_text_is_needed(client: httpx.AsyncClient, engine: FakeSynthesizer) -> None:
    """The first model and its default voice say it, as MP3."""
    reply = await client.post(SPEECH, json={"input": "Hello."})
    assert reply.headers["content-type"] == "audio/mpeg"
    assert engine.said[-1].voice == "ann"


@pytest.mark.parametrize(
    ("voice", "said_by"), [("bob", "bob"), ({"id": "bob"}, "bob"), ("default", "ann"), ("alloy", "ann"), ("ash", "bob")]
)
async def test_a_voice_is_named_or_an_object(
    client: httpx.AsyncClient, engine: FakeSynthesizer, voice: object, said_by: str
) -> None:
    """Both forms of OpenAI's, its names, and `default`."""
    assert (await client.post(SPEECH, json={**HELLO, "voice": voice})).status_code == 200
    assert {request.voice for request in engine.said} == {said_by}


async def test_unknown_parameters_are_ignored(client: httpx.AsyncClient) -> None:
    """`instructions`, too: the voices cannot be told how to speak."""
    reply = await client.post(SPEECH, json={**HELLO, "instructions": "Whisper.", "stream": True, "x": 1})
    assert reply.content == FILE


async def test_events_hold_the_same_file(client: httpx.AsyncClient) -> None:
    """In base64, a piece each, and one event at the end."""
    reply = await client.post(SPEECH, json={**HELLO, "stream_format": "sse"})
    assert reply.headers["content-type"].startswith("text/event-stream")
    events = [json.loads(line.removeprefix("data: ")) for line in reply.text.splitlines() if line]
    assert [event["type"] for event in events] == ["speech.audio.delta"] * 3 + ["speech.audio.done"]
    assert b"".join(base64.b64decode(event["audio"]) for event in events[:-1]) == FILE


async def test_voices_are_listed(client: httpx.AsyncClient) -> None:
    """Of every model, each with the names that it answers to."""
    voices = (await client.get(VOICES)).json()["data"]
    assert [(voice["model"], voice["id"]) for voice in voices] == [
        *(("tiny", name) for name in ("ann", "bob", "uwe")),
        *(("other", name) for name in ("ann", "bob", "uwe")),
    ]
    assert voices[0]["aliases"][0] == "default"
    assert voices[0]["language"] == "en-us"
    assert sum("default" in voice["aliases"] for voice in voices) == 2


REFUSALS: list[tuple[dict[str, Any], int, str]] = [
    ({"input": ""}, 400, "the text says nothing"),
    ({"input": " \n\t "}, 400, "the text says nothing"),
    ({"input": "🙂🎉👨‍👩‍👧"}, 400, "the text says nothing"),
    ({"input": "\x00\x01\x1b"}, 400, "the text says nothing"),
    ({"input": "...!?"}, 400, "the text says nothing"),
    ({"input": "a" * 4097}, 400, "the text has 4097 characters; at most 4096 are taken"),
    ({"input": "a" * 100_000}, 400, "the text has 100000 characters; at most 4096 are taken"),
    ({"input": None}, 400, "input"),
    ({"input": 5}, 400, "input"),
    ({"input": ["a"]}, 400, "input"),
    ({"voice": "eve"}, 400, "model 'tiny' has no voice 'eve'; it has ann, bob, uwe, default, alloy"),
    ({"voice": ""}, 400, "model 'tiny' has no voice ''; it has ann"),
    ({"voice": "v" * 5000}, 400, "model 'tiny' has no voice 'vvv"),
    ({"voice": {"name": "ann"}}, 400, "voice"),
    ({"voice": 3}, 400, "voice"),
    ({"response_format": "ogg"}, 400, "there is no format 'ogg'; there are pcm, mp3"),
    ({"response_format": 3}, 400, "response_format"),
    ({"speed": 0.24}, 400, "greater than or equal to 0.25, met 0.24"),
    ({"speed": 4.01}, 400, "less than or equal to 4, met 4.01"),
    ({"speed": 0}, 400, "greater than or equal to 0.25"),
    ({"speed": -1}, 400, "greater than or equal to 0.25"),
    ({"speed": "fast"}, 400, "valid number"),
    ({"model": "tts-1"}, 404, "there is no model 'tts-1'; there are: tiny, other"),
    ({"model": 1}, 400, "model"),
    ({"stream_format": "xml"}, 400, "'audio' or 'sse', met 'xml'"),
]


@pytest.mark.parametrize(("changes", "status", "sentence"), REFUSALS)
async def test_a_wrong_request_is_told_what_is_wrong(
    client: httpx.AsyncClient, changes: dict[str, Any], status: int, sentence: str
) -> None:
    """In OpenAI's form, never as a failure of the server."""
    reply = await client.post(SPEECH, json=HELLO | changes)
    assert reply.status_code == status
    error = reply.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert sentence in error["message"]
    assert len(error["message"]) < 500


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b'"hello"', 400),
        (b'{"voice": "ann"}', 400),
        (b'{"input": "a \\ud800 b", "response_format": "pcm"}', 400),
        (b'{"input": "a", "speed": NaN}', 400),
        (b'{"input": "a", "speed": 1e999}', 400),
        (b'{"input": "\xff"}', 400),
        (b'{"input": "' + b"a" * 2**20 + b'"}', 413),
    ],
)
async def test_a_body_that_is_none_is_refused(client: httpx.AsyncClient, content: bytes, status: int) -> None:
    """Lone surrogates and numbers that are none, too."""
    reply = await client.post(SPEECH, content=content, headers={"content-type": "application/json"})
    assert reply.status_code == status, reply.text
    assert reply.json()["error"]["message"]


async def test_control_characters_are_blanks(client: httpx.AsyncClient, engine: FakeSynthesizer) -> None:
    """Among words they separate."""
    assert (await client.post(SPEECH, json={**HELLO, "input": "one\x00two\x1bthree"})).status_code == 200
    assert [request.text for request in engine.said] == ["one two three"]


async def test_a_failure_before_the_first_bytes_is_an_error_reply(client: httpx.AsyncClient) -> None:
    """It is no broken file."""
    reply = await client.post(SPEECH, json={**HELLO, "input": POISON})
    assert reply.status_code == 500
    assert reply.json()["error"]["message"] == "the inference engine failed; the request may be repeated"


async def test_a_full_queue_refuses_before_the_body_is_read(client: httpx.AsyncClient, engine: FakeSynthesizer) -> None:
    """Where no model has room."""
    engine.gate.clear()
    held = [
        asyncio.create_task(client.post(SPEECH, json={**HELLO, "model": model}))
        for model in ("tiny", "tiny", "other", "other")
    ]
    await until(engine.entered.is_set)

    async def refused() -> httpx.Response:
        return await client.post(SPEECH, content=b"{")

    reply = await refused()
    while reply.status_code != 429:
        assert reply.status_code == 400
        reply = await refused()
    assert int(reply.headers["retry-after"]) >= 1
    assert reply.json()["error"]["type"] == "rate_limit_error"
    engine.gate.set()
    assert [reply.status_code for reply in await asyncio.gather(*held)] == [200] * 4


async def test_work_is_told_by_the_metrics(client: httpx.AsyncClient) -> None:
    """Seconds of sound, real-time factor and time to the first byte, by model."""
    await client.post(SPEECH, json=HELLO)
    metrics = (await client.get("/metrics")).text
    assert 'speech_audio_seconds_total{model="tiny"} 0.15' in metrics
    assert 'speech_real_time_factor_count{model="tiny"} 1.0' in metrics
    assert 'speech_first_byte_seconds_count{model="tiny"} 1.0' in metrics
    assert "speech_queue_characters 0.0" in metrics
