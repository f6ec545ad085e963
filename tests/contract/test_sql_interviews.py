"""An interview in SQLite and in Postgres, from its first question to its report: the same promises of both."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, timedelta, timezone
from functools import partial

import pytest
from sqlalchemy import Engine
from tests.contract.interview_cases import (
    NOW,
    PLAN,
    SEGMENTS,
    THREADS,
    at_once,
    finished,
    opened,
    question,
    reported,
    rows_of,
    spoken,
    typed,
)

from coldstart.domain.errors import Conflict, NotFound, Overloaded
from coldstart.domain.interview import (
    Answer,
    Interview,
    InterviewState,
)
from coldstart.storage.sql_interviews import SqlInterviews


def test_an_interview_is_kept_as_it_was_created(interviews: SqlInterviews) -> None:
    """Its plan, its moment in UTC whatever the time zone was, and its first question with everything."""
    noted = question(1, note="the chat did not answer")
    created = interviews.create(PLAN, noted, NOW.astimezone(timezone(timedelta(hours=-7))))
    assert created == Interview(created.interview_id, PLAN, InterviewState.OPEN, NOW, None, (noted,))
    assert interviews.get(created.interview_id) == created
    assert created.created_at.tzinfo is UTC
    assert len(created.interview_id) == 32


def test_an_interview_may_begin_without_a_question(interviews: SqlInterviews) -> None:
    """It is asked later; the same number again changes nothing, and none is left out."""
    interview_id = interviews.create(PLAN, None, NOW).interview_id
    assert interviews.ask(interview_id, question(1)).questions == (question(1),)
    assert interviews.ask(interview_id, replace(question(1), text="Else?")).questions == (question(1),)
    with pytest.raises(Conflict, match=r"question 3 cannot be asked in interview .*: number 2 is next"):
        interviews.ask(interview_id, question(3))


def test_as_many_are_open_as_may_be(database: Engine) -> None:
    """Also when many ask at once; one that is finished makes room."""
    interviews = SqlInterviews(database, open_limit=3)
    done = at_once([lambda: opened(interviews)] * THREADS)
    created = [interview_id for interview_id in done if isinstance(interview_id, str)]
    refused = [error for error in done if isinstance(error, Overloaded)]
    assert (len(created), len(refused)) == (3, THREADS - 3)
    assert str(refused[0]) == "3 interviews are open, and 3 are allowed at one time"
    interviews.finish(created[0], NOW)
    opened(interviews)


def test_an_accepted_sound_waits_to_be_written_down(interviews: SqlInterviews) -> None:
    """What is written down first stays."""
    interview_id = opened(interviews)
    assert interviews.accept(interview_id, spoken()).answers == (spoken(),)
    written = spoken(text="seven five")
    assert interviews.write_down(interview_id, 1, text="seven five", segments=SEGMENTS, duration_s=2.75).answers == (
        written,
    )
    assert interviews.write_down(interview_id, 1, text="else", segments=(), duration_s=1.0).answers == (written,)
    with pytest.raises(Conflict, match=r"question 2 of interview .* has no answer"):
        interviews.write_down(interview_id, 2, text="", segments=(), duration_s=0.0)


def test_what_was_said_last_is_written_down_after_the_finish(interviews: SqlInterviews) -> None:
    """The worker does it, where the candidate did not ask again."""
    interview_id = opened(interviews)
    interviews.accept(interview_id, spoken())
    interviews.finish(interview_id, NOW)
    written = interviews.write_down(interview_id, 1, text="seven five", segments=SEGMENTS, duration_s=2.75)
    assert written.answers == (spoken(text="seven five"),)


@pytest.mark.parametrize(
    ("first", "same", "other"),
    [
        (spoken(), spoken(), spoken(sound="b")),
        (spoken(), spoken(text="seven"), typed()),
        (typed(), typed(), typed(text="five")),
        (typed(), typed(), spoken(text="seven")),
    ],
    ids=["sound", "sound-not-text", "text", "text-not-sound"],
)
@pytest.mark.parametrize("state", [InterviewState.OPEN, InterviewState.FINISHED])
def test_an_answer_is_accepted_once(
    interviews: SqlInterviews, state: InterviewState, first: Answer, same: Answer, other: Answer
) -> None:
    """The same one again changes nothing, also when the interview is over; another one is refused."""
    interview_id = opened(interviews)
    accepted = interviews.accept(interview_id, first)
    if state is InterviewState.FINISHED:
        accepted = interviews.finish(interview_id, NOW)
    later = replace(same, received_at=NOW + timedelta(minutes=1))
    assert interviews.accept(interview_id, later) == accepted
    with pytest.raises(Conflict, match=r"question 1 of interview .* has another answer already"):
        interviews.accept(interview_id, other)
    assert interviews.get(interview_id) == accepted


def test_an_answer_needs_its_question_and_an_open_interview(interviews: SqlInterviews) -> None:
    """What was not asked is not answered, and nothing is after the finish."""
    interview_id = opened(interviews)
    with pytest.raises(Conflict, match=r"question 2 of interview .* has not been asked; 1 have"):
        interviews.accept(interview_id, typed(2))
    interviews.finish(interview_id, NOW)
    with pytest.raises(Conflict, match="is finished: it takes no more answers"):
        interviews.accept(interview_id, typed())
    with pytest.raises(Conflict, match="is finished: nothing more is asked"):
        interviews.ask(interview_id, question(2))


def test_of_different_answers_at_once_one_wins(interviews: SqlInterviews) -> None:
    """Whoever has got a reply is the one whose answer is kept."""
    interview_id = opened(interviews)
    sounds = "abcdef01"[:THREADS]
    done = at_once([partial(interviews.accept, interview_id, spoken(sound=sound)) for sound in sounds])
    won = [interview for interview in done if isinstance(interview, Interview)]
    assert won == [interviews.get(interview_id)]
    assert sum(isinstance(error, Conflict) for error in done) == THREADS - 1


def test_the_same_answer_at_once_is_kept_once(interviews: SqlInterviews, database: Engine) -> None:
    """Every sender gets the same reply, with the one next question."""
    interview_id = opened(interviews)
    written = spoken(text="seven five")
    done = at_once([lambda: interviews.answered(interview_id, written, question(2))] * THREADS)
    assert done == [interviews.get(interview_id)] * THREADS
    assert rows_of(database) == {"interviews": 1, "questions": 2, "answers": 1, "reports": 0, "worker_beats": 0}


def test_an_answer_and_what_follows_are_kept_together(interviews: SqlInterviews) -> None:
    """Either both are there or neither; an accepted answer's sound stays the one that was accepted."""
    interview_id = opened(interviews)
    accepted = interviews.accept(interview_id, spoken())
    with pytest.raises(Conflict, match="number 2 is next"):
        interviews.answered(interview_id, spoken(text="seven"), question(3))
    assert interviews.get(interview_id) == accepted
    both = interviews.answered(interview_id, replace(spoken(text="seven"), received_at=NOW + timedelta(1)), question(2))
    assert (both.questions, both.answers) == ((question(1), question(2)), (spoken(text="seven"),))
    assert both.open_question == question(2)


