"""Speech to text: a sound file becomes segments of text with their times."""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.registry import Collector

from coldstart.domain.audio import SPEECH_RATE_HZ
from coldstart.domain.errors import InvalidInput
from coldstart.domain.speech_spans import SpeechSpan
from coldstart.domain.transcription import (
    WINDOW_S,
    Segment,
    Transcriber,
    Transcription,
    TranscriptionOptions,
    TranscriptionRequest,
)
from coldstart.runtime.budget import Budget
from coldstart.runtime.models import ServedModel
from coldstart.runtime.registry import ModelRegistry
from coldstart.runtime.turns import Place
from coldstart.services.sound_files import SoundFiles
from coldstart.services.speech_segments import SpeechSegments

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SPEECH_TO_TEXT_TASK = "speech-to-text"

ServedTranscriber: TypeAlias = ServedModel[Transcriber, TranscriptionRequest, Transcription]

# From a GPU's hundredths to a machine that cannot keep up with one speaker.
_REAL_TIME_FACTORS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0)


@dataclass(frozen=True, slots=True)
class TranscriptionParameters:
    """What is asked for.

    Args:
        model: None: the first of the manifest.
        options: of every window; where they name no language, that of the first window holds for all.
        vad_filter: only what the voice activity model takes for speech is written down.
    """

    model: str | None = None
    options: TranscriptionOptions = field(default_factory=TranscriptionOptions)
    vad_filter: bool = False


@dataclass(frozen=True, slots=True)
class WrittenWindow:
    """A part of a sound that has been written down, and where it begins.

    Args:
        segments: in order, their times counted from the sound's start; none where nobody speaks.
    """

    start_s: float
    segments: tuple[Segment, ...]


class TranscriptionMeasures:
    """What a process tells of its transcriptions."""

    def __init__(self, budget: Budget) -> None:
        self.audio_seconds = Counter(
            "transcription_audio_seconds", "Seconds of sound that were written down.", ("model",), registry=None
        )
        self.real_time_factor = Histogram(
            "transcription_real_time_factor",
            "Seconds that a transcription took, waiting included, for each second of its sound.",
            ("model",),
            registry=None,
            buckets=_REAL_TIME_FACTORS,
        )
        self._queue_seconds = Gauge(
            "transcription_queue_seconds", "Seconds of sound that wait or are being written down.", registry=None
        )
        self._queue_seconds.set_function(lambda: budget.used)

    @property
    def collectors(self) -> Sequence[Collector]:
        return (self.audio_seconds, self.real_time_factor, self._queue_seconds)


class Transcriptions:
    """Begins transcriptions. For one event loop.

    Args:
        registry: has the models.
        sounds: decodes the files.
        speech: finds what is spoken, for sounds of more than one window.
        budget: seconds of sound that may wait or be under way.
    """

    def __init__(self, registry: ModelRegistry, sounds: SoundFiles, speech: SpeechSegments, budget: Budget) -> None:
        self._registry = registry
        self._sounds = sounds
        self._speech = speech
        self._budget = budget
        self._measures = TranscriptionMeasures(budget)

    @property
    def collectors(self) -> Sequence[Collector]:
        """Of `/metrics`."""
        return self._measures.collectors

    def check_room(self) -> None:
        """For a request that has not been read yet.

        Raises:
            Overloaded: it would be refused, whatever it is.
        """
        self._registry.check_room(SPEECH_TO_TEXT_TASK)
        self._budget.check_room()

    def begin(self, data: bytes, parameters: TranscriptionParameters) -> "TranscriptionRun":
        """Check the parameters against the model; nothing is decoded yet.

        Args:
            data: a sound file of any kind.

        Raises:
            InvalidInput: the model does not know the language.
            NotFound, NotReady: the model is unknown or not ready.
        """
        served = self.model_for(parameters.model, parameters.options)
        return TranscriptionRun(served, data, parameters, self._sounds, self._speech, self._budget, self._measures)

    def model_for(self, name: str | None, options: TranscriptionOptions) -> ServedTranscriber:
        """The model called NAME or NAME@REVISION, or the manifest's first; see `ModelRegistry.find`.

        Raises:
            InvalidInput: it does not know the options' language, or the name is the beginning of several revisions.
            NotFound, NotReady: it is unknown or not ready.
        """
        served: ServedTranscriber = self._registry.find(SPEECH_TO_TEXT_TASK, name)
        language, known = options.language, served.engine.languages
        if language is not None and language not in known:
            raise InvalidInput(
                f"model {served.entry.label!r} does not know language {language[:80]!r}; "
                f"it knows {', '.join(sorted(known))}"
            )
        return served


