"""Interviews are deleted when they are old, or when there are too many; and what a crash left of them is.

Those that nobody goes on with are finished.
"""

import asyncio
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Protocol

import structlog
from prometheus_client import Counter, Gauge
from prometheus_client.registry import Collector

from coldstart.domain.errors import ColdstartError, NotFound, Unavailable
from coldstart.runtime.blocking import to_its_end
from coldstart.storage.answer_files import AnswerFiles

# Between two rounds; and where one left something over.
_PAUSE_S = 600.0
_SOON_S = 5.0
# Nobody is received for so long without a byte, so what is older is a crash's.
_UNTOUCHED_S = 1800.0
# Interviews deleted in one round, and those finished.
_MAX_DELETED = 100
_MAX_FINISHED = 100
# A crash between row and files leaves the files of one interview; so many have another reason, such as a database that
# is not theirs.
_MAX_UNKNOWN = 100
# Ids in one question to the database.
_ASKED_AT_ONCE = 500


class KeptInterviews(Protocol):
    """What the database does for retention. Blocking."""

    def expired(self, *, before: datetime, keep: int) -> Sequence[str]:
        """The ids of interviews older than `before`, and of the oldest beyond `keep`."""
        ...

    def finish_idle(self, *, before: datetime, limit: int, now: datetime) -> Sequence[str]:
        """Finish the open interviews untouched since `before`, up to so many; their ids."""
        ...

    def delete(self, interview_id: str) -> None:
        """Remove an interview. Raises: NotFound."""
        ...

    def known(self, interview_ids: Sequence[str]) -> Collection[str]:
        """Those of the ids that there are."""
        ...


class KeptJobs(Protocol):
    """What the jobs that make reports do for retention. Blocking."""

    def enqueue_report(self, interview_id: str) -> None:
        """Have a report made."""
        ...

    def forget(self, interview_id: str) -> None:
        """Remove what is known of an interview's job; none is fine."""
        ...


@dataclass(frozen=True, slots=True)
class Round:
    """What one round has removed, in numbers.

    Args:
        expired: interviews that were too old or too many.
        unknown: interviews of which there were files and nothing else.
        abandoned: uploads that nobody goes on with.
        failed: interviews that could not be removed in full; the next round tries again.
        more: whether there is more to do.
        finished: interviews with which nobody went on.
    """

    expired: int
    unknown: int
    abandoned: int
    failed: int
    more: bool
    finished: int = 0


def delete_interview(interviews: KeptInterviews, jobs: KeptJobs, files: AnswerFiles, interview_id: str) -> None:
    """Remove an interview. Blocking.

    From the database first: from then on no answer to it is accepted. Its files last: as long as they are there,
    retention sees what a crash has left.

    Raises:
        NotFound: the database has no such interview; what else there is of it is removed all the same.
    """
    try:
        interviews.delete(interview_id)
    except NotFound:
        _delete_rest(jobs, files, interview_id)
        raise
    _delete_rest(jobs, files, interview_id)


def _delete_rest(jobs: KeptJobs, files: AnswerFiles, interview_id: str) -> None:
    jobs.forget(interview_id)
    files.delete(interview_id)


