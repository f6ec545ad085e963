"""What the transcriber on CTranslate2 promises beside the contract."""

import ctypes
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ctranslate2
import pytest
from faster_whisper import WhisperModel
from tests.contract.transcriber_cases import Whispers, all_transcribed, noise, text_of, transcribed

from coldstart.domain.errors import EngineFailed
from coldstart.domain.transcription import TranscriptionOptions, TranscriptionRequest
from coldstart.engines import ctranslate2_device
from coldstart.engines.bounded_whisper import TICK_S, BoundedWhisper
from coldstart.engines.ctranslate2_device import missing_for_cuda
from coldstart.engines.ctranslate2_transcriber import CTranslate2Transcriber


@pytest.mark.parametrize("language", [None, "de"])
@pytest.mark.parametrize("seconds", [1.0, 30.0])
def test_it_gives_what_faster_whisper_gives(whispers: Whispers, language: str | None, seconds: float) -> None:
    """Texts, words and figures are those of faster-whisper's own call, but for segments that it drops."""
    bare = WhisperModel(str(whispers.multilingual), device="cpu", compute_type="int8", cpu_threads=2)
    segments, info = bare.transcribe(noise(seconds), language=language, word_timestamps=True)
    wanted = list(segments)
    options = TranscriptionOptions(language=language, word_timestamps=True)
    engine = CTranslate2Transcriber(whispers.multilingual, threads=2)
    found = transcribed(engine, noise(seconds), options)
    engine.close()
    # Of words that are all in one moment.
    texts = {s.text for s in wanted}
    dropped = [s for s in found.segments if s.end_s - s.start_s <= TICK_S + 1e-6 and s.text not in texts]
    both = [s for s in found.segments if s not in dropped]
    assert [s.text for s in both] == [s.text for s in wanted]
    assert [w.text for s in both for w in s.words] == [w.word for s in wanted for w in s.words or ()]
    assert [s.average_log_probability for s in both] == pytest.approx([s.avg_logprob for s in wanted])
    assert found.language == info.language
    assert found.language_probability == pytest.approx(info.language_probability, abs=1e-3)


