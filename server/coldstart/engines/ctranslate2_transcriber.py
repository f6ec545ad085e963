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
from faster_whisper.transcribe import TranscriptionOptions as DecodingOptions
from faster_whisper.transcribe import get_suppressed_tokens
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
from coldstart.engines.ctranslate2_device import Device
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

# Tried in turn until the text is neither improbable nor repeats itself. Source: Whisper's and faster-whisper's default.
_TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)

# How often the decoder may go over one window. It begins again where its last whole sentence ended, once or twice in 30
# seconds of speech; a model that is lost may find that sentence to end where it began, and would go on for ever.
_MOST_PASSES = 12

_FRAMES_ALIGNED = 2

# The shortest segment, where the decoder's times lie behind the sound's end: one of its ticks.
_TICK_S = 0.02


@dataclass
class _Options(DecodingOptions):  # type: ignore[misc]  # its package has no types
    """faster-whisper's options of one window, and how often the decoder may still go over it."""

    passes_left: int = _MOST_PASSES


class _NoEndFound(Exception):
    """The decoder has gone over one window for the last time."""


class _BoundedWhisper(WhisperModel):  # type: ignore[misc]  # its package has no types
    """faster-whisper, which would go over a window as often as its decoder asks for it, and fails on a last frame."""

    def generate_with_fallback(self, encoder_output: Any, prompt: Any, tokenizer: Any, options: Any) -> Any:
        if options.passes_left == 0:
            raise _NoEndFound
        options.passes_left -= 1
        return super().generate_with_fallback(encoder_output, prompt, tokenizer, options)

    def find_alignment(
        self, tokenizer: Any, text_tokens: Any, encoder_output: Any, num_frames: int, *args: Any, **kwargs: Any
    ) -> Any:
        # CTranslate2 aligns pairs of frames; of a single one faster-whisper 1.2 raises IndexError.
        if num_frames < _FRAMES_ALIGNED:
            return [[] for _ in text_tokens]
        return super().find_alignment(tokenizer, text_tokens, encoder_output, num_frames, *args, **kwargs)


@dataclass(slots=True)
class _Work:
    """A request under way, and what was found so far; holding it, no other can have its identity."""

    request: TranscriptionRequest
    language: str
    language_probability: float
    end_of_text: int
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

    max_batch = 1

    def __init__(self, path: Path, *, threads: int, device: Device = "cpu") -> None:
        # Without the one faster-whisper would look for it on the Hub, without the other it would fail on words' times.
        for name in ("tokenizer.json", "config.json"):
            if not (path / name).is_file():
                raise EngineFailed(f"{path} has no {name}")
        try:
            model = _BoundedWhisper(
                str(path),
                device=device,
                compute_type=COMPUTE_TYPES[device],
                cpu_threads=threads,
                local_files_only=True,
            )
        except Exception as error:  # tokenizers raises plain Exception, ctranslate2 RuntimeError and ValueError
            raise EngineFailed(f"faster-whisper cannot load {path} on {device}: {error}") from error
        self._model: _BoundedWhisper | None = model
        self._works: dict[int, _Work] = {}
        self._log = structlog.get_logger("coldstart.engines")
        self.device: str = device
        self.languages = _languages_of(model, path)

    def advance(self, requests: Sequence[TranscriptionRequest]) -> list[Transcription | None]:
        """See `domain.transcription.Transcriber`: one segment a call, so that a request can be cancelled in between.

        Raises:
            InvalidInput: a request's samples or options are not what the domain says; nothing was computed.
        """
        for request in requests:
            check_transcription(request, self.languages)
        try:
            # Who is not asked for any more was cancelled.
            self._works = {id(request): self._works.get(id(request)) or self._begin(request) for request in requests}
            return [self._step(self._works[id(request)]) for request in requests]
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

    def _opened(self) -> _BoundedWhisper:
        if self._model is None:
            raise EngineFailed("the engine is closed")
        return self._model

    def _tokenizer(self, options: TranscriptionOptions, language: str) -> Tokenizer:
        is_multilingual = len(self.languages) > 1
        return Tokenizer(self._opened().hf_tokenizer, is_multilingual, task=options.task, language=language)

    def _begin(self, request: TranscriptionRequest) -> _Work:
        """Encode the window and find its language; nothing is written down yet."""
        model = self._opened()
        features = model.feature_extractor(request.samples)
        # The last frame is of faster-whisper's padding, and not decoded.
        encoded = model.encode(pad_or_trim(features[:, : features.shape[-1] - 1]))
        language, probability = self._language(request.options, encoded)
        tokenizer = self._tokenizer(request.options, language)
        segments = model.generate_segments(
            features, tokenizer, _decoding(request.options, tokenizer), log_progress=False, encoder_output=encoded
        )
        return _Work(request, language, probability, tokenizer.eot, iter(segments))

    def _language(self, options: TranscriptionOptions, encoded: Any) -> tuple[str, float]:
        if options.language is not None or len(self.languages) == 1:
            return options.language or self.languages[0], 1.0
        token, probability = self._opened().model.detect_language(encoded)[0][0]
        return token.strip("<|>"), float(probability)

    def _step(self, work: _Work) -> Transcription | None:
        """One segment more, or the whole when there is none."""
        try:
            segment = next(work.segments, None)
        except _NoEndFound:
            self._log.warning("no_end_found", passes=_MOST_PASSES, segments=len(work.found))
            segment = None
        if segment is not None:
            duration_s = len(work.request.samples) / SPEECH_RATE_HZ
            work.found.append(_segment_of(segment, duration_s, work.end_of_text))
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


