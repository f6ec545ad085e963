"""Interviews are deleted by age and number, and nothing of them stays."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from prometheus_client import CollectorRegistry, generate_latest
from tests.kept_sounds import ID, SOUND, age_all, files_below, keep
from tests.polling import until

from coldstart.domain.errors import NotFound, Unavailable
from coldstart.services import interview_retention
from coldstart.services.interview_retention import InterviewRetention, Round, delete_interview
from coldstart.storage.answer_files import AnswerFiles

NOW = datetime(2026, 5, 1, tzinfo=UTC)
NOTHING = Round(expired=0, unknown=0, abandoned=0, failed=0, more=False)


class Interviews:
    """A database of ids and the times at which they were made."""

    def __init__(self) -> None:
        self.created: dict[str, datetime] = {}
        self.idle: list[str] = []
        self.away: type[Exception] | None = None

    def expired(self, *, before: datetime, keep: int) -> Sequence[str]:
        if self.away is not None:
            raise self.away("the database does not answer")
        oldest_first = sorted(self.created, key=lambda interview_id: self.created[interview_id])
        surplus = oldest_first[: max(len(oldest_first) - keep, 0)]
        return [i for i in oldest_first if self.created[i] < before or i in surplus]

    def finish_idle(self, *, before: datetime, limit: int, now: datetime) -> Sequence[str]:
        assert (before, now) == (NOW - timedelta(hours=24), NOW)
        finished, self.idle = self.idle[:limit], self.idle[limit:]
        return finished

    def delete(self, interview_id: str) -> None:
        if self.created.pop(interview_id, None) is None:
            raise NotFound(f"there is no interview {interview_id!r}")

    def known(self, interview_ids: Sequence[str]) -> Collection[str]:
        return self.created.keys() & set(interview_ids)


class Jobs:
    """Those whose jobs were begun, or forgotten."""

    def __init__(self) -> None:
        self.enqueued: list[str] = []
        self.forgotten: list[str] = []

    def enqueue_report(self, interview_id: str) -> None:
        self.enqueued.append(interview_id)

    def forget(self, interview_id: str) -> None:
        self.forgotten.append(interview_id)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "kept"


@pytest.fixture
def files(root: Path) -> AnswerFiles:
    return AnswerFiles(root, min_free_bytes=0)


@pytest.fixture
def interviews() -> Interviews:
    return Interviews()


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


@pytest.fixture
def retention(interviews: Interviews, jobs: Jobs, files: AnswerFiles) -> InterviewRetention:
    return InterviewRetention(interviews, jobs, files, idle_hours=24, keep_days=10, keep_count=3, now=lambda: NOW)


def id_of(number: int) -> str:
    return f"{number:032x}"


async def test_the_old_go_and_the_others_stay(
    interviews: Interviews, files: AnswerFiles, retention: InterviewRetention, root: Path
) -> None:
    """At so many days to the moment, in the database and on the disk."""
    for number, days in ((1, 10.001), (2, 9.999)):
        interviews.created[id_of(number)] = NOW - timedelta(days=days)
        keep(files, interview_id=id_of(number))
        files.write_transcript(id_of(number), 1, b"{}")
    assert await retention.round() == Round(expired=1, unknown=0, abandoned=0, failed=0, more=False)
    assert list(interviews.created) == [id_of(2)]
    assert list(files.interview_ids()) == [id_of(2)]
    assert len(files_below(root)) == 2
    assert await retention.round() == NOTHING


async def test_the_oldest_go_where_there_are_too_many(interviews: Interviews, retention: InterviewRetention) -> None:
    """However young."""
    for number in range(5):
        interviews.created[id_of(number)] = NOW - timedelta(seconds=number)
    assert (await retention.round()).expired == 2
    assert list(interviews.created) == [id_of(0), id_of(1), id_of(2)]


async def test_a_round_deletes_so_many_and_says_that_there_are_more(
    interviews: Interviews, retention: InterviewRetention
) -> None:
    """A hundred, the oldest first; the next round has the rest."""
    for number in range(120):
        interviews.created[id_of(number)] = NOW - timedelta(days=200 - number)
    assert await retention.round() == Round(expired=100, unknown=0, abandoned=0, failed=0, more=True)
    assert await retention.round() == Round(expired=20, unknown=0, abandoned=0, failed=0, more=False)


async def test_interviews_that_nobody_goes_on_with_get_their_report(
    interviews: Interviews, jobs: Jobs, retention: InterviewRetention
) -> None:
    """A hundred a round; the next round has the rest."""
    interviews.idle = [id_of(number) for number in range(120)]
    assert await retention.round() == Round(expired=0, unknown=0, abandoned=0, failed=0, more=True, finished=100)
    assert await retention.round() == Round(expired=0, unknown=0, abandoned=0, failed=0, more=False, finished=20)
    assert jobs.enqueued == [id_of(number) for number in range(120)]


async def test_files_that_the_database_does_not_know_go(
    interviews: Interviews, jobs: Jobs, files: AnswerFiles, retention: InterviewRetention, root: Path
) -> None:
    """A crash in mid-deletion left them; those that are younger than half an hour may be on their way."""
    interviews.created[id_of(1)] = NOW
    for number in (1, 2):
        keep(files, interview_id=id_of(number))
    age_all(root)
    keep(files, interview_id=id_of(3))
    assert (await retention.round()).unknown == 1
    assert sorted(files.interview_ids()) == [id_of(1), id_of(3)]
    assert jobs.forgotten == [id_of(2)]


async def test_an_unknown_interview_that_is_being_received_stays(
    files: AnswerFiles, retention: InterviewRetention, root: Path
) -> None:
    """However old the rest of its files is."""
    keep(files)
    age_all(root)
    with files.receiving(ID) as receiving:
        receiving.write(SOUND[::-1])
        assert await retention.round() == NOTHING
        receiving.keep(2, "audio/wav", ".wav")
    assert len(files_below(root)) == 2


@pytest.mark.parametrize(("known", "unknown"), [(0, 1), (0, 3), (1, 2), (200, 101)])
async def test_a_database_of_others_does_not_cost_every_sound(
    interviews: Interviews, files: AnswerFiles, root: Path, known: int, unknown: int
) -> None:
    """More unknown interviews than known ones, or than crashes leave, are kept; the log says what to look at."""
    for number in range(known + unknown):
        (root / "user_uploads" / id_of(number)).mkdir()
    interviews.created = dict.fromkeys(map(id_of, range(known)), NOW)
    age_all(root)
    retention = InterviewRetention(
        interviews, Jobs(), files, idle_hours=24, keep_days=10, keep_count=1000, now=lambda: NOW
    )
    with structlog.testing.capture_logs() as log:
        assert await retention.round() == NOTHING
    assert len(list(files.interview_ids())) == known + unknown
    assert [(line["event"], line["log_level"], line["count"]) for line in log] == [
        ("unknown_interviews_kept", "error", unknown)
    ]
    assert "DATABASE_URL" in log[0]["reason"]


async def test_leftovers_of_uploads_go(files: AnswerFiles, retention: InterviewRetention, root: Path) -> None:
    """After half an hour."""
    (root / "uploads" / f"{ID}-old").write_bytes(SOUND)
    age_all(root)
    (root / "uploads" / f"{ID}-young").write_bytes(SOUND)
    assert (await retention.round()).abandoned == 1
    assert files_below(root) == [f"uploads/{ID}-young"]


async def test_one_that_cannot_be_deleted_does_not_keep_the_others(
    interviews: Interviews,
    files: AnswerFiles,
    retention: InterviewRetention,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is counted, told, and tried again as one that the database does not know."""
    delete = AnswerFiles.delete

    def refuse_first(self: AnswerFiles, interview_id: str) -> None:
        if interview_id == id_of(1):
            raise PermissionError
        delete(self, interview_id)

    for number in (1, 2):
        interviews.created[id_of(number)] = NOW - timedelta(days=11)
        keep(files, interview_id=id_of(number))
    with monkeypatch.context() as patched, structlog.testing.capture_logs() as log:
        patched.setattr(AnswerFiles, "delete", refuse_first)
        assert await retention.round() == Round(expired=1, unknown=0, abandoned=0, failed=1, more=False)
    assert log == [
        {"event": "retention_incomplete", "log_level": "warning", "failed": 1, "errors": ["PermissionError"]},
        {"event": "retention", "log_level": "info", "expired": 1, "unknown": 0, "abandoned": 0, "finished": 0},
    ]
    interviews.created[id_of(3)] = NOW
    keep(files, interview_id=id_of(3))
    age_all(root)
    assert (await retention.round()).unknown == 1
    assert list(files.interview_ids()) == [id_of(3)]