def test_nothing_follows_what_was_finished_meanwhile(interviews: SqlInterviews) -> None:
    """The answer that was accepted before is written down all the same."""
    interview_id = opened(interviews)
    interviews.accept(interview_id, spoken())
    interviews.finish(interview_id, NOW)
    after = interviews.answered(interview_id, spoken(text="seven"), question(2))
    assert (after.questions, after.answers) == ((question(1),), (spoken(text="seven"),))


def test_a_reader_never_sees_half_a_change(interviews: SqlInterviews) -> None:
    """While one answers and is asked again, another always sees one question more than answers."""
    interview_id = opened(interviews)
    ended = threading.Event()

    def answer_all() -> None:
        for number in range(1, 60):
            interviews.answered(interview_id, typed(number), question(number + 1))
        ended.set()

    def watch() -> set[int]:
        seen = set()
        while not ended.is_set():
            met = interviews.get(interview_id)
            seen.add(len(met.questions) - len(met.answers))
        return seen

    with ThreadPoolExecutor(2) as threads:
        writer, reader = threads.submit(answer_all), threads.submit(watch)
        writer.result(timeout=60)
        assert reader.result(timeout=60) == {1}


def test_texts_are_kept_as_they_are(interviews: SqlInterviews) -> None:
    """In any script, and without what a database may refuse; the same text is still the same."""
    interview_id = opened(interviews)
    said = "日本語 🎙 \u0301 '; DROP TABLE answers; --"
    assert interviews.accept(interview_id, typed(text=said)).answers[0].text == said
    interview_id = opened(interviews)
    odd = "nul \0 and half a pair \ud83c"
    for _ in range(2):
        kept = interviews.accept(interview_id, typed(text=odd)).answers
    assert kept == (typed(text="nul \ufffd and half a pair \ufffd"),)
    with pytest.raises(NotFound):
        interviews.get(odd)


