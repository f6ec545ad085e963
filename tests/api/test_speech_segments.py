"""When somebody speaks in a file, by HTTP, over a fake model."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.asr_serving import FakeSpeechServing, asr_client, asr_core
from tests.polling import until
from tests.speech_doubles import sound_file

PATH = "/v1/audio/speech-segments"
SPOKEN = sound_file(60, (1, 2), (2.05, 3), (40, 40.1), (50, 55))


@pytest.fixture
def fakes() -> FakeSpeechServing:
    return FakeSpeechServing(max_s=1000)


@pytest.fixture
async def client(tmp_path: Path, fakes: FakeSpeechServing) -> AsyncIterator[httpx.AsyncClient]:
    async with asr_client(asr_core(tmp_path, fakes, "tiny", ASR_QUEUE_S="300"), fakes) as client:
        yield client


async def send(client: httpx.AsyncClient, data: bytes = SPOKEN, **parts: str) -> httpx.Response:
    return await client.post(PATH, files={"file": ("sound", data)}, data=parts)


async def test_the_segments_and_their_sum(client: httpx.AsyncClient) -> None:
    """In seconds, with 30 ms of padding; a tenth of a second of sound is no speech."""
    answer = (await send(client)).json()
    assert answer["duration"] == 60.0
    assert [(s["start"], s["end"]) for s in answer["segments"]] == [
        (pytest.approx(1, abs=0.07), pytest.approx(3, abs=0.07)),
        (pytest.approx(50, abs=0.07), pytest.approx(55, abs=0.07)),
    ]
    assert answer["speech_duration"] == pytest.approx(sum(s["end"] - s["start"] for s in answer["segments"]), abs=0.002)


async def test_parts_of_the_form_say_what_counts(client: httpx.AsyncClient) -> None:
    """Shorter speech, longer silences and no padding; empty parts are as if left out."""
    answer = (await send(client, min_speech_ms="50", min_silence_ms="10000", padding_ms="0", threshold="")).json()
    assert [(s["start"], s["end"]) for s in answer["segments"]] == [
        (pytest.approx(1, abs=0.04), pytest.approx(3, abs=0.04)),
        (pytest.approx(40, abs=0.04), pytest.approx(55, abs=0.04)),
    ]


async def test_silence_has_none(client: httpx.AsyncClient) -> None:
    """An empty list, and no error."""
    assert (await send(client, sound_file(5))).json() == {"duration": 5.0, "speech_duration": 0, "segments": []}


@pytest.mark.parametrize(
    ("part", "value"), [("threshold", "2"), ("threshold", "nan"), ("padding_ms", "-1"), ("min_speech_ms", "1.5")]
)
async def test_a_part_that_is_not_allowed_is_named(client: httpx.AsyncClient, part: str, value: str) -> None:
    """With the value met."""
    reply = await send(client, SPOKEN, **{part: value})
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, part)


async def test_a_file_that_is_no_sound_is_refused(client: httpx.AsyncClient) -> None:
    """With the decoder's sentence."""
    reply = await send(client, b"no sound")
    assert (reply.status_code, reply.json()["error"]["message"]) == (400, "the file is no sound: it breaks at byte 0")


async def test_a_long_sound_goes_in_pieces_and_leaves_nothing(
    client: httpx.AsyncClient, fakes: FakeSpeechServing
) -> None:
    """Of 16 s, so that others have their turn; the stream is forgotten in the end."""
    assert (await send(client, sound_file(100, (20, 30)))).status_code == 200
    assert max(request.samples.size for call in fakes.voice_activity.calls for request in call) == 512 * 512
    await until(lambda: len(fakes.voice_activity.forgotten) == 1)
