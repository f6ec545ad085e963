"""Odd and bad sound files over HTTP: each gets an answer that says what was wrong, and none is the server's failure."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.asr_serving import FakeSpeechServing, asr_client, asr_core
from tests.sound_cases import CASES, Case, Heard, Refused
from tests.speech_doubles import FakeDecoder, FakeTranscriber

from coldstart.domain.errors import PayloadTooLarge
from coldstart.domain.transcription import Transcription, TranscriptionRequest
from coldstart.engines.pyav_audio import PyAvDecoder

MAX_S = 60.0
PATH = "/v1/audio/transcriptions"


class _RealDecoder(FakeDecoder):
    """What images have."""

    def decode(self, data: bytes, *, max_s: float) -> NDArray[np.float32]:
        return PyAvDecoder().decode(data, max_s=max_s)


class _DeafTranscriber(FakeTranscriber):
    """Hears nothing in anything."""

    def _written(self, request: TranscriptionRequest) -> Transcription:
        return Transcription((), "en", 1.0)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    fakes = FakeSpeechServing(transcriber=_DeafTranscriber(), decoder=_RealDecoder(), max_s=MAX_S)
    async with asr_client(asr_core(tmp_path, fakes, "tiny"), fakes) as client:
        yield client


def cases_that_are(kind: type[Heard] | type[Refused]) -> list[Case]:
    return [case for case in CASES if isinstance(case.then, kind) and case.max_s == MAX_S]


async def test_at_least_sixty_are_refused_with_what_is_wrong(client: httpx.AsyncClient) -> None:
    """400, or 413 for what is too long, in OpenAI's form with the decoder's sentence; also under a wrong name."""
    cases = cases_that_are(Refused)
    assert len(cases) >= 60
    wrong = []
    for case in cases:
        assert isinstance(case.then, Refused)
        reply = await client.post(PATH, files={"file": ("speech.mp3", case.make(), "audio/mpeg")})
        status = 413 if issubclass(case.then.error, PayloadTooLarge) else 400
        message = reply.json()["error"]["message"]
        if reply.status_code != status or not all(word in message for word in case.then.words):
            wrong.append((case.name, reply.status_code, message))
    assert wrong == []


async def test_whatever_can_be_heard_is_taken(client: httpx.AsyncClient) -> None:
    """Whatever its container and codec, and whatever its name and declared type say."""
    wrong = []
    for case in cases_that_are(Heard):
        reply = await client.post(
            PATH, files={"file": ("notes.txt", case.make(), "text/plain")}, data={"response_format": "verbose_json"}
        )
        assert isinstance(case.then, Heard)
        expected = pytest.approx(case.then.seconds, abs=case.then.tolerance_s + 0.001)
        if reply.status_code != 200 or reply.json()["duration"] != expected:
            wrong.append((case.name, reply.status_code, reply.text[:200]))
    assert wrong == []
