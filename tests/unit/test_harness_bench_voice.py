"""The voice rows of the benchmark: what they send, and the lines that they make of what they met."""

import json
import wave
from pathlib import Path

import pytest

from coldstart_harness.bench.asr import pair_lines
from coldstart_harness.bench.connection import Answer
from coldstart_harness.bench.load import Load
from coldstart_harness.bench.random_model import GPT2_124M, SILERO_VAD
from coldstart_harness.bench.tts import format_lines
from coldstart_harness.bench.voice import pcm_seconds, speech_of, voice_like
from coldstart_harness.bench.voice_load import load_lines


def test_the_ratio_is_taken_pair_by_pair() -> None:
    """A machine that is slower for one pair than for another moves both sides of it, and not their ratio."""
    http, bare, ratio = pair_lines("base", [2.0, 1.02, 1.04], [1.9, 1.0, 1.0])
    assert (http.median, bare.median) == (1.04, 1.0)
    assert (ratio.unit, ratio.median, ratio.is_met) == ("×", 1.04, True)
    assert ratio.highest == pytest.approx(2.0 / 1.9)


def test_a_slower_server_misses_the_promise() -> None:
    """More than 1.05 times the bare engine's time is too much."""
    assert pair_lines("base", [1.06], [1.0])[2].is_met is False


def test_the_real_time_factor_is_of_the_whole_answer() -> None:
    """The seconds until the last byte over those of the sound; the first byte has a line of its own."""
    answers = [Answer(b"", 0.02, 1.0), Answer(b"", 0.03, 2.0), Answer(b"", 0.04, 3.0)]
    first, factor = format_lines("starter", "pcm", answers, 200.0)
    assert (first.unit, first.median) == ("s", 0.03)
    assert (factor.unit, factor.median) == ("s/s", 0.01)


def test_a_load_has_rate_percentiles_and_memory() -> None:
    """The most memory of the samples; without samples there is no line of it."""
    load = Load(tuple(n / 100 for n in range(1, 101)), 10.0)
    assert [(line.unit, line.median) for line in load_lines("8", load, [3e8, 5e8, 4e8])] == [
        ("1/s", 10.0),
        ("s", 0.505),
        ("s", 0.99),
        ("B", 5e8),
    ]
    assert len(load_lines("8", load, [])) == 3


def test_a_sound_is_repeated_to_its_length(tmp_path: Path) -> None:
    """The sound goes on from its start until the wanted second, and ends there."""
    models = tmp_path / "models"
    (models / SILERO_VAD.name).mkdir(parents=True)
    once = bytes(range(200)) * 240  # one and a half seconds
    with wave.open(str(models / SILERO_VAD.name / "golden.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(once)
    with wave.open(str(voice_like(models, 4, tmp_path)), "rb") as file:
        assert file.readframes(file.getnframes()) == (once * 3)[: 4 * 32_000]


def test_a_text_has_the_characters_that_were_asked_for() -> None:
    """Neither more nor less, and the sound of its answer is measured in seconds."""
    content, media_type = speech_of(4000, "pcm")
    document = json.loads(content)
    assert (len(document["input"]), document["response_format"], media_type) == (4000, "pcm", "application/json")
    assert pcm_seconds(bytes(96_000)) == 2.0


def test_a_model_is_told_with_its_golden_answer() -> None:
    """The entry names every form of the model, and the golden answer in the first."""
    assert GPT2_124M.entry["artifacts"] == {"onnxruntime": "onnxruntime", "transformers": "transformers"}
    assert GPT2_124M.entry["golden"] == "onnxruntime/golden.json"
