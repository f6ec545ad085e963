"""Interviews as they stand after some answers."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from coldstart.domain.interview import (
    Answer,
    Interview,
    InterviewPlan,
    InterviewReport,
    InterviewState,
    Question,
    SkillLevel,
    SoundFile,
    SpokenSegment,
)
from coldstart.services.interview_analysis import answer_reports

BEGAN = datetime(2026, 1, 2, 9, 30, tzinfo=UTC)
SOUND = SoundFile(name="1.wav", sha256="ab" * 32, size_bytes=32_044, media_type="audio/wav")


def plan(
    role: str = "software engineer", *, level: SkillLevel = "middle", language: str = "en", questions: int = 5
) -> InterviewPlan:
    """What is asked about."""
    return InterviewPlan(role, level, language, questions)


def interview(
    of: InterviewPlan | None = None, turns: Sequence[tuple[str, Answer | str | None]] = (), *, seed: int = 0
) -> Interview:
    """One with these questions and their answers; a text is a typed answer, None is no answer."""
    questions = tuple(Question(number, text, "bank") for number, (text, _) in enumerate(turns, start=1))
    answers = tuple(
        typed(number, answer) if isinstance(answer, str) else answer
        for number, (_, answer) in enumerate(turns, start=1)
        if answer is not None
    )
    return Interview(f"{seed:032x}", of or plan(), InterviewState.OPEN, BEGAN, None, questions, answers)


def typed(number: int, text: str) -> Answer:
    """A typed answer."""
    return Answer(number, BEGAN + timedelta(minutes=number), text)


def spoken(
    number: int, text: str | None, *stretches: tuple[float, float] | tuple[float, float, str], duration_s: float = 60.0
) -> Answer:
    """A spoken answer with these segments: start, end, and maybe a text of their own."""
    segments = tuple(SpokenSegment(start, end, texts[0] if texts else "words") for start, end, *texts in stretches)
    return Answer(number, BEGAN + timedelta(minutes=number), text, SOUND, segments, duration_s)


def report(of: Interview, *notes: str, source: str = "bank", note: str | None = None) -> InterviewReport:
    """The report on an interview."""
    return InterviewReport(of, BEGAN + timedelta(hours=1), answer_reports(of), notes, source, note)
