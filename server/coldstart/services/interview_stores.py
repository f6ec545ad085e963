"""What an interview is kept in, as its use cases see it. Every call blocks; all are safe for threads."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from coldstart.domain.interview import Answer, Interview, InterviewPlan, InterviewReport, Question, SoundFile


class Beat(Protocol):
    """What a worker last said of itself: `at` is UTC, `models` is model → its state."""

    @property
    def name(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def state(self) -> str: ...
    @property
    def models(self) -> Mapping[str, str]: ...


class InterviewStore(Protocol):
    """Interviews, answers and reports."""

    def check_room(self) -> None:
        """Raises: Overloaded: as many as may be are open."""
        ...

    def create(self, plan: InterviewPlan, first: Question | None, now: datetime) -> Interview:
        """A new one. Raises: Overloaded: as many as may be are open."""
        ...

    def get(self, interview_id: str) -> Interview:
        """Raises: NotFound."""
        ...

    def page(self, *, limit: int, after: str | None) -> tuple[Sequence[Interview], str | None]:
        """Some, newest first, and where the next page begins."""
        ...

    def accept(self, interview_id: str, answer: Answer) -> Interview:
        """Keep an answer. Raises: NotFound; Conflict: it cannot be the answer of that question."""
        ...

    def answered(self, interview_id: str, answer: Answer, following: Question | None) -> Interview:
        """Keep what an accepted answer says, and the question after it, both or none."""
        ...

    def ask(self, interview_id: str, question: Question) -> Interview:
        """Add a question, unless one of its number is there."""
        ...

    def finish(self, interview_id: str, now: datetime) -> Interview:
        """No more answers; a report is wanted."""
        ...

    def report(self, interview_id: str) -> InterviewReport | None:
        """None: there is none yet."""
        ...

    def beats(self) -> Sequence[Beat]:
        """The workers' last ones."""
        ...


class ReceivedSound(Protocol):
    """One sound on its way in."""

    @property
    def head(self) -> bytes:
        """Its first bytes."""
        ...

    @property
    def size_bytes(self) -> int:
        """So far."""
        ...

    def write(self, data: bytes) -> None:
        """Raises: StorageFull."""
        ...

    def keep(self, question_number: int, media_type: str, suffix: str) -> SoundFile:
        """On the disk, whatever happens next. Raises: StorageFull, NotFound."""
        ...


class AnswerStore(Protocol):
    """Sounds and transcripts."""

    def check_space(self, size_bytes: int = 0) -> None:
        """Raises: StorageFull."""
        ...

    def receiving(self, interview_id: str) -> AbstractContextManager[ReceivedSound]:
        """What is not kept when the body ends is gone. Raises: StorageFull, NotFound."""
        ...

    def read(self, interview_id: str, name: str) -> bytes:
        """Raises: NotFound."""
        ...

    def write_transcript(self, interview_id: str, question_number: int, document: bytes) -> None:
        """Raises: StorageFull, NotFound."""
        ...

    def discard(self, interview_id: str, name: str) -> None:
        """Remove a sound that was kept, and not accepted."""
        ...


class Job(Protocol):
    """How far a report is: `state` is queued, running, done or dead, `attempts` were begun."""

    @property
    def state(self) -> str: ...
    @property
    def attempts(self) -> int: ...
    @property
    def progress(self) -> str | None: ...
    @property
    def reason(self) -> str | None: ...


class ReportJobs(Protocol):
    """Jobs that make reports, in the worker."""

    def enqueue_report(self, interview_id: str) -> None:
        """Ask for one; no second one while one is queued, running or done, and anew where one was given up."""
        ...

    def status(self, interview_id: str) -> Job | None:
        """None: none was asked for."""
        ...

    def dead(self, *, limit: int) -> Sequence[tuple[str, Job]]:
        """Those that were given up, with the reason."""
        ...