class InterviewRetention:
    """Deletes in rounds. For one event loop; database and files are used in threads.

    Several processes may each have one.

    Args:
        interviews: the database.
        jobs: of the interviews.
        files: of the interviews.
        idle_hours: without an answer, after which an interview is finished and its report made.
        keep_days: the age in days at which an interview is deleted.
        keep_count: interviews that are kept.
        now: the time, UTC.
    """

    def __init__(
        self,
        interviews: KeptInterviews,
        jobs: KeptJobs,
        files: AnswerFiles,
        *,
        idle_hours: float,
        keep_days: float,
        keep_count: int,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._interviews = interviews
        self._jobs = jobs
        self._files = files
        self._idle = timedelta(hours=idle_hours)
        self._keep = timedelta(days=keep_days)
        self._keep_count = keep_count
        self._now = now
        self._log = structlog.get_logger("coldstart.retention")
        self._measures = _Measures(files)

    @property
    def collectors(self) -> Sequence[Collector]:
        """Of `/metrics`."""
        return self._measures.collectors

    async def run(self) -> None:
        """Go round every ten minutes, at once for the first time, until cancelled."""
        while True:
            pause_s = _PAUSE_S
            try:
                done = await self.round()
            except Exception as error:
                # A task that nobody waits for ends here: a database that is away must not end retention for good.
                self._log.warning("retention_failed", error=_told(error))
            else:
                if done.more:
                    pause_s = _SOON_S
            await asyncio.sleep(pause_s)

    async def round(self) -> Round:
        """Remove what is to be removed, up to so many interviews, one at a time; finish those nobody goes on with."""
        abandoned = await to_its_end(self._files.clear_abandoned, untouched_for_s=_UNTOUCHED_S)
        expired = await to_its_end(self._interviews.expired, before=self._now() - self._keep, keep=self._keep_count)
        delete = partial(delete_interview, self._interviews, self._jobs, self._files)
        delete_rest = partial(_delete_rest, self._jobs, self._files)
        expired_errors = [await _error_of(delete, interview_id) for interview_id in expired[:_MAX_DELETED]]
        finished = await to_its_end(self._finish_idle)
        unknown = await to_its_end(self._unknown)
        unknown_errors = [await _error_of(delete_rest, interview_id) for interview_id in unknown]
        await to_its_end(self._measures.look)
        errors = [error for error in (*expired_errors, *unknown_errors) if error is not None]
        done = Round(
            expired=expired_errors.count(None),
            unknown=unknown_errors.count(None),
            abandoned=abandoned,
            failed=len(errors),
            more=len(expired) > _MAX_DELETED or finished == _MAX_FINISHED,
            finished=finished,
        )
        self._measures.count(done)
        if errors:
            self._log.warning("retention_incomplete", failed=done.failed, errors=sorted(set(errors)))
        if done.expired or done.unknown or done.abandoned or done.finished:
            self._log.info(
                "retention",
                expired=done.expired,
                unknown=done.unknown,
                abandoned=done.abandoned,
                finished=done.finished,
            )
        return done

    def _finish_idle(self) -> int:
        now = self._now()
        finished = self._interviews.finish_idle(before=now - self._idle, limit=_MAX_FINISHED, now=now)
        for interview_id in finished:
            # The worker looks for those that were finished and not enqueued, should this process end here.
            self._jobs.enqueue_report(interview_id)
        return len(finished)

    def _unknown(self) -> Sequence[str]:
        """The ids of which there are files that the database does not know; none if it may be another's database."""
        ids = self._files.interview_ids(untouched_for_s=_UNTOUCHED_S)
        unknown: list[str] = []
        known_count = 0
        while asked := list(islice(ids, _ASKED_AT_ONCE)):
            known = frozenset(self._interviews.known(asked))
            unknown += [interview_id for interview_id in asked if interview_id not in known]
            known_count += len(known)
        if len(unknown) > min(known_count, _MAX_UNKNOWN):
            self._log.error(
                "unknown_interviews_kept",
                count=len(unknown),
                known=known_count,
                reason=f"more than the database knows, or more than {_MAX_UNKNOWN}, are no leftovers of a crash; "
                "see whether DATABASE_URL is the database that belongs to these files",
            )
            return ()
        return unknown


async def _error_of(delete: Callable[[str], None], interview_id: str) -> str | None:
    """Delete an interview. What kept it from being removed in full; the others are deleted all the same."""
    try:
        await to_its_end(delete, interview_id)
    except NotFound:
        return None  # somebody else was quicker
    except Unavailable:
        raise  # so are the others
    except Exception as error:
        return _told(error)
    return None


def _told(error: Exception) -> str:
    """An error as it may be logged: our own have a sentence, and others may have what an interview holds."""
    return str(error) if isinstance(error, ColdstartError) else type(error).__name__


class _Measures:
    """Figures of the disk: looked at once a round, but for the free bytes, which are cheap."""

    def __init__(self, files: AnswerFiles) -> None:
        self._kept = files
        self._files = Gauge("interview_files", "Files of interviews, as of the last look.", registry=None)
        self._bytes = Gauge("interview_file_bytes", "Bytes in them.", registry=None)
        self._free = Gauge("interview_free_bytes", "Free bytes for interviews, where there are fewest.", registry=None)
        self._deleted = Counter("interviews_deleted", "Interviews deleted by retention.", ("reason",), registry=None)
        for gauge in (self._files, self._bytes):
            gauge.set(math.nan)  # nobody has looked yet
        self._free.set_function(self._free_bytes)
        for reason in ("expired", "unknown"):
            self._deleted.labels(reason)

    @property
    def collectors(self) -> Sequence[Collector]:
        return (self._files, self._bytes, self._free, self._deleted)

    def look(self) -> None:
        usage = self._kept.usage()
        self._files.set(usage.files)
        self._bytes.set(usage.size_bytes)

    def count(self, done: Round) -> None:
        self._deleted.labels("expired").inc(done.expired)
        self._deleted.labels("unknown").inc(done.unknown)

    def _free_bytes(self) -> float:
        try:
            return self._kept.free_bytes
        except OSError:
            return math.nan  # a volume that went away must not take the other figures with it
