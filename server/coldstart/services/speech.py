"""Text to speech: a text becomes a sound file, sentence by sentence."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.registry import Collector

from coldstart.domain.errors import InvalidInput
from coldstart.domain.speech import SpeechRequest, SpeechSynthesizer, Voice
from coldstart.runtime.budget import Budget
from coldstart.runtime.models import ServedModel
from coldstart.runtime.registry import ModelRegistry
from coldstart.services.sound_writing import SoundWriting
from coldstart.services.spoken_text import spoken_sentences
from coldstart.services.voice_names import DEFAULT_VOICE, voices_by_name

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TEXT_TO_SPEECH_TASK = "text-to-speech"
# OpenAI's.
DEFAULT_FORMAT = "mp3"
SLOWEST, FASTEST = 0.25, 4.0

ServedSynthesizer: TypeAlias = "ServedModel[SpeechSynthesizer, SpeechRequest, NDArray[np.float32]]"

# From formants at a thousandth to a neural voice on a machine that cannot keep up.
_REAL_TIME_FACTORS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True)
class SpeechParameters:
    """What to say and how.

    Args:
        text: any; digits, abbreviations and signs are written out (`spoken_text.spoken_sentences`).
        model: None: the manifest's first of the task.
        voice: one of the model's, `default`, or a name of OpenAI's (`voice_names.voices_by_name`).
        format_name: one of `Speech.media_types`.
        speed: in [SLOWEST, FASTEST]; 1 is the voice's own.
    """

    text: str
    model: str | None = None
    voice: str = DEFAULT_VOICE
    format_name: str = DEFAULT_FORMAT
    speed: float = 1.0


@dataclass(frozen=True, slots=True)
class OfferedVoice:
    """One voice, the model that has it, and the names that it answers to beside its own.

    Args:
        voice: of the model.
        model_name: that all revisions of the model answer to.
        model_label: that this one answers to.
        aliases: of the voice.
    """

    voice: Voice
    model_name: str
    model_label: str
    aliases: tuple[str, ...]


class SpeechMeasures:
    """What a process tells of the speech it makes."""

    def __init__(self, budget: Budget) -> None:
        self._audio_seconds = Counter(
            "speech_audio_seconds", "Seconds of sound that were made.", ("model",), registry=None
        )
        self._real_time_factor = Histogram(
            "speech_real_time_factor",
            "Seconds that a text's sentences took, waiting included, for each second of their sound.",
            ("model",),
            registry=None,
            buckets=_REAL_TIME_FACTORS,
        )
        self._first_byte = Histogram(
            "speech_first_byte_seconds",
            "Time from a request's acceptance until the first bytes of its sound could leave.",
            ("model",),
            registry=None,
            buckets=_SECONDS,
        )
        self._queue_characters = Gauge(
            "speech_queue_characters", "Characters that wait or are being said.", registry=None
        )
        self._queue_characters.set_function(lambda: budget.used)

    @property
    def collectors(self) -> Sequence[Collector]:
        return (self._audio_seconds, self._real_time_factor, self._first_byte, self._queue_characters)

    def begun(self, model: str, after_s: float) -> None:
        """The first bytes can leave."""
        self._first_byte.labels(model).observe(after_s)

    def said(self, model: str, *, duration_s: float, engine_s: float) -> None:
        """A text is done: how long its sound is, and how long its sentences took."""
        self._audio_seconds.labels(model).inc(duration_s)
        if duration_s:
            self._real_time_factor.labels(model).observe(engine_s / duration_s)


class Speech:
    """Begins to speak. For one event loop.

    Args:
        registry: has the models.
        writing: makes the files.
        budget: characters that may wait or be under way.
        max_characters: of one text.
    """

    def __init__(self, registry: ModelRegistry, writing: SoundWriting, budget: Budget, *, max_characters: int) -> None:
        self._registry = registry
        self._writing = writing
        self._budget = budget
        self._max_characters = max_characters
        self._measures = SpeechMeasures(budget)

    @property
    def collectors(self) -> Sequence[Collector]:
        """Of `/metrics`."""
        return self._measures.collectors

    @property
    def media_types(self) -> Mapping[str, str]:
        """Format → media type."""
        return self._writing.media_types

    def check_room(self) -> None:
        """For a request that has not been read yet.

        Raises:
            Overloaded: it would be refused, whatever it is.
        """
        self._registry.check_room(TEXT_TO_SPEECH_TASK)
        self._budget.check_room()

    def voices(self) -> list[OfferedVoice]:
        """The voices of the models that are ready, each model's default first."""
        return [
            OfferedVoice(
                voice,
                served.entry.name,
                served.entry.label,
                tuple(n for n, v in names.items() if v is voice and n != voice.name),
            )
            for served in self._registry.ready()
            if served.entry.task == TEXT_TO_SPEECH_TASK
            for names in (voices_by_name(served.engine.voices),)
            for voice in served.engine.voices
        ]

    def refused_voices(self) -> list[tuple[str, str]]:
        """Model and sentence for each voice that somebody added and that a model that is ready does not offer."""
        return [
            (served.entry.label, sentence)
            for served in self._registry.ready()
            if served.entry.task == TEXT_TO_SPEECH_TASK
            for sentence in served.engine.refused_voices
        ]

    def begin(self, parameters: SpeechParameters) -> "Utterance":
        """Check the parameters against the model; nothing is written out or said yet.

        Raises:
            InvalidInput: there is no such voice or format, or the text is too long or no Unicode.
            NotFound, NotReady: the model is unknown or not ready.
        """
        served: ServedSynthesizer = self._registry.find(TEXT_TO_SPEECH_TASK, parameters.model)
        voice = _voice(served, parameters.voice)
        if parameters.format_name not in self.media_types:
            raise InvalidInput(
                f"there is no format {parameters.format_name[:80]!r}; there are {', '.join(self.media_types)}"
            )
        self._check_text(parameters.text)
        return Utterance(served, voice, parameters, self._writing, self._budget, self._measures)

    def _check_text(self, text: str) -> None:
        if len(text) > self._max_characters:
            raise InvalidInput(f"the text has {len(text)} characters; at most {self._max_characters} are taken")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InvalidInput(
                f"the text has a lone surrogate, U+{ord(text[error.start]):04X}, at character {error.start}; "
                "it must be Unicode text"
            ) from None


