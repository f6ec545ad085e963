"""What a stop in the middle of speech does to it, in containers without a network: nothing is lost."""

import json
from contextlib import suppress
from typing import Any

import httpx
import pytest
from tests.integration.isolated import Isolated, isolated
from tests.integration.spoken import (
    DIGITS,
    LIVE,
    LONG_TEXT,
    SPEECH,
    TRANSCRIPTIONS,
    client_of,
    model_of,
    said_again_and_again,
    samples_said,
)
from tests.integration.subjects import Subject, eventually
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from coldstart_harness.service import Service

pytestmark = pytest.mark.docker

# RFC 6455's registry: the service restarts.
SERVICE_RESTART = 1012


def stop(service: Isolated, url: str) -> None:
    """Tell it to stop, and wait until it says that it is no longer ready."""
    service.sigterm()
    eventually(lambda: not Service(url).is_ready(), "readiness turns after the signal")


def assert_refused(reply: httpx.Response) -> None:
    """As a request that comes after the signal: its caller is told to come again, elsewhere or later."""
    assert (reply.status_code, reply.json()["error"]["type"]) == (503, "service_unavailable_error")
    assert int(reply.headers["retry-after"]) >= 1


def assert_ended_well(service: Isolated) -> None:
    """It ended by itself, and one request was under way when the signal came."""
    assert service.exit_code() == 0
    assert service.logged("shutdown_begins")["in_flight"] == 1


def test_sigterm_in_mid_transcription_loses_nothing(listening_alone: Subject) -> None:
    """The segments that are still to come arrive, up to the whole text; who comes after the signal gets 503."""
    times = 5

    def ask(url: str) -> tuple[list[Any], httpx.Response]:
        with client_of(url) as client:
            model = model_of(client, "speech-to-text")
            sound = ("digits.wav", said_again_and_again(times))
            with client.audio.transcriptions.create(model=model, file=sound, stream=True) as events:
                first = next(iter(events))
                stop(service, url)
                late = httpx.post(f"{url}{TRANSCRIPTIONS}", files={"file": b"a sound"}, trust_env=False)
                return [first, *events], late

    with isolated(listening_alone) as service:
        told, late = service.ask(ask)
        assert_ended_well(service)
    assert_refused(late)
    assert (told[-1].type, told[-1].text.split()) == ("transcript.text.done", DIGITS.split() * times)


def test_sigterm_in_mid_speech_loses_nothing(speaking_alone: Subject) -> None:
    """The whole sound arrives; who comes after the signal gets 503."""

    def ask(url: str) -> tuple[int, int, httpx.Response]:
        with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
            whole = len(client.post(SPEECH, json=LONG_TEXT).content)
            with client.stream("POST", SPEECH, json=LONG_TEXT) as reply:
                pieces = reply.iter_raw()
                length = len(next(pieces))
                stop(service, url)
                late = httpx.post(f"{url}{SPEECH}", json={"input": "a"}, trust_env=False)
                return whole, length + sum(map(len, pieces)), late

    with isolated(speaking_alone) as service:
        whole, length, late = service.ask(ask)
        assert_ended_well(service)
    assert_refused(late)
    # The voice's breath is drawn anew at each call, which moves a sentence's end by a few samples.
    assert length == pytest.approx(whole, rel=0.01)


def test_sigterm_costs_a_live_session_no_words(listening_alone: Subject) -> None:
    """The segment that nobody has ended is written down and told; then the session is closed for the restart."""

    def ask(url: str) -> tuple[list[dict[str, Any]], int | None]:
        with connect(f"ws{url.removeprefix('http')}{LIVE}", proxy=None) as live:
            live.send(json.dumps({"type": "start", "partials": False}))
            live.send(samples_said().tobytes())
            told = [json.loads(live.recv()), json.loads(live.recv())]
            stop(service, url)
            with suppress(ConnectionClosed):
                while True:
                    told.append(json.loads(live.recv()))
            return told, live.close_code

    with isolated(listening_alone) as service:
        told, close_code = service.ask(ask)
        assert_ended_well(service)
    assert [event["type"] for event in told] == ["ready", "speech_started", "final", "error"]
    assert (told[2]["text"], close_code) == (DIGITS, SERVICE_RESTART)
