"""Interviews as rows, and rows as interviews."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, Select, select

from coldstart.domain.interview import (
    Answer,
    Interview,
    InterviewPlan,
    InterviewReport,
    InterviewState,
    Question,
    SoundFile,
    SpokenSegment,
)
from coldstart.storage.interview_tables import ANSWERS, INTERVIEWS, QUESTIONS

_SEGMENTS = TypeAdapter(tuple[SpokenSegment, ...])
_REPORT = TypeAdapter(InterviewReport)


def storable(text: str) -> str:
    """A text as both kinds of database keep it: no NUL, which Postgres refuses, and no half of a surrogate pair."""
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def interviews_among(connection: Connection, chosen: Select[Any]) -> list[tuple[int, Interview]]:
    """The interviews of these rows of `INTERVIEWS` in their order, each with its number."""
    rows = connection.execute(chosen).all()
    numbers = [row.number for row in rows]
    questions: Mapping[int, list[Question]] = defaultdict(list)
    asked = select(QUESTIONS).where(QUESTIONS.c.interview.in_(numbers)).order_by(QUESTIONS.c.number)
    for row in connection.execute(asked):
        questions[row.interview].append(Question(row.number, row.text, row.source, row.note))
    answers: Mapping[int, list[Answer]] = defaultdict(list)
    given = select(ANSWERS).where(ANSWERS.c.interview.in_(numbers)).order_by(ANSWERS.c.question_number)
    for row in connection.execute(given):
        answers[row.interview].append(_answer(row))
    return [(row.number, _interview(row, questions[row.number], answers[row.number])) for row in rows]


def plan_values(plan: InterviewPlan) -> dict[str, Any]:
    """What of a plan goes into a row of `INTERVIEWS`."""
    return {
        INTERVIEWS.c.role.name: storable(plan.role),
        INTERVIEWS.c.skill_level.name: plan.skill_level,
        INTERVIEWS.c.language.name: plan.language,
        INTERVIEWS.c.question_count.name: plan.question_count,
    }


def question_values(number: int, question: Question) -> dict[str, Any]:
    """A row of `QUESTIONS`."""
    return {
        "interview": number,
        "number": question.number,
        "text": storable(question.text),
        "source": question.source,
        "note": None if question.note is None else storable(question.note),
    }


def answer_values(number: int, answer: Answer) -> dict[str, Any]:
    """A row of `ANSWERS`."""
    sound = answer.sound
    return {
        "interview": number,
        "question_number": answer.question_number,
        "received_at": answer.received_at,
        "sound_name": sound and sound.name,
        "sound_sha256": sound and sound.sha256,
        "sound_size_bytes": sound and sound.size_bytes,
        "sound_media_type": sound and sound.media_type,
        **written_values(answer.text, answer.segments, answer.duration_s),
    }


def written_values(text: str | None, segments: Sequence[SpokenSegment], duration_s: float | None) -> dict[str, Any]:
    """What of a row of `ANSWERS` is known once it is written down."""
    kept = tuple(SpokenSegment(segment.start_s, segment.end_s, storable(segment.text)) for segment in segments)
    return {
        "text": None if text is None else storable(text),
        "segments": _SEGMENTS.dump_python(kept, mode="json"),
        "duration_s": duration_s,
    }


def document_of(report: InterviewReport) -> Any:
    """A report as JSON."""
    return _REPORT.dump_python(report, mode="json")


def report_of(document: Any) -> InterviewReport:
    """The report that such a document was made of."""
    return _REPORT.validate_python(document)


def _interview(row: Row[Any], questions: Sequence[Question], answers: Sequence[Answer]) -> Interview:
    return Interview(
        interview_id=row.interview_id,
        plan=InterviewPlan(row.role, row.skill_level, row.language, row.question_count),
        state=InterviewState(row.state),
        created_at=row.created_at,
        finished_at=row.finished_at,
        questions=tuple(questions),
        answers=tuple(answers),
    )


def _answer(row: Row[Any]) -> Answer:
    sound = None
    if row.sound_name is not None:
        sound = SoundFile(row.sound_name, row.sound_sha256, row.sound_size_bytes, row.sound_media_type)
    return Answer(
        question_number=row.question_number,
        received_at=row.received_at,
        text=row.text,
        sound=sound,
        segments=_SEGMENTS.validate_python(row.segments),
        duration_s=row.duration_s,
    )
