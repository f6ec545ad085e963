"""What every voice engine promises (`domain.speech.SpeechSynthesizer`)."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.contract.synthesizer_cases import SYNTHESIZER_CASES, SynthesizerCase

from coldstart.domain.errors import InvalidInput
from coldstart.domain.speech import SpeechRequest, SpeechSynthesizer
from coldstart.services.speech import FASTEST, SLOWEST
from coldstart.services.spoken_text import LONGEST_SENTENCE

SENTENCE = "The cat sat on the mat."
LONGER = "The cat sat on the mat, and the dog lay down beside the door, and nobody said a word."
_MOST_CALLS = 100  # an engine that needs more of them for a sentence is broken


@pytest.fixture(scope="module", params=SYNTHESIZER_CASES, ids=lambda case: case.name)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SpeechSynthesizer]:
    """One engine for a whole run: every test must leave it able to take the next one, which is part of the contract."""
    case: SynthesizerCase = request.param
    built = case.build(tmp_path_factory.mktemp(case.name))
    yield built
    built.close()


def say(engine: SpeechSynthesizer, text: str, voice: str | None = None, speed: float = 1.0) -> NDArray[np.float32]:
    """The sound of a text, in as many calls as it takes."""
    request = SpeechRequest(text, voice or engine.voices[0].name, speed)
    for _ in range(_MOST_CALLS):
        (sound,) = engine.advance([request])
        if sound is not None:
            return sound
    raise AssertionError(f"no sound after {_MOST_CALLS} calls")


def seconds(engine: SpeechSynthesizer, sound: NDArray[np.float32]) -> float:
    return sound.size / engine.sample_rate_hz


def is_sound(sound: NDArray[np.float32]) -> bool:
    """Whether it has the form that the protocol says."""
    return sound.dtype == np.float32 and sound.ndim == 1 and bool((np.abs(sound) <= 1.0).all())


def test_voices_are_named_once(engine: SpeechSynthesizer) -> None:
    """There is at least one, each with a language and a few words for people."""
    names = [voice.name for voice in engine.voices]
    assert names
    assert len(set(names)) == len(names)
    assert all(voice.name and voice.language and voice.description for voice in engine.voices)
    assert 8_000 <= engine.sample_rate_hz <= 48_000
    assert engine.max_batch >= 1


def test_every_voice_speaks(engine: SpeechSynthesizer) -> None:
    """Loud enough to be heard, for as long as a sentence takes."""
    for voice in engine.voices:
        sound = say(engine, SENTENCE, voice.name)
        assert is_sound(sound), voice
        assert np.abs(sound).max() > 0.01, voice
        assert 0.3 < seconds(engine, sound) < 15, voice


def test_a_longer_text_takes_longer(engine: SpeechSynthesizer) -> None:
    """In about the same relation."""
    ratio = say(engine, LONGER).size / say(engine, SENTENCE).size
    assert len(LONGER) / len(SENTENCE) / 2 < ratio < len(LONGER) / len(SENTENCE) * 2


def test_speed_shortens_the_sound(engine: SpeechSynthesizer) -> None:
    """Over the whole range; at half and twice the speed by about that much."""
    speeds = (SLOWEST, 0.5, 1.0, 2.0, FASTEST)
    lengths = [seconds(engine, say(engine, LONGER, speed=speed)) for speed in speeds]
    assert all(slower > faster for slower, faster in pairwise(lengths)), lengths
    assert lengths[1] / lengths[2] == pytest.approx(2.0, rel=0.25)
    assert lengths[2] / lengths[3] == pytest.approx(2.0, rel=0.25)


def test_slow_and_fast_speech_have_the_form_of_sound(engine: SpeechSynthesizer) -> None:
    """At the ends of the range, too."""
    assert is_sound(say(engine, SENTENCE, speed=SLOWEST))
    assert is_sound(say(engine, SENTENCE, speed=FASTEST))


def test_a_batch_is_answered_in_order(engine: SpeechSynthesizer) -> None:
    """As many requests as the engine takes at a time, each with its own sound."""
    voice = engine.voices[0].name
    texts = [SENTENCE, LONGER] * engine.max_batch
    batch = [SpeechRequest(text, voice) for text in texts[: engine.max_batch]]
    sounds = engine.advance(batch)
    assert len(sounds) == len(batch)
    for request, sound in zip(batch, sounds, strict=True):
        if sound is not None:
            assert seconds(engine, sound) == pytest.approx(seconds(engine, say(engine, request.text)), rel=0.05)


@pytest.mark.parametrize(
    "text",
    [
        "?!",
        "...",
        "a",
        " ",
        "\x00",
        "one\x00two",
        "漢字かな",
        "🙂",
        "Ünïcödé ½ ﷺ",
        "<speak>[[x]]</speak>",
        "\ud800",
        "\\u0000 {}",
    ],
)
def test_odd_texts_are_no_errors(engine: SpeechSynthesizer, text: str) -> None:
    """Whatever comes of them is sound, maybe none."""
    assert is_sound(say(engine, text))
    assert say(engine, SENTENCE).size


@pytest.mark.parametrize("letters", ["word ", "w", "漢", "1", "A. ", "!"])
def test_the_longest_sentence_is_taken(engine: SpeechSynthesizer, letters: str) -> None:
    """At the slowest, too."""
    text = (letters * LONGEST_SENTENCE)[:LONGEST_SENTENCE]
    assert is_sound(say(engine, text, speed=SLOWEST))


def test_an_unknown_voice_is_refused(engine: SpeechSynthesizer) -> None:
    """With the voices that there are; the engine goes on."""
    with pytest.raises(InvalidInput, match=f"there is no voice 'nobody'; there are: {engine.voices[0].name}"):
        engine.advance([SpeechRequest(SENTENCE, "nobody")])
    assert say(engine, SENTENCE).size
