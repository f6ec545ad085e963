"""The side of DBOS that works: takes reports from the queue and runs their steps, each until it is done once."""

import logging
import math
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

import sqlalchemy
import structlog
from dbos import DBOS, DBOSConfig, PortableWorkflowError
from dbos import error as dbos_error

from coldstart.domain.errors import ColdstartError, Conflict, InvalidInput, NotFound, PayloadTooLarge, Unavailable
from coldstart.storage.jobs import (
    APPLICATION,
    APPLICATION_VERSION,
    PROGRESS,
    QUEUE,
    WORKFLOW,
    interview_of,
    jobs_engine_of,
    json_only,
    migrate_jobs,
    workflow_of,
)
from coldstart.storage.worker_names import WorkerNames

ResultT = TypeVar("ResultT")

# Retrying changes nothing about these.
_FINAL = (Conflict, InvalidInput, NotFound, PayloadTooLarge)
# These are no fault of the job: something else is down, and comes back.
_WAITED_FOR = (Unavailable, sqlalchemy.exc.OperationalError, sqlalchemy.exc.InterfaceError)
_LONGEST_PAUSE_S = 5.0
# Of the log.
_SECONDS_BETWEEN_SAME = 10.0
_KIND_CHARACTERS = 40
_MOST_KINDS = 100


class ReportHandler(Protocol):
    """What a report is made of. Every method may be called again after it was done, and then changes nothing."""

    def unwritten(self, interview_id: str) -> Sequence[int]:
        """Numbers of the questions whose answers are not written down yet."""
        ...

    def write_down(self, interview_id: str, question_number: int) -> None:
        """Write down the sound of one answer."""
        ...

    def make(self, interview_id: str) -> None:
        """Make the report and keep it."""
        ...

    def give_up(self, interview_id: str) -> None:
        """Note that there will be no report."""
        ...


@dataclass(frozen=True, slots=True)
class JobPolicy:
    """How hard it is tried.

    Args:
        attempts: of one step, before the job is dead.
        first_pause_s: before the second attempt; it doubles from one to the next.
        patience_s: for which a step waits while the database or a model cannot be had.
        takings: how often a job is taken up again after its worker has ended, before it is dead: it may be the cause.
        poll_s: between two looks into the queue.
        sweep_s: between two looks for what others have left behind.
    """

    attempts: int = 4
    first_pause_s: float = 1.0
    patience_s: float = 600.0
    takings: int = 5
    poll_s: float = 0.2
    sweep_s: float = 5.0


DEFAULT_POLICY = JobPolicy()


class StepFailed(Exception):
    """A step that will not succeed; the message is one sentence without anything of an interview's contents."""


# The second: of a job that was forgotten while it ran.
_TOLD = (StepFailed, dbos_error.DBOSNonExistentWorkflowError)


class _Left(BaseException):
    """The job is left as it is, to be taken up again. No Exception, so that nobody records it as its outcome."""


class _News(logging.Filter):
    """What DBOS tells, but for ends of jobs that are told or wanted by nobody, and the same within ten seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._told_at: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is to be told."""
        if record.exc_info and isinstance(record.exc_info[1], _TOLD):
            return False
        now, kind = time.monotonic(), str(record.msg)[:_KIND_CHARACTERS]
        if now < self._told_at.get(kind, -math.inf) + _SECONDS_BETWEEN_SAME:
            return False
        self._told_at = {**self._told_at, kind: now} if len(self._told_at) < _MOST_KINDS else {kind: now}
        return True


