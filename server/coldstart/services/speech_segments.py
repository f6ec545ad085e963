"""When somebody speaks in a sound, whole or live, by the voice activity model of the process."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from coldstart.domain.audio import SPEECH_RATE_HZ
from coldstart.domain.speech_spans import (
    TRANSCRIPTION_RULES,
    SpanRules,
    SpeechSpan,
    SpeechTracker,
    padded,
    windows_of,
)
from coldstart.domain.transcription import WINDOW_S
from coldstart.domain.voice_activity import VoiceActivityDetector, VoiceActivityRequest
from coldstart.runtime.models import ServedModel
from coldstart.runtime.registry import ModelRegistry
from coldstart.runtime.turns import Place

VOICE_ACTIVITY_TASK = "voice-activity"

# Windows a request of a long sound, 16 s with Silero: a cancelled sound costs no more than that in vain, and the event
# loop never looks at more of them in one go.
_PIECE_WINDOWS = 512

Samples = NDArray[np.float32]
VoiceActivityServed = ServedModel[VoiceActivityDetector, VoiceActivityRequest, Samples]


class VoiceStream:
    """One sound that comes piece by piece. For one event loop.

    Attributes:
        scheduler: before the model; whoever must not be refused waits until it has room.
        window_samples: samples of one window.
        window_s: seconds of one window.
    """

    def __init__(self, served: VoiceActivityServed) -> None:
        self._served = served
        self._id = f"voice-{secrets.token_hex(16)}"
        self.scheduler = served.scheduler
        self.window_samples = served.engine.window_samples
        self.window_s = served.engine.window_samples / SPEECH_RATE_HZ

    async def probabilities(self, samples: Samples, *, place: Place | None = None) -> Samples:
        """How likely the next windows are speech.

        Args:
            samples: float32, mono, 16 kHz, in [-1, 1]; a whole number of windows, at least one.
            place: that of the whole sound, where there is one; then it is not refused for a full queue.

        Returns:
            float32, shape (n_windows,), in [0, 1].

        Raises:
            Overloaded: the model's queue is full.
            EngineFailed, NotReady: the engine failed, or the process is shutting down.
        """
        return await self._served.scheduler.submit(VoiceActivityRequest(samples, self._id), place=place)

    def forget(self) -> None:
        """Have the engine drop what it keeps of the sound; does not wait for it."""
        self._served.scheduler.run(lambda: self._served.engine.forget(self._id))


@dataclass(frozen=True, slots=True)
class VoicePlace:
    """Room for one whole sound at one model, which listens to all of it."""

    served: VoiceActivityServed
    place: Place


@dataclass(frozen=True, slots=True)
class _Hearing:
    """What was heard in a whole sound: ranges of windows with speech, and the probability of each window."""

    ranges: list[tuple[int, int]]
    probabilities: Samples
    window_s: float
    duration_s: float

    def spans(self, rules: SpanRules) -> list[SpeechSpan]:
        return padded(self.ranges, rules, window_s=self.window_s, duration_s=self.duration_s)


class SpeechSegments:
    """When somebody speaks. For one event loop.

    Args:
        registry: has the model.
        threshold: in (0, 1), from which probability on a window is speech, where nobody says otherwise.
    """

    def __init__(self, registry: ModelRegistry, *, threshold: float = SpanRules().threshold) -> None:
        self._registry = registry
        self.threshold = threshold

    def check_room(self) -> None:
        """Raises: Overloaded: a sound would be refused now."""
        self._registry.check_room(VOICE_ACTIVITY_TASK)

    @contextmanager
    def place(self) -> Iterator[VoicePlace]:
        """Room for one whole sound until the body ends.

        Raises:
            Overloaded: on entering, when there is none.
            NotFound, NotReady: on entering, as `spans`.
        """
        served = self._served()
        with served.scheduler.place() as place:
            yield VoicePlace(served, place)

    async def spans(self, samples: Samples, rules: SpanRules, *, place: VoicePlace) -> list[SpeechSpan]:
        """When somebody speaks in a whole sound, in order.

        Args:
            samples: float32, mono, 16 kHz, in [-1, 1], shape (n_samples,).
            rules: what counts as speech.
            place: of this sound.

        Raises:
            NotFound, NotReady: the process has no voice activity model, or it is not ready.
            EngineFailed: the engine failed on this sound.
        """
        return (await self._hear(samples, rules, place)).spans(rules)

    async def windows(
        self, samples: Samples, *, max_s: float = WINDOW_S, with_silence: bool = False
    ) -> list[SpeechSpan]:
        """Stretches of a whole sound, for a transcriber, that together hold all that is said; none where nobody speaks.

        Args:
            samples: float32, mono, 16 kHz, in [-1, 1], shape (n_samples,).
            max_s: the longest stretch, at least 1 s; longer speech is cut where it is least likely to be speech.
            with_silence: leave nothing out: the whole sound is taken for one speech and cut like it.

        Raises:
            Overloaded: at once, when the model's queue is full.
            NotFound, NotReady, EngineFailed: as `spans`.
        """
        rules = replace(TRANSCRIPTION_RULES, threshold=self.threshold)
        with self.place() as place:
            hearing = await self._hear(samples, rules, place)
        spans = [SpeechSpan(0.0, hearing.duration_s)] if with_silence else hearing.spans(rules)
        return windows_of(spans, hearing.probabilities, window_s=hearing.window_s, max_s=max_s)

    @contextmanager
    def stream(self) -> Iterator[VoiceStream]:
        """A sound that comes piece by piece; at the end the engine drops what it keeps of it.

        Raises:
            NotFound, NotReady: on entering.
        """
        with _stream_of(self._served()) as stream:
            yield stream

    async def _hear(self, samples: Samples, rules: SpanRules, place: VoicePlace) -> _Hearing:
        heard: list[Samples] = []
        ended: list[tuple[int, int] | None] = []
        with _stream_of(place.served) as stream:
            tracker = SpeechTracker(rules, stream.window_s)
            for piece in _pieces(samples, stream.window_samples):
                heard.append(await stream.probabilities(piece, place=place.place))
                ended.extend(map(tracker.push, heard[-1].tolist()))
            ended.append(tracker.finish())
        probabilities = np.concatenate(heard) if heard else np.zeros(0, np.float32)
        ranges = [found for found in ended if found is not None]
        return _Hearing(ranges, probabilities, stream.window_s, len(samples) / SPEECH_RATE_HZ)

    def _served(self) -> VoiceActivityServed:
        return self._registry.find(VOICE_ACTIVITY_TASK, None)


@contextmanager
def _stream_of(served: VoiceActivityServed) -> Iterator[VoiceStream]:
    stream = VoiceStream(served)
    try:
        yield stream
    finally:
        stream.forget()


def _pieces(samples: Samples, window_samples: int) -> Iterator[Samples]:
    """The sound in pieces of whole windows; only the last is a copy, with silence up to its window's end."""
    size = _PIECE_WINDOWS * window_samples
    for begin in range(0, len(samples), size):
        piece = samples[begin : begin + size]
        yield np.pad(piece, (0, -len(piece) % window_samples)) if len(piece) % window_samples else piece
