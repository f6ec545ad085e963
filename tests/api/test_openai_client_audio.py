"""The openai package's audio calls against a real server on loopback."""

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openai
import pytest
import webvtt
from tests.asr_serving import FakeSpeechServing, asr_core, asr_served
from tests.speech_doubles import sound_file

from coldstart.runtime.core import Core

SOUND = ("speech.mp3", sound_file(40, (1, 2), (25, 27), (35, 36)))


@pytest.fixture
def fakes() -> FakeSpeechServing:
    return FakeSpeechServing()


@pytest.fixture
def core(tmp_path: Path, fakes: FakeSpeechServing) -> Core:
    return asr_core(tmp_path, fakes, "tiny", ASR_QUEUE_S="60")


@pytest.fixture
def client(core: Core, fakes: FakeSpeechServing) -> Iterator[openai.OpenAI]:
    with (
        asr_served(core, fakes) as address,
        openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as client,
    ):
        yield client


def test_models_are_listed(client: openai.OpenAI) -> None:
    """`models.list` and `models.retrieve` give them."""
    assert [model.id for model in client.models.list()] == ["tiny", "vad"]
    assert client.models.retrieve("tiny").owned_by == "coldstart"


def test_a_transcription_is_made(client: openai.OpenAI) -> None:
    """In the client's own type, with what it cost."""
    answer = client.audio.transcriptions.create(model="tiny", file=SOUND)
    assert answer.text == "say 1 say 2 say 3"
    assert answer.usage is not None
    assert (answer.usage.type, answer.usage.seconds) == ("duration", 40.0)


def test_a_verbose_transcription_has_segments_and_words(client: openai.OpenAI, fakes: FakeSpeechServing) -> None:
    """Every parameter that the client has for them reaches the model."""
    answer = client.audio.transcriptions.create(
        model="tiny",
        file=SOUND,
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
        language="en",
        prompt="Ünï",
        temperature=0.5,
    )
    assert (answer.language, answer.duration) == ("english", 40.0)
    assert answer.segments is not None
    assert answer.words is not None
    assert [segment.text for segment in answer.segments] == [" say 1", " say 2", " say 3"]
    assert [word.word for word in answer.words] == ["say", "1", "say", "2", "say", "3"]
    options = fakes.transcriber.calls[-1][0].options
    assert (options.language, options.prompt, options.temperature) == ("en", "Ünï", 0.5)


def test_plain_formats_are_texts(client: openai.OpenAI) -> None:
    """Text, srt and vtt come as they are."""
    assert client.audio.transcriptions.create(model="tiny", file=SOUND, response_format="text") == "say 1 say 2 say 3\n"
    for name in ("srt", "vtt"):
        text = client.audio.transcriptions.create(model="tiny", file=SOUND, response_format=name)
        assert [cue.text for cue in webvtt.from_buffer(io.StringIO(text), name).captions] == ["say 1", "say 2", "say 3"]


def test_a_stream_gives_segments_before_the_end(client: openai.OpenAI, fakes: FakeSpeechServing) -> None:
    """The first window's text arrives while the second is still to be made."""
    fakes.transcriber.hold_after(1)
    with client.audio.transcriptions.create(model="tiny", file=SOUND, stream=True) as stream:
        events = iter(stream)
        first = next(events)
        assert (first.type, first.delta) == ("transcript.text.delta", "say 1")
        assert not fakes.transcriber.gate.is_set()
        fakes.transcriber.gate.set()
        *rest, done = events
    assert "".join(event.delta for event in (first, *rest)) == "say 1 say 2 say 3"
    assert (done.type, done.text) == ("transcript.text.done", "say 1 say 2 say 3")


def test_a_translation_is_made(client: openai.OpenAI) -> None:
    """Plain and verbose; the client says that OpenAI will end its own."""
    with pytest.deprecated_call():
        plain = client.audio.translations.create(model="tiny", file=SOUND)
        verbose = client.audio.translations.create(model="tiny", file=SOUND, response_format="verbose_json")
    assert plain.text == "speak 1 speak 2 speak 3"
    assert verbose.language == "english"
    assert verbose.segments is not None
    assert len(verbose.segments) == 3


def test_errors_are_the_clients_own(client: openai.OpenAI) -> None:
    """Refusals arrive as the client's exception classes with our sentence."""
    with pytest.raises(openai.NotFoundError, match="there is no model 'whisper-1'; there are: tiny"):
        client.audio.transcriptions.create(model="whisper-1", file=SOUND)
    with pytest.raises(openai.BadRequestError, match="the file is no sound"):
        client.audio.transcriptions.create(model="tiny", file=("a.mp3", b"text"))
    with pytest.raises(openai.BadRequestError, match="does not know language 'xx'"):
        client.audio.transcriptions.create(model="tiny", file=SOUND, language="xx")


def test_too_much_sound_is_a_rate_limit(client: openai.OpenAI, fakes: FakeSpeechServing) -> None:
    """With Retry-After, which the client itself would heed."""
    fakes.transcriber.gate.clear()
    fakes.transcriber.entered.clear()
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(client.audio.transcriptions.create, model="tiny", file=SOUND)
        assert fakes.transcriber.entered.wait(10.0)
        with pytest.raises(openai.RateLimitError, match="40 seconds of sound wait") as refused:
            client.audio.transcriptions.create(model="tiny", file=SOUND)
        fakes.transcriber.gate.set()
        assert held.result(10.0).text == "say 1 say 2 say 3"
    assert int(refused.value.response.headers["retry-after"]) >= 1
