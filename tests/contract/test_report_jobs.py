"""Reports by jobs in a real database and workers in processes of their own, which are killed, as is the database."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from tests.postgres import PostgresServer
from tests.report_ground import DEADLINE_S, NOW, Ground, Hands, Worker, until
from tests.report_worker import POLICY

from coldstart.domain.errors import NotFound, Unavailable
from coldstart.domain.interview import InterviewState
from coldstart.storage.jobs import JobState, JobStatus


@pytest.fixture
def ground(new_database: Callable[[], str], tmp_path: Path) -> Iterator[Ground]:
    made = Ground(new_database(), tmp_path / "root")
    yield made
    made.close()


@pytest.fixture
def hands(ground: Ground, tmp_path: Path) -> Iterator[Hands]:
    made = Hands(ground, tmp_path)
    yield made
    for worker in made.workers:
        worker.close()


def assert_each_once(ground: Ground, interviews: Sequence[str], answers: int) -> None:
    """Each interview has its report with each of its answers, and nothing was done to any of them a second time."""
    assert [ground.said(one) for one in interviews] == [[f"{n} of {answers}" for n in range(answers)]] * len(interviews)
    effects = ground.effects()
    assert set(effects.values()) == {1}, effects
    assert Counter(kind for kind, _ in effects) == {
        "written": answers * len(interviews),
        "reported": len(interviews),
        "moved": 2 * len(interviews),  # finished, reported
    }


def sounds(answers: int) -> list[str]:
    return [f"say {number} of {answers}" for number in range(answers)]


def all_reported(ground: Ground) -> Callable[[], bool]:
    return lambda: not ground.interviews.unreported()


def written(ground: Ground, at_least: int) -> Callable[[], bool]:
    return lambda: sum(kind == "written" for kind, _ in ground.effects()) >= at_least


def one_more(worker: Worker, event: str) -> Callable[[], bool]:
    before = worker.count(event)
    return lambda: worker.count(event) > before


def test_a_finished_interview_gets_its_report(ground: Ground, hands: Hands) -> None:
    """A worker writes down what is not written down, makes the report, and the job is done."""
    interview = ground.finished_and_asked(*sounds(3))
    assert ground.job(interview) == JobStatus(JobState.QUEUED, 0)
    hands.worker()
    until(lambda: ground.job(interview).state is JobState.DONE)
    assert ground.state(interview) is InterviewState.REPORTED
    assert_each_once(ground, [interview], 3)


@pytest.mark.slow
def test_killed_workers_lose_nothing_and_do_nothing_twice(ground: Ground, hands: Hands) -> None:
    """A worker killed in the midst of its jobs, again and again: the next one goes on where it was."""
    interviews = [ground.finished_and_asked(*sounds(4)) for _ in range(2)]
    interviews += [ground.finished(*sounds(4)) for _ in range(2)]  # whose job a crash of the API has prevented
    for done in (1, 7):
        worker = hands.worker()
        until(written(ground, done))
        worker.kill()
    hands.worker()
    until(all_reported(ground))
    assert_each_once(ground, interviews, 4)


@pytest.mark.slow
def test_two_workers_share_the_jobs_and_one_takes_over_from_the_other(ground: Ground, hands: Hands) -> None:
    """Of two workers one is killed and not replaced: the other ends what it had begun."""
    interviews = [ground.finished_and_asked(*sounds(4)) for _ in range(8)]
    first, second = hands.worker(), hands.worker()
    until(lambda: first.told("job_begins") and second.told("job_begins"))
    first.kill()
    until(all_reported(ground))
    assert_each_once(ground, interviews, 4)
    assert {line["worker"] for worker in (first, second) for line in worker.log if line["event"] == "job_begins"} == {
        "worker-0",
        "worker-1",
    }
    assert second.end() == 0


@pytest.mark.slow
def test_what_cannot_be_done_is_told_and_others_go_on(ground: Ground, hands: Hands) -> None:
    """A step that fails every time ends in the list of the dead, with its reason; once mended it can be tried again."""
    broken = ground.finished_and_asked("say 0 of 2", "break 1 of 2")
    refused = ground.finished_and_asked("refuse it", "say 1 of 2")
    others = [ground.finished_and_asked(*sounds(2)) for _ in range(4)]
    worker = hands.worker()
    until(all_reported(ground))
    assert [ground.state(one) for one in (broken, refused, *others)] == ["failed", "reported", *["reported"] * 4]
    assert ground.said(refused) == [None, "1 of 2"]
    assert worker.told("answer_left_unwritten")
    until(lambda: len(ground.jobs.dead(limit=10)) == 1)
    assert {one: status.reason for one, status in ground.jobs.dead(limit=10)} == {
        broken: "write down 2: the engine broke",
    }
    failures = Counter(line.get("interview") for line in worker.log if line["event"] == "job_step_fails")
    assert failures == {broken: POLICY.attempts}

    (ground.root / "mended").touch()
    ground.interviews.finish(broken, NOW)
    ground.jobs.enqueue_report(broken)
    until(lambda: ground.job(broken).state is JobState.DONE)
    assert ground.said(broken) == ["0 of 2", "1 of 2"]
    assert ground.jobs.dead(limit=10) == []


@pytest.mark.slow
def test_a_job_that_kills_its_worker_is_given_up(ground: Ground, hands: Hands) -> None:
    """After so many workers have died of it nobody takes it up any more, and the others get their reports."""
    deadly = ground.finished_and_asked("die")
    others = [ground.finished_and_asked(*sounds(1)) for _ in range(2)]
    for _ in range(POLICY.takings + 1):
        hands.worker().process.wait(DEADLINE_S)
    hands.worker()
    until(all_reported(ground))
    assert [ground.state(one) for one in (deadly, *others)] == ["failed", "reported", "reported"]
    [(interview, status)] = ground.jobs.dead(limit=10)
    assert interview == deadly
    assert status.reason == f"the worker ended {POLICY.takings + 1} times while it worked on it"


@pytest.mark.slow
def test_a_stopped_worker_ends_its_step_and_leaves_the_rest(ground: Ground, hands: Hands) -> None:
    """SIGTERM: the step under way is finished and kept, the next one is the next worker's."""
    interview = ground.finished_and_asked("wait 0 of 2", "say 1 of 2")
    worker = hands.worker()
    until(lambda: ground.job(interview).progress == "0 of 2 answers are written down")
    worker.process.terminate()
    until(lambda: worker.told("shutdown_begins"))
    (ground.root / "gate").touch()
    assert worker.process.wait(DEADLINE_S) == 0
    assert [answer.text for answer in ground.interviews.get(interview).answers] == ["0 of 2", None]
    hands.worker()
    until(all_reported(ground))
    assert_each_once(ground, [interview], 2)


