"""Many interviews in SQLite and in Postgres: paged through, deleted, expired; and what workers tell there."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from tests.contract.interview_cases import NOW, THREADS, at_once, finished, opened, question, reported, rows_of, typed

from coldstart.domain.errors import InvalidInput, NotFound
from coldstart.domain.interview import InterviewState
from coldstart.storage.sql_interviews import SqlInterviews, WorkerBeat


def test_pages_go_from_the_newest_to_the_oldest(interviews: SqlInterviews) -> None:
    """The last one says that there are no more, also when it is full."""
    newest_first = [opened(interviews) for _ in range(6)][::-1]
    seen, after = [], None
    for _ in range(3):
        page, after = interviews.page(limit=2, after=after)
        seen += [interview.interview_id for interview in page]
    assert (seen, after) == (newest_first, None)
    assert [interview.questions for interview in page] == [(question(1),)] * 2
    assert interviews.page(limit=6, after=None)[1] is None


def test_pages_miss_nothing_while_interviews_come_and_go(interviews: SqlInterviews) -> None:
    """Who pages meets what is there all the while, once each, though the last one met is deleted."""
    staying = {opened(interviews) for _ in range(20)}
    passing = [opened(interviews) for _ in range(10)]
    met: list[str] = []
    page, after = interviews.page(limit=3, after=None)
    while True:
        met += [interview.interview_id for interview in page]
        opened(interviews)
        if passing:
            interviews.delete(passing.pop())
        if after is None:
            break
        page, after = interviews.page(limit=3, after=after)
    assert len(met) == len(set(met))
    assert staying <= set(met)


def test_there_is_a_page_of_nothing(interviews: SqlInterviews) -> None:
    """Also after what nobody has met."""
    for after in (None, "0", "1", "2147483647"):
        assert interviews.page(limit=5, after=after) == ([], None)


@pytest.mark.parametrize("after", ["", "-1", "x", "1.5", "٣", "2147483648", "9" * 40, "1 OR 1=1"])
def test_a_cursor_is_from_a_page(interviews: SqlInterviews, after: str) -> None:
    """Anything else is refused with a sentence."""
    with pytest.raises(InvalidInput, match="a page tells what comes after it"):
        interviews.page(limit=1, after=after)


def test_a_deleted_interview_is_gone_with_everything(interviews: SqlInterviews, database: Engine) -> None:
    """Another stays; in a file nothing is left of the words either."""
    interview_id, other = opened(interviews), opened(interviews)
    interviews.answered(interview_id, typed(text="a secret that was told"), question(2))
    interviews.save_report(reported(interviews.finish(interview_id, NOW)))
    interviews.delete(interview_id)
    assert rows_of(database) == {"interviews": 1, "questions": 1, "answers": 0, "reports": 0, "worker_beats": 0}
    assert interviews.get(other).state is InterviewState.OPEN
    if database.dialect.name == "sqlite":
        path = Path(database.url.database or "")
        files = list(path.parent.glob(f"{path.name}*"))
        assert len(files) >= 2
        assert not any(b"secret that was told" in file.read_bytes() for file in files)


def test_what_is_not_there_is_not_found(interviews: SqlInterviews) -> None:
    """Deleted or never created, whatever is asked of it."""
    gone = opened(interviews)
    interviews.delete(gone)
    calls: list[Callable[[str], object]] = [
        interviews.get,
        interviews.delete,
        lambda interview_id: interviews.accept(interview_id, typed()),
        lambda interview_id: interviews.answered(interview_id, typed(), None),
        lambda interview_id: interviews.write_down(interview_id, 1, text="", segments=(), duration_s=0.0),
        lambda interview_id: interviews.ask(interview_id, question(1)),
        lambda interview_id: interviews.finish(interview_id, NOW),
    ]
    for call in calls:
        for interview_id in (gone, "never", "x" * 10_000):
            with pytest.raises(NotFound, match="there is no interview"):
                call(interview_id)


def test_what_is_old_or_too_much_is_deleted_first(interviews: SqlInterviews) -> None:
    """By age whatever its state, by count the oldest ones that are not open."""
    old, old_open = finished(interviews, NOW - timedelta(days=9)), opened(interviews, NOW - timedelta(days=8))
    first, still_open, second, third = (
        finished(interviews),
        opened(interviews),
        finished(interviews),
        finished(interviews),
    )
    week = NOW - timedelta(days=7)
    assert interviews.expired(before=week, keep=100) == [old, old_open]
    assert interviews.expired(before=week, keep=2) == [old, old_open, first]
    assert interviews.expired(before=NOW - timedelta(days=100), keep=1) == [old, first, second]
    assert interviews.expired(before=NOW - timedelta(days=100), keep=10**12) == []
    assert {still_open, third} <= {interview.interview_id for interview in interviews.page(limit=9, after=None)[0]}


def test_what_nobody_goes_on_with_is_finished(interviews: SqlInterviews) -> None:
    """Open ones without an answer for so long, the oldest first, and only so many; then there is room for others."""
    day = timedelta(days=1)
    left, left_too, answered_long_ago, answered = (opened(interviews, NOW - 2 * day) for _ in range(4))
    interviews.accept(answered_long_ago, replace(typed(), received_at=NOW - 1.5 * day))
    interviews.accept(answered, typed())
    young, over = opened(interviews), finished(interviews, NOW - 2 * day)
    assert interviews.finish_idle(before=NOW - day, limit=1, now=NOW) == [left]
    assert set(interviews.finish_idle(before=NOW - day, limit=9, now=NOW)) == {left_too, answered_long_ago}
    assert interviews.finish_idle(before=NOW - day, limit=9, now=NOW) == []
    assert (interviews.get(left).state, interviews.get(left).finished_at) == (InterviewState.FINISHED, NOW)
    assert {interviews.get(each).state for each in (answered, young)} == {InterviewState.OPEN}
    assert interviews.get(over).finished_at == NOW - 2 * day


def test_the_last_beat_of_each_worker_is_kept(interviews: SqlInterviews) -> None:
    """Workers that are long gone are forgotten."""
    gone = WorkerBeat("worker-0", NOW - timedelta(days=2), "idle", {})
    first = WorkerBeat("worker-1", NOW, "idle", {"whisper": "loading"})
    interviews.beat(gone)
    assert interviews.beats() == [gone]
    interviews.beat(first)
    other = WorkerBeat("worker-2", NOW + timedelta(seconds=1), "busy", {})
    interviews.beat(other)
    assert interviews.beats() == [other, first]
    again = replace(first, at=NOW + timedelta(seconds=5), state="busy", models={"whisper": "ready"})
    at_once([lambda: interviews.beat(again)] * THREADS)
    assert interviews.beats() == [again, other]
