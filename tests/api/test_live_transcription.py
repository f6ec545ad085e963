"""The WebSocket of live transcription, on a real server over fake models."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import structlog
from tests.asr_serving import FakeSpeechServing, asr_core
from tests.live_serving import PATH, LiveServer, live_client, live_served, pcm
from tests.polling import until
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from coldstart.runtime.core import Core

SPOKEN = ((0, 1.0), (1, 2.0), (0, 1.0))


@pytest.fixture
def fakes() -> Iterator[FakeSpeechServing]:
    fakes = FakeSpeechServing()
    yield fakes
    fakes.open_gates()


@pytest.fixture
def environ() -> dict[str, str]:
    """Of the process; a test's parameters say otherwise."""
    return {}


@pytest.fixture
def core(tmp_path: Path, fakes: FakeSpeechServing, environ: dict[str, str]) -> Core:
    return asr_core(tmp_path, fakes, "tiny", "other", **environ)


@pytest.fixture
def server(core: Core, fakes: FakeSpeechServing) -> Iterator[LiveServer]:
    with live_served(core, fakes) as server:
        yield server


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


async def metric(server: LiveServer, line: str) -> bool:
    """Whether /metrics has that line."""
    async with httpx.AsyncClient() as client:
        return line in (await client.get(f"{server.http}/metrics")).text


async def until_metric(server: LiveServer, line: str) -> None:
    async with asyncio.timeout(10):
        while not await metric(server, line):  # noqa: ASYNC110  nothing tells when it has
            await asyncio.sleep(0.01)


async def test_sound_goes_in_and_segments_come_out(server: LiveServer) -> None:
    """The whole of a session: ready, what is heard, done, and a normal close."""
    async with live_client(server) as client:
        assert await client.start(model="other") == {"type": "ready", "model": "other", "sample_rate": 16000}
        await client.say(*SPOKEN)
        await client.end()
        events, code = await client.rest()
    assert code == 1000
    assert [event for event in events if event["type"] != "partial"] == [
        {"type": "speech_started", "segment": 0, "start": pytest.approx(0.7, abs=0.05)},
        {
            "type": "final",
            "segment": 0,
            "start": pytest.approx(0.7, abs=0.05),
            "end": pytest.approx(3.3, abs=0.05),
            "text": "say 1",
            "language": "de",
        },
        {"type": "done", "duration": 4.0},
    ]


async def test_a_text_comes_before_the_sound_ends(server: LiveServer) -> None:
    """Partial ones while somebody speaks, the final one after half a second of silence."""
    async with live_client(server) as client:
        await client.start()
        await client.say((1, 3.0))
        assert (await client.event())["type"] == "speech_started"
        partial = await client.event()
        assert (partial["type"], partial["segment"], partial["text"]) == ("partial", 0, "say 1")
        await client.say((0, 1.0))
        while (event := await client.event())["type"] == "partial":
            pass
        assert (event["type"], event["text"]) == ("final", "say 1")


async def test_options_reach_the_engine(server: LiveServer, fakes: FakeSpeechServing) -> None:
    """Language, prompt, words, no partial texts, and how long a silence ends a segment."""
    async with live_client(server) as client:
        await client.start(language="en", prompt="Hi.", word_timestamps=True, partials=False, silence_ms=2000)
        await client.say((1, 2.0), (0, 1.0), (2, 2.0))
        await client.end()
        events, _ = await client.rest()
    assert types(events) == ["speech_started", "final", "done"]
    assert [word["word"] for word in events[1]["words"]] == ["say", "1", "say", "2"]
    options = fakes.transcriber.calls[-1][0].options
    assert (options.language, options.prompt) == ("en", "Hi.")


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        (b"sound", "met 5 bytes; wanted the text message 'start'"),
        ("{", "met a text that is no JSON"),
        ("[" * 100_000, "met a text that is no JSON"),
        ("[]", "met JSON that is no object; wanted the message 'start'"),
        ('{"type": "end"}', "type: Input should be 'start', met 'end'"),
        ('{"type": "start", "lang": "en"}', "lang: Extra inputs are not permitted"),
        ('{"type": "start", "format": "mp3"}', "the format is 'mp3'; it must be 'pcm_s16le'"),
        ('{"type": "start", "sample_rate": 8000}', "sample_rate: Input should be 16000, met 8000"),
        ('{"type": "start", "silence_ms": 1}', "silence_ms: Input should be greater than or equal to 100, met 1"),
        ('{"type": "start", "threshold": NaN}', "threshold: Input should be a finite number"),
        ('{"type": "start", "language": "xx"}', "model 'tiny' does not know language 'xx'; it knows de, en"),
        ('{"type": "start", "model": "huge"}', "there is no model 'huge'; there are: tiny, other"),
    ],
)
async def test_a_bad_beginning_is_told_what_was_wrong(server: LiveServer, message: str | bytes, sentence: str) -> None:
    """In OpenAI's form of errors, with the value met, and the close code of a broken rule."""
    async with live_client(server) as client:
        await client.connection.send(message)
        events, code = await client.rest()
    assert (types(events), code) == (["error"], 1008)
    assert sentence in events[0]["error"]["message"]
    assert events[0]["error"]["type"] == "invalid_request_error"


