"""Changes of one interview, within a transaction that nobody else's change of it gets into."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, insert, select, update

from coldstart.domain.errors import Conflict, NotFound
from coldstart.domain.interview import Answer, Interview, InterviewState, Question, SpokenSegment
from coldstart.storage.interview_rows import (
    answer_values,
    interviews_among,
    question_values,
    storable,
    written_values,
)
from coldstart.storage.interview_tables import ANSWERS, INTERVIEWS, QUESTIONS


@dataclass(frozen=True, slots=True)
class FoundInterview:
    """An interview as a transaction found it.

    Args:
        connection: in that transaction.
        number: of its row.
        interview: before the changes.
    """

    connection: Connection
    number: int
    interview: Interview

    def accept(self, answer: Answer) -> None:
        """Keep an answer; the same one again changes nothing.

        Raises:
            Conflict: the question was answered otherwise, or not asked, or the interview is not open.
        """
        interview = self.interview
        place = f"question {answer.question_number} of interview {interview.interview_id}"
        earlier = interview.answer_to(answer.question_number)
        if earlier is not None:
            if not _is_same(earlier, answer):
                raise Conflict(f"{place} has another answer already, and takes only one")
            return
        if interview.state is not InterviewState.OPEN:
            raise Conflict(f"interview {interview.interview_id} is {interview.state}: it takes no more answers")
        if all(question.number != answer.question_number for question in interview.questions):
            raise Conflict(f"{place} has not been asked; {len(interview.questions)} have")
        self.connection.execute(insert(ANSWERS).values(answer_values(self.number, answer)))

    def write_down(
        self, question_number: int, text: str, segments: Sequence[SpokenSegment], duration_s: float | None
    ) -> None:
        """Keep what was said in an answer, unless it is written down already."""
        unwritten = and_(
            ANSWERS.c.interview == self.number,
            ANSWERS.c.question_number == question_number,
            ANSWERS.c.text.is_(None),
        )
        self.connection.execute(update(ANSWERS).where(unwritten).values(written_values(text, segments, duration_s)))

    def ask(self, question: Question) -> None:
        """Keep the next question; one of a number that was asked already stays as it is.

        Raises:
            Conflict: the next question has another number.
        """
        asked = len(self.interview.questions)
        if 1 <= question.number <= asked:
            return
        if question.number != asked + 1:
            raise Conflict(
                f"question {question.number} cannot be asked in interview {self.interview.interview_id}: "
                f"number {asked + 1} is next"
            )
        self.connection.execute(insert(QUESTIONS).values(question_values(self.number, question)))

    def set(self, **values: Any) -> None:
        """Change columns of the interview's own row."""
        self.connection.execute(update(INTERVIEWS).where(INTERVIEWS.c.number == self.number).values(values))

    def changed(self) -> Interview:
        """As it is after the changes."""
        return find(self.connection, self.interview.interview_id).interview


def find(connection: Connection, interview_id: str) -> FoundInterview:
    """An interview, for reading it.

    Raises:
        NotFound: there is none of this id, or no longer.
    """
    chosen = select(INTERVIEWS).where(has_id(interview_id))
    return _found(connection, interview_id, interviews_among(connection, chosen))


def hold(connection: Connection, interview_id: str) -> FoundInterview:
    """The same for changing it: until the end of the transaction nobody else does.

    Raises:
        NotFound: there is none of this id, or no longer.
    """
    # Its questions and answers are read by further statements, after the row is held.
    chosen = select(INTERVIEWS).where(has_id(interview_id)).with_for_update()
    return _found(connection, interview_id, interviews_among(connection, chosen))


def has_id(interview_id: str) -> ColumnElement[bool]:
    """Rows of `INTERVIEWS` with this id, which may be any text."""
    return INTERVIEWS.c.interview_id == storable(interview_id)


def no_such(interview_id: str) -> NotFound:
    """The error that says so."""
    return NotFound(f"there is no interview {interview_id[:64]!r}: it never was, or was deleted")


def _found(connection: Connection, interview_id: str, met: Sequence[tuple[int, Interview]]) -> FoundInterview:
    if not met:
        raise no_such(interview_id)
    number, interview = met[0]
    return FoundInterview(connection, number, interview)


def _is_same(earlier: Answer, answer: Answer) -> bool:
    if earlier.sound is None or answer.sound is None:
        return earlier.sound is answer.sound and answer.text is not None and earlier.text == storable(answer.text)
    return earlier.sound.sha256 == answer.sound.sha256
