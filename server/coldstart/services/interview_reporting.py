"""From a finished interview to its report, step by step; and what is done for interviews that still have none."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol, TypeAlias

import structlog

from coldstart.domain.errors import InvalidInput, NotFound, PayloadTooLarge
from coldstart.domain.interview import AnswerReport, Interview, InterviewReport, InterviewState, SpokenSegment
from coldstart.services.answer_writing import WrittenSound, keep_transcript
from coldstart.services.interview_analysis import answer_reports
from coldstart.storage.jobs import JobState, JobStatus

# Both block. A sound's bytes and the language of the interview; an interview and its answers' reports.
SoundWriter: TypeAlias = Callable[[bytes, str], WrittenSound]
NotesTaker: TypeAlias = Callable[[Interview, Sequence[AnswerReport]], tuple[Sequence[str], str, str | None]]

# By one sweep: each is a question to the database.
_LOOKED_AT = 100


class FinishedInterviews(Protocol):
    """The database as far as reports go. Blocking, thread-safe."""

    def get(self, interview_id: str) -> Interview:
        """Raises: NotFound."""
        ...

    def write_down(
        self,
        interview_id: str,
        question_number: int,
        *,
        text: str,
        segments: Sequence[SpokenSegment],
        duration_s: float,
    ) -> Interview:
        """Keep what an answer's sound says, unless that is known. Raises: NotFound."""
        ...

    def save_report(self, report: InterviewReport) -> None:
        """Keep it where it is wanted."""
        ...

    def fail_report(self, interview_id: str) -> None:
        """Give it up where it is wanted."""
        ...


class KeptSounds(Protocol):
    """The files as far as reports go. Blocking, thread-safe."""

    def read(self, interview_id: str, name: str) -> bytes:
        """Raises: NotFound."""
        ...

    def write_transcript(self, interview_id: str, question_number: int, document: bytes) -> None:
        """Raises: StorageFull, NotFound."""
        ...


class SweptJobs(Protocol):
    """The jobs as far as a sweep sees them. Blocking."""

    def status(self, interview_id: str) -> JobStatus | None:
        """None: there is none."""
        ...

    def enqueue_report(self, interview_id: str) -> None:
        """Have a report made."""
        ...

    def retry(self, interview_id: str) -> None:
        """Begin a job again that is over."""
        ...


class WaitingInterviews(Protocol):
    """The database as far as a sweep sees it. Blocking."""

    def unreported(self) -> Sequence[str]:
        """Those that want a report."""
        ...

    def fail_report(self, interview_id: str) -> None:
        """Give it up where it is wanted."""
        ...


class Reporting:
    """The steps of a report: a `ReportHandler`. Blocking, thread-safe; an interview that was deleted needs none of it.

    Args:
        interviews: are read, and get what is made.
        files: has the sounds.
        write: writes a sound down.
        take_notes: the interviewer's.
        now: UTC.
    """

    def __init__(
        self,
        interviews: FinishedInterviews,
        files: KeptSounds,
        write: SoundWriter,
        take_notes: NotesTaker,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._interviews = interviews
        self._files = files
        self._write = write
        self._take_notes = take_notes
        self._now = now
        self._log = structlog.get_logger("coldstart.jobs")

    def unwritten(self, interview_id: str) -> Sequence[int]:
        """See `ReportHandler`."""
        interview = self._waiting(interview_id)
        if interview is None:
            return []
        return [answer.question_number for answer in interview.answers if answer.text is None]

    def write_down(self, interview_id: str, question_number: int) -> None:
        """See `ReportHandler`. A sound that nobody will ever write down stays without a text; the report says so.

        Raises:
            Unavailable, EngineFailed: the recogniser cannot, now.
        """
        try:
            self._write_down(interview_id, question_number)
        except (InvalidInput, NotFound, PayloadTooLarge) as error:
            # Not where the interview was deleted meanwhile.
            if self._waiting(interview_id) is not None:
                self._log.error("answer_left_unwritten", question=question_number, reason=str(error))

    def make(self, interview_id: str) -> None:
        """See `ReportHandler`."""
        interview = self._waiting(interview_id)
        if interview is None:
            return
        answers = answer_reports(interview)
        notes, source, note = self._take_notes(interview, answers)
        report = InterviewReport(
            interview=interview,
            made_at=self._now(),
            answers=answers,
            notes=tuple(notes),
            notes_source=source,
            notes_note=note,
        )
        self._interviews.save_report(report)

    def give_up(self, interview_id: str) -> None:
        """See `ReportHandler`."""
        if self._waiting(interview_id) is not None:
            self._interviews.fail_report(interview_id)

    def _write_down(self, interview_id: str, question_number: int) -> None:
        interview = self._waiting(interview_id)
        answer = interview and interview.answer_to(question_number)
        if interview is None or not answer or answer.sound is None:
            return
        if answer.text is None:
            written = self._write(self._files.read(interview_id, answer.sound.name), interview.plan.language)
            interview = self._interviews.write_down(
                interview_id,
                question_number,
                text=written.text,
                segments=written.segments,
                duration_s=written.duration_s,
            )
        # Also where it was written down before: the worker may have ended in between.
        if (kept := interview.answer_to(question_number)) is not None:
            keep_transcript(self._files, interview_id, kept)

    def _waiting(self, interview_id: str) -> Interview | None:
        """The interview, where it is there and wants a report."""
        try:
            interview = self._interviews.get(interview_id)
        except NotFound:
            return None
        return interview if interview.state is InterviewState.FINISHED else None


class UnreportedInterviews:
    """Finds finished interviews that no job will report, and does what is to be done. For one thread.

    A crash leaves them: between the end of an interview and its job, or between a job's end and the word of it.
    """

    def __init__(self, interviews: WaitingInterviews, jobs: SweptJobs) -> None:
        self._interviews = interviews
        self._jobs = jobs
        # Seen with a job that was over. Only at the second sight is that old news: the interview may have been finished
        # again a moment ago, and its job is about to be begun again.
        self._over: set[str] = set()
        self._log = structlog.get_logger("coldstart.jobs")

    def sweep(self) -> None:
        """Look once.

        Raises:
            Unavailable: the database cannot be reached.
        """
        over = set()
        # Those that wait for longest: the others come forward as these are done.
        for interview_id in self._interviews.unreported()[:_LOOKED_AT]:
            status = self._jobs.status(interview_id)
            if status is None:
                self._log.warning("job_missing", interview=interview_id)
                self._jobs.enqueue_report(interview_id)
            elif status.state in (JobState.DONE, JobState.DEAD):
                over.add(interview_id)
                if interview_id in self._over:
                    self._settle(interview_id, status)
        self._over = over

    def _settle(self, interview_id: str, status: JobStatus) -> None:
        self._log.warning("job_without_report", interview=interview_id, state=str(status.state), reason=status.reason)
        if status.state is JobState.DEAD:
            self._interviews.fail_report(interview_id)
        else:
            self._jobs.retry(interview_id)
