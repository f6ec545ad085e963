"""Speech recognition by Whisper on CTranslate2, by way of faster-whisper."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from faster_whisper import WhisperModel
from faster_whisper.audio import pad_or_trim
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import Segment as FoundSegment
from faster_whisper.transcribe import Word as FoundWord
from numpy.typing import NDArray

from coldstart.domain.audio import SPEECH_RATE_HZ
from coldstart.domain.errors import EngineFailed
from coldstart.domain.transcription import (
    Segment,
    TextScore,
    Transcription,
    TranscriptionOptions,
    TranscriptionRequest,
    Word,
)
from coldstart.engines.bounded_whisper import (
    MOST_PASSES,
    TICK_S,
    BoundedWhisper,
    NoEndFound,
    WindowOptions,
    window_options,
)
from coldstart.engines.cuda_device import Device
from coldstart.engines.transcription_checks import check_transcription

# Weights are kept, and products computed, in these types.
COMPUTE_TYPES: Mapping[Device, str] = {"cpu": "int8", "cuda": "float16"}

# Without one of these faster-whisper fails at each request; a pair is two names of one token.
_SPECIAL_TOKENS = (
    ("<|endoftext|>",),
    ("<|startoftranscript|>",),
    ("<|translate|>",),
    ("<|transcribe|>",),
    ("<|startoflm|>",),
    ("<|startofprev|>",),
    ("<|nospeech|>", "<|nocaptions|>"),
    ("<|notimestamps|>",),
)

# Windows whose first passes are made at once. Source: base size of random weights, two threads, four windows: with 114
# tokens each they took 8.4 s of the processors' time instead of 12.1, with 17 tokens 4.7 instead of 5.1. They are
# encoded one by one, for together that took no less. A GPU was not measured, and takes one at a time.
_MAX_BATCH: Mapping[Device, int] = {"cpu": 4, "cuda": 1}


@dataclass(slots=True)
class _Work:
    """A request under way, and what was found so far; holding it, no other can have its identity."""

    request: TranscriptionRequest
    language: str
    language_probability: float
    tokenizer: Tokenizer
    options: WindowOptions
    encoded: Any
    segments: Iterator[FoundSegment]
    found: list[Segment] = field(default_factory=list)


class CTranslate2Transcriber:
    """A Whisper made by `convert whisper` (`domain.transcription.Transcriber`).

    The result is that of faster-whisper with its defaults: a beam of five, higher temperatures where the text is bad.
    Where no language is asked for, the window is encoded once for finding it and for writing it down.

    Args:
        path: directory with model.bin, config.json, the vocabulary, tokenizer.json and preprocessor_config.json.
        threads: compute threads on a CPU.
        device: where it computes, in the type that COMPUTE_TYPES has for it.

    Raises:
        EngineFailed: the files are not what this engine reads, or the device does not work.
    """

    def __init__(self, path: Path, *, threads: int, device: Device = "cpu") -> None:
        # Without the one faster-whisper would look for it on the Hub, without the other it would fail on words' times.
        for name in ("tokenizer.json", "config.json"):
            if not (path / name).is_file():
                raise EngineFailed(f"{path} has no {name}")
        try:
            model = BoundedWhisper(
                str(path),
                device=device,
                compute_type=COMPUTE_TYPES[device],
                cpu_threads=threads,
                local_files_only=True,
            )
        except Exception as error:  # tokenizers raises plain Exception, ctranslate2 RuntimeError and ValueError
            raise EngineFailed(f"faster-whisper cannot load {path} on {device}: {error}") from error
        self._model: BoundedWhisper | None = model
        self._works: dict[int, _Work] = {}
        self._log = structlog.get_logger("coldstart.engines")
        self.device: str = device
        self.max_batch = _MAX_BATCH[device]
        self.languages = _languages_of(model, path)

    def advance(self, requests: Sequence[TranscriptionRequest]) -> list[Transcription | None]:
        """See `domain.transcription.Transcriber`: one segment a call, so that a request can be cancelled in between.

        Requests begin together, when those before them have their results; that may move their figures in the last
        digits.

        Raises:
            InvalidInput: a request's samples or options are not what the domain says; nothing was computed.
        """
        for request in requests:
            check_transcription(request, self.languages)
        try:
            # Who is not asked for any more was cancelled.
            self._works = {id(request): self._works[id(request)] for request in requests if id(request) in self._works}
            if not self._works:
                self._works = {id(work.request): work for work in self._begin(requests)}
            return [
                self._step(self._works[id(request)]) if id(request) in self._works else None for request in requests
            ]
        except BaseException:
            self._works = {}
            raise

    def score(self, samples: NDArray[np.float32], text: str) -> TextScore:
        """See `domain.transcription.Transcriber`."""
        model = self._opened()
        features = model.feature_extractor(samples)
        tokenizer = self._tokenizer(TranscriptionOptions(), "en" if "en" in self.languages else self.languages[0])
        token_ids = tokenizer.encode(text)
        frames = features.shape[-1] - 1
        encoded = model.encode(pad_or_trim(features[:, :frames]))
        probabilities = model.model.align(encoded, tokenizer.sot_sequence, [token_ids], frames)[0].text_token_probs
        least = np.finfo(np.float32).tiny
        return TextScore(tuple(token_ids), tuple(np.log(np.maximum(probabilities, least)).tolist()))

    def close(self) -> None:
        self._works = {}
        self._model = None

    def _opened(self) -> BoundedWhisper:
        if self._model is None:
            raise EngineFailed("the engine is closed")
        return self._model

    def _tokenizer(self, options: TranscriptionOptions, language: str) -> Tokenizer:
        is_multilingual = len(self.languages) > 1
        return Tokenizer(self._opened().hf_tokenizer, is_multilingual, task=options.task, language=language)

    def _begin(self, requests: Sequence[TranscriptionRequest]) -> list[_Work]:
        """Encode the windows, find their languages, and make the first passes of those that can go together."""
        works = [self._encode(request) for request in requests]
        together = [work for work in works if work.options.goes_with_others]
        if len(together) > 1:
            firsts = self._opened().first_passes(
                [work.encoded for work in together],
                [work.tokenizer.sot_sequence for work in together],
                together[0].options,
            )
            for work, first in zip(together, firsts, strict=True):
                work.options.first = first
        return works

    def _encode(self, request: TranscriptionRequest) -> _Work:
        model = self._opened()
        features = model.feature_extractor(request.samples)
        # The last frame is of faster-whisper's padding, and not decoded.
        encoded = model.encode(pad_or_trim(features[:, : features.shape[-1] - 1]))
        language, probability = self._language(request.options, encoded)
        tokenizer = self._tokenizer(request.options, language)
        options = window_options(request.options, tokenizer)
        segments = model.generate_segments(features, tokenizer, options, log_progress=False, encoder_output=encoded)
        return _Work(request, language, probability, tokenizer, options, encoded, iter(segments))

    def _language(self, options: TranscriptionOptions, encoded: Any) -> tuple[str, float]:
        if options.language is not None or len(self.languages) == 1:
            return options.language or self.languages[0], 1.0
        token, probability = self._opened().model.detect_language(encoded)[0][0]
        return token.strip("<|>"), float(probability)

    def _step(self, work: _Work) -> Transcription | None:
        """One segment more, or the whole when there is none."""
        try:
            segment = next(work.segments, None)
        except NoEndFound:
            self._log.warning("no_end_found", passes=MOST_PASSES, segments=len(work.found))
            segment = None
        if segment is not None:
            duration_s = len(work.request.samples) / SPEECH_RATE_HZ
            work.found.append(_segment_of(segment, duration_s, work.tokenizer.eot))
            return None
        return Transcription(tuple(work.found), work.language, work.language_probability)


def _languages_of(model: WhisperModel, path: Path) -> tuple[str, ...]:
    """The languages that the tokenizer has tokens for; English alone where it has none."""
    id_of = model.hf_tokenizer.token_to_id
    for names in _SPECIAL_TOKENS:
        if all(id_of(name) is None for name in names):
            raise EngineFailed(f"{path}/tokenizer.json has no token {' or '.join(names)}, which Whisper needs")
    languages = [code for code in model.supported_languages if id_of(f"<|{code}|>") is not None]
    return tuple(languages) or ("en",)


def _segment_of(found: FoundSegment, duration_s: float, end_of_text: int) -> Segment:
    """The segment with its times inside the sound: the decoder counts in the 30 seconds that it was padded to."""
    end_s = min(max(found.end, TICK_S), duration_s)
    start_s = max(0.0, min(found.start, end_s - TICK_S))
    return Segment(
        text=found.text,
        start_s=start_s,
        end_s=end_s,
        token_ids=tuple(token for token in found.tokens if token < end_of_text),
        temperature=float(found.temperature or 0.0),
        average_log_probability=float(found.avg_logprob),
        compression_ratio=float(found.compression_ratio),
        no_speech_probability=float(found.no_speech_prob),
        words=tuple(_word_of(word, duration_s) for word in found.words or ()),
    )


def _word_of(found: FoundWord, duration_s: float) -> Word:
    """The word with its times inside the sound, at least a tick long where the sound is."""
    start_s = max(0.0, min(float(found.start), duration_s - TICK_S))
    end_s = min(max(float(found.end), start_s + TICK_S), duration_s)
    return Word(text=found.word, start_s=start_s, end_s=end_s, probability=float(found.probability))
