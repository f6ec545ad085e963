"""One live transcription: sound comes piece by piece, and each segment of speech is written down when it is over."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from coldstart.domain.audio import SPEECH_RATE_HZ
from coldstart.domain.errors import PayloadTooLarge
from coldstart.domain.speech_spans import SpanRules
from coldstart.domain.transcription import WINDOW_S, Transcription, TranscriptionOptions, TranscriptionRequest, Word
from coldstart.runtime.scheduler import Scheduler
from coldstart.services.live_segments import LiveSegments, SegmentBegan, SegmentEnded, SegmentEvent
from coldstart.services.speech_segments import VoiceStream
from coldstart.services.transcription import ServedTranscriber
from coldstart.services.unread_sound import UnreadSound

Samples = NDArray[np.float32]

# Source: the defaults of `server_vad` in OpenAI's Realtime API: speech is over after 500 ms of silence, and 300 ms
# before its beginning belong to it.
LIVE_RULES = SpanRules(min_silence_s=0.5, padding_s=0.3)

# Windows that the voice activity model gets at a time: one second with Silero's. While more wait, the session is
# behind, and makes no partial texts.
_MOST_WINDOWS = 31
# A partial text is made after so much more speech.
_PARTIAL_EVERY_S = 1.0
# How often a session before a full queue looks whether there is room: unlike a request it cannot come again.
_LOOK_AGAIN_S = 0.05


@dataclass(frozen=True, slots=True)
class LiveParameters:
    """What is asked for.

    Args:
        model: None: the default one.
        options: of every segment; where they name no language, each segment has its own.
        rules: what counts as speech, and what ends it.
        partials: whether the text of an open segment is told, too.
        turn_silence_s: seconds of silence after words that end the whole sound; None: only its sender does.
    """

    model: str | None = None
    options: TranscriptionOptions = field(default_factory=TranscriptionOptions)
    rules: SpanRules = LIVE_RULES
    partials: bool = True
    turn_silence_s: float | None = None


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Somebody has begun to speak: a `FinalText` of the same segment follows."""

    segment: int
    start_s: float


@dataclass(frozen=True, slots=True)
class PartialText:
    """The text of an open segment up to `end_s`; the next one may differ in any word."""

    segment: int
    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True)
class FinalText:
    """The text of a segment that is over; empty where the transcriber found no words in it.

    Args:
        language: ISO 639-1 code.
        words: with their times from the sound's start; empty unless they were asked for.
    """

    segment: int
    start_s: float
    end_s: float
    text: str
    language: str
    words: tuple[Word, ...] = ()


LiveEvent: TypeAlias = SpeechStarted | PartialText | FinalText


