"""Clients of speech that leave, on a real server."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import structlog
from tests.synthesis_doubles import PCM, POISON, FakeEncoder, FakeSynthesizer
from tests.tts_serving import fake_tts_core, tts_app
from tests.wheel_serving import served_app

SENTENCES = 50
LONG = {"input": "One more sentence. " * SENTENCES, "response_format": PCM}


@pytest.fixture
def engine() -> Iterator[FakeSynthesizer]:
    engine = FakeSynthesizer()
    yield engine
    engine.gate.set()


@pytest.fixture
def client(tmp_path: Path, engine: FakeSynthesizer) -> Iterator[httpx.Client]:
    core = fake_tts_core(tmp_path, engine, "tiny")
    with served_app(core, tts_app(core, FakeEncoder())) as address, httpx.Client(base_url=address) as client:
        yield client
        engine.gate.set()


def wait_until_held(engine: FakeSynthesizer) -> None:
    """Return once the engine waits for its gate."""
    end = time.monotonic() + 10.0
    while engine.gate.is_set():
        assert time.monotonic() < end
        time.sleep(0.001)


def wait_until_free(client: httpx.Client) -> None:
    """Return once no character waits or is being said."""
    end = time.monotonic() + 10.0
    while "speech_queue_characters 0.0" not in client.get("/metrics").text:
        assert time.monotonic() < end


@pytest.mark.parametrize("stream_format", ["audio", "sse"])
def test_a_client_that_leaves_in_mid_speech_stops_the_engine(
    client: httpx.Client, engine: FakeSynthesizer, stream_format: str
) -> None:
    """No further sentence is begun for it, and its characters make room at once."""
    engine.hold_after(1)
    with client.stream("POST", "/v1/audio/speech", json=LONG | {"stream_format": stream_format}) as reply:
        pieces = reply.iter_raw()  # kept, for the end of the iterator is that of the connection
        assert next(pieces)
        wait_until_held(engine)
    wait_until_free(client)
    engine.gate.set()
    assert client.post("/v1/audio/speech", json=LONG | {"input": "The next."}).status_code == 200
    assert len(engine.said) <= 3


def test_a_client_that_leaves_before_the_first_bytes_stops_the_engine(
    client: httpx.Client, engine: FakeSynthesizer
) -> None:
    """It is out of the queue."""
    engine.hold_after(0)
    with pytest.raises(httpx.ReadTimeout):
        client.post("/v1/audio/speech", json=LONG, timeout=0.3)
    wait_until_free(client)
    engine.gate.set()
    assert client.post("/v1/audio/speech", json=LONG | {"input": "The next."}).status_code == 200
    assert len(engine.said) <= 2


def test_a_failure_in_mid_speech_cuts_the_connection(client: httpx.Client) -> None:
    """So that nobody takes half a file for a whole one; the next text is said."""
    # Tracebacks for people, which nobody reads here, take seconds to draw.
    with structlog.testing.capture_logs(), pytest.raises(httpx.RemoteProtocolError):
        client.post("/v1/audio/speech", json=LONG | {"input": f"A good one. A {POISON}."})
    assert client.post("/v1/audio/speech", json=LONG).status_code == 200


def test_a_failure_in_mid_stream_is_an_event(client: httpx.Client) -> None:
    """The last one, in OpenAI's form."""
    body = LONG | {"input": f"A good one. A {POISON}.", "stream_format": "sse"}
    with structlog.testing.capture_logs():
        events = client.post("/v1/audio/speech", json=body).text.strip().split("\n\n")
    assert len(events) == 2
    assert '"type":"speech.audio.delta"' in events[0]
    assert "the inference engine failed" in events[1]