async def test_a_database_that_goes_away_in_a_round_ends_the_round(
    interviews: Interviews, jobs: Jobs, retention: InterviewRetention, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each further deletion would wait for it, too; the next round has what is left."""

    def refuse(interview_id: str) -> None:
        jobs.forgotten.append(interview_id)
        raise Unavailable("the database cannot be reached")

    for number in range(3):
        interviews.created[id_of(number)] = NOW - timedelta(days=11)
    monkeypatch.setattr(jobs, "forget", refuse)
    with pytest.raises(Unavailable):
        await retention.round()
    assert len(jobs.forgotten) == 1


async def test_the_log_has_numbers_and_no_ids(
    interviews: Interviews, files: AnswerFiles, retention: InterviewRetention
) -> None:
    """And nothing where nothing was removed."""
    interviews.created[ID] = NOW - timedelta(days=11)
    keep(files)
    with structlog.testing.capture_logs() as log:
        await retention.round()
        await retention.round()
    assert log == [
        {"event": "retention", "log_level": "info", "expired": 1, "unknown": 0, "abandoned": 0, "finished": 0}
    ]


@pytest.mark.parametrize(
    ("away", "told"), [(ValueError, "ValueError"), (Unavailable, "the database does not answer")], ids=["any", "ours"]
)
async def test_retention_goes_on_after_a_round_that_failed(
    interviews: Interviews,
    retention: InterviewRetention,
    monkeypatch: pytest.MonkeyPatch,
    away: type[Exception],
    told: str,
) -> None:
    """A database that was away for a round is asked again; what an error says that is not our own is not logged."""
    monkeypatch.setattr(interview_retention, "_PAUSE_S", 0.001)
    interviews.created[ID] = NOW - timedelta(days=11)
    interviews.away = away
    with structlog.testing.capture_logs() as log:
        task = asyncio.create_task(retention.run())
        await until(lambda: len(log) >= 2)
        interviews.away = None
        await until(lambda: not interviews.created)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert log[0] == {"event": "retention_failed", "log_level": "warning", "error": told}


async def test_what_is_left_over_is_not_waited_for(
    interviews: Interviews, retention: InterviewRetention, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A round that left something is followed by the next one soon; else there are ten minutes between."""
    monkeypatch.setattr(interview_retention, "_SOON_S", 0.001)
    for number in range(250):
        interviews.created[id_of(number)] = NOW - timedelta(days=11)
    task = asyncio.create_task(retention.run())
    await until(lambda: not interviews.created)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_to_delete_an_interview_is_to_delete_all_of_it(
    interviews: Interviews, jobs: Jobs, files: AnswerFiles, root: Path
) -> None:
    """Row, job and files; where there is no row the rest goes all the same, and the caller learns of it."""
    interviews.created[ID] = NOW
    keep(files)
    delete_interview(interviews, jobs, files, ID)
    assert interviews.created == {}
    assert files_below(root) == []
    keep(files)
    with pytest.raises(NotFound):
        delete_interview(interviews, jobs, files, ID)
    assert files_below(root) == []
    assert jobs.forgotten == [ID, ID]


def test_files_stay_where_the_row_could_not_be_deleted(files: AnswerFiles, jobs: Jobs, root: Path) -> None:
    """A database that is away must not leave an interview without its sounds."""

    class Away(Interviews):
        def delete(self, interview_id: str) -> None:
            raise ConnectionError

    keep(files)
    with pytest.raises(ConnectionError):
        delete_interview(Away(), jobs, files, ID)
    assert (len(files_below(root)), jobs.forgotten) == (1, [])


def figures(retention: InterviewRetention) -> dict[str, float]:
    registry = CollectorRegistry()
    for collector in retention.collectors:
        registry.register(collector)
    lines = generate_latest(registry).decode().splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


async def test_the_metrics_are_those_of_the_disk(
    interviews: Interviews, files: AnswerFiles, retention: InterviewRetention
) -> None:
    """Files and bytes as of the last round, free bytes as of now, and what was deleted."""
    assert str(figures(retention)["interview_files"]) == "nan"
    for number, days in ((1, 11), (2, 1)):
        interviews.created[id_of(number)] = NOW - timedelta(days=days)
        keep(files, interview_id=id_of(number))
    await retention.round()
    met = figures(retention)
    assert met["interview_files"] == 1
    assert met["interview_file_bytes"] == len(SOUND)
    assert met["interview_free_bytes"] > 0
    assert met['interviews_deleted_total{reason="expired"}'] == 1
    assert met['interviews_deleted_total{reason="unknown"}'] == 0


def test_a_volume_that_is_gone_does_not_take_the_other_metrics_with_it(
    retention: InterviewRetention, root: Path
) -> None:
    """Its free bytes are no number then."""
    root.rename(root.with_name("gone"))
    assert str(figures(retention)["interview_free_bytes"]) == "nan"
