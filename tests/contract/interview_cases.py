"""What interviews are tried with."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from sqlalchemy import Engine, func, select

from coldstart.domain.errors import Conflict, Overloaded
from coldstart.domain.interview import (
    Answer,
    AnswerReport,
    Interview,
    InterviewPlan,
    InterviewReport,
    Question,
    SoundFile,
    SpokenSegment,
)
from coldstart.storage.database import reading
from coldstart.storage.interview_tables import METADATA
from coldstart.storage.sql_interviews import SqlInterviews

NOW = datetime(2026, 11, 21, 12, 30, 15, 250000, tzinfo=UTC)
PLAN = InterviewPlan(role="software engineer", skill_level="middle", language="en", question_count=3)
SEGMENTS = (SpokenSegment(0.25, 1.5, "seven"), SpokenSegment(2.0, 2.75, "five"))
THREADS = 8


def question(number: int, note: str | None = None) -> Question:
    return Question(number, f"What is {number}?", "bank", note)


def spoken(number: int = 1, sound: str = "a", text: str | None = None) -> Answer:
    """An answer as a sound, which is told by a letter; written down where there is a text."""
    kept = SoundFile(name=f"{number}.wav", sha256=sound * 64, size_bytes=3_000_000_000, media_type="audio/wav")
    if text is None:
        return Answer(number, NOW, None, kept)
    return Answer(number, NOW, text, kept, SEGMENTS, 2.75)


def typed(number: int = 1, text: str = "seven") -> Answer:
    return Answer(number, NOW, text)


def opened(interviews: SqlInterviews, now: datetime = NOW) -> str:
    return interviews.create(PLAN, question(1), now).interview_id


def finished(interviews: SqlInterviews, now: datetime = NOW) -> str:
    return interviews.finish(opened(interviews, now), now).interview_id


def reported(interview: Interview) -> InterviewReport:
    answers = tuple(
        AnswerReport(asked, interview.answer_to(asked.number), 2.0, 1, 0.5, 2, 60.0, {"er": 1})
        for asked in interview.questions
    )
    return InterviewReport(interview, NOW, answers, ("Answers in digits.",), "bank", "the chat did not answer")


def at_once(calls: Sequence[Callable[[], object]]) -> list[object]:
    """What each call returns, or the error that it raises, where all begin at one moment."""
    barrier = threading.Barrier(len(calls), timeout=30)

    def run(call: Callable[[], object]) -> object:
        barrier.wait()
        try:
            return call()
        except (Conflict, Overloaded) as error:
            return error

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


def rows_of(database: Engine) -> dict[str, int]:
    with reading(database) as connection:
        return {
            name: connection.scalar(select(func.count()).select_from(table)) or 0
            for name, table in METADATA.tables.items()
        }
