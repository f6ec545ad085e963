"""An interview: questions, the answers to them, and the report on both."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol

SkillLevel = Literal["junior", "middle", "senior"]


class InterviewState(StrEnum):
    """open → finished → reported; a report that cannot be made leaves it failed, and can be asked for again."""

    OPEN = "open"
    FINISHED = "finished"
    REPORTED = "reported"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class InterviewPlan:
    """What a candidate is asked about.

    Args:
        role: any text of at most 200 characters, such as `software engineer`.
        skill_level: how hard the questions are.
        language: ISO 639-1 code of questions and answers.
        question_count: questions in all, at least 1.
    """

    role: str
    skill_level: SkillLevel
    language: str
    question_count: int


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Args:
        number: from 1, in the order in which they are asked.
        text: one or more sentences.
        source: who thought of it: `bank`, or `chat` for a language model.
        note: why it is not from where it should be; None when it is.
    """

    number: int
    text: str
    source: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class SpokenSegment:
    """A stretch of speech within an answer, in seconds from the answer's start."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True)
class SoundFile:
    """An answer's sound, kept.

    Args:
        name: of the file among the answers of its interview, made by the service.
        sha256: of its bytes, in hex.
        size_bytes: of the file.
        media_type: by its content.
    """

    name: str
    sha256: str
    size_bytes: int
    media_type: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question; there is at most one.

    Args:
        question_number: of the question.
        received_at: when it was accepted, UTC.
        text: what was said or typed; None: the sound has not been written down yet.
        sound: None: it was typed.
        segments: of the sound, in order; empty where it was typed or not written down yet.
        duration_s: of the sound; None as `text`, and where it was typed.
    """

    question_number: int
    received_at: datetime
    text: str | None
    sound: SoundFile | None = None
    segments: tuple[SpokenSegment, ...] = ()
    duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class Interview:
    """One interview as it stands. Immutable: a change makes another with the same id.

    Args:
        interview_id: 32 random hexadecimal digits; they name it, and protect nothing.
        plan: what is asked about.
        state: where it is.
        created_at: UTC.
        finished_at: UTC; None while it is open.
        questions: in order, the last one without an answer while it is open.
        answers: in the order of their questions.
    """

    interview_id: str
    plan: InterviewPlan
    state: InterviewState
    created_at: datetime
    finished_at: datetime | None = None
    questions: tuple[Question, ...] = ()
    answers: tuple[Answer, ...] = ()

    def answer_to(self, question_number: int) -> Answer | None:
        """The answer to a question, where there is one."""
        return next((answer for answer in self.answers if answer.question_number == question_number), None)

    @property
    def open_question(self) -> Question | None:
        """The first question without an answer; None: everything asked so far has been answered."""
        return next((question for question in self.questions if self.answer_to(question.number) is None), None)


@dataclass(frozen=True, slots=True)
class AnswerReport:
    """One question, its answer, and how it was spoken.

    Args:
        question: as it was asked.
        answer: as it was given.
        speaking_s: seconds of speech; None where it was typed.
        pause_count: silences of at least half a second between two segments.
        longest_pause_s: of those; 0 where there is none.
        words: in the answer.
        words_per_minute: of speaking time; None where it was typed or nothing was said.
        fillers: filler word → how often.
    """

    question: Question
    answer: Answer | None
    speaking_s: float | None
    pause_count: int
    longest_pause_s: float
    words: int
    words_per_minute: float | None
    fillers: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InterviewReport:
    """What became of an interview.

    Args:
        interview: as it was finished.
        made_at: UTC.
        answers: one for each question, in order.
        notes: the interviewer's, one sentence each.
        notes_source: `bank`, or `chat` for a language model.
        notes_note: why the notes are not from where they should be; None when they are.
    """

    interview: Interview
    made_at: datetime
    answers: tuple[AnswerReport, ...]
    notes: tuple[str, ...]
    notes_source: str
    notes_note: str | None = None


class Interviewer(Protocol):
    """The mind that asks and judges."""

    async def next_question(self, interview: Interview) -> Question | None:
        """What to ask after the answers so far; None: enough has been asked.

        The question's number is one more than there are questions. Does not raise for a mind that fails: the question
        is then from where it can be had, and says so in its `note`.
        """
        ...

    async def notes_on(
        self, interview: Interview, answers: Sequence[AnswerReport]
    ) -> tuple[Sequence[str], str, str | None]:
        """Notes on a finished interview, one sentence each; who wrote them; and why not who should have."""
        ...
