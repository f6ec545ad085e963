"""What the routes of interviews take and tell; docs/interview.md describes them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from coldstart.api.live_schemas import EndMessage
from coldstart.domain.errors import InvalidInput
from coldstart.domain.interview import Answer, Interview, InterviewPlan, Question, SkillLevel
from coldstart.runtime.settings import Settings
from coldstart.services.interview_answers import Turn
from coldstart.services.interview_stores import Job
from coldstart.services.interviews import ReportView

MOST_QUESTIONS = 100
_LONGEST_ROLE = 200
_LONGEST_ANSWER = 20_000
_NO_SPEECH = "none"

BodyT = TypeVar("BodyT", bound=BaseModel)


def _unicode(text: str) -> str:
    """JSON can have halves of characters, which no database and no voice takes."""
    if re.search("[\ud800-\udfff]", text):
        raise ValueError("it has a lone surrogate; it must be Unicode text")
    return text


class NewSession(BaseModel):
    """What an interview is to be about; what is left out is as INTERVIEW_* say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Annotated[str, Field(min_length=1, max_length=_LONGEST_ROLE), AfterValidator(_unicode)] | None = None
    skill_level: SkillLevel | None = None
    language: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}$")] | None = None
    questions: Annotated[int, Field(ge=1, le=MOST_QUESTIONS)] | None = None

    def plan(self, settings: Settings) -> InterviewPlan:
        """With the defaults."""
        return InterviewPlan(
            role=self.role or settings.interview_role,
            skill_level=self.skill_level or settings.interview_skill_level,
            language=(self.language or settings.interview_language).lower(),
            question_count=self.questions or settings.interview_questions,
        )


class AnswerForm(BaseModel):
    """The parts of an answer's form beside its file."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    question_number: Annotated[int, Field(ge=1, le=MOST_QUESTIONS)]

    @classmethod
    def of(cls, fields: Mapping[str, Sequence[str]]) -> "AnswerForm":
        """Raises: RequestValidationError."""
        return checked(cls, {name: values[-1] for name, values in fields.items()})


class TypedAnswer(BaseModel):
    """An answer that was typed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    question_number: Annotated[int, Field(ge=1, le=MOST_QUESTIONS)]
    text: Annotated[str, Field(max_length=_LONGEST_ANSWER), AfterValidator(_unicode)]

    @classmethod
    def of(cls, body: bytes) -> "TypedAnswer":
        """Raises: RequestValidationError."""
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            raise _wrong(error) from None


class LiveQuery(BaseModel):
    """How an interview is spoken: the query of its WebSocket."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    format: str = "pcm_s16le"
    silence_s: Annotated[float, Field(ge=0.3, le=10)] = 1.2
    speech: str = "wav"

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "LiveQuery":
        """Raises: RequestValidationError."""
        return checked(cls, dict(query), "query")

    def speech_format(self, formats: Iterable[str]) -> str | None:
        """In which format questions are said; None: not at all. Raises: InvalidInput: there is no such one."""
        if self.speech != _NO_SPEECH and self.speech not in formats:
            raise InvalidInput(f"speech is {self.speech[:80]!r}; it must be {' or '.join((*formats, _NO_SPEECH))}")
        return None if self.speech == _NO_SPEECH else self.speech


class AnswerEndMessage(EndMessage):
    """An answer is over; that to another question than the one named, which may be over by its silence, goes on."""

    question_number: int | None = None


def checked(kind: type[BodyT], value: Any, place: str = "body") -> BodyT:
    """Raises: RequestValidationError."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise _wrong(error, place) from None


def _wrong(error: ValidationError, place: str = "body") -> RequestValidationError:
    return RequestValidationError([{**problem, "loc": (place, *problem["loc"])} for problem in error.errors()])


def session_document(interview: Interview, *, has_voice: bool) -> dict[str, Any]:
    """An interview with its questions and answers; `question` is the one that waits for an answer."""
    waiting = interview.open_question
    return {
        **summary_document(interview),
        "question": question_document(interview.interview_id, waiting, has_voice=has_voice),
        "questions": [
            question_document(interview.interview_id, question, has_voice=has_voice) for question in interview.questions
        ],
        "answers": [answer_document(answer) for answer in interview.answers],
    }


def summary_document(interview: Interview) -> dict[str, Any]:
    """An interview as a page lists it; times are UTC, as ISO 8601 writes them."""
    plan = interview.plan
    finished_at = interview.finished_at
    return {
        "session_id": interview.interview_id,
        "state": str(interview.state),
        "role": plan.role,
        "skill_level": plan.skill_level,
        "language": plan.language,
        "questions_planned": plan.question_count,
        "questions_asked": len(interview.questions),
        "questions_answered": len(interview.answers),
        "created_at": interview.created_at.isoformat(),
        "finished_at": finished_at.isoformat() if finished_at else None,
    }


def question_document(interview_id: str, question: Question | None, *, has_voice: bool) -> dict[str, Any] | None:
    """A question; `note` where it is not from where it should be, `speech_url` where there is a voice."""
    if question is None:
        return None
    document: dict[str, Any] = {"number": question.number, "text": question.text, "source": question.source}
    if question.note is not None:
        document["note"] = question.note
    if has_voice:
        document["speech_url"] = f"/sessions/{interview_id}/questions/{question.number}/speech"
    return document


def answer_document(answer: Answer) -> dict[str, Any]:
    """An answer; seconds from its sound's start. `text` is null while a sound is not written down."""
    document: dict[str, Any] = {
        "question_number": answer.question_number,
        "received_at": answer.received_at.isoformat(),
        "text": answer.text,
    }
    if answer.sound is not None:
        sound = answer.sound
        document["sound"] = {"sha256": sound.sha256, "size_bytes": sound.size_bytes, "media_type": sound.media_type}
        document["duration"] = answer.duration_s
        document["segments"] = [
            {"start": segment.start_s, "end": segment.end_s, "text": segment.text} for segment in answer.segments
        ]
    return document


def turn_document(interview_id: str, turn: Turn, *, has_voice: bool) -> dict[str, Any]:
    """An answer that was taken, and the next question; null: enough was asked."""
    return {
        "answer": answer_document(turn.answer),
        "question": question_document(interview_id, turn.question, has_voice=has_voice),
    }


def progress_document(view: ReportView) -> dict[str, Any]:
    """A report that is not made yet, and how far it is."""
    return {
        "session_id": view.interview.interview_id,
        "state": str(view.interview.state),
        "job": None if view.job is None else job_document(view.job),
    }


def job_document(job: Job) -> dict[str, Any]:
    """How a job stands."""
    return {"state": str(job.state), "attempts": job.attempts, "progress": job.progress, "reason": job.reason}
