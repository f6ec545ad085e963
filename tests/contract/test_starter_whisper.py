"""What the starter speech recogniser promises (models/starter/whisper/README.md), through faster-whisper."""

from pathlib import Path

import espeakng_loader
import jiwer
import numpy as np
import pytest
from faster_whisper import WhisperModel
from tests.contract.engine_cases import ROOT, convert
from tests.contract.transcriber_cases import transcribed

from coldstart.domain.transcription import TranscriptionOptions
from coldstart.engines.ctranslate2_transcriber import CTranslate2Transcriber
from starter.whisper.evaluate import error_rate, heard_in, words_in_silence
from starter.whisper.speaker import SAMPLE_RATE_HZ, Manner, Speaker, in_silence
from starter.whisper.speech import HELD_OUT, utterances

STARTER = ROOT / "models" / "starter" / "whisper"


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("starter-whisper") / "int8"
    convert("whisper", STARTER, directory)
    return directory


@pytest.fixture(scope="module")
def model(converted: Path) -> WhisperModel:
    return WhisperModel(str(converted), device="cpu", compute_type="int8", cpu_threads=1)


@pytest.fixture(scope="module")
def speaker() -> Speaker:
    return Speaker(Path(espeakng_loader.__file__).parent)


def test_digits_of_voices_that_it_never_heard(model: WhisperModel, speaker: Speaker) -> None:
    """At most 5% of the words of forty utterances are wrong, missing or too many."""
    said = utterances(speaker, np.random.default_rng(7), HELD_OUT, 40)
    assert error_rate(model, said, is_recorded=False) <= 0.05


def test_silence_and_noise_give_no_words(model: WhisperModel) -> None:
    """Nothing is said, nothing is written."""
    assert words_in_silence(model, 8) == 0


def test_times_are_those_of_the_voice(model: WhisperModel, speaker: Speaker) -> None:
    """Each segment is a word, and begins and ends within 0.15 s of it."""
    said = speaker.say((5, 2, 8, 0), Manner("en-us"))
    segments = list(model.transcribe(in_silence(said), language="en", beam_size=1)[0])
    assert [segment.text for segment in segments] == [" five", " two", " eight", " zero"]
    for segment, word in zip(segments, said.words, strict=True):
        assert segment.start == pytest.approx(0.5 + word.begin / SAMPLE_RATE_HZ, abs=0.15)
        assert segment.end == pytest.approx(0.5 + word.end / SAMPLE_RATE_HZ, abs=0.15)


def test_words_with_times_are_the_words_without(converted: Path, speaker: Speaker) -> None:
    """Also those that the model finds in one moment, which would be lost: each word lasts a tick of 0.02 s at least."""
    engine = CTranslate2Transcriber(converted, threads=1)
    for digits in ((8, 6, 5, 2, 3), (4, 5, 7, 9, 0), (6, 8, 0, 8, 4), (6, 2, 9, 9, 0)):
        said = speaker.say(digits, Manner("en-us"))
        options = TranscriptionOptions(language="en", word_timestamps=True)
        words = [word for segment in transcribed(engine, in_silence(said), options).segments for word in segment.words]
        assert "".join(word.text for word in words).strip() == said.text
        assert all(word.end_s - word.start_s >= 0.0199 for word in words)
        assert [word.start_s for word in words] == sorted(word.start_s for word in words)
    engine.close()


def test_sounds_of_more_than_30_s(model: WhisperModel, speaker: Speaker) -> None:
    """Every utterance of 40 s is found, in order."""
    said = [speaker.say(np.random.default_rng(seed).integers(0, 10, 5).tolist(), Manner("en")) for seed in range(14)]
    text = heard_in(model, np.concatenate([in_silence(utterance) for utterance in said]))[0]
    assert jiwer.wer(" ".join(utterance.text for utterance in said), text) <= 0.05
