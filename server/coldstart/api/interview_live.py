"""The WebSocket of an interview that is spoken; docs/interview.md describes its protocol."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Depends, WebSocket
from fastapi.exceptions import RequestValidationError
from starlette.websockets import WebSocketDisconnect

from coldstart.api.dependencies import CoreDependency, service_of
from coldstart.api.interview_schemas import AnswerEndMessage, LiveQuery, question_document, turn_document
from coldstart.api.live_conversation import Conversation
from coldstart.api.live_schemas import event_document
from coldstart.domain.audio import SPEECH_RATE_HZ
from coldstart.domain.errors import ColdstartError, InvalidInput, NotReady, PayloadTooLarge
from coldstart.domain.interview import Question
from coldstart.runtime.lifecycle import Lifecycle
from coldstart.services.interview_answers import InterviewAnswers, Turn
from coldstart.services.interview_listening import InterviewListening, Listening, SpokenAnswer
from coldstart.services.interview_voice import InterviewVoice
from coldstart.services.interviews import Interviews
from coldstart.services.live_session import LiveEvent, SpeechStarted

router = APIRouter(tags=["interview"])

Service = Annotated[Interviews, Depends(service_of(Interviews))]
Answers = Annotated[InterviewAnswers, Depends(service_of(InterviewAnswers))]
Ear = Annotated[InterviewListening, Depends(service_of(InterviewListening))]
Voice = Annotated[InterviewVoice, Depends(service_of(InterviewVoice))]

# Of the grace, for a sentence that has begun when the process is told to end; the rest is for keeping the answer.
_LAST_WORDS_SHARE = 0.5
_SPEECH_MESSAGE_BYTES = 64 * 1024


@router.websocket("/sessions/{session_id}/live")
async def live(
    websocket: WebSocket,
    session_id: str,
    core: CoreDependency,
    service: Service,
    answers: Answers,
    ear: Ear,
    voice: Voice,
) -> None:
    """Answers in, events and questions out, until enough was asked or either side ends it."""
    query = LiveQuery.of(websocket.query_params)
    interview = await service.show(session_id)
    said_as = query.speech_format(voice.media_types)
    listening = Listening(interview.plan.language, query.format, query.silence_s)
    ear.check(listening)
    with ear.lives.place():
        first = await answers.open_question(session_id)
        await websocket.accept()
        said = _Questions(session_id, voice, said_as, interview.plan.language)
        last_words_s = _LAST_WORDS_SHARE * core.settings.shutdown_grace_s
        talk = _LiveInterview(websocket, core.lifecycle, session_id, said, ear, listening, first, last_words_s)
        await talk.hold()


class _Questions:
    """How questions are told: as text, and in a voice where there is one."""

    def __init__(self, session_id: str, voice: InterviewVoice, said_as: str | None, language: str) -> None:
        self._session_id = session_id
        self._voice = voice
        self._said_as = said_as
        self._language = language

    def ready(self, question: Question | None) -> Mapping[str, Any]:
        """The first message."""
        return {
            "type": "ready",
            "session_id": self._session_id,
            "sample_rate": SPEECH_RATE_HZ,
            "question": question_document(self._session_id, question, has_voice=self._voice.is_there),
        }

    def turn(self, turn: Turn) -> Mapping[str, Any]:
        """The message after an answer."""
        return {"type": "turn", **turn_document(self._session_id, turn, has_voice=self._voice.is_there)}

    @property
    def are_said(self) -> bool:
        """Whether that is wanted, and there is a voice."""
        return self._said_as is not None and self._voice.is_there

    async def said(self, question: Question) -> AsyncGenerator[Mapping[str, Any] | bytes, None]:
        """The messages that say a question, but for the one after the last. Raises: ColdstartError: in the middle."""
        if self._said_as is None:
            return
        yield {"type": "speech", "media_type": self._voice.media_types[self._said_as]}
        utterance = self._voice.begin(question.text, language=self._language, format_name=self._said_as)
        async with aclosing(utterance.pieces()) as pieces:
            async for piece in pieces:
                for begin in range(0, len(piece), _SPEECH_MESSAGE_BYTES):
                    yield piece[begin : begin + _SPEECH_MESSAGE_BYTES]


class _LiveInterview(Conversation):
    """One answer after the other, read in one task and asked for in another."""

    def __init__(
        self,
        websocket: WebSocket,
        lifecycle: Lifecycle,
        session_id: str,
        questions: _Questions,
        ear: InterviewListening,
        listening: Listening,
        first: Question | None,
        last_words_s: float,
    ) -> None:
        super().__init__(websocket, lifecycle, ear.lives.limits.idle_s)
        self._session_id = session_id
        self._questions = questions
        self._ear = ear
        self._listening = listening
        self._first = first
        self._last_words_s = last_words_s
        self._between_answers_s = self._messages.last_words_s
        # Where sound goes; None: it is dropped, for nobody has been asked, or the answer is over.
        self._spoken: SpokenAnswer | None = None
        # What a client sends before it has been asked for the first time waits in the socket.
        self._has_begun = asyncio.Event()
        # From the end of an answer until it is kept: then it is not given up, whoever leaves.
        self._is_keeping = False
        # What has ended the conversation, where that was not the client's leaving.
        self._error: Exception | None = None

    async def _converse(self) -> Exception | None:
        asking, reading = asyncio.create_task(self._ask()), asyncio.create_task(self._read())
        try:
            await asyncio.wait((asking, reading), return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                await self._stop(asking, reading)
            error = asking.result()
            if isinstance(error, WebSocketDisconnect):
                raise error
            return error
        finally:
            for task in (asking, reading):
                task.cancel()
            await asyncio.gather(asking, reading, return_exceptions=True)

    async def _stop(self, asking: "asyncio.Task[Exception | None]", reading: "asyncio.Task[Exception]") -> None:
        """No more will be read. What was said until then is an answer, unless the client left in the middle of it."""
        if (broken := reading.exception()) is not None:
            if not (self._is_keeping and isinstance(broken, WebSocketDisconnect)):
                raise broken
            self._error = broken
        else:
            self._error = reading.result()
            if self._spoken is not None:
                await self._end(self._spoken)
        await asyncio.wait((asking,))

    async def _read(self) -> Exception:
        """Take what the client sends, up to what ends that."""
        await self._has_begun.wait()
        try:
            while True:
                message = await self._messages.next()
                if isinstance(message, str):
                    end = AnswerEndMessage.read(message)
                    if self._spoken is not None and end.question_number in (None, self._spoken.question_number):
                        await self._end(self._spoken)
                elif self._spoken is not None:
                    await self._spoken.feed(message)
        except (InvalidInput, RequestValidationError, PayloadTooLarge, NotReady) as error:
            return error

    async def _ask(self) -> Exception | None:
        """Question by question; what has ended the conversation, None: enough was asked."""
        question = self._first
        invitation = self._questions.ready(question)
        while question is not None and self._error is None:
            turn = await self._turn(question, invitation)
            if turn is None:
                return self._error
            question = turn.question
            invitation = await self._tell_after(turn)
        await self._send(invitation)
        return None if question is None else self._error

    async def _turn(self, question: Question, invitation: Mapping[str, Any]) -> Turn | None:
        """The answer to a question; None: nothing was said until the conversation ended.

        Args:
            question: that is open.
            invitation: the message after which the client answers; sent once it is listened to.
        """
        async with AsyncExitStack() as listening:
            try:
                spoken = await listening.enter_async_context(
                    self._ear.answer(self._session_id, question.number, self._listening)
                )
            except ColdstartError:
                await self._send(invitation)
                raise
            is_over = self._error is not None
            self._spoken = None if is_over else spoken
            self._has_begun.set()
            await self._send(invitation)
            if is_over:
                return None
            async with aclosing(spoken.events()) as events:
                async for event in events:
                    await self._tell(event)
            self._spoken, self._is_keeping = None, True
            if self._error is not None and not spoken.has_words:
                return None
            turn = await spoken.take()
        self._is_keeping = False
        self._messages.last_words_s = self._between_answers_s
        return turn

    async def _tell_after(self, turn: Turn) -> Mapping[str, Any]:
        """Send all that follows an answer but for the last message, after which the next answer may begin."""
        told = self._questions.turn(turn)
        if turn.question is None or self._error is not None or not self._questions.are_said:
            return told
        await self._send(told)
        is_complete = True
        try:
            async with aclosing(self._questions.said(turn.question)) as messages:
                async for message in messages:
                    await self._send(message)
        except ColdstartError:
            is_complete = False
        return {"type": "speech_end", "complete": is_complete}

    async def _end(self, spoken: SpokenAnswer) -> None:
        self._spoken, self._is_keeping = None, True
        await spoken.end()

    async def _tell(self, event: LiveEvent) -> None:
        if isinstance(event, SpeechStarted):
            self._messages.last_words_s = max(self._between_answers_s, self._last_words_s)
        try:
            await self._send(event_document(event))
        except WebSocketDisconnect:
            if not self._is_keeping:
                raise