def test_an_interview_is_finished_once(interviews: SqlInterviews) -> None:
    """It keeps the moment of the first time, and wants one report."""
    interview_id = opened(interviews)
    first = interviews.finish(interview_id, NOW)
    assert (first.state, first.finished_at) == (InterviewState.FINISHED, NOW)
    done = at_once([lambda: interviews.finish(interview_id, NOW + timedelta(hours=1))] * THREADS)
    assert done == [first] * THREADS
    assert interviews.unreported() == [interview_id]


def test_reports_are_wanted_in_the_order_of_the_finishes(interviews: SqlInterviews) -> None:
    """Nobody waits for ever; what is open wants none."""
    later, sooner, still_open = (opened(interviews) for _ in range(3))
    interviews.finish(later, NOW + timedelta(minutes=2))
    interviews.finish(sooner, NOW + timedelta(minutes=1))
    assert interviews.unreported() == [sooner, later]
    assert interviews.get(still_open).state is InterviewState.OPEN


def test_a_report_is_kept_once(interviews: SqlInterviews) -> None:
    """It is what was saved; a second one, at once or later, changes nothing."""
    interview_id = opened(interviews)
    interviews.answered(interview_id, spoken(text="seven five"), question(2))
    report = reported(interviews.finish(interview_id, NOW))
    assert interviews.report(interview_id) is None
    at_once([lambda: interviews.save_report(report)] * THREADS)
    interviews.save_report(replace(report, notes=("Something else.",)))
    interviews.fail_report(interview_id)
    assert interviews.report(interview_id) == report
    assert interviews.get(interview_id) == replace(report.interview, state=InterviewState.REPORTED)
    assert interviews.finish(interview_id, NOW).state is InterviewState.REPORTED
    assert interviews.unreported() == []


def test_only_a_finished_interview_gets_a_report(interviews: SqlInterviews) -> None:
    """Not an open one, and not one that was deleted while the report was made."""
    interview_id = opened(interviews)
    report = reported(interviews.get(interview_id))
    interviews.save_report(report)
    interviews.fail_report(interview_id)
    assert interviews.get(interview_id).state is InterviewState.OPEN
    interviews.delete(interview_id)
    interviews.save_report(report)
    interviews.fail_report(interview_id)
    assert interviews.report(interview_id) is None


def test_a_report_that_failed_can_be_asked_for_again(interviews: SqlInterviews) -> None:
    """The interview then wants one as it did before."""
    interview_id = finished(interviews)
    interviews.fail_report(interview_id)
    assert interviews.get(interview_id).state is InterviewState.FAILED
    assert interviews.unreported() == []
    again = interviews.finish(interview_id, NOW + timedelta(hours=1))
    assert (again.state, again.finished_at) == (InterviewState.FINISHED, NOW)
    interviews.save_report(reported(again))
    assert interviews.report(interview_id) == reported(again)