@pytest.mark.slow
def test_a_stopped_worker_leaves_a_step_that_takes_too_long(ground: Ground, hands: Hands) -> None:
    """When the grace is over the worker ends all the same, with status 0, and the next one begins the step again."""
    interview = ground.finished_and_asked("wait 0 of 1")
    worker = hands.worker(SHUTDOWN_GRACE_S="3")
    until(lambda: ground.job(interview).progress is not None)
    began = time.monotonic()
    assert worker.end() == 0
    assert time.monotonic() - began < 3.5
    assert ground.job(interview).state is JobState.RUNNING
    (ground.root / "gate").touch()
    hands.worker()
    until(all_reported(ground))
    assert_each_once(ground, [interview], 1)


def test_a_deleted_interview_needs_no_report(ground: Ground, hands: Hands) -> None:
    """Its job ends, or is forgotten while it runs; the worker goes on with the next one."""
    deleted, forgotten = ground.finished_and_asked("wait 0 of 1"), ground.finished_and_asked("wait 0 of 1")
    other = ground.finished_and_asked(*sounds(1))
    hands.worker()
    until(lambda: ground.job(deleted).progress is not None)
    ground.interviews.delete(deleted)
    (ground.root / "gate").touch()
    until(lambda: ground.job(deleted).state is JobState.DONE)
    (ground.root / "gate").unlink()
    until(lambda: ground.job(forgotten).progress is not None)
    ground.interviews.delete(forgotten)
    ground.jobs.forget(forgotten)
    (ground.root / "gate").touch()
    until(lambda: ground.job(other).state is JobState.DONE)
    assert ground.jobs.status(forgotten) is None


def test_the_worker_tells_that_it_lives(ground: Ground, hands: Hands) -> None:
    """Its beat is in the database under its name, and tells in the end that it stops."""
    worker = hands.worker()
    until(lambda: [(beat.name, beat.state) for beat in ground.interviews.beats()] == [("worker-0", "ready")])
    assert worker.end() == 0
    assert [beat.state for beat in ground.interviews.beats()] == ["stopping"]


def test_the_worker_listens_to_nothing_calls_nobody_and_keeps_secrets(ground: Ground, hands: Hands) -> None:
    """No port is open, nothing is connected to, and neither the library's advice nor what an error quotes is logged."""
    ground.finished_and_asked("leak a-secret")
    worker = hands.worker()
    until(all_reported(ground))
    assert _listening(worker.process.pid) == []
    assert worker.end() == 0
    assert "a-secret" not in worker.lines
    assert {str(line["logger"]).partition(".")[0] for line in worker.log} == {"coldstart", "alembic"}
    assert ground.jobs.dead(limit=1)[0][1].reason == "write down 1: ValueError"


def _listening(process: int) -> list[str]:
    """Sockets of the process that listen. Source: proc(5): in /proc/net/tcp the state 0A is TCP_LISTEN."""
    sockets = {str(path.readlink()) for path in Path(f"/proc/{process}/fd").iterdir() if path.is_symlink()}
    tables = [Path(f"/proc/{process}/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
    rows = [line.split() for table in tables for line in table]
    return [row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets]


@pytest.mark.slow
@pytest.mark.parametrize("new_database", ["postgres"], indirect=True)
def test_a_killed_database_is_waited_for(ground: Ground, hands: Hands, postgres: PostgresServer) -> None:
    """Postgres is killed and started again while jobs run: the worker lives, and goes on as if nothing had been."""
    interviews = [ground.finished_and_asked(*sounds(4)) for _ in range(5)]
    worker = hands.worker()
    for done in (2, 9):
        until(written(ground, done))
        postgres.kill()
        with pytest.raises(Unavailable):
            ground.jobs.status(interviews[0])
        until(one_more(worker, "round_fails"))
        postgres.start()
    until(all_reported(ground))
    assert_each_once(ground, interviews, 4)
    assert worker.end() == 0


def test_what_a_worker_has_lost_it_takes_up_again(ground: Ground, hands: Hands) -> None:
    """A job that runs by its row, and nowhere else: its checkpoint could not be written, and the worker left it."""
    hands.worker()
    until(lambda: bool(ground.interviews.beats()))
    interview = ground.finished(*sounds(1))
    ground.leave_astray(interview, of="worker-0")
    until(all_reported(ground))
    assert_each_once(ground, [interview], 1)


def test_only_what_is_there_can_be_tried_again(ground: Ground) -> None:
    """A retry of no job is told; one of a job that waits changes nothing."""
    interview = ground.finished_and_asked()
    ground.jobs.enqueue_report(interview)
    ground.jobs.retry(interview)
    assert ground.job(interview) == JobStatus(JobState.QUEUED, 0)
    with pytest.raises(NotFound):
        ground.jobs.retry("0" * 32)