async def test_a_bad_message_ends_the_session_after_the_texts_of_what_came_before(server: LiveServer) -> None:
    """A client's mistake costs it no words."""
    async with live_client(server) as client:
        await client.start(partials=False)
        await client.say((1, 2.0))
        await client.connection.send("stop")
        events, code = await client.rest()
    assert (types(events), code) == (["speech_started", "final", "error"], 1008)


@pytest.mark.parametrize("seed", range(10))
async def test_no_messages_are_an_internal_error(server: LiveServer, seed: int) -> None:
    """Pieces of any size are sound, random texts are refused, and every session ends properly."""
    rng = np.random.default_rng(seed)
    async with live_client(server) as client:
        await client.start()
        for size in rng.integers(0, 20_000, 20).tolist():
            await client.connection.send(rng.bytes(1) * size)
        wrong = rng.random() < 0.5
        await client.connection.send(repr(rng.bytes(20)) if wrong else '{"type": "end"}')
        events, code = await client.rest()
    assert (code, events[-1]["type"]) == ((1008, "error") if wrong else (1000, "done"))


@pytest.mark.parametrize("environ", [{"LIVE_IDLE_S": "0.3"}])
async def test_a_client_that_sends_nothing_is_not_waited_for(server: LiveServer) -> None:
    """Its session ends as if it had said so, and it hears why."""
    async with live_client(server) as client:
        await client.start(partials=False)
        await client.say((1, 2.0))
        events, code = await client.rest()
    assert (types(events), code) == (["speech_started", "final", "error"], 1008)
    assert "nothing came for 0.3 s" in events[-1]["error"]["message"]


@pytest.mark.parametrize("environ", [{"LIVE_MAX_S": "3"}])
async def test_a_sound_that_is_too_long_ends_there(server: LiveServer) -> None:
    """What came before the limit is written down."""
    async with live_client(server) as client:
        await client.start(partials=False)
        await client.say((1, 4.0))
        events, code = await client.rest()
    assert (types(events), code) == (["speech_started", "final", "error"], 1008)
    assert events[1]["end"] == 3.0
    assert "longer than 3 s" in events[-1]["error"]["message"]


@pytest.mark.parametrize("environ", [{"LIVE_SESSIONS": "1"}])
async def test_sessions_are_bounded(server: LiveServer) -> None:
    """One more is refused at its handshake, with an honest status; when one is over there is room again."""
    async with live_client(server) as client:
        await client.start()
        with pytest.raises(InvalidStatus) as refused:
            async with live_client(server):
                pass
        reply = refused.value.response
        assert (reply.status_code, reply.headers["retry-after"]) == (429, "10")
        assert json.loads(reply.body)["error"]["message"] == "1 live transcriptions are open, the most allowed"
        await client.end()
        await client.rest()
    await until_metric(server, "live_sessions 0.0")
    async with live_client(server) as client:
        assert (await client.start())["type"] == "ready"


@pytest.mark.parametrize("environ", [{"LIVE_MAX_UNREAD_S": "1"}])
async def test_what_nobody_keeps_up_with_is_refused(server: LiveServer, fakes: FakeSpeechServing) -> None:
    """The session ends with the code that says: try again later."""
    fakes.transcriber.gate.clear()
    async with live_client(server) as client:
        await client.start()
        await client.say((1, 2.0), (0, 5.0))
        events, code = await client.rest()
    assert (types(events), code) == (["speech_started", "error"], 1013)
    assert "comes faster than it is written down" in events[-1]["error"]["message"]


async def test_a_server_that_is_behind_stops_reading(server: LiveServer, fakes: FakeSpeechServing) -> None:
    """The sender's own connection holds it up, so that memory stays bounded; nothing is lost when it goes on."""
    fakes.transcriber.gate.clear()
    piece = pcm((0, 8.0))
    sent = 0

    async def flood() -> None:
        nonlocal sent
        for _ in range(200):  # 50 MB, far more than sockets hold
            await client.connection.send(piece)
            sent += 1

    async with live_client(server) as client:
        await client.start(partials=False)
        await client.say((1, 2.0), (0, 1.0))
        flooding = asyncio.create_task(flood())
        await until(fakes.transcriber.entered.is_set)
        # Held up: nothing more gets out, however often others have their turn.
        before = -1
        while before != sent:
            before = sent
            await asyncio.sleep(0.2)
        assert not flooding.done()
        fakes.transcriber.gate.set()
        await flooding
        await client.end()
        events, code = await client.rest()
    assert (types(events), code) == (["speech_started", "final", "done"], 1000)
    assert events[-1]["duration"] == 3.0 + 200 * 8.0


