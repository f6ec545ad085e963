"""Interviews deleted from a real database and a disk, by retention and by request."""

from datetime import timedelta
from pathlib import Path

import pytest
from tests.contract.interview_cases import NOW, opened
from tests.kept_sounds import age_all, files_below, keep

from coldstart.domain.errors import NotFound
from coldstart.services.interview_retention import InterviewRetention, Round, delete_interview
from coldstart.storage.answer_files import AnswerFiles
from coldstart.storage.sql_interviews import SqlInterviews


class NoJobs:
    """Jobs of nobody."""

    def enqueue_report(self, interview_id: str) -> None:
        raise AssertionError(f"nobody has left {interview_id}")

    def forget(self, interview_id: str) -> None:
        pass


@pytest.fixture
def files(tmp_path: Path) -> AnswerFiles:
    return AnswerFiles(tmp_path / "kept", min_free_bytes=0)


def test_the_database_tells_which_interviews_it_knows(interviews: SqlInterviews) -> None:
    """Of some hundreds of ids at once, and of ids that no interview can have."""
    known = [opened(interviews) for _ in range(3)]
    strangers = [f"{number:032x}" for number in range(497)]
    assert interviews.known([*strangers, *known]) == frozenset(known)
    assert interviews.known(["\0", "'", "\ud800"]) == frozenset()
    assert interviews.known([]) == frozenset()


async def test_a_round_leaves_what_is_young_and_known(
    interviews: SqlInterviews, files: AnswerFiles, tmp_path: Path
) -> None:
    """What is old goes from both, what the database does not know from the disk, and the rest stays in both."""
    old, young = opened(interviews, NOW - timedelta(days=11)), opened(interviews)
    for interview_id in (old, young, "0" * 32):
        keep(files, interview_id=interview_id)
    age_all(tmp_path / "kept")
    retention = InterviewRetention(
        interviews, NoJobs(), files, idle_hours=24, keep_days=10, keep_count=10, now=lambda: NOW
    )
    assert await retention.round() == Round(expired=1, unknown=1, abandoned=0, failed=0, more=False)
    assert interviews.known([old, young]) == frozenset([young])
    assert list(files.interview_ids()) == [young]


def test_a_deleted_interview_is_nowhere(interviews: SqlInterviews, files: AnswerFiles, tmp_path: Path) -> None:
    """And it is not found a second time."""
    interview_id = opened(interviews)
    keep(files, interview_id=interview_id)
    delete_interview(interviews, NoJobs(), files, interview_id)
    assert files_below(tmp_path / "kept") == []
    with pytest.raises(NotFound):
        interviews.get(interview_id)
    with pytest.raises(NotFound):
        delete_interview(interviews, NoJobs(), files, interview_id)
