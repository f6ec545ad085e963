"""One answer that is spoken live: written down as it comes, and kept as a sound file."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from coldstart.domain.audio import SPEECH_RATE_HZ, SoundStreamDecoder
from coldstart.domain.errors import NotFound, NotReady, PayloadTooLarge
from coldstart.domain.interview import Answer, SpokenSegment
from coldstart.domain.transcription import TranscriptionOptions
from coldstart.runtime.blocking import to_its_end
from coldstart.services.interview_answers import InterviewAnswers, Turn
from coldstart.services.interview_stores import ReceivedSound
from coldstart.services.live_session import LIVE_RULES, FinalText, LiveEvent, LiveParameters, LiveSession
from coldstart.services.live_transcription import LiveTranscriptions
from coldstart.services.sound_writing import SoundFile, SoundWriting

# Lossless, and its encoder holds nothing: FLAC's takes 7 MB for each answer that is listened to, for half of the file.
_FORMAT, _SUFFIX = "wav", ".wav"
# Encoded at a time: a call costs as much as some tenths of a second of sound.
_PIECE_SAMPLES = SPEECH_RATE_HZ
_SAMPLE_BYTES = 2


@dataclass(frozen=True, slots=True)
class Listening:
    """How an answer is listened to.

    Args:
        language: ISO 639-1 code of what is probably spoken.
        format_name: one of `LiveTranscriptions`.
        silence_s: seconds of silence after words that end the answer.
    """

    language: str
    format_name: str
    silence_s: float


class InterviewListening:
    """Listens to answers. For one event loop.

    Args:
        answers: takes them.
        lives: listens and writes down.
        writing: makes the sound files.
        max_bytes: of one answer's samples, 16 bits each.
        now: UTC.
    """

    def __init__(
        self,
        answers: InterviewAnswers,
        lives: LiveTranscriptions,
        writing: SoundWriting,
        *,
        max_bytes: int,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.lives = lives
        self._answers = answers
        self._writing = writing
        self._max_bytes = max_bytes
        self._now = now

    def check(self, listening: Listening) -> None:
        """Whether answers can be listened to at all.

        Raises:
            InvalidInput: there is no such format.
            NotReady: there is nobody to listen, or to write down.
        """
        self.lives.decoder_of(listening.format_name)
        parameters = self._parameters(listening)
        try:
            with self.lives.session(parameters):
                pass
        except (NotFound, NotReady) as error:
            retry_after_s = error.retry_after_s if isinstance(error, NotReady) else 1
            raise NotReady(
                f"nobody can listen: {error}; answers can be typed, or sent as files", retry_after_s=retry_after_s
            ) from None

    @asynccontextmanager
    async def answer(
        self, interview_id: str, question_number: int, listening: Listening
    ) -> AsyncIterator["SpokenAnswer"]:
        """Begin to listen. What is not taken when the body ends is gone.

        Raises:
            InvalidInput: there is no such format.
            NotFound, NotReady, StorageFull: as `InterviewAnswers.listened`.
        """
        decoder = self.lives.decoder_of(listening.format_name)
        async with self._answers.listened(interview_id) as receiving:
            with self.lives.session(self._parameters(listening)) as session:
                recording = Recording(await self._writing.begin(_FORMAT, SPEECH_RATE_HZ), receiving, self._max_bytes)
                media_type = self._writing.media_types[_FORMAT]

                async def take(text: str, segments: Sequence[SpokenSegment]) -> Turn:
                    await recording.finish()
                    answer = Answer(
                        question_number,
                        self._now(),
                        text,
                        segments=tuple(segments),
                        duration_s=round(recording.duration_s, 3),
                    )
                    return await self._answers.spoken(interview_id, receiving, media_type, _SUFFIX, answer)

                yield SpokenAnswer(question_number, session, decoder, recording, take)

    def _parameters(self, listening: Listening) -> LiveParameters:
        knows = self._answers.languages()
        rules = replace(
            LIVE_RULES,
            threshold=self.lives.threshold,
            min_silence_s=min(LIVE_RULES.min_silence_s, listening.silence_s),
        )
        language = listening.language if listening.language in knows else None
        return LiveParameters(
            options=TranscriptionOptions(language=language), rules=rules, turn_silence_s=listening.silence_s
        )


class SpokenAnswer:
    """One answer: `feed` it and `end` it in one task, run `events`, once, in another, then `take` it."""

    def __init__(
        self,
        question_number: int,
        session: LiveSession,
        decoder: SoundStreamDecoder,
        recording: "Recording",
        take: Callable[[str, Sequence[SpokenSegment]], Awaitable[Turn]],
    ) -> None:
        self.question_number = question_number
        self._session = session
        self._decoder = decoder
        self._recording = recording
        self._take = take
        self._segments: list[SpokenSegment] = []
        self._feeding = asyncio.Lock()
        self._is_taken = False

    @property
    def has_words(self) -> bool:
        """Whether anything was said."""
        return bool(self._segments)

    async def feed(self, data: bytes) -> None:
        """Add sound in the answer's format, once there is room for it; what comes after the answer is dropped.

        Raises:
            InvalidInput: it cannot be decoded.
            Overloaded: there was no room for too long.
            PayloadTooLarge: the answer becomes too long; nothing of this piece was taken.
            StorageFull: there is no room for it on the disk.
        """
        async with self._feeding:
            if self._is_taken:
                return
            samples = self._decoder.decode(data)
            self._recording.check_room(len(samples))
            await self._session.feed(samples)
            await self._recording.add(samples)

    async def end(self) -> None:
        """No more sound will come."""
        await self._session.end()

    async def events(self) -> AsyncGenerator[LiveEvent, None]:
        """What is heard, in order, until the answer is over. Raises as `LiveSession.events`."""
        async with aclosing(self._session.events()) as events:
            async for event in events:
                if isinstance(event, FinalText) and event.text:
                    self._segments.append(_spoken(event))
                yield event

    async def take(self) -> Turn:
        """Keep the answer, once `events` has ended. Raises as `InterviewAnswers.spoken`."""
        async with self._feeding:
            self._is_taken = True
        return await self._take(" ".join(segment.text for segment in self._segments), self._segments)


class Recording:
    """The sound of one answer on its way to the disk."""

    def __init__(self, file: SoundFile, receiving: ReceivedSound, max_bytes: int) -> None:
        self._file = file
        self._receiving = receiving
        self._most_samples = max_bytes // _SAMPLE_BYTES
        self._samples = 0
        self._waiting: list[NDArray[np.float32]] = []
        self._waiting_samples = 0

    @property
    def duration_s(self) -> float:
        """Of the sound so far."""
        return self._samples / SPEECH_RATE_HZ

    def check_room(self, samples: int) -> None:
        """Raises: PayloadTooLarge: the sound becomes too long."""
        if self._samples + samples > self._most_samples:
            raise PayloadTooLarge(
                f"the answer is longer than {self._most_samples / SPEECH_RATE_HZ:g} s, the most taken"
            )

    async def add(self, samples: NDArray[np.float32]) -> None:
        """Add samples as they were heard. Raises: StorageFull."""
        self._samples += len(samples)
        self._waiting.append(samples)
        self._waiting_samples += len(samples)
        if self._waiting_samples >= _PIECE_SAMPLES:
            await self._write()

    async def finish(self) -> None:
        """All of it is written. Raises: StorageFull."""
        await self._write()
        await to_its_end(self._receiving.write, await self._file.finish())

    async def _write(self) -> None:
        if self._waiting:
            samples = np.concatenate(self._waiting)
            self._waiting, self._waiting_samples = [], 0
            await to_its_end(self._receiving.write, await self._file.write(samples))


def _spoken(event: FinalText) -> SpokenSegment:
    """Without the silence that was left around it, which is a pause and not speech."""
    # What begins the sound has nothing before it.
    start_s = event.start_s + LIVE_RULES.padding_s if event.start_s else 0.0
    end_s = max(event.end_s - LIVE_RULES.padding_s, start_s)
    return SpokenSegment(round(start_s, 3), round(end_s, 3), event.text)
