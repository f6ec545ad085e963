"""The speech service over a fake voice."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.polling import until
from tests.synthesis_doubles import PCM, POISON, RATE_HZ, FakeEncoder, FakeSynthesizer, fake_pcm, fake_sound
from tests.tts_serving import fake_tts_core, speech_over

from coldstart.domain.errors import EngineFailed, InvalidInput, NotFound, Overloaded
from coldstart.domain.speech import SpeechRequest
from coldstart.runtime.core import Core
from coldstart.services.speech import Speech, SpeechParameters

THREE = SpeechParameters("The first one. The second one. The third one.", voice="bob", format_name=PCM)
SENTENCES = ("The first one.", "The second one.", "The third one.")
HEADER = f"<{PCM} {RATE_HZ}>".encode()


@pytest.fixture
def engine() -> Iterator[FakeSynthesizer]:
    engine = FakeSynthesizer()
    yield engine
    engine.gate.set()


@pytest.fixture
def encoder() -> FakeEncoder:
    return FakeEncoder()


@pytest.fixture
def core(tmp_path: Path, engine: FakeSynthesizer) -> Iterator[Core]:
    core = fake_tts_core(tmp_path, engine, "tiny", QUEUE_LIMIT="1", TTS_QUEUE_CHARACTERS="100", TTS_MAX_CHARACTERS="60")
    core.registry.start()
    assert core.registry.wait_settled(10.0)
    yield core
    engine.gate.set()
    core.registry.close(5.0)


@pytest.fixture
def speech(core: Core, encoder: FakeEncoder) -> Speech:
    return speech_over(core, encoder)


def pieces_of(speech: Speech, parameters: SpeechParameters = THREE) -> AsyncIterator[bytes]:
    return speech.begin(parameters).pieces()


async def whole(speech: Speech, parameters: SpeechParameters = THREE) -> bytes:
    return b"".join([piece async for piece in pieces_of(speech, parameters)])


def pcm_of(*sentences: str, speed: float = 1.0) -> bytes:
    return b"".join(fake_pcm(fake_sound(SpeechRequest(sentence, "bob", speed))) for sentence in sentences)


async def test_a_text_is_said_sentence_by_sentence(speech: Speech, engine: FakeSynthesizer) -> None:
    """In the voice asked for, and the file is one."""
    assert await whole(speech) == HEADER + pcm_of(*SENTENCES) + b"<end>"
    assert [(request.text, request.voice) for request in engine.said] == [(text, "bob") for text in SENTENCES]


async def test_the_first_sentence_leaves_before_the_second_is_made(speech: Speech, engine: FakeSynthesizer) -> None:
    """While the engine is held at the second."""
    engine.hold_after(1)
    pieces = pieces_of(speech)
    assert await anext(pieces) == HEADER + pcm_of(SENTENCES[0])
    second = asyncio.ensure_future(anext(pieces))
    await until(lambda: not engine.gate.is_set())
    assert [request.text for request in engine.said] == [SENTENCES[0]]
    engine.gate.set()
    assert await second + b"".join([piece async for piece in pieces]) == pcm_of(*SENTENCES[1:]) + b"<end>"


async def test_numbers_are_written_out_for_the_engine(speech: Speech, engine: FakeSynthesizer) -> None:
    """In the language of the voice."""
    for voice in ("ann", "uwe"):
        await whole(speech, SpeechParameters("3 cats", voice=voice, format_name=PCM))
    assert [request.text for request in engine.said] == ["three cats", "3 cats"]


async def test_speed_is_the_engines(speech: Speech) -> None:
    """At twice the speed there is half the sound."""
    fast = dataclasses.replace(THREE, speed=2.0)
    assert await whole(speech, fast) == HEADER + pcm_of(*SENTENCES, speed=2.0) + b"<end>"


async def test_files_are_written_in_threads_of_their_own(speech: Speech, encoder: FakeEncoder) -> None:
    """Never in the event loop."""
    await whole(speech)
    assert encoder.threads
    assert all(name.startswith("encode") for name in encoder.threads)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"voice": "eve"}, "model 'tiny' has no voice 'eve'; it has ann, bob, uwe, default, alloy"),
        ({"format_name": "ogg"}, "there is no format 'ogg'; there are pcm, mp3"),
        ({"text": "x" * 61}, "the text has 61 characters; at most 60 are taken"),
        ({"text": "🙂"}, "the text says nothing: there is no letter and no digit in it"),
        ({"text": ""}, "the text says nothing"),
        ({"text": "a\ud800b"}, "the text has a lone surrogate, U\\+D800, at character 1; it must be Unicode text"),
    ],
)
async def test_what_cannot_be_said_is_refused(speech: Speech, changes: dict[str, str], sentence: str) -> None:
    """Before the first bytes, with what was met and what is allowed."""
    with pytest.raises(InvalidInput, match=sentence):
        await whole(speech, dataclasses.replace(THREE, **changes))  # type: ignore[arg-type]


async def test_an_unknown_model_is_named_with_the_models(speech: Speech) -> None:
    """As everywhere."""
    with pytest.raises(NotFound, match="there is no model 'tts-1'; there are: tiny"):
        speech.begin(dataclasses.replace(THREE, model="tts-1"))


async def test_characters_beyond_the_budget_are_refused(speech: Speech, engine: FakeSynthesizer) -> None:
    """At once, with a time to come back; what has been said makes room."""
    engine.gate.clear()
    under_way = asyncio.create_task(whole(speech, SpeechParameters("w" * 60, format_name=PCM)))
    await until(engine.entered.is_set)
    with pytest.raises(
        Overloaded, match="60 characters wait or are under way, of 100 at most, and this request has 43"
    ):
        await whole(speech)
    engine.gate.set()
    await under_way
    assert await whole(speech)


async def test_requests_beyond_the_queue_are_refused(speech: Speech, engine: FakeSynthesizer) -> None:
    """It is known before the request is read, and again before its text is written out."""
    engine.gate.clear()
    short = SpeechParameters("hi", format_name=PCM)
    waiting = [asyncio.create_task(whole(speech, short)) for _ in range(2)]
    await until(engine.entered.is_set)
    await until(lambda: any(status.queue_depth for status in speech._registry.states().values()))
    with pytest.raises(Overloaded, match="the queue of model 'tiny' is full"):
        speech.check_room()
    # A text that says nothing is only found when it is written out: the refusal comes before that.
    for text in ("hi", "🙂"):
        with pytest.raises(Overloaded, match="the queue of model 'tiny' is full"):
            await whole(speech, dataclasses.replace(short, text=text))
    engine.gate.set()
    await asyncio.gather(*waiting)
    speech.check_room()


async def test_a_cancelled_text_frees_the_engine(speech: Speech, engine: FakeSynthesizer) -> None:
    """No further sentence is begun, and its place and characters are free."""
    engine.hold_after(1)
    cancelled = asyncio.create_task(whole(speech))
    await until(lambda: len(engine.said) == 1 and not engine.gate.is_set())
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    engine.gate.set()
    full = SpeechParameters("w" * 60, format_name=PCM)
    assert await whole(speech, full)
    assert SENTENCES[2] not in [request.text for request in engine.said]


async def test_a_failure_is_the_requests_own(speech: Speech) -> None:
    """The next one is served."""
    with pytest.raises(EngineFailed):
        await whole(speech, SpeechParameters(POISON, format_name=PCM))
    assert await whole(speech)


async def test_voices_have_their_aliases(speech: Speech) -> None:
    """Of the models that are ready."""
    offered = {each.voice.name: each for each in speech.voices()}
    assert list(offered) == ["ann", "bob", "uwe"]
    assert offered["ann"].aliases[:3] == ("default", "alloy", "ballad")
    assert offered["uwe"].aliases == ()
    assert offered["bob"].model_name == "tiny"


async def test_work_is_measured(speech: Speech) -> None:
    """Seconds of sound, how long they took, and when the first bytes could leave."""
    await whole(speech)
    samples = {
        (sample.name, sample.labels.get("le")): sample.value
        for collector in speech.collectors
        for metric in collector.collect()
        for sample in metric.samples
    }
    seconds = sum(map(len, SENTENCES)) * 100 / RATE_HZ
    assert samples["speech_audio_seconds_total", None] == pytest.approx(seconds)
    assert samples["speech_real_time_factor_count", None] == 1
    assert samples["speech_first_byte_seconds_count", None] == 1
    assert samples["speech_queue_characters", None] == 0
