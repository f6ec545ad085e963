"""When somebody speaks in a sound file."""

from dataclasses import dataclass, replace

from coldstart.domain.audio import SPEECH_RATE_HZ
from coldstart.domain.manifest import ModelEntry
from coldstart.domain.speech_spans import SpanRules, SpeechSpan
from coldstart.runtime.budget import Budget
from coldstart.services.sound_files import SoundFiles
from coldstart.services.speech_segments import SpeechSegments


@dataclass(frozen=True, slots=True)
class SpokenFile:
    """How long a file's sound is, and when somebody speaks in it, in order; and which model listened."""

    model: ModelEntry
    duration_s: float
    spans: tuple[SpeechSpan, ...]


class SpeechFiles:
    """Decodes files and listens to them. For one event loop.

    Args:
        sounds: decodes.
        speech: listens.
        budget: seconds of sound that may wait or be under way.
    """

    def __init__(self, sounds: SoundFiles, speech: SpeechSegments, budget: Budget) -> None:
        self._sounds = sounds
        self._speech = speech
        self._budget = budget

    def check_room(self) -> None:
        """For a request that has not been read yet.

        Raises:
            Overloaded: it would be refused, whatever it is.
        """
        self._speech.check_room()
        self._budget.check_room()

    async def listen(self, data: bytes, rules: SpanRules, *, threshold: float | None) -> SpokenFile:
        """When somebody speaks.

        Args:
            data: a sound file of any kind.
            rules: what counts as speech, but for the threshold.
            threshold: in (0, 1); None: that of the process.

        Raises:
            InvalidInput, PayloadTooLarge: the sound cannot be decoded, or is too long.
            Overloaded: there is no room for one more request, or for so much sound.
            NotFound, NotReady, EngineFailed: as `SpeechSegments.spans`.
        """
        rules = replace(rules, threshold=self._speech.threshold if threshold is None else threshold)
        # The place from the start: it bounds how many files wait to be decoded.
        with self._speech.place() as place:
            samples = await self._sounds.samples(data)
            duration_s = len(samples) / SPEECH_RATE_HZ
            with self._budget.take(duration_s) as share:
                spans = await self._speech.spans(samples, rules, place=place)
                share.done(duration_s)
        return SpokenFile(place.served.entry, duration_s, tuple(spans))
