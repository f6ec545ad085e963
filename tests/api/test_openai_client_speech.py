"""The openai package's speech calls against a real server with espeak-ng and the real encoder."""

import asyncio
import io
from collections.abc import Iterator
from pathlib import Path

import av
import openai
import pytest
from tests.tts_serving import espeak_core, espeak_manifest, tts_app
from tests.wheel_serving import served_app

TEXT = "Hello there. It is 3:30 pm, and this costs $3.50!"
FORMATS = ("wav", "mp3", "opus", "flac", "pcm", "aac")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    core = espeak_core(espeak_manifest(tmp_path_factory.mktemp("tts")))
    with served_app(core, tts_app(core)) as address:
        yield f"{address}/v1"


@pytest.fixture
def client(address: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=address, api_key="none", max_retries=0) as client:
        yield client


def seconds_of(file: bytes) -> float:
    """Of a sound file, decoded."""
    with av.open(io.BytesIO(file), "r") as container:
        return float(sum(frame.samples / frame.sample_rate for frame in container.decode(container.streams.audio[0])))


@pytest.mark.parametrize("response_format", FORMATS)
def test_a_text_is_said_in_every_format(client: openai.OpenAI, response_format: str) -> None:
    """Each file holds the same few seconds; raw samples are 24 kHz, as OpenAI's."""
    reply = client.audio.speech.create(model="espeak", voice="alloy", input=TEXT, response_format=response_format)  # type: ignore[arg-type]
    seconds = len(reply.content) / 2 / 24_000 if response_format == "pcm" else seconds_of(reply.content)
    assert 4.0 < seconds < 9.0


def test_a_stream_begins_before_its_end(client: openai.OpenAI) -> None:
    """`with_streaming_response` gives the bytes as they come, and they are the file."""
    with client.audio.speech.with_streaming_response.create(
        model="espeak", voice="en-gb", input=TEXT * 20, response_format="wav"
    ) as response:
        assert response.headers["content-type"] == "audio/wav"
        assert response.headers["transfer-encoding"] == "chunked"
        pieces = list(response.iter_bytes())
    assert len(pieces) > 1
    assert b"".join(pieces)[:4] == b"RIFF"
    assert seconds_of(b"".join(pieces)) > 80


def test_a_file_is_written(client: openai.OpenAI, tmp_path: Path) -> None:
    """By the client's own methods."""
    speech = client.audio.speech.create(model="espeak", voice="echo", input="Hello.", speed=0.25, response_format="wav")
    speech.write_to_file(tmp_path / "hello.wav")
    assert seconds_of((tmp_path / "hello.wav").read_bytes()) > 1.5


def test_speed_changes_the_length(client: openai.OpenAI) -> None:
    """Over the range that OpenAI's API has."""
    lengths = [
        len(
            client.audio.speech.create(model="espeak", voice="nova", input=TEXT, speed=s, response_format="pcm").content
        )
        for s in (0.25, 1.0, 4.0)
    ]
    assert lengths[0] > 3 * lengths[1] > 9 * lengths[2]


def test_refusals_are_the_clients_own(client: openai.OpenAI) -> None:
    """With our sentence."""
    with pytest.raises(openai.BadRequestError, match="has no voice 'eve'; it has en-us, en-us-woman"):
        client.audio.speech.create(model="espeak", voice="eve", input="a")
    with pytest.raises(openai.NotFoundError, match="there is no model 'tts-1'; there are: espeak"):
        client.audio.speech.create(model="tts-1", voice="alloy", input="a")
    with pytest.raises(openai.BadRequestError, match=r"greater than or equal to 0\.25"):
        client.audio.speech.create(model="espeak", voice="alloy", input="a", speed=0.1)


def test_the_asynchronous_client_speaks_many_texts_at_once(address: str) -> None:
    """Each gets its own sound."""

    async def lengths() -> list[int]:
        async with openai.AsyncOpenAI(base_url=address, api_key="none", max_retries=0) as client:
            replies = await asyncio.gather(
                *(
                    client.audio.speech.create(
                        model="espeak", voice="alloy", input="word " * count, response_format="pcm"
                    )
                    for count in range(1, 9)
                )
            )
            return [len(reply.content) for reply in replies]

    met = asyncio.run(lengths())
    assert met == sorted(met)
    assert len(set(met)) == len(met)
