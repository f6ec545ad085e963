"""What of an interview is kept as JSON: later versions read it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from coldstart.domain.interview import InterviewState, SpokenSegment
from coldstart.storage.interview_rows import document_of, report_of, storable

QUESTION = {"number": 1, "text": "What is one?", "source": "bank", "note": None}
ANSWER = {
    "question_number": 1,
    "received_at": "2026-11-21T12:30:15.250000Z",
    "text": "seven five",
    "sound": {"name": "1.wav", "sha256": "a" * 64, "size_bytes": 64000, "media_type": "audio/wav"},
    "segments": [{"start_s": 0.25, "end_s": 1.5, "text": "seven"}, {"start_s": 2.0, "end_s": 2.75, "text": "five"}],
    "duration_s": 2.75,
}
# As revision 0001 kept it. It stays as it is: databases are full of such.
DOCUMENT: dict[str, Any] = {
    "interview": {
        "interview_id": "0" * 32,
        "plan": {"role": "engineer", "skill_level": "middle", "language": "en", "question_count": 3},
        "state": "finished",
        "created_at": "2026-11-21T12:30:00Z",
        "finished_at": "2026-11-21T12:31:00Z",
        "questions": [QUESTION],
        "answers": [ANSWER],
    },
    "made_at": "2026-11-21T12:32:00Z",
    "answers": [
        {
            "question": QUESTION,
            "answer": ANSWER,
            "speaking_s": 2.0,
            "pause_count": 1,
            "longest_pause_s": 0.5,
            "words": 2,
            "words_per_minute": 60.0,
            "fillers": {"er": 1},
        }
    ],
    "notes": ["Answers in digits."],
    "notes_source": "bank",
    "notes_note": None,
}


def test_a_report_that_was_kept_can_be_read() -> None:
    """With everything in it, and written as it was read."""
    report = report_of(DOCUMENT)
    assert report.interview.state is InterviewState.FINISHED
    assert report.made_at == datetime(2026, 11, 21, 12, 32, tzinfo=UTC)
    answer = report.answers[0].answer
    assert answer == report.interview.answers[0]
    assert answer is not None
    assert answer.segments == (SpokenSegment(0.25, 1.5, "seven"), SpokenSegment(2.0, 2.75, "five"))
    assert document_of(report) == DOCUMENT


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("a\n日本\U0001f399", "a\n日本\U0001f399"),
        ("\0", "\ufffd"),
        ("x\ud83c", "x\ufffd"),
        ("\udf99y", "\ufffdy"),
    ],
)
def test_only_what_no_database_keeps_is_replaced(text: str, kept: str) -> None:
    """Once is enough: what was replaced stays the same."""
    assert storable(text) == kept
    assert storable(kept) == kept
