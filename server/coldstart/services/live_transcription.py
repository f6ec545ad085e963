"""Live transcriptions: so many at one time, each a session of its own."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import Counter, Gauge
from prometheus_client.registry import Collector

from coldstart.domain.audio import SoundStreamDecoder
from coldstart.domain.errors import InvalidInput, Overloaded
from coldstart.services.live_session import LiveParameters, LiveSession
from coldstart.services.speech_segments import SpeechSegments
from coldstart.services.transcription import Transcriptions

# A conversation lasts minutes; nobody knows when the next one ends.
_RETRY_AFTER_S = 10


@dataclass(frozen=True, slots=True)
class LiveLimits:
    """What sessions may take.

    Args:
        sessions: at one time.
        max_unread_s: seconds of sound of one session that wait to be listened to; its sender then waits.
        max_sound_s: the longest sound of a session.
        idle_s: seconds for which a client may send nothing.
    """

    sessions: int
    max_unread_s: float
    max_sound_s: float
    idle_s: float


class LiveTranscriptions:
    """Begins live transcriptions. For one event loop.

    Args:
        transcriptions: has the models that write down.
        speech: listens.
        decoders: name of a format → what makes a decoder for one sound.
        limits: of each session and of all.
    """

    def __init__(
        self,
        transcriptions: Transcriptions,
        speech: SpeechSegments,
        decoders: Mapping[str, Callable[[], SoundStreamDecoder]],
        limits: LiveLimits,
    ) -> None:
        self.limits = limits
        self._decoders = decoders
        self._transcriptions = transcriptions
        self._speech = speech
        self._count = 0
        self._sessions = Gauge("live_sessions", "Live transcriptions that are open.", registry=None)
        self._sessions.set_function(lambda: self._count)
        self._audio_seconds = Counter(
            "live_audio_seconds", "Seconds of sound of live transcriptions.", ("model",), registry=None
        )

    @property
    def collectors(self) -> Sequence[Collector]:
        """Of `/metrics`."""
        return (self._sessions, self._audio_seconds)

    @property
    def threshold(self) -> float:
        """From which probability on a window is speech, where a session says nothing of it."""
        return self._speech.threshold

    @contextmanager
    def place(self) -> Iterator[None]:
        """Room for one session until the body ends.

        Raises:
            Overloaded: at once, when there is none.
        """
        if self._count >= self.limits.sessions:
            raise Overloaded(
                f"{self._count} live transcriptions are open, the most allowed", retry_after_s=_RETRY_AFTER_S
            )
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1

    def decoder_of(self, format_name: str) -> SoundStreamDecoder:
        """What decodes the pieces of one sound.

        Raises:
            InvalidInput: there is no such format.
        """
        if format_name not in self._decoders:
            allowed = " or ".join(map(repr, self._decoders))
            raise InvalidInput(f"the format is {format_name[:80]!r}; it must be {allowed}")
        return self._decoders[format_name]()

    @contextmanager
    def session(self, parameters: LiveParameters) -> Iterator[LiveSession]:
        """A session, for whoever has a place; what the engines keep of it is dropped when the body ends.

        Raises:
            InvalidInput: on entering: the model does not know the language.
            NotFound, NotReady: on entering: a model is unknown or not ready.
        """
        served = self._transcriptions.model_for(parameters.model, parameters.options)
        limits = self.limits
        with self._speech.stream() as voice:
            session = LiveSession(
                served, voice, parameters, max_unread_s=limits.max_unread_s, max_sound_s=limits.max_sound_s
            )
            try:
                yield session
            finally:
                self._audio_seconds.labels(session.model_name).inc(session.duration_s)
