"""Interviews from their creation to their report."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from prometheus_client import Counter
from prometheus_client.registry import Collector

from coldstart.domain.errors import Conflict, NotFound
from coldstart.domain.interview import Interview, Interviewer, InterviewPlan, InterviewReport, InterviewState, Question
from coldstart.runtime.blocking import to_its_end
from coldstart.runtime.budget import Budget
from coldstart.runtime.registry import ModelRegistry
from coldstart.runtime.timeline import StartupTimeline
from coldstart.services.interview_stores import AnswerStore, InterviewStore, Job, ReportJobs
from coldstart.services.model_loading import check_loaded


@dataclass(frozen=True, slots=True)
class ReportView:
    """How far the report of a finished interview is.

    Args:
        interview: as it stands.
        report: None: it is not made yet.
        job: None: nobody was asked for one yet.
    """

    interview: Interview
    report: InterviewReport | None
    job: Job | None


class Interviews:
    """What is done with interviews, but for their answers. For one event loop.

    Args:
        store: keeps them.
        files: of their answers.
        jobs: make the reports.
        delete_whole: removes an interview with everything of it; blocks; raises NotFound.
        interviewer: asks the first question.
        registry: has the models, all of which interviews wait for.
        timeline: how long those took that are ready.
        beginning: how many interviews are being begun at one time, each of which waits for the disk.
        now: UTC.
    """

    def __init__(
        self,
        store: InterviewStore,
        files: AnswerStore,
        jobs: ReportJobs,
        delete_whole: Callable[[str], None],
        interviewer: Interviewer,
        registry: ModelRegistry,
        timeline: StartupTimeline,
        beginning: Budget,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._files = files
        self._jobs = jobs
        self._delete_whole = delete_whole
        self._interviewer = interviewer
        self._registry = registry
        self._timeline = timeline
        self._beginning = beginning
        self._now = now
        self._created = Counter("interviews_created", "Interviews that were begun.", registry=None)
        self._finished = Counter("interviews_finished", "Interviews that were finished by a request.", registry=None)

    @property
    def collectors(self) -> Sequence[Collector]:
        """Of `/metrics`."""
        return (self._created, self._finished)

    async def create(self, plan: InterviewPlan) -> Interview:
        """A new interview with its first question.

        Raises:
            ModelsLoading: some model is still on its way.
            StorageFull: there is no room for answers.
            Overloaded: as many interviews are open, or being begun, as may be.
        """
        check_loaded(self._registry, self._timeline)
        with self._beginning.take(1):
            await asyncio.to_thread(self._files.check_space)
            now = self._now()
            # Nobody is asked for a question that cannot be put.
            await asyncio.to_thread(self._store.check_room)
            first = await self._interviewer.next_question(Interview("", plan, InterviewState.OPEN, now))
            interview = await to_its_end(self._store.create, plan, first, now)
        self._created.inc()
        return interview

    async def show(self, interview_id: str) -> Interview:
        """Raises: NotFound."""
        return await asyncio.to_thread(self._store.get, interview_id)

    async def question(self, interview_id: str, number: int) -> tuple[Interview, Question]:
        """An interview and one of its questions. Raises: NotFound."""
        interview = await self.show(interview_id)
        question = next((each for each in interview.questions if each.number == number), None)
        if question is None:
            raise NotFound(
                f"interview {interview_id} has no question {number}; it has {len(interview.questions)}, from 1 on"
            )
        return interview, question

    async def page(self, *, limit: int, after: str | None) -> tuple[Sequence[Interview], str | None]:
        """Some interviews, newest first, and what the next page comes after; None: there is none.

        Raises:
            InvalidInput: `after` is not from a page.
        """
        return await asyncio.to_thread(self._store.page, limit=limit, after=after)

    async def delete(self, interview_id: str) -> None:
        """Remove an interview and everything of it. Raises: NotFound."""
        await to_its_end(self._delete_whole, interview_id)

    async def finish(self, interview_id: str) -> Interview:
        """Take no more answers and have the report made; also again, where that failed.

        Raises:
            NotFound: there is no such interview.
        """
        now = self._now()
        interview = await to_its_end(self._finish, interview_id, now)
        if interview.finished_at == now:
            self._finished.inc()
        return interview

    async def report(self, interview_id: str) -> ReportView:
        """How far the report is.

        Raises:
            NotFound: there is no such interview, or nobody asked for its report yet.
            Conflict: it was given up.
        """
        interview = await self.show(interview_id)
        if interview.state is InterviewState.OPEN:
            raise NotFound(f"interview {interview_id} is open: it has a report once it is finished")
        report = await asyncio.to_thread(self._store.report, interview_id)
        job = None if report else await asyncio.to_thread(self._jobs.status, interview_id)
        if report is None and interview.state is InterviewState.FAILED:
            why = (job and job.reason) or "the log tells why"
            raise Conflict(f"the report of interview {interview_id} was given up: {why}; finish it again to have one")
        return ReportView(interview, report, job)

    async def dead_jobs(self, *, limit: int) -> Sequence[tuple[str, Job]]:
        """Interviews whose reports were given up, and why."""
        return await asyncio.to_thread(self._jobs.dead, limit=limit)

    def _finish(self, interview_id: str, now: datetime) -> Interview:
        interview = self._store.finish(interview_id, now)
        if interview.state is InterviewState.FINISHED:
            # The worker looks for those that were finished and not enqueued, should this process end here.
            self._jobs.enqueue_report(interview_id)
        return interview


class Beside(Protocol):
    """Something that works beside requests until it is cancelled."""

    def run(self) -> Awaitable[None]:
        """Until cancelled."""
        ...


class InterviewUpkeep:
    """What runs and is open as long as the process serves interviews.

    Args:
        beside: works meanwhile.
        close: frees connections at the end. Blocks.
    """

    def __init__(self, beside: Beside, close: Callable[[], None]) -> None:
        self._beside = beside
        self._close = close

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """See `api.app.Lasting`."""
        work = asyncio.ensure_future(self._beside.run())
        try:
            yield
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            await asyncio.to_thread(self._close)
