"""The report as a JSON document."""

from typing import Any

from coldstart.domain.interview import Answer, AnswerReport, Interview, InterviewReport
from coldstart.services.interview_analysis import SpeechTotals, totals_of

# Goes up when a field changes its meaning or goes away; fields that are added leave it.
SCHEMA_VERSION = 1


def document_of(report: InterviewReport) -> dict[str, Any]:
    """The report in values that JSON has; times are ISO 8601, UTC; seconds from the start of an answer's sound."""
    return {
        "schema_version": SCHEMA_VERSION,
        "made_at": report.made_at.isoformat(),
        "session": _session(report.interview),
        "totals": _totals(totals_of(report.answers)),
        "questions": [_question(answer) for answer in report.answers],
        "notes": {"sentences": list(report.notes), "source": report.notes_source, "note": report.notes_note},
    }


def _session(interview: Interview) -> dict[str, Any]:
    finished_at = interview.finished_at
    return {
        "session_id": interview.interview_id,
        "role": interview.plan.role,
        "skill_level": interview.plan.skill_level,
        "language": interview.plan.language,
        "questions_planned": interview.plan.question_count,
        "created_at": interview.created_at.isoformat(),
        "finished_at": None if finished_at is None else finished_at.isoformat(),
    }


def _totals(totals: SpeechTotals) -> dict[str, Any]:
    return {
        "questions": totals.questions,
        "answered": totals.answered,
        "speaking_s": totals.speaking_s,
        "words": totals.words,
        "words_per_minute": totals.words_per_minute,
        "pause_count": totals.pause_count,
        "longest_pause_s": totals.longest_pause_s,
        "fillers": totals.fillers,
    }


def _question(report: AnswerReport) -> dict[str, Any]:
    question = report.question
    return {
        "number": question.number,
        "text": question.text,
        "source": question.source,
        "note": question.note,
        "answer": None if report.answer is None else _answer(report.answer),
        "speaking_s": report.speaking_s,
        "pause_count": report.pause_count,
        "longest_pause_s": report.longest_pause_s,
        "words": report.words,
        "words_per_minute": report.words_per_minute,
        "fillers": report.fillers,
    }


def _answer(answer: Answer) -> dict[str, Any]:
    sound = answer.sound
    return {
        "kind": "typed" if sound is None else "spoken",
        "received_at": answer.received_at.isoformat(),
        "text": answer.text,
        "duration_s": answer.duration_s,
        "segments": [
            {"start_s": segment.start_s, "end_s": segment.end_s, "text": segment.text} for segment in answer.segments
        ],
        "sound": None
        if sound is None
        else {"sha256": sound.sha256, "size_bytes": sound.size_bytes, "media_type": sound.media_type},
    }
