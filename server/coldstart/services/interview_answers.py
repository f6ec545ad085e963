"""Taking the answers of interviews: typed, as a file, or spoken live; each is kept before anything is made of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from weakref import WeakValueDictionary

from prometheus_client import Histogram
from prometheus_client.registry import Collector

from coldstart.domain.errors import Conflict, InvalidInput, NotFound, NotReady
from coldstart.domain.interview import Answer, Interview, Interviewer, InterviewState, Question, SoundFile
from coldstart.domain.transcription import TranscriptionOptions
from coldstart.runtime.blocking import to_its_end
from coldstart.runtime.budget import Budget
from coldstart.services.answer_writing import WrittenSound, keep_transcript, written_sound
from coldstart.services.interview_stores import AnswerStore, InterviewStore, ReceivedSound
from coldstart.services.transcription import Transcriptions

# From a typed answer and the question bank to a minute of sound on a slow machine.
_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True)
class Turn:
    """An answer that was taken, and the question that follows it; None: enough was asked."""

    answer: Answer
    question: Question | None


class InterviewAnswers:
    """Takes answers. For one event loop.

    Of one interview one answer is worked on at a time: who repeats an answer that is being worked on gets its result.

    Args:
        store: keeps what was answered.
        files: keep the sounds.
        transcriptions: write them down.
        interviewer: asks on.
        stored_type_of: media type and suffix of a sound, by its first bytes.
        max_received: sound files on their way in at one time.
        max_held_bytes: of sounds that are in memory at one time.
        now: UTC.
    """

    def __init__(
        self,
        store: InterviewStore,
        files: AnswerStore,
        transcriptions: Transcriptions,
        interviewer: Interviewer,
        stored_type_of: Callable[[bytes], tuple[str, str]],
        *,
        max_received: int,
        max_held_bytes: int,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._files = files
        self._transcriptions = transcriptions
        self._interviewer = interviewer
        self._stored_type_of = stored_type_of
        self._received = Budget(max_received, unit="sound files")
        self._held = Budget(max_held_bytes, unit="bytes of sound")
        self._now = now
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._turns = Histogram(
            "interview_turn_seconds",
            "Time from an answer's last byte until it and the next question are kept.",
            ("kind",),
            registry=None,
            buckets=_SECONDS,
        )

    @property
    def collectors(self) -> Sequence[Collector]:
        """Of `/metrics`."""
        return (self._turns,)

    def languages(self) -> Sequence[str]:
        """What may be spoken, as ISO 639-1 codes.

        Raises:
            NotReady: nobody can write it down.
        """
        try:
            return self._transcriptions.model_for(None, TranscriptionOptions()).engine.languages
        except (NotFound, NotReady) as error:
            retry_after_s = error.retry_after_s if isinstance(error, NotReady) else 1
            raise NotReady(
                f"speech cannot be written down: {error}; answers can be typed", retry_after_s=retry_after_s
            ) from None

    @asynccontextmanager
    async def receiving(self, interview_id: str, size_bytes: int = 0) -> AsyncIterator[ReceivedSound]:
        """A place for one answer's sound file; what is not kept when the body ends is gone.

        Args:
            interview_id: of an interview.
            size_bytes: of what is to come, as far as it is known.

        Raises:
            NotFound: there is no such interview.
            NotReady, Overloaded: it could not be written down, or as many come in as may.
            StorageFull: there is no room for it.
        """
        self.languages()
        self._transcriptions.check_room()
        with self._received.take(1):
            async with self._place(interview_id, size_bytes) as receiving:
                yield receiving

    @asynccontextmanager
    async def listened(self, interview_id: str) -> AsyncIterator[ReceivedSound]:
        """As `receiving`, for an answer that is spoken live: who has a place among the lives has one for each answer.

        Raises:
            NotFound: there is no such interview.
            NotReady: it could not be written down.
            StorageFull: there is no room for it.
        """
        self.languages()
        async with self._place(interview_id) as receiving:
            yield receiving

    async def open_question(self, interview_id: str) -> Question | None:
        """The question that waits for its answer, asked now where that is still to be done; None: enough was asked.

        Raises:
            NotFound: there is no such interview.
            Conflict: it is finished.
        """
        async with self._alone(interview_id):
            interview = await asyncio.to_thread(self._store.get, interview_id)
            if interview.state is not InterviewState.OPEN:
                raise Conflict(f"interview {interview_id} is {interview.state}: it takes no more answers")
            if interview.open_question is not None:
                return interview.open_question
            if any(answer.text is None for answer in interview.answers):
                # It is its sender's to repeat, or the worker's to write down; what follows it, nobody knows yet.
                raise Conflict(f"an answer of interview {interview_id} is being written down: send it again, or finish")
            question = await self._interviewer.next_question(interview)
            if question is None:
                return None
            return (await asyncio.to_thread(self._store.ask, interview_id, question)).open_question

    async def typed(self, interview_id: str, question_number: int, text: str) -> Turn:
        """Take a typed answer.

        Raises:
            NotFound: there is no such interview.
            Conflict: the question was answered otherwise, or not asked, or the interview is finished.
        """
        begun_s = time.monotonic()
        answer = Answer(question_number, self._now(), text)
        async with self._alone(interview_id):
            turn = await self._complete(interview_id, answer)
        self._turns.labels("typed").observe(time.monotonic() - begun_s)
        return turn

    async def spoken(
        self, interview_id: str, receiving: ReceivedSound, media_type: str, suffix: str, answer: Answer
    ) -> Turn:
        """Take a spoken answer that has been written down while it was spoken.

        Args:
            interview_id: of the interview.
            receiving: has all of the sound.
            media_type: of the sound.
            suffix: of its name.
            answer: without the sound.

        Raises:
            NotFound, Conflict: as `typed`.
            StorageFull: there is no room for the sound.
        """
        begun_s = time.monotonic()
        async with self._alone(interview_id):
            sound = await to_its_end(receiving.keep, answer.question_number, media_type, suffix)
            async with self._discarded_unless_accepted(interview_id, sound):
                turn = await self._complete(interview_id, replace(answer, sound=sound))
        self._turns.labels("live").observe(time.monotonic() - begun_s)
        return turn

    async def uploaded(self, interview_id: str, question_number: int, receiving: ReceivedSound) -> Turn:
        """Take an answer as a sound file: it is accepted once it is known to be a sound, then written down.

        After a failure the same file may be sent again: what was accepted is not accepted twice.

        Raises:
            InvalidInput, PayloadTooLarge: it is no sound, broken, or too long; nothing is kept.
            NotFound, Conflict: as `typed`.
            Overloaded: there is no room to write it down; nothing is kept.
            EngineFailed, NotReady: it was accepted, and could not be written down.
        """
        if not receiving.size_bytes:
            raise InvalidInput("the file is empty; a sound file is wanted")
        begun_s = time.monotonic()
        media_type, suffix = self._stored_type_of(receiving.head)
        async with self._alone(interview_id):
            sound = await to_its_end(receiving.keep, question_number, media_type, suffix)
            async with self._discarded_unless_accepted(interview_id, sound):
                turn = await self._written(interview_id, question_number, sound)
        self._turns.labels("upload").observe(time.monotonic() - begun_s)
        return turn

    async def _written(self, interview_id: str, question_number: int, sound: SoundFile) -> Turn:
        interview = await asyncio.to_thread(self._store.get, interview_id)
        _check_takes(interview, question_number, sound)
        known = interview.answer_to(question_number)
        answer = known or Answer(question_number, self._now(), None, sound)
        if answer.text is None:
            to_accept = None if known else answer
            written = await self._write_down(interview_id, sound, interview.plan.language, to_accept)
            answer = replace(answer, text=written.text, segments=written.segments, duration_s=written.duration_s)
        return await self._complete(interview_id, answer)

    async def _write_down(
        self, interview_id: str, sound: SoundFile, language: str, to_accept: Answer | None
    ) -> WrittenSound:
        async def accept() -> None:
            if to_accept is not None:
                await to_its_end(self._store.accept, interview_id, to_accept)

        with self._held.take(sound.size_bytes):
            data = await asyncio.to_thread(self._files.read, interview_id, sound.name)
            return await written_sound(self._transcriptions, data, language, when_taken=accept)

    async def _complete(self, interview_id: str, answer: Answer) -> Turn:
        """Keep an answer that has its text, and the question after it."""
        interview = await to_its_end(self._store.accept, interview_id, answer)
        number = answer.question_number
        following = None
        if len(interview.questions) == number and interview.state is InterviewState.OPEN:
            following = await self._interviewer.next_question(_with(interview, answer))
        interview = await to_its_end(self._store.answered, interview_id, answer, following)
        kept = interview.answer_to(number) or answer
        if kept.sound is not None:
            await to_its_end(keep_transcript, self._files, interview_id, kept)
        return Turn(kept, next((question for question in interview.questions if question.number == number + 1), None))

    @asynccontextmanager
    async def _place(self, interview_id: str, size_bytes: int = 0) -> AsyncIterator[ReceivedSound]:
        await asyncio.to_thread(self._store.get, interview_id)
        await asyncio.to_thread(self._files.check_space, size_bytes)
        place = self._files.receiving(interview_id)
        try:
            yield await to_its_end(place.__enter__)
        finally:
            await to_its_end(place.__exit__, None, None, None)

    @asynccontextmanager
    async def _alone(self, interview_id: str) -> AsyncIterator[None]:
        # Kept for as long as somebody has it or waits for it.
        lock = self._locks.setdefault(interview_id, asyncio.Lock())
        async with lock:
            yield

    @asynccontextmanager
    async def _discarded_unless_accepted(self, interview_id: str, sound: SoundFile) -> AsyncIterator[None]:
        try:
            yield
        except BaseException:
            await to_its_end(self._discard_unless_accepted, interview_id, sound)
            raise

    def _discard_unless_accepted(self, interview_id: str, sound: SoundFile) -> None:
        try:
            answers: Sequence[Answer] = self._store.get(interview_id).answers
        except NotFound:
            answers = ()
        if all(answer.sound is None or answer.sound.name != sound.name for answer in answers):
            self._files.discard(interview_id, sound.name)


def _check_takes(interview: Interview, question_number: int, sound: SoundFile) -> None:
    """Before the sound is decoded; the store has the last word.

    Raises:
        Conflict: it cannot become the answer to that question.
    """
    place = f"question {question_number} of interview {interview.interview_id}"
    known = interview.answer_to(question_number)
    if known is not None:
        if known.sound is None or known.sound.sha256 != sound.sha256:
            raise Conflict(f"{place} has another answer already, and takes only one")
    elif interview.state is not InterviewState.OPEN:
        raise Conflict(f"interview {interview.interview_id} is {interview.state}: it takes no more answers")
    elif all(question.number != question_number for question in interview.questions):
        raise Conflict(f"{place} has not been asked; {len(interview.questions)} have")


def _with(interview: Interview, answer: Answer) -> Interview:
    """As it will be when that answer has its text."""
    others = (other for other in interview.answers if other.question_number != answer.question_number)
    answers = sorted((*others, answer), key=lambda each: each.question_number)
    return replace(interview, answers=tuple(answers))
