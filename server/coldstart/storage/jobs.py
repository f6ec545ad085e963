"""Durable jobs, by DBOS: the report on a finished interview is put down in the database, and a worker takes it up."""

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import psycopg
import sqlalchemy
from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer, Serializer, WorkflowStatus
from dbos import error as dbos_error

from coldstart.domain.errors import NotFound, Unavailable
from coldstart.storage.database import engine_of, migrating

APPLICATION = "coldstart"
# The same for all revisions: a worker takes only jobs of its own version, and those of the image before are to go on.
APPLICATION_VERSION = "1"
QUEUE = "reports"
WORKFLOW = "report"
PROGRESS = "progress"

_PREFIX = "report-"
_CONNECTIONS = 10
_DEAD = ("ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")


class JobState(StrEnum):
    """queued → running → done or dead; a worker that ends leaves its job running until another takes it up."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class JobStatus:
    """How a job stands.

    Args:
        state: where it is.
        attempts: how often a worker has taken it up.
        progress: what is being done, while it runs; one phrase.
        reason: why it is dead, one sentence; None while it is not.
    """

    state: JobState
    attempts: int
    progress: str | None = None
    reason: str | None = None


_STATES = {
    "ENQUEUED": JobState.QUEUED,
    "DELAYED": JobState.QUEUED,
    "PENDING": JobState.RUNNING,
    "SUCCESS": JobState.DONE,
    **dict.fromkeys(_DEAD, JobState.DEAD),
}


class Jobs:
    """The jobs as the API's process sees them. Blocking, thread-safe.

    Args:
        url: of the jobs' database, as `jobs_url_of` gives it; it is made, or brought up to date, where need be.
    """

    def __init__(self, url: str) -> None:
        migrate_jobs(url)
        self._engine = jobs_engine_of(url)
        self._client = DBOSClient(
            system_database_engine=self._engine,
            serializer=json_only(),
            application_name=APPLICATION,
            retry_connection_errors=False,
        )

    def enqueue_report(self, interview_id: str) -> None:
        """Have the report made. Does nothing while that is queued, running or done; what is dead is tried again.

        Raises:
            Unavailable: the database cannot be reached.
        """
        status = self.status(interview_id)
        if status is not None and status.state is JobState.DEAD:
            self.retry(interview_id)
        elif status is None:
            with _reachable():
                self._client.enqueue(
                    {
                        "workflow_name": WORKFLOW,
                        "queue_name": QUEUE,
                        # Who enqueues it a second time gets the first one.
                        "workflow_id": workflow_of(interview_id),
                        "app_version": APPLICATION_VERSION,
                    },
                    interview_id,
                )

    def status(self, interview_id: str) -> JobStatus | None:
        """How the job of an interview stands; None: there is none.

        Raises:
            Unavailable: the database cannot be reached.
        """
        workflow_id = workflow_of(interview_id)
        with _reachable():
            found = self._client.list_workflows(workflow_ids=[workflow_id], load_input=False)
            if not found:
                return None
            running = _STATES[found[0].status] is JobState.RUNNING
            progress = self._client.get_event(workflow_id, PROGRESS, timeout_seconds=0) if running else None
        return _status(found[0], progress)

    def dead(self, *, limit: int) -> Sequence[tuple[str, JobStatus]]:
        """Interviews whose report could not be made, and why; the newest first, `limit` at most.

        Raises:
            Unavailable: the database cannot be reached.
        """
        with _reachable():
            found = self._client.list_workflows(
                name=WORKFLOW, status=list(_DEAD), limit=limit, sort_desc=True, load_input=False
            )
        return [(interview_of(one.workflow_id), _status(one, None)) for one in found]

    def retry(self, interview_id: str) -> None:
        """Begin a job that is dead or done from its beginning; one that is queued or running is left alone.

        Raises:
            NotFound: there is none for this interview.
            Unavailable: the database cannot be reached.
        """
        try:
            with _reachable():
                self._client.rewind_workflow(
                    workflow_of(interview_id), start_step=1, application_version=APPLICATION_VERSION, queue_name=QUEUE
                )
        except dbos_error.DBOSNonExistentWorkflowError:
            raise NotFound(f"there is no job for interview {interview_id[:80]!r}") from None
        except dbos_error.DBOSException:
            status = self.status(interview_id)
            if status is None or status.state not in (JobState.QUEUED, JobState.RUNNING):
                raise

    def forget(self, interview_id: str) -> None:
        """Delete all that is known of an interview's job; nothing happens when there is none.

        Raises:
            Unavailable: the database cannot be reached.
        """
        with _reachable():
            self._client.delete_workflow(workflow_of(interview_id))

    def close(self) -> None:
        """Free the connections. Nothing may be called afterwards."""
        self._client.destroy()
        self._engine.dispose()


def workflow_of(interview_id: str) -> str:
    """The id that DBOS knows the job of an interview by."""
    return _PREFIX + interview_id


def interview_of(workflow_id: str) -> str:
    """The other way round."""
    return workflow_id.removeprefix(_PREFIX)


def jobs_url_of(database_url: str) -> str:
    """Where the jobs of that database are kept: for SQLite a file `jobs.sqlite` beside its own, else itself.

    DBOS keeps its tables in the schema `dbos` where there are schemas.
    """
    url = sqlalchemy.make_url(database_url)
    if url.get_backend_name() == "sqlite":
        url = url.set(database=str(Path(url.database or "").with_name("jobs.sqlite")))
    return url.render_as_string(hide_password=False)


def migrate_jobs(url: str) -> None:
    """Make the jobs' tables, or bring them up to date; several processes may do so at once.

    Raises:
        ConfigurationError: the database may not be changed; the sentence has no password in it.
        Unavailable: it cannot be reached now.
    """
    through_our_logs()
    made = sqlalchemy.make_url(url)
    with migrating(made):
        if made.get_backend_name() == "sqlite":
            Path(made.database or "").parent.mkdir(parents=True, exist_ok=True)
            engine = sqlalchemy.create_engine(made)
            with engine.connect() as connection:
                # Kept in the file: who reads does not wait for who writes.
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            engine.dispose()
        DBOS.migrate(url)


def jobs_engine_of(url: str) -> sqlalchemy.Engine:
    """Connections to the jobs' database, as DBOS wants them."""
    if sqlalchemy.make_url(url).get_backend_name() == "sqlite":
        engine = sqlalchemy.create_engine(url, hide_parameters=True, pool_size=_CONNECTIONS, max_overflow=0)
        sqlalchemy.event.listen(engine, "connect", _prepare_sqlite)
        return engine
    engine = engine_of(url)
    sqlalchemy.event.listen(engine, "handle_error", _mark_disconnected)
    return engine