def _voice(served: ServedSynthesizer, name: str) -> Voice:
    names = voices_by_name(served.engine.voices)
    if name not in names:
        raise InvalidInput(f"model {served.entry.label!r} has no voice {name[:80]!r}; it has {', '.join(names)}")
    return names[name]


class Utterance:
    """One text that is being said; `pieces` runs it, once.

    Attributes:
        model: that answers.
    """

    def __init__(
        self,
        served: ServedSynthesizer,
        voice: Voice,
        parameters: SpeechParameters,
        writing: SoundWriting,
        budget: Budget,
        measures: SpeechMeasures,
    ) -> None:
        self.model = served.entry
        self._served = served
        self._voice = voice
        self._parameters = parameters
        self._writing = writing
        self._budget = budget
        self._measures = measures

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The sound file as it is made. Close the iterator to stop early; no further sentence is then begun.

        Raises:
            InvalidInput: before the first piece only: the text says nothing.
            Overloaded: before the first piece only: there is no room for one more request, or for so many characters.
            EngineFailed, NotReady: at any time.
        """
        model, rate_hz = self.model.label, self._served.engine.sample_rate_hz
        begun_s = time.monotonic()
        engine_s = duration_s = 0.0
        # One place for the whole, and the characters with it: half a text is of no use to anybody. The place from the
        # start: it bounds how many texts wait to be written out, and refuses before that is done.
        with self._served.scheduler.place() as place:
            requests = await self._written_out()
            with self._budget.take(sum(len(request.text) for request in requests)) as share:
                file = await self._writing.begin(self._parameters.format_name, rate_hz)
                is_only_step = len(requests) == 1
                told = False
                for request in requests:
                    asked_s = time.monotonic()
                    samples = await self._served.scheduler.submit(request, place=place, is_only_step=is_only_step)
                    engine_s += time.monotonic() - asked_s
                    duration_s += samples.size / rate_hz
                    share.done(len(request.text))
                    if piece := await file.write(samples):
                        if not told:
                            self._measures.begun(model, time.monotonic() - begun_s)
                            told = True
                        yield piece
                if piece := await file.finish():
                    yield piece
        self._measures.said(model, duration_s=duration_s, engine_s=engine_s)

    async def _written_out(self) -> list[SpeechRequest]:
        """A request for each sentence."""
        # Up to 30 ms for 4096 characters: others need not wait for that.
        sentences = await asyncio.to_thread(spoken_sentences, self._parameters.text, self._voice.language)
        if not sentences:
            raise InvalidInput("the text says nothing: there is no letter and no digit in it")
        return [SpeechRequest(sentence, self._voice.name, self._parameters.speed) for sentence in sentences]