class LiveSession:
    """One sound and its text: `feed` it and `end` it in one task, and run `events`, once, in another.

    What is listened to, written down and told follows one after the other. So a sender that is faster than that meets a
    full buffer and waits, and a reader of events that is slow slows its own session down and no other.

    Args:
        served: writes down.
        voice: listens.
        parameters: what is asked for.
        max_unread_s: seconds of sound that wait to be listened to, at most; also how long a sender or a segment waits
            for room before the session fails.
        max_sound_s: the longest sound.
        now: seconds of a clock that never goes back.
    """

    def __init__(
        self,
        served: ServedTranscriber,
        voice: VoiceStream,
        parameters: LiveParameters,
        *,
        max_unread_s: float,
        max_sound_s: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.model_name = served.entry.label
        self._scheduler = served.scheduler
        self._voice = voice
        self._parameters = parameters
        self._max_unread_s = max_unread_s
        self._max_sound_s = max_sound_s
        self._now = now
        self._unread = UnreadSound(voice.window_samples, max_s=max_unread_s, most_windows=_MOST_WINDOWS)
        self._segments = LiveSegments(parameters.rules, window_s=voice.window_s, max_s=WINDOW_S)
        self._samples = 0
        self._heard_s = 0.0
        self._words_until_s: float | None = None
        self._next_partial_s = 0.0
        self._next_partial_at = 0.0

    @property
    def duration_s(self) -> float:
        """Of the sound so far."""
        return self._samples / SPEECH_RATE_HZ

    async def feed(self, samples: Samples) -> None:
        """Add sound once there is room for it.

        Args:
            samples: float32, mono, 16 kHz, in [-1, 1], shape (n_samples,).

        Raises:
            Overloaded: there was no room for as long as the unread sound lasts.
            PayloadTooLarge: the sound becomes too long; nothing of this piece was taken.
        """
        if self.duration_s + len(samples) / SPEECH_RATE_HZ > self._max_sound_s:
            raise PayloadTooLarge(f"the sound is longer than {self._max_sound_s:g} s, the most allowed")
        await self._unread.put(samples)
        self._samples += len(samples)

    async def end(self) -> None:
        """No more sound will come; `events` ends with the last segment's text."""
        await self._unread.end()

    async def events(self) -> AsyncGenerator[LiveEvent, None]:
        """What is heard, in order, up to the sound's end or to that of the turn. Close the iterator to stop early.

        Raises:
            Overloaded: a model's queue had no room for `max_unread_s`.
            EngineFailed, NotReady: an engine failed, or the process is shutting down.
        """
        while (sound := await self._unread.take()) is not None:
            for event in await self._listen(sound):
                yield await self._told(event)
            if self._turn_is_over():
                await self._unread.close()
                return
            if self._wants_partial():
                yield await self._partial()
        for event in self._segments.finish():
            yield await self._told(event)

    async def _listen(self, sound: Samples) -> list[SegmentEvent]:
        await self._room_at(self._voice.scheduler)
        probabilities = await self._voice.probabilities(sound)
        windows = sound.reshape(-1, self._voice.window_samples)
        self._heard_s += len(windows) * self._voice.window_s
        pairs = zip(windows, probabilities.tolist(), strict=True)
        return [event for window, probability in pairs for event in self._segments.push(window, probability)]

    async def _told(self, event: SegmentEvent) -> LiveEvent:
        if isinstance(event, SegmentBegan):
            self._next_partial_s = event.start_s + _PARTIAL_EVERY_S
            return SpeechStarted(event.number, event.start_s)
        segment = self._within_sound(event)
        await self._room_at(self._scheduler)
        written = await self._written(segment)
        words = tuple(
            replace(word, start_s=word.start_s + segment.start_s, end_s=word.end_s + segment.start_s)
            for part in written.segments
            for word in part.words
        )
        if text := _text(written):
            self._words_until_s = segment.end_s - self._parameters.rules.padding_s
        return FinalText(segment.number, segment.start_s, segment.end_s, text, language=written.language, words=words)

    def _turn_is_over(self) -> bool:
        """Whether there were words, and it has been silent for long enough since."""
        silence_s = self._parameters.turn_silence_s
        if silence_s is None or self._words_until_s is None or self._segments.has_open_segment:
            return False
        return self._heard_s - self._words_until_s >= silence_s

    def _wants_partial(self) -> bool:
        """Whether one is due. Everything else goes first, and for half of the time none is made."""
        return (
            self._parameters.partials
            and self._heard_s >= self._next_partial_s
            and self._now() >= self._next_partial_at
            and not self._unread.has_window
            and not (self._scheduler.depth or self._scheduler.active)
            and self._segments.has_open_segment
        )

    async def _partial(self) -> PartialText:
        segment = self._within_sound(self._segments.open_segment())
        began = self._now()
        written = await self._written(segment)
        self._next_partial_at = 2 * self._now() - began
        self._next_partial_s = self._heard_s + _PARTIAL_EVERY_S
        return PartialText(segment.number, segment.start_s, segment.end_s, _text(written))

    def _within_sound(self, segment: SegmentEnded) -> SegmentEnded:
        """Without the silence that fills the sound's last window."""
        end_s = min(segment.end_s, self.duration_s)
        samples = segment.samples[: round((end_s - segment.start_s) * SPEECH_RATE_HZ)]
        return replace(segment, end_s=end_s, samples=samples)

    async def _written(self, segment: SegmentEnded) -> Transcription:
        return await self._scheduler.submit(TranscriptionRequest(segment.samples, self._parameters.options))

    async def _room_at(self, scheduler: Scheduler[Any, Any]) -> None:
        """Wait for room in a queue; where there is none for long, `submit` tells why."""
        deadline = self._now() + self._max_unread_s
        while not scheduler.has_room and self._now() < deadline:  # noqa: ASYNC110  another thread makes room
            await asyncio.sleep(_LOOK_AGAIN_S)


def _text(written: Transcription) -> str:
    return "".join(part.text for part in written.segments).strip()