def through_our_logs() -> None:
    """DBOS's warnings go where all logs go; what it tells besides is addresses of its makers' services."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        # Where it finds a handler it adds none of its own.
        logger.addHandler(logging.NullHandler())
    logger.setLevel(logging.WARNING)


def json_only() -> Serializer:
    """How arguments, results and failures are kept: the default is pickle, and who can write a row could run code."""
    return DBOSPortableJSONSerializer()


def _status(found: WorkflowStatus, progress: str | None) -> JobStatus:
    state = _STATES[found.status]
    attempts = found.recovery_attempts or 0
    if state is not JobState.DEAD:
        return JobStatus(state, attempts, progress)
    if found.error is not None:
        return JobStatus(state, attempts, reason=str(found.error))
    if found.status == "CANCELLED":
        return JobStatus(state, attempts, reason="it was cancelled")
    return JobStatus(state, attempts, reason=f"the worker ended {attempts - 1} times while it worked on it")


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """What DBOS does with connections that it makes itself. Source: its `_sys_db_sqlite.py`, 3.4."""
    connection.isolation_level = "IMMEDIATE"
    connection.execute("PRAGMA busy_timeout = 30000")
    connection.execute("PRAGMA foreign_keys = ON")


def _mark_disconnected(context: sqlalchemy.ExceptionContext) -> None:
    """DBOS waits for a database that is away if the error says `connection failed`; psycopg 3.3 words some otherwise.

    It also waits where a connection counts as lost. May go once DBOS goes by more than words.
    """
    error = context.original_exception
    if isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
        context.is_disconnect = True


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except (sqlalchemy.exc.OperationalError, sqlalchemy.exc.InterfaceError, sqlalchemy.exc.TimeoutError):
        # Not chained: the original names hosts, users and statements.
        raise Unavailable("the database of the jobs cannot be reached", retry_after_s=5) from None
