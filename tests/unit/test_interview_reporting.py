"""Interviews that no job will report."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from dbos._utils import retriable_postgres_exception
from sqlalchemy.exc import OperationalError

from coldstart.services.interview_reporting import UnreportedInterviews
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