class TranscriptionRun:
    """One transcription; `windows` runs it, once.

    Attributes:
        model: that answers.
        duration_s: of the sound, known with the first window.
        language: ISO 639-1 code, known with the first window; None where it was not given and nothing is spoken.
    """

    def __init__(
        self,
        served: ServedTranscriber,
        data: bytes,
        parameters: TranscriptionParameters,
        sounds: SoundFiles,
        speech: SpeechSegments,
        budget: Budget,
        measures: TranscriptionMeasures,
    ) -> None:
        self.model = served.entry
        self.duration_s = 0.0
        self.language = parameters.options.language
        self._served = served
        self._data = data
        self._parameters = parameters
        self._sounds = sounds
        self._speech = speech
        self._budget = budget
        self._measures = measures

    async def windows(
        self, when_taken: Callable[[], Awaitable[None]] | None = None
    ) -> AsyncGenerator[WrittenWindow, None]:
        """The text, window by window. Close the iterator to stop early; no further window is then begun.

        Args:
            when_taken: awaited once the sound is known to be one and there is room for it, before the first window.

        Raises:
            InvalidInput, PayloadTooLarge: before the first window only: the sound cannot be decoded, or is too long.
            Overloaded: before the first window only: there is no room for one more request, or for so much sound.
            EngineFailed, NotReady: at any time.
        """
        begun_s = time.monotonic()
        # The place from the start: it bounds how many files wait to be decoded, and refuses before that is done.
        with self._served.scheduler.place() as place:
            samples = await self._sounds.samples(self._data)
            self.duration_s = samples.size / SPEECH_RATE_HZ
            with self._budget.take(self.duration_s) as share:
                if when_taken is not None:
                    await when_taken()
                spans = await self._spans(samples)
                done_s = 0.0
                for span in spans:
                    window = await self._written(samples, span, place, is_only_step=len(spans) == 1)
                    share.done(span.end_s - done_s)
                    done_s = span.end_s
                    yield window
        self._measures.audio_seconds.labels(self.model.label).inc(self.duration_s)
        factor = (time.monotonic() - begun_s) / self.duration_s
        self._measures.real_time_factor.labels(self.model.label).observe(factor)

    async def _spans(self, samples: "NDArray[np.float32]") -> Sequence[SpeechSpan]:
        """Where the windows are, in order, none longer than `WINDOW_S`; none at all where nobody speaks."""
        if not self._parameters.vad_filter and self.duration_s <= WINDOW_S:
            return [SpeechSpan(0.0, self.duration_s)]
        return await self._speech.windows(samples, with_silence=not self._parameters.vad_filter)

    async def _written(
        self, samples: "NDArray[np.float32]", span: SpeechSpan, place: Place, *, is_only_step: bool
    ) -> WrittenWindow:
        window = samples[round(span.start_s * SPEECH_RATE_HZ) : round(span.end_s * SPEECH_RATE_HZ)]
        # The text of the window before is not given on: Whisper is known to repeat itself for minutes that way. The
        # prompt is given to each window, so that names are spelt alike throughout.
        options = replace(self._parameters.options, language=self.language)
        request = TranscriptionRequest(window, options)
        written = await self._served.scheduler.submit(request, place=place, is_only_step=is_only_step)
        self.language = written.language
        return WrittenWindow(span.start_s, tuple(_shifted(segment, span.start_s) for segment in written.segments))


def _shifted(segment: Segment, by_s: float) -> Segment:
    words = tuple(replace(word, start_s=word.start_s + by_s, end_s=word.end_s + by_s) for word in segment.words)
    return replace(segment, start_s=segment.start_s + by_s, end_s=segment.end_s + by_s, words=words)
