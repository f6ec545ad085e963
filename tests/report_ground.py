"""Where reports are made by workers in processes of their own: a database, a volume, and hands that work on them."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from dbos import DBOSClient
from sqlalchemy import text

from coldstart.domain.errors import Unavailable
from coldstart.domain.interview import Answer, InterviewPlan, InterviewState, Question
from coldstart.storage.answer_files import AnswerFiles
from coldstart.storage.database import engine_of, migrate
from coldstart.storage.jobs import (
    APPLICATION,
    APPLICATION_VERSION,
    QUEUE,
    WORKFLOW,
    Jobs,
    JobStatus,
    jobs_engine_of,
    jobs_url_of,
    json_only,
    workflow_of,
)
from coldstart.storage.sql_interviews import SqlInterviews

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DEADLINE_S = 60.0
_REPOSITORY = Path(__file__).parents[1]
_PLAN = InterviewPlan("software engineer", "middle", "en", 3)

# What is committed, and how often: the worker has no say in it.
_COUNTED = {
    "written": "AFTER UPDATE OF text ON answers",
    "moved": "AFTER UPDATE OF state ON interviews",
    "reported": "AFTER INSERT ON reports",
}
_KEYS = {
    "written": "NEW.interview || '/' || NEW.question_number",
    "moved": "NEW.number || ' ' || NEW.state",
    "reported": "NEW.interview || ''",
}


class Ground:
    """A database, a volume, and what is done to them."""

    def __init__(self, url: str, root: Path) -> None:
        self.url = url
        self.root = root
        self.engine = engine_of(url)
        migrate(self.engine)
        self.interviews = SqlInterviews(self.engine, open_limit=100)
        self.files = AnswerFiles(root, min_free_bytes=0)
        self.jobs = Jobs(jobs_url_of(url))
        self._count_effects()

    def finished(self, *sounds: str | bytes) -> str:
        """A finished interview with these answers, none of them written down; no job asked for."""
        interview_id = self.interviews.create(_PLAN, Question(1, "What?", "bank"), NOW).interview_id
        for number, sound in enumerate(sounds, 1):
            self.interviews.ask(interview_id, Question(number, "What?", "bank"))
            with self.files.receiving(interview_id) as receiving:
                receiving.write(sound.encode() if isinstance(sound, str) else sound)
                kept = receiving.keep(number, "audio/wav", ".wav")
            self.interviews.accept(interview_id, Answer(number, NOW, None, kept))
        self.interviews.finish(interview_id, NOW)
        return interview_id

    def finished_and_asked(self, *sounds: str) -> str:
        """The same, and its job."""
        interview_id = self.finished(*sounds)
        self.jobs.enqueue_report(interview_id)
        return interview_id

    def leave_astray(self, interview_id: str, *, of: str) -> None:
        """A job that a worker of that name runs, as far as the database goes."""
        jobs = jobs_engine_of(jobs_url_of(self.url))
        schema = "" if jobs.dialect.name == "sqlite" else "dbos."
        # Nobody takes it in between, for it is not due yet.
        client = DBOSClient(system_database_engine=jobs, serializer=json_only(), application_name=APPLICATION)
        client.enqueue(
            {
                "workflow_name": WORKFLOW,
                "queue_name": QUEUE,
                "workflow_id": workflow_of(interview_id),
                "app_version": APPLICATION_VERSION,
                "delay_seconds": 3600,
            },
            interview_id,
        )
        with jobs.begin() as connection:
            connection.execute(
                text(f"UPDATE {schema}workflow_status SET status = 'PENDING', executor_id = :of"),  # noqa: S608
                {"of": of},
            )
        client.destroy()
        jobs.dispose()

    def state(self, interview_id: str) -> InterviewState:
        return self.interviews.get(interview_id).state

    def job(self, interview_id: str) -> JobStatus:
        status = self.jobs.status(interview_id)
        assert status is not None
        return status

    def said(self, interview_id: str) -> list[str | None]:
        """The answers in the report."""
        report = self.interviews.report(interview_id)
        assert report is not None
        return [answer.text for answer in report.interview.answers]

    def effects(self) -> Counter[tuple[str, str]]:
        """What was committed → how often."""
        with self.engine.connect() as connection:
            return Counter((row.kind, row.what) for row in connection.execute(text("SELECT * FROM effects")))

    def close(self) -> None:
        self.jobs.close()
        self.engine.dispose()

    def _count_effects(self) -> None:
        postgres = self.engine.dialect.name == "postgresql"
        with self.engine.begin() as connection:
            connection.execute(text("CREATE TABLE effects (kind TEXT, what TEXT)"))
            for kind, when in _COUNTED.items():
                put = f"INSERT INTO effects VALUES ('{kind}', {_KEYS[kind]});"  # noqa: S608  our own words
                if postgres:
                    connection.execute(
                        text(
                            f"CREATE FUNCTION count_{kind}() RETURNS trigger LANGUAGE plpgsql AS "
                            f"$$ BEGIN {put} RETURN NEW; END $$"
                        )
                    )
                    put = f"EXECUTE FUNCTION count_{kind}()"
                else:
                    put = f"BEGIN {put} END"
                connection.execute(text(f"CREATE TRIGGER on_{kind} {when} FOR EACH ROW {put}"))


class Worker:
    """A worker's process, with everything that it has told so far in `log`."""

    def __init__(self, ground: Ground, log: Path, **environment: str) -> None:
        self._log = log
        self._told = log.open("ab")
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "tests.report_worker", str(ground.root)],
            cwd=_REPOSITORY,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": os.pathsep.join((str(_REPOSITORY / "server"), str(_REPOSITORY))),
                "TMPDIR": str(ground.root),
                "DATABASE_URL": ground.url,
                "SHUTDOWN_GRACE_S": "20",
                **environment,
            },
            stderr=self._told,
        )

    @property
    def lines(self) -> str:
        """All of the log so far."""
        return self._log.read_text()

    @property
    def log(self) -> list[dict[str, object]]:
        """Its events; the last line may not be whole yet."""
        return [json.loads(line) for line in self.lines.splitlines() if line.endswith("}")]

    def count(self, event: str) -> int:
        return sum(line["event"] == event for line in self.log)

    def told(self, event: str) -> bool:
        return self.count(event) > 0

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(DEADLINE_S)

    def end(self) -> int:
        """SIGTERM, and the exit status."""
        self.process.terminate()
        return self.process.wait(DEADLINE_S)

    def close(self) -> None:
        self.kill()
        self._told.close()


class Hands:
    """Starts workers; none outlives its test."""

    def __init__(self, ground: Ground, directory: Path) -> None:
        self._ground = ground
        self._directory = directory
        self.workers: list[Worker] = []

    def worker(self, **environment: str) -> Worker:
        worker = Worker(self._ground, self._directory / f"worker-{len(self.workers)}.log", **environment)
        self.workers.append(worker)
        return worker


def until(condition: Callable[[], bool], deadline_s: float = DEADLINE_S) -> None:
    """Look again and again; a database that is away is looked at again, too."""
    end = time.monotonic() + deadline_s
    while True:
        try:
            if condition():
                return
        except Unavailable:
            pass
        assert time.monotonic() < end, f"still not so after {deadline_s} s"
        time.sleep(0.01)
