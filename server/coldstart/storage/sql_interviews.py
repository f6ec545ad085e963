"""Interviews in the database: each method is one transaction, and what it returns is what was committed."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy
from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from coldstart.domain.errors import Conflict, InvalidInput, Overloaded
from coldstart.domain.interview import (
    Answer,
    Interview,
    InterviewPlan,
    InterviewReport,
    InterviewState,
    Question,
    SpokenSegment,
)
from coldstart.storage.database import CREATING, alone, overwrite_deleted, reading, writing
from coldstart.storage.interview_changes import FoundInterview, find, has_id, hold, no_such
from coldstart.storage.interview_rows import (
    document_of,
    interviews_among,
    plan_values,
    report_of,
    storable,
)
from coldstart.storage.interview_tables import ANSWERS, INTERVIEWS, REPORTS, WORKER_BEATS

# When an interview ends, nobody knows; a candidate may as well ask again in a minute.
_FULL_RETRY_S = 60
# A worker that is heard of no more is one that was replaced.
_BEATS_KEPT = timedelta(days=1)
# Of an INTEGER; a database refuses others.
_LARGEST_NUMBER = 2**31 - 1


@dataclass(frozen=True, slots=True)
class WorkerBeat:
    """That a worker lives.

    Args:
        name: of the worker, its own among all workers.
        at: UTC.
        state: what it does, in a word.
        models: name → state of each model that it loads.
    """

    name: str
    at: datetime
    state: str
    models: Mapping[str, str] = field(default_factory=dict)


class SqlInterviews:
    """Every interview, in SQLite or Postgres. Blocks; for any number of threads and processes.

    What every method may raise: `Unavailable` where the database cannot be used now, and `StorageFull` where its disk
    is full. Then it is not known whether the change was made; each can be repeated.

    Args:
        engine: of a database that was migrated.
        open_limit: interviews that are open at one time, at least 1.
    """

    def __init__(self, engine: sqlalchemy.Engine, *, open_limit: int) -> None:
        self._engine = engine
        self._open_limit = open_limit

    def check_room(self) -> None:
        """See whether one more may be open now; `create` has the last word.

        Raises:
            Overloaded: as many are open as may be.
        """
        with reading(self._engine) as connection:
            _check_open(connection, self._open_limit)

    def create(self, plan: InterviewPlan, first: Question | None, now: datetime) -> Interview:
        """A new interview.

        Raises:
            Overloaded: as many are open as may be.
        """
        with writing(self._engine) as connection:
            # Also the numbers ascend in the order of the commits, so that a page never misses one.
            alone(connection, CREATING)
            _check_open(connection, self._open_limit)
            interview_id = secrets.token_hex(16)
            fresh = {"interview_id": interview_id, "state": InterviewState.OPEN, "created_at": now, **plan_values(plan)}
            connection.execute(insert(INTERVIEWS).values(fresh))
            created = find(connection, interview_id)
            if first is not None:
                created.ask(first)
            return created.changed()

    def get(self, interview_id: str) -> Interview:
        """An interview as it stands.

        Raises:
            NotFound: there is none of this id, or no longer.
        """
        with reading(self._engine) as connection:
            return find(connection, interview_id).interview

    def page(self, *, limit: int, after: str | None) -> tuple[Sequence[Interview], str | None]:
        """Some interviews, newest first, and what to pass as `after` for the next of them; None: there are no more.

        Who goes through all pages meets each interview once that is there all the while, whatever comes and goes.

        Raises:
            InvalidInput: `after` is not from a page.
        """
        chosen = select(INTERVIEWS).order_by(INTERVIEWS.c.number.desc()).limit(limit + 1)
        if after is not None:
            chosen = chosen.where(INTERVIEWS.c.number < _number_after(after))
        with reading(self._engine) as connection:
            met = interviews_among(connection, chosen)
        more = str(met[limit - 1][0]) if len(met) > limit else None
        return [interview for _number, interview in met[:limit]], more

    def delete(self, interview_id: str) -> None:
        """Forget an interview, with everything in it.

        Raises:
            NotFound: there is none of this id, or no longer.
        """
        with writing(self._engine) as connection:
            gone = connection.execute(delete(INTERVIEWS).where(has_id(interview_id)))
            if not gone.rowcount:
                raise no_such(interview_id)
        overwrite_deleted(self._engine)

    def accept(self, interview_id: str, answer: Answer) -> Interview:
        """Keep an answer, written down or not. The same one again changes nothing: the same sound, or the same text.

        Raises:
            NotFound: there is no such interview, or no longer.
            Conflict: the question was answered otherwise, or not asked, or the interview is not open.
        """
        with self._held(interview_id) as found:
            found.accept(answer)
            return found.changed()

    def write_down(
        self,
        interview_id: str,
        question_number: int,
        *,
        text: str,
        segments: Sequence[SpokenSegment],
        duration_s: float,
    ) -> Interview:
        """Keep what was said in an answer's sound; one that is written down already stays as it is.

        Raises:
            NotFound: there is no such interview, or no longer.
            Conflict: the question has no answer.
        """
        with self._held(interview_id) as found:
            if found.interview.answer_to(question_number) is None:
                raise Conflict(f"question {question_number} of interview {interview_id} has no answer to write down")
            found.write_down(question_number, text, segments, duration_s)
            return found.changed()

    def ask(self, interview_id: str, question: Question) -> Interview:
        """Keep the next question; one of a number that was asked already stays as it is.

        Raises:
            NotFound: there is no such interview, or no longer.
            Conflict: the interview is not open, or its next question has another number.
        """
        with self._held(interview_id) as found:
            if found.interview.state is not InterviewState.OPEN:
                raise Conflict(f"interview {interview_id} is {found.interview.state}: nothing more is asked")
            found.ask(question)
            return found.changed()

    def answered(self, interview_id: str, answer: Answer, following: Question | None) -> Interview:
        """Keep an answer with its text and the next question, both or neither.

        An answer that was accepted is not accepted again, and what is there already stays as it is. In an interview
        that was finished meanwhile no question follows.

        Raises:
            NotFound: there is no such interview, or no longer.
            Conflict: as `accept`, or the next question has another number.
        """
        with self._held(interview_id) as found:
            found.accept(answer)
            if answer.text is not None:
                found.write_down(answer.question_number, answer.text, answer.segments, answer.duration_s)
            if following is not None and found.interview.state is InterviewState.OPEN:
                found.ask(following)
            return found.changed()

    def finish(self, interview_id: str, now: datetime) -> Interview:
        """Take no more answers, and want a report; also anew, where it failed. Else nothing changes.

        Raises:
            NotFound: there is no such interview, or no longer.
        """
        with self._held(interview_id) as found:
            if found.interview.state is InterviewState.OPEN:
                found.set(state=InterviewState.FINISHED, finished_at=now)
            elif found.interview.state is InterviewState.FAILED:
                found.set(state=InterviewState.FINISHED)
            return found.changed()

    def finish_idle(self, *, before: datetime, limit: int, now: datetime) -> Sequence[str]:
        """Finish open interviews that nobody goes on with.

        Args:
            before: since then there was no answer, and they were created earlier.
            limit: finished at most; the oldest first.
            now: UTC.

        Returns:
            Their ids.
        """
        answered = select(ANSWERS).where(ANSWERS.c.interview == INTERVIEWS.c.number, ANSWERS.c.received_at >= before)
        idle = (
            select(INTERVIEWS.c.number)
            .where(INTERVIEWS.c.state == InterviewState.OPEN, INTERVIEWS.c.created_at < before, ~answered.exists())
            .order_by(INTERVIEWS.c.number)
            .limit(limit)
            # Whoever has one just now goes on with it.
            .with_for_update(skip_locked=True)
        )
        with writing(self._engine) as connection:
            numbers = connection.scalars(idle).all()
            ended = update(INTERVIEWS).where(INTERVIEWS.c.number.in_(numbers))
            ended = ended.values(state=InterviewState.FINISHED, finished_at=now)
            return connection.scalars(ended.returning(INTERVIEWS.c.interview_id)).all()

    def unreported(self) -> Sequence[str]:
        """The ids of the interviews that want a report, the one that waits for longest first."""
        waiting = select(INTERVIEWS.c.interview_id).where(INTERVIEWS.c.state == InterviewState.FINISHED)
        with reading(self._engine) as connection:
            return connection.scalars(waiting.order_by(INTERVIEWS.c.finished_at, INTERVIEWS.c.number)).all()

    def save_report(self, report: InterviewReport) -> None:
        """Keep the report of an interview that wants one; of any other, or of one that was deleted, nothing is kept."""
        with writing(self._engine) as connection:
            number = _finished(connection, report.interview.interview_id)
            if number is not None:
                connection.execute(insert(REPORTS).values(interview=number, document=document_of(report)))
                _set_state(connection, number, InterviewState.REPORTED)

    def fail_report(self, interview_id: str) -> None:
        """Give up the report of an interview that wants one; nothing changes for any other."""
        with writing(self._engine) as connection:
            number = _finished(connection, interview_id)
            if number is not None:
                _set_state(connection, number, InterviewState.FAILED)

    def report(self, interview_id: str) -> InterviewReport | None:
        """The report of an interview; None: there is none yet, or no such interview."""
        chosen = select(REPORTS.c.document).join(INTERVIEWS).where(has_id(interview_id))
        with reading(self._engine) as connection:
            document = connection.scalar(chosen)
        return None if document is None else report_of(document)

    def expired(self, *, before: datetime, keep: int) -> Sequence[str]:
        """The ids of the interviews that are to be deleted, oldest first.

        Args:
            before: what was created earlier goes, whatever its state.
            keep: the newest interviews that stay; of the others go those that are not open.
        """
        # The number below which there are others.
        newest = (
            select(INTERVIEWS.c.number).order_by(INTERVIEWS.c.number.desc()).limit(1).offset(min(keep, _LARGEST_NUMBER))
        )
        surplus = and_(INTERVIEWS.c.number <= newest.scalar_subquery(), INTERVIEWS.c.state != InterviewState.OPEN)
        gone = select(INTERVIEWS.c.interview_id).where(or_(INTERVIEWS.c.created_at < before, surplus))
        with reading(self._engine) as connection:
            return connection.scalars(gone.order_by(INTERVIEWS.c.number)).all()

    def known(self, interview_ids: Sequence[str]) -> frozenset[str]:
        """Those of the ids, at most some hundreds, of which there is an interview."""
        among = select(INTERVIEWS.c.interview_id).where(INTERVIEWS.c.interview_id.in_(map(storable, interview_ids)))
        with reading(self._engine) as connection:
            return frozenset(connection.scalars(among))

    def beat(self, worker: WorkerBeat) -> None:
        """Keep that a worker lives, in the place of what it told before; forget workers long gone."""
        told = {"at": worker.at, "state": worker.state, "models": dict(worker.models)}
        with writing(self._engine) as connection:
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            row = dialect.insert(WORKER_BEATS).values(name=worker.name, **told)
            connection.execute(row.on_conflict_do_update(index_elements=[WORKER_BEATS.c.name], set_=told))
            connection.execute(delete(WORKER_BEATS).where(WORKER_BEATS.c.at < worker.at - _BEATS_KEPT))

    def beats(self) -> Sequence[WorkerBeat]:
        """What each worker told last, the latest first."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(WORKER_BEATS).order_by(WORKER_BEATS.c.at.desc())).all()
        return [WorkerBeat(row.name, row.at, row.state, row.models) for row in rows]

    @contextmanager
    def _held(self, interview_id: str) -> Iterator[FoundInterview]:
        with writing(self._engine) as connection:
            yield hold(connection, interview_id)


def _check_open(connection: Connection, limit: int) -> None:
    opened = connection.scalar(select(func.count()).where(INTERVIEWS.c.state == InterviewState.OPEN)) or 0
    if opened >= limit:
        raise Overloaded(
            f"{opened} interviews are open, and {limit} are allowed at one time", retry_after_s=_FULL_RETRY_S
        )


def _number_after(cursor: str) -> int:
    digits = cursor.isascii() and cursor.isdecimal() and len(cursor) <= len(str(_LARGEST_NUMBER))
    if not digits or int(cursor) > _LARGEST_NUMBER:
        raise InvalidInput(f"the page after {cursor[:64]!r} is asked for; a page tells what comes after it")
    return int(cursor)


def _finished(connection: Connection, interview_id: str) -> int | None:
    """The number of an interview that wants a report, which nobody else changes now."""
    wanting = and_(has_id(interview_id), INTERVIEWS.c.state == InterviewState.FINISHED)
    return connection.scalar(select(INTERVIEWS.c.number).where(wanting).with_for_update())


def _set_state(connection: Connection, number: int, state: InterviewState) -> None:
    connection.execute(update(INTERVIEWS).where(INTERVIEWS.c.number == number).values(state=state))