class JobWorker:
    """Runs jobs in threads from `start` to `stop`. One a process, once.

    Args:
        url: of the jobs' database.
        names: of all workers.
        handler: makes reports.
        policy: how hard it is tried.

    Attributes:
        name: of this worker.

    Raises:
        ConfigurationError: no name can be taken.
    """

    def __init__(self, url: str, names: WorkerNames, handler: ReportHandler, policy: JobPolicy) -> None:
        self.name = names.take()
        self._url = url
        self._names = names
        self._handler = handler
        self._policy = policy
        self._stopping = threading.Event()
        self._running: set[str] = set()
        self._astray: set[str] = set()
        self._log = structlog.get_logger("coldstart.jobs").bind(worker=self.name)

    def start(self) -> None:
        """Begin to take jobs, first of all those that a worker of the same name has left behind."""
        migrate_jobs(self._url)
        config: DBOSConfig = {
            "name": APPLICATION,
            "system_database_url": self._url,
            "application_version": APPLICATION_VERSION,
            "executor_id": self.name,
            "serializer": json_only(),
            "run_migrations": False,
            "enable_otlp": False,
            "log_level": "WARNING",
            "system_database_engine": jobs_engine_of(self._url),
        }
        logging.getLogger("dbos").addFilter(_News())
        DBOS(config=config)
        DBOS.workflow(name=WORKFLOW, max_recovery_attempts=self._policy.takings)(self._report_workflow())
        DBOS.listen_queues([QUEUE])
        DBOS.launch()
        DBOS.register_queue(
            QUEUE,
            # One: when a worker dies it is known of which job, and no other counts as taken up in vain.
            worker_concurrency=1,
            polling_interval_sec=self._policy.poll_s,
            on_conflict="always_update",
        )
        self._log.info("jobs_taken")

    def take_up_lost(self) -> None:
        """Put back into the queue what nobody works on: of workers that run no more, and what this one has left.

        Blocks while the database is away.
        """
        running = DBOS.list_workflows(name=WORKFLOW, status="PENDING", load_input=False, load_output=False)
        for name in sorted({job.executor_id for job in running if job.executor_id} - {self.name}):
            with self._names.kept_free(name) as free:
                if free:
                    DBOS._recover_pending_workflows([name])
                    self._log.warning("jobs_taken_over", of=name)
        own = {interview_of(job.workflow_id) for job in running if job.executor_id == self.name}
        astray = own - self._running
        # Seen twice: one that is about to begin here, or has just ended, looks the same.
        for interview_id in astray & self._astray:
            DBOS.resume_workflow(workflow_of(interview_id), queue_name=QUEUE)
            self._log.warning("job_put_back", interview=interview_id)
        self._astray = astray

    def stop(self, grace_s: float) -> None:
        """Take nothing new, let the steps under way end, and return after `grace_s` seconds at the latest.

        What is not done then stays running in the database; the next worker of this name, or another that sees this
        one gone, takes it up where the last finished step has left it.
        """
        self._stopping.set()
        # The last second is for its threads to end.
        finishing_s = max(int(grace_s) - 1, 0)
        ending = threading.Thread(
            target=DBOS.destroy, kwargs={"workflow_completion_timeout_sec": finishing_s}, name="jobs-end", daemon=True
        )
        ending.start()
        ending.join(grace_s)
        self._log.info("jobs_left", in_time=not ending.is_alive())

    def _report_workflow(self) -> Callable[[str], None]:
        # A plain function: DBOS takes methods for those of its own kind of classes.
        def report(interview_id: str) -> None:
            self._report(interview_id)

        return report

    def _report(self, interview_id: str) -> None:
        self._running.add(interview_id)
        try:
            with structlog.contextvars.bound_contextvars(interview=interview_id):
                self._log.info("job_begins")
                self._reported(interview_id)
        finally:
            self._running.discard(interview_id)

    def _reported(self, interview_id: str) -> None:
        try:
            self._run_steps(interview_id)
        except (StepFailed, PortableWorkflowError) as failure:
            # The second is the first one, read from the database: the worker ended between the failure and here.
            told = str(failure)
            reason = self._step("reason", lambda: told)
            self._step("give_up", partial(self._handler.give_up, interview_id))
            self._log.error("job_dead", reason=reason)
            raise StepFailed(reason) from None
        self._log.info("job_done")

    def _run_steps(self, interview_id: str) -> None:
        numbers = self._step("unwritten", lambda: list(self._handler.unwritten(interview_id)))
        for done, number in enumerate(numbers):
            self._tell(f"{done} of {len(numbers)} answers are written down")
            self._step(f"write_down_{number}", partial(self._handler.write_down, interview_id, number))
        self._tell("the report is being made")
        self._step("make", partial(self._handler.make, interview_id))

    def _tell(self, progress: str) -> None:
        with self._left_without_database("progress"):
            DBOS.set_event(PROGRESS, progress)

    def _step(self, name: str, action: Callable[[], ResultT]) -> ResultT:
        """Its result, kept: when the job is taken up again, the step is not run a second time."""
        if self._stopping.is_set():
            raise _Left
        with self._left_without_database(name):
            return DBOS.run_step({"name": name}, self._tried, name, action)

    @contextmanager
    def _left_without_database(self, name: str) -> Iterator[None]:
        try:
            yield
        except sqlalchemy.exc.SQLAlchemyError as error:
            # Not the step's, whose errors are StepFailed: its checkpoint's. That is no reason for the job to be dead.
            self._log.warning("job_left", step=name, reason=type(error).__name__)
            raise _Left from None

    def _tried(self, name: str, action: Callable[[], ResultT]) -> ResultT:
        """The result of the first attempt that succeeds.

        Not by DBOS's own retries: their pauses cannot be ended, and of the failure they keep only that there was one.
        """
        failed, waited_s, pause_s = 0, 0.0, self._policy.first_pause_s
        while True:
            try:
                return action()
            except Exception as error:  # a process border: whatever a step raises ends its job, not the worker
                away = isinstance(error, _WAITED_FOR)
                failed += not away
                over = waited_s >= self._policy.patience_s if away else failed >= self._policy.attempts
                reason = _reason(error)
                self._log.warning("job_step_fails", step=name, reason=reason, at=_place(error), pause_s=pause_s)
                if over or isinstance(error, _FINAL):
                    raise StepFailed(f"{name.replace('_', ' ')}: {reason}") from None
            if self._stopping.wait(pause_s):
                raise _Left
            waited_s += pause_s
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)


def _reason(error: Exception) -> str:
    # What others raise may quote an answer, a statement or a key.
    return str(error) if isinstance(error, ColdstartError) else type(error).__name__


def _place(error: Exception) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.filename}:{last.lineno}"
