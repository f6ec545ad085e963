"""Silero on onnxruntime: what it hears, and that it makes no difference how a sound comes."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import espeakng_loader  # type: ignore[import-untyped]
import faster_whisper
import numpy as np
import pytest
from faster_whisper.vad import VadOptions, get_speech_timestamps
from numpy.typing import NDArray
from scipy.signal import resample_poly
from tests.contract.engine_cases import convert
from tests.spans import spans_of

from coldstart.domain.audio import SPEECH_RATE_HZ
from coldstart.domain.errors import EngineFailed, InvalidInput, ModelRejected
from coldstart.domain.manifest import Artifact, ModelEntry
from coldstart.domain.speech import SpeechRequest
from coldstart.domain.speech_spans import TRANSCRIPTION_RULES, SpanRules, SpeechSpan
from coldstart.domain.voice_activity import VoiceActivityRequest
from coldstart.engines.espeak_synthesizer import EspeakSynthesizer
from coldstart.engines.silero_voice_activity import CHUNK_WINDOWS, WINDOW_SAMPLES, SileroVoiceActivityDetector
from coldstart.runtime.scheduler import Scheduler
from coldstart.services.voice_activity_golden import check_voice_activity

WINDOW_S = WINDOW_SAMPLES / SPEECH_RATE_HZ
SENTENCES = ("The cat sat on the mat.", "One two three four five six seven.", "Nobody said a word about it.")

Samples = NDArray[np.float32]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("silero")
    convert("silero-vad", Path(faster_whisper.__file__).parents[1], directory)
    return directory


@pytest.fixture(scope="module")
def engine(directory: Path) -> Iterator[SileroVoiceActivityDetector]:
    engine = SileroVoiceActivityDetector(directory, threads=1, max_batch=4)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def sentences(tmp_path_factory: pytest.TempPathFactory) -> list[Samples]:
    """Said by espeak-ng, without the silence around them."""
    directory = tmp_path_factory.mktemp("espeak") / "ng"
    convert("espeak-ng", Path(espeakng_loader.__file__).parents[1], directory)
    voice = EspeakSynthesizer(directory)
    said = [voice.advance([SpeechRequest(text, voice.voices[0].name)])[0] for text in SENTENCES]
    rate_hz = voice.sample_rate_hz
    voice.close()
    return [_trimmed(resample_poly(s, SPEECH_RATE_HZ, rate_hz).astype(np.float32)) for s in said if s is not None]


def _trimmed(samples: Samples) -> Samples:
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    return samples[loud[0] : loud[-1] + 1]


def noise(seconds: float, level: float = 0.01, seed: int = 0) -> Samples:
    """White noise of that standard deviation."""
    size = round(seconds * SPEECH_RATE_HZ)
    return (np.random.default_rng(seed).standard_normal(size) * level).astype(np.float32)


def between(sentences: Sequence[Samples], gap_s: float = 1.5, level: float = 0.001) -> tuple[Samples, list[SpeechSpan]]:
    """The sentences with gaps between and around them, all under a little noise; and when each is said."""
    pieces, spans, at = [np.zeros(round(gap_s * SPEECH_RATE_HZ), np.float32)], [], gap_s
    for sentence in sentences:
        spans.append(SpeechSpan(at, at + len(sentence) / SPEECH_RATE_HZ))
        pieces += [sentence, pieces[0]]
        at = spans[-1].end_s + gap_s
    sound = np.concatenate(pieces)
    return whole_windows(sound + noise(len(sound) / SPEECH_RATE_HZ, level)), spans


def whole_windows(sound: Samples) -> Samples:
    return sound[: len(sound) // WINDOW_SAMPLES * WINDOW_SAMPLES]


def answers(engine: SileroVoiceActivityDetector, requests: Sequence[VoiceActivityRequest]) -> list[Samples]:
    """As the scheduler does it: each request in every call until its result."""
    results: dict[int, Samples] = {}
    for _ in range(1000):
        open_ones = [i for i in range(len(requests)) if i not in results][: engine.max_batch]
        if not open_ones:
            return [results[i] for i in range(len(requests))]
        outcome = engine.advance([requests[i] for i in open_ones])
        results |= {i: found for i, found in zip(open_ones, outcome, strict=True) if found is not None}
    raise AssertionError("requests without an answer after 1000 calls")


def whole(engine: SileroVoiceActivityDetector, sound: Samples) -> Samples:
    return answers(engine, [VoiceActivityRequest(sound)])[0]


def spans(engine: SileroVoiceActivityDetector, sound: Samples, rules: SpanRules) -> list[SpeechSpan]:
    duration_s = len(sound) / SPEECH_RATE_HZ
    return spans_of(whole(engine, sound), rules, window_s=WINDOW_S, duration_s=duration_s)


@pytest.mark.parametrize("level", [0.001, 0.01])
def test_speech_is_found_between_silences(
    engine: SileroVoiceActivityDetector, sentences: list[Samples], level: float
) -> None:
    """Each sentence, where it is said, to within a quarter of a second; pauses inside them do not count."""
    sound, said = between(sentences, level=level)
    found = spans(engine, sound, SpanRules(min_silence_s=0.5))
    assert len(found) == len(said)
    assert [s.start_s for s in found] == pytest.approx([s.start_s for s in said], abs=0.25)
    assert [s.end_s for s in found] == pytest.approx([s.end_s for s in said], abs=0.25)


def tones(*frequencies_hz: float) -> Samples:
    """A chord of sines that swells and fades twice a second, 5 s."""
    time_s = np.arange(5 * SPEECH_RATE_HZ) / SPEECH_RATE_HZ
    chord = sum(np.sin(2 * np.pi * frequency * time_s) for frequency in frequencies_hz)
    return np.asarray(0.1 * chord * (1 + np.sin(4 * np.pi * time_s)), np.float32)


@pytest.mark.parametrize(
    "sound",
    [np.zeros(80_000, np.float32), noise(5.0), noise(5.0, 0.1), tones(440.0), tones(261.6, 329.6, 392.0)],
    ids=["silence", "noise", "loud noise", "tone", "chord"],
)
def test_what_is_no_speech_is_not_taken_for_it(engine: SileroVoiceActivityDetector, sound: Samples) -> None:
    """Neither silence nor noise nor anything like music."""
    assert spans(engine, whole_windows(sound), SpanRules()) == []


@pytest.mark.parametrize("piece_windows", [1, 7, CHUNK_WINDOWS])
def test_a_stream_hears_what_a_whole_sound_hears(
    engine: SileroVoiceActivityDetector, sentences: list[Samples], piece_windows: int
) -> None:
    """To the last bit, however it is cut into pieces."""
    sound, _ = between(sentences)
    size = piece_windows * WINDOW_SAMPLES
    requests = [VoiceActivityRequest(sound[i : i + size], "live") for i in range(0, len(sound), size)]
    heard = np.concatenate([answers(engine, [request])[0] for request in requests])
    engine.forget("live")
    assert np.array_equal(heard, whole(engine, sound))


def test_a_long_sound_takes_several_calls(engine: SileroVoiceActivityDetector, sentences: list[Samples]) -> None:
    """Others are answered meanwhile, and none of them hears the other."""
    short, _ = between(sentences[:1])
    long = np.tile(short, 8)
    requests = [VoiceActivityRequest(long), VoiceActivityRequest(short)]
    calls = [-(-len(request.samples) // (CHUNK_WINDOWS * WINDOW_SAMPLES)) for request in requests]
    assert calls[1] < calls[0]
    found = [engine.advance(requests)[1] for _ in range(calls[1])]
    assert found[:-1] == [None] * (calls[1] - 1)
    assert found[-1] is not None
    assert np.array_equal(found[-1], whole(engine, short))
    assert np.array_equal(answers(engine, requests)[0], whole(engine, long))


def test_requests_of_one_stream_take_their_turns(engine: SileroVoiceActivityDetector, sentences: list[Samples]) -> None:
    """In one call only the first is computed, so that none goes on where another has not ended."""
    sound = whole_windows(sentences[0])
    half = len(sound) // WINDOW_SAMPLES // 2 * WINDOW_SAMPLES
    requests = [VoiceActivityRequest(sound[:half], "live"), VoiceActivityRequest(sound[half:], "live")]
    heard = np.concatenate(answers(engine, requests))
    engine.forget("live")
    assert np.array_equal(heard, whole(engine, sound))


def test_a_request_that_is_cancelled_changes_nothing(
    engine: SileroVoiceActivityDetector, sentences: list[Samples]
) -> None:
    """Half of it was computed; the stream goes on where its last answer ended."""
    sound = whole_windows(sentences[0])
    long = whole_windows(np.tile(sound, 20))
    assert len(long) > CHUNK_WINDOWS * WINDOW_SAMPLES
    assert engine.advance([VoiceActivityRequest(long, "live")]) == [None]
    heard = answers(engine, [VoiceActivityRequest(sound, "live")])[0]
    engine.forget("live")
    assert np.array_equal(heard, whole(engine, sound))


def test_a_stream_that_is_forgotten_begins_anew(engine: SileroVoiceActivityDetector, sentences: list[Samples]) -> None:
    """And takes no memory; names that nobody knows are ignored."""
    sound = whole_windows(sentences[0])
    first = answers(engine, [VoiceActivityRequest(sound, "live")])[0]
    second = answers(engine, [VoiceActivityRequest(sound, "live")])[0]
    engine.forget("live")
    assert engine.stream_count == 0
    third = answers(engine, [VoiceActivityRequest(sound, "live")])[0]
    engine.forget("live")
    engine.forget("nobody")
    assert np.array_equal(first, third)
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("shape", [(0,), (511,), (1000,), (1, 512)])
def test_a_sound_of_no_whole_windows_is_refused(engine: SileroVoiceActivityDetector, shape: tuple[int, ...]) -> None:
    """With the shape met; the other requests of the call are computed when it is gone."""
    with pytest.raises(InvalidInput, match="wanted one dimension of one or more windows of 512 samples"):
        engine.advance([VoiceActivityRequest(np.zeros(shape, np.float32))])


@pytest.mark.parametrize("rules", [SpanRules(), TRANSCRIPTION_RULES], ids=["silero", "faster-whisper"])
def test_spans_are_those_of_faster_whisper(
    engine: SileroVoiceActivityDetector, sentences: list[Samples], rules: SpanRules
) -> None:
    """Its own code on the same sound gives the same spans to the millisecond."""
    sound, _ = between([*sentences, *sentences], gap_s=2.5)
    options = VadOptions(
        threshold=rules.threshold,
        min_speech_duration_ms=round(rules.min_speech_s * 1000),
        min_silence_duration_ms=round(rules.min_silence_s * 1000),
        speech_pad_ms=round(rules.padding_s * 1000),
    )
    wanted = get_speech_timestamps(sound, options)
    found = spans(engine, sound, rules)
    assert [s.start_s for s in found] == pytest.approx([w["start"] / SPEECH_RATE_HZ for w in wanted], abs=0.001)
    assert [s.end_s for s in found] == pytest.approx([w["end"] / SPEECH_RATE_HZ for w in wanted], abs=0.001)
    assert len(found) >= 6


def test_the_golden_answer_is_met_and_a_wrong_one_is_not(directory: Path, engine: SileroVoiceActivityDetector) -> None:
    """By way of the scheduler, as at every start."""
    golden = json.loads((directory / "golden.json").read_text(encoding="utf-8"))
    entry = ModelEntry(
        name="silero",
        task="voice-activity",
        architecture="silero-vad",
        repository="snakers4/silero-vad",
        revision="6",
        license="MIT",
        required=True,
        artifacts={"onnxruntime": Artifact(directory, ())},
        golden=golden,
    )
    scheduler: Scheduler[VoiceActivityRequest, Samples] = Scheduler(engine, name="silero", queue_limit=8)
    try:
        assert len(check_voice_activity(entry, "onnxruntime", engine, scheduler)) == 64
        for wrong, sentence in (
            ({**golden, "probabilities": [0.5] * len(golden["probabilities"])}, "differs by"),
            ({**golden, "probabilities": golden["probabilities"][1:]}, "a window has 512 samples"),
            ({"prompt": "the cat"}, "is not one of voice activity"),
        ):
            with pytest.raises(ModelRejected, match=sentence):
                check_voice_activity(replace(entry, golden=wrong), "onnxruntime", engine, scheduler)
    finally:
        assert scheduler.close(5)


def test_a_file_that_is_no_model_is_the_engines_failure(tmp_path: Path) -> None:
    """The sentence names the file."""
    (tmp_path / "silero_vad.onnx").write_bytes(b"no model")
    with pytest.raises(EngineFailed, match=r"silero_vad\.onnx"):
        SileroVoiceActivityDetector(tmp_path, threads=1, max_batch=1)


def test_a_closed_engine_says_so(directory: Path) -> None:
    """Its memory is gone."""
    engine = SileroVoiceActivityDetector(directory, threads=1, max_batch=1)
    engine.close()
    with pytest.raises(EngineFailed, match="closed"):
        engine.advance([VoiceActivityRequest(np.zeros(512, np.float32))])