def test_first_passes_are_made_together(whispers: Whispers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all requests that begin at once, but for those that a prompt or a temperature sets apart."""
    kinds = [TranscriptionOptions(), TranscriptionOptions(prompt="a"), TranscriptionOptions(temperature=0.5)]
    requests = [TranscriptionRequest(noise(1), options) for options in (*kinds, TranscriptionOptions())]
    batches: list[int] = []

    def counted(self: BoundedWhisper, encoded: Any, prompts: Any, options: Any) -> list[Any]:
        batches.append(len(prompts))
        return made(self, encoded, prompts, options)

    made = BoundedWhisper.first_passes
    monkeypatch.setattr(BoundedWhisper, "first_passes", counted)
    engine = CTranslate2Transcriber(whispers.multilingual, threads=2)
    assert all(found.segments for found in all_transcribed(engine, requests))
    engine.close()
    assert batches == [2]


def test_who_has_begun_does_not_wait_for_who_comes_later(whispers: Whispers) -> None:
    """One that joins is begun when the others have their results, and not between two of their segments."""
    engine = CTranslate2Transcriber(whispers.multilingual, threads=2)
    first, second = TranscriptionRequest(noise(1)), TranscriptionRequest(noise(2))
    assert engine.advance([first]) == [None]
    outcomes = [engine.advance([first, second]) for _ in range(2)]
    assert [[found is not None for found in outcome] for outcome in outcomes] == [[False, False], [True, False]]
    assert all_transcribed(engine, [second]) == [transcribed(engine, noise(2))]
    engine.close()


def test_a_bad_first_pass_is_made_again_by_itself(whispers: Whispers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text too improbable is drawn again at a higher temperature, whether it was made alone or with others."""
    bad = SimpleNamespace(sequences_ids=[[300, 301]], scores=[-9.0], no_speech_prob=0.0)
    monkeypatch.setattr(BoundedWhisper, "first_passes", lambda _self, encoded, _prompts, _options: [bad] * len(encoded))
    engine = CTranslate2Transcriber(whispers.multilingual, threads=2)
    for found in all_transcribed(engine, [TranscriptionRequest(noise(1)), TranscriptionRequest(noise(1))]):
        assert {segment.temperature for segment in found.segments} == {0.2}
    engine.close()


def test_a_model_that_finds_no_end_is_stopped(whispers: Whispers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder that wants to go over the same second for ever gives what it has after a bounded number of passes."""

    def stays(self: WhisperModel, *args: Any, seek: int, **kwargs: Any) -> tuple[list[dict[str, Any]], int, bool]:
        segments, _, single = split(self, *args, seek=seek, **kwargs)
        return segments, seek, single

    split = WhisperModel._split_segments_by_timestamps
    monkeypatch.setattr(WhisperModel, "_split_segments_by_timestamps", stays)
    engine = CTranslate2Transcriber(whispers.english, threads=2)
    lost = transcribed(engine, noise(2))
    monkeypatch.undo()
    assert 1 < len(lost.segments) < 100
    assert len(transcribed(engine, noise(2)).segments) == 2
    engine.close()


def test_a_closed_engine_says_so(whispers: Whispers) -> None:
    """Its memory is gone, and it knows."""
    engine = CTranslate2Transcriber(whispers.english, threads=1)
    engine.close()
    with pytest.raises(EngineFailed, match="closed"):
        engine.advance([TranscriptionRequest(noise(1))])


@pytest.mark.parametrize("name", ["model.bin", "config.json", "tokenizer.json", "vocabulary.json"])
def test_a_file_that_is_missing_or_broken_is_an_engine_failure(whispers: Whispers, tmp_path: Path, name: str) -> None:
    """Never a look at the Hub, and never a crash."""
    for content in (None, b"", b"broken"):
        broken = tmp_path / str(content)
        shutil.copytree(whispers.english, broken)
        (broken / name).unlink()
        if content is not None:
            (broken / name).write_bytes(content)
        with pytest.raises(EngineFailed):
            CTranslate2Transcriber(broken, threads=1)


def test_a_tokenizer_without_whispers_tokens_is_named(whispers: Whispers, tmp_path: Path) -> None:
    """What faster-whisper would stumble over at each request is said when the model is built."""
    broken = tmp_path / "broken"
    shutil.copytree(whispers.english, broken)
    text = (broken / "tokenizer.json").read_text(encoding="utf-8")
    (broken / "tokenizer.json").write_text(text.replace("<|startoflm|>", "<|startofml|>"), encoding="utf-8")
    with pytest.raises(EngineFailed, match=r"<\|startoflm\|>"):
        CTranslate2Transcriber(broken, threads=1)


def test_text_is_the_same_with_one_thread_or_two(whispers: Whispers) -> None:
    """Threads share the work, not the answer."""
    texts = []
    for threads in (1, 2):
        engine = CTranslate2Transcriber(whispers.multilingual, threads=threads)
        texts.append(text_of(transcribed(engine, noise(4))))
        engine.close()
    assert texts[0] == texts[1]


def test_a_gpu_that_ctranslate2_cannot_use_is_told_from_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """First what the machine lacks; then a driver that CTranslate2 does not take."""
    monkeypatch.setattr(ctranslate2_device, "missing_of_machine", lambda: "there is no driver")
    assert missing_for_cuda() == "there is no driver"
    monkeypatch.setattr(ctranslate2_device, "missing_of_machine", lambda: None)
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 0)
    assert "older than CUDA 12" in (missing_for_cuda() or "")


def test_a_gpu_without_cublas_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """CTranslate2 opens that library at the first product, which would be the first request."""
    monkeypatch.setattr(ctranslate2_device, "missing_of_machine", lambda: None)
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 1)
    monkeypatch.setattr(ctranslate2_device, "_CUBLAS", "libcublas.so.0")
    assert "libcublas.so.0 cannot be opened" in (missing_for_cuda() or "")
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: object())
    assert missing_for_cuda() is None


def test_cublas_is_the_one_that_ctranslate2_opens() -> None:
    """The name that is looked for is written in the library itself."""
    program = (
        "import ctranslate2, pathlib, sys;"
        "maps = pathlib.Path('/proc/self/maps').read_text().split();"
        "paths = {p for p in maps if 'libctranslate2' in p};"
        "sys.exit(not any(sys.argv[1].encode() in pathlib.Path(p).read_bytes() for p in paths))"
    )
    subprocess.run([sys.executable, "-c", program, ctranslate2_device._CUBLAS], check=True, timeout=60)  # noqa: S603