async def test_a_client_that_leaves_leaves_nothing_behind(
    server: LiveServer, core: Core, fakes: FakeSpeechServing
) -> None:
    """Its place is free, its stream forgotten, and nobody works on."""
    async with live_client(server) as client:
        await client.start()
        await client.say(*SPOKEN)
        client.connection.transport.abort()
    await until(lambda: core.lifecycle.in_flight == 0)
    await until(lambda: len(fakes.voice_activity.forgotten) == 1)
    assert await metric(server, "live_sessions 0.0")


async def test_a_message_that_is_too_large_is_not_taken(server: LiveServer) -> None:
    """The server's library refuses it before it is in memory."""
    async with live_client(server) as client:
        await client.start()
        await client.connection.send(bytes(300_000))
        assert await client.rest() == ([], 1009)


async def test_an_engine_that_fails_is_told_without_details(server: LiveServer, fakes: FakeSpeechServing) -> None:
    """As everywhere: the request may be innocent."""
    fakes.transcriber.broken = True
    async with live_client(server) as client:
        await client.start(partials=False)
        await client.say((1, 2.0))
        await client.end()
        events, code = await client.rest()
    assert (types(events), code) == (["speech_started", "error"], 1011)
    assert events[-1]["error"]["message"] == "the inference engine failed; the request may be repeated"


async def test_at_shutdown_what_was_sent_gets_its_text(
    server: LiveServer, core: Core, fakes: FakeSpeechServing
) -> None:
    """Then the close code that says: come back after the restart. New sessions are refused with 503 meanwhile."""
    fakes.transcriber.gate.clear()
    async with live_client(server) as client:
        await client.start(partials=False)
        await client.say((1, 2.0))
        await until(lambda: fakes.voice_activity.seconds > 1.9)
        server.sigterm()
        await until(lambda: core.lifecycle.shutting_down)
        with pytest.raises(InvalidStatus) as refused:
            async with live_client(server):
                pass
        assert refused.value.response.status_code == 503
        assert core.lifecycle.in_flight == 1
        fakes.transcriber.gate.set()
        events, code = await client.rest()
    assert (types(events), code) == (["speech_started", "final", "error"], 1012)
    assert events[-1]["error"]["message"] == "the process is shutting down"
    server.wait_ended()


async def test_at_shutdown_a_session_that_has_not_begun_is_closed(server: LiveServer) -> None:
    """It holds nothing up."""
    async with live_client(server) as client:
        server.sigterm()
        events, code = await client.rest()
    assert (types(events), code) == (["error"], 1012)
    server.wait_ended()


@pytest.mark.parametrize("environ", [{"SHUTDOWN_GRACE_S": "0.5"}])
async def test_after_the_grace_a_session_is_closed_without_its_text(
    server: LiveServer, fakes: FakeSpeechServing
) -> None:
    """And hears so."""
    fakes.transcriber.gate.clear()
    async with live_client(server) as client:
        await client.start(partials=False)
        await client.say((1, 2.0))
        await until(lambda: fakes.voice_activity.seconds > 1.9)
        server.sigterm()
        events, code = await client.rest()
    assert (types(events), code) == (["speech_started", "error"], 1012)


async def test_a_session_has_a_request_id(server: LiveServer) -> None:
    """Of its handshake, also where that is refused."""
    async with live_client(server, **{"x-request-id": "live-1"}) as client:
        assert client.connection.response is not None
        assert client.connection.response.headers["x-request-id"] == "live-1"
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"ws{server.http.removeprefix('http')}/nowhere", proxy=None):
            pass
    assert refused.value.response.status_code == 403


async def test_sessions_are_counted_and_logged_without_a_word_of_them(server: LiveServer) -> None:
    """In flight while they are open, then by route and close code; the log has neither texts nor prompts."""
    with structlog.testing.capture_logs() as log:
        async with live_client(server) as client:
            await client.start(prompt="a secret prompt")
            assert await metric(server, "http_requests_in_flight 2.0")
            assert await metric(server, "live_sessions 1.0")
            await client.say(*SPOKEN)
            await client.end()
            await client.rest()
        await until_metric(server, f'websocket_closes_total{{code="1000",route="{PATH}"}} 1.0')
    line = next(line for line in log if line["event"] == "websocket")
    assert (line["route"], line["close_code"]) == (PATH, 1000)
    assert "secret" not in repr(log)
    assert "say 1" not in repr(log)
    assert await metric(server, 'live_audio_seconds_total{model="tiny"} 4.0')


async def test_the_path_is_no_http_route(server: LiveServer) -> None:
    """A plain request hears that there is nothing, in the form of its API."""
    async with httpx.AsyncClient() as client:
        reply = await client.get(f"{server.http}{PATH}")
    assert (reply.status_code, reply.json()["error"]["type"]) == (404, "invalid_request_error")