def _decoding(options: TranscriptionOptions, tokenizer: Tokenizer) -> _Options:
    """What faster-whisper's `transcribe` makes of its defaults, and these options."""
    # A prompt is text alone: a special token written in it would end it, or begin another transcript.
    prompt = [token for token in tokenizer.encode(f" {options.prompt.strip()}") if token < tokenizer.eot]
    return _Options(
        beam_size=5,
        best_of=5,
        patience=1,
        length_penalty=1,
        repetition_penalty=1,
        no_repeat_ngram_size=0,
        log_prob_threshold=-1.0,
        no_speech_threshold=0.6,
        compression_ratio_threshold=2.4,
        condition_on_previous_text=True,
        prompt_reset_on_temperature=0.5,
        temperatures=[*_TEMPERATURES] if options.temperature == 0 else [options.temperature],
        initial_prompt=prompt if options.prompt.strip() else None,
        prefix=None,
        suppress_blank=True,
        suppress_tokens=get_suppressed_tokens(tokenizer, [-1]),
        without_timestamps=False,
        max_initial_timestamp=1.0,
        word_timestamps=options.word_timestamps,
        prepend_punctuations="\"'“¿([{-",
        append_punctuations="\"'.。,，!！?？:：”)]}、",
        multilingual=False,
        max_new_tokens=None,
        clip_timestamps="0",
        hallucination_silence_threshold=None,
        hotwords=None,
    )


def _segment_of(found: FoundSegment, duration_s: float, end_of_text: int) -> Segment:
    """The segment with its times inside the sound: the decoder counts in the 30 seconds that it was padded to."""
    end_s = min(max(found.end, _TICK_S), duration_s)
    start_s = max(0.0, min(found.start, end_s - _TICK_S))
    words = (
        Word(
            text=word.word,
            start_s=min(max(float(word.start), 0.0), duration_s),
            end_s=min(max(float(word.end), float(word.start), 0.0), duration_s),
            probability=float(word.probability),
        )
        for word in found.words or ()
    )
    return Segment(
        text=found.text,
        start_s=start_s,
        end_s=end_s,
        token_ids=tuple(token for token in found.tokens if token < end_of_text),
        temperature=float(found.temperature or 0.0),
        average_log_probability=float(found.avg_logprob),
        compression_ratio=float(found.compression_ratio),
        no_speech_probability=float(found.no_speech_prob),
        words=tuple(words),
    )
