"""Interviews that no job will report."""

import errno
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import NoReturn

import pytest
import structlog
from dbos._utils import retriable_postgres_exception
from sqlalchemy.exc import OperationalError

from coldstart.domain.errors import InvalidInput, NotFound, PayloadTooLarge, StorageFull
from coldstart.domain.interview import Answer, Interview, InterviewPlan, InterviewReport, InterviewState, SoundFile
from coldstart.services.answer_writing import WrittenSound
from coldstart.services.interview_reporting import Reporting, UnreportedInterviews
from coldstart.storage.jobs import JobState, JobStatus, jobs_engine_of, jobs_url_of


@dataclass
class Stores:
    """Interviews and jobs, as far as a sweep sees them."""

    jobs: dict[str, JobState | None]
    done: list[str] = field(default_factory=list)

    def unreported(self) -> Sequence[str]:
        return list(self.jobs)

    def fail_report(self, interview_id: str) -> None:
        self.done.append(f"fail {interview_id}")

    def status(self, interview_id: str) -> JobStatus | None:
        state = self.jobs[interview_id]
        return None if state is None else JobStatus(state, 1)

    def enqueue_report(self, interview_id: str) -> None:
        self.done.append(f"enqueue {interview_id}")

    def retry(self, interview_id: str) -> None:
        self.done.append(f"retry {interview_id}")


def test_what_has_no_job_gets_one_and_what_is_under_way_is_left_alone() -> None:
    """The end of an interview and its job are two steps, and a crash may lie between them."""
    stores = Stores({"a": None, "b": JobState.QUEUED, "c": JobState.RUNNING})
    UnreportedInterviews(stores, stores).sweep()
    assert stores.done == ["enqueue a"]


def test_what_a_job_has_left_is_settled_at_the_second_sight() -> None:
    """Whoever finishes an interview again begins its job again a moment later: the first sight may be in between."""
    stores = Stores({"dead": JobState.DEAD, "done": JobState.DONE, "again": JobState.DEAD})
    unreported = UnreportedInterviews(stores, stores)
    unreported.sweep()
    assert stores.done == []
    stores.jobs["again"] = JobState.QUEUED
    unreported.sweep()
    assert stores.done == ["fail dead", "retry done"]
    stores.jobs = {"again": JobState.DEAD}
    unreported.sweep()
    assert stores.done == ["fail dead", "retry done"]


class OneInterview:
    """A finished interview with one answer, whose sound is not written down, and a disk that refuses its transcript."""

    def __init__(self, refusal: Exception) -> None:
        sound = SoundFile("001.wav", "a" * 64, 10, "audio/wav")
        now = datetime(2026, 5, 1, tzinfo=UTC)
        plan = InterviewPlan(role="engineer", skill_level="middle", language="en", question_count=1)
        answer = Answer(1, now, None, sound)
        self.interview = Interview("a" * 32, plan, InterviewState.FINISHED, now, answers=(answer,))
        self._refusal = refusal

    def get(self, interview_id: str) -> Interview:
        return self.interview

    def write_down(self, interview_id: str, question_number: int, *, text: str, **_: object) -> Interview:
        self.interview = replace(self.interview, answers=(replace(self.interview.answers[0], text=text),))
        return self.interview

    def save_report(self, report: InterviewReport) -> None:
        raise AssertionError("nobody asks for a report")

    def fail_report(self, interview_id: str) -> None:
        raise AssertionError("nobody gives up")

    def read(self, interview_id: str, name: str) -> bytes:
        return b"sound"

    def write_transcript(self, interview_id: str, question_number: int, document: bytes) -> NoReturn:
        raise self._refusal


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (StorageFull("the disk takes no more", retry_after_s=60), ["the disk takes no more"]),
        (OSError(errno.EIO, "Input/output error", "secret"), ["Input/output error"]),
        (NotFound("the interview was deleted meanwhile"), []),
    ],
    ids=["full", "broken", "deleted"],
)
def test_a_transcript_that_cannot_be_kept_does_not_cost_the_report(refusal: Exception, told: list[str]) -> None:
    """The database has what was said; the log tells of the disk."""
    stores = OneInterview(refusal)
    reporting = Reporting(
        stores, stores, write=lambda *_: WrittenSound("seven", (), 1.0), take_notes=lambda *_: ((), "bank", None)
    )
    with structlog.testing.capture_logs() as log:
        reporting.write_down("a" * 32, 1)
    assert stores.interview.answers[0].text == "seven"
    assert [line["reason"] for line in log] == told


@pytest.mark.parametrize(
    "fault", [InvalidInput("this is no sound"), NotFound("it is gone"), PayloadTooLarge("it lasts an hour")]
)
def test_a_sound_that_cannot_be_written_down_does_not_cost_the_report(fault: Exception) -> None:
    """The answer stays without a text, and the log tells why."""

    def refuse(*_: object) -> NoReturn:
        raise fault

    stores = OneInterview(fault)
    reporting = Reporting(stores, stores, write=refuse, take_notes=lambda *_: ((), "bank", None))
    with structlog.testing.capture_logs() as log:
        reporting.write_down("a" * 32, 1)
    assert stores.interview.answers[0].text is None
    assert [(line["event"], line["reason"]) for line in log] == [("answer_left_unwritten", str(fault))]


def test_jobs_are_kept_beside_the_interviews() -> None:
    """A file of their own for SQLite, the same database for Postgres, whose password stays what it is."""
    assert (
        jobs_url_of("sqlite:////data/interview_data/interviews.sqlite") == "sqlite:////data/interview_data/jobs.sqlite"
    )
    postgres = "postgresql+psycopg://me:secret@host:1/name"
    assert jobs_url_of(postgres) == postgres


def test_the_library_waits_for_a_database_that_is_away() -> None:
    """It goes by words that the driver does not say any more, or by the mark of a lost connection, which ours have."""
    engine = jobs_engine_of("postgresql+psycopg://me@/name?host=/nowhere")
    with pytest.raises(OperationalError) as failure:
        engine.connect()
    assert retriable_postgres_exception(failure.value)
