"""Where the database is, how it comes to have its tables, and what is told where it cannot."""

import math
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, event, exc, insert, inspect, select, text
from structlog.testing import capture_logs
from tests.postgres import ROLE, PostgresServer

from coldstart.apps.command import main
from coldstart.apps.interview_migration import migrate_database
from coldstart.domain.errors import ConfigurationError, StorageFull, Unavailable
from coldstart.runtime.settings import load_settings
from coldstart.runtime.timeline import StartupTimeline
from coldstart.storage import database as database_module
from coldstart.storage.database import database_url_of, engine_of, migrate, reading, when_reachable, writing
from coldstart.storage.interview_tables import METADATA, WORKER_BEATS
from coldstart.storage.jobs import migrate_jobs
from coldstart.storage.migrations import REVISIONS

SERVER = Path(__file__).parents[2] / "server"
PASSWORD = "hunter2"
# Waits for a line, so that several begin at one moment.
MIGRATOR = """
import sys
from coldstart.storage.database import engine_of, migrate
print("started", flush=True)
sys.stdin.readline()
migrate(engine_of(sys.argv[1]))
"""
BEAT = {"name": "worker-1", "at": datetime(2026, 1, 2, tzinfo=UTC), "state": "idle", "models": {}}


def url_of(**environ: str) -> str:
    return database_url_of(load_settings({"MODELS_MANIFEST": "/none", **environ}))


def test_the_database_is_a_file_under_the_root_unless_another_is_named() -> None:
    """Its path is taken as it is, whatever signs are in it."""
    assert url_of(INTERVIEW_ROOT="/srv/a b") == "sqlite:////srv/a b/interview_data/interviews.sqlite"
    assert url_of(DATABASE_URL="sqlite:////srv/x.sqlite") == "sqlite:////srv/x.sqlite"
    assert url_of(DATABASE_URL=f"postgresql://u:{PASSWORD}@db/i") == f"postgresql+psycopg://u:{PASSWORD}@db/i"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        (f"postgresql://u:{PASSWORD}@db:port/i", "DATABASE_URL cannot be read"),
        (PASSWORD, "DATABASE_URL cannot be read"),
        (f"mysql://u:{PASSWORD}@db/i", "DATABASE_URL begins with 'mysql'; it can with 'postgresql' or 'sqlite'"),
        ("sqlite://", "DATABASE_URL names no file"),
        ("sqlite:///:memory:", "DATABASE_URL names no file"),
    ],
)
def test_a_url_of_another_kind_is_refused_without_showing_it(url: str, sentence: str) -> None:
    """It has a password in it."""
    with pytest.raises(ConfigurationError, match=sentence) as refused:
        url_of(DATABASE_URL=url)
    assert PASSWORD not in str(refused.value)


def test_tables_are_as_the_migrations_make_them(database: Engine) -> None:
    """A column that only one of the two has would be found by a user."""
    with reading(database) as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, METADATA) == []


def test_revisions_follow_each_other() -> None:
    """One that is not after the one before it in the list would never be made, or made twice."""
    assert [module.down_revision for module in REVISIONS] == [None, *(module.revision for module in REVISIONS[:-1])]


def test_migrating_twice_changes_nothing(database: Engine) -> None:
    """What is in the tables stays."""
    with writing(database) as connection:
        connection.execute(insert(WORKER_BEATS).values(BEAT))
    migrate(database)
    with reading(database) as connection:
        assert connection.scalars(select(WORKER_BEATS.c.name)).all() == [BEAT["name"]]


def test_of_processes_that_migrate_at_once_one_does_it(new_database: Callable[[], str]) -> None:
    """The others wait for it, and all end well."""
    url = new_database()
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SERVER)}
    command = [sys.executable, "-c", MIGRATOR, url]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    processes = [subprocess.Popen(command, env=environment, text=True, **pipes) for _ in range(4)]  # type: ignore[call-overload]  # noqa: S603
    for process in processes:
        assert process.stdout.readline() == "started\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    ends = [(process.communicate(timeout=60)[1], process.returncode) for process in processes]
    assert ends == [("", 0)] * len(processes)
    engine = engine_of(url)
    assert set(inspect(engine).get_table_names()) == {*METADATA.tables, "alembic_version"}
    engine.dispose()


def test_tables_are_made_by_a_command(new_database: Callable[[], str], capsys: pytest.CaptureFixture[str]) -> None:
    """For who does not let services do it; what is wrong is told in a sentence."""
    url = new_database()
    assert main(["--migrate"], StartupTimeline(), {"MODELS_MANIFEST": "/none", "DATABASE_URL": url}) == 0
    engine = engine_of(url)
    assert set(inspect(engine).get_table_names()) == {*METADATA.tables, "alembic_version"}
    engine.dispose()
    assert main(["--migrate"], StartupTimeline(), {"MODELS_MANIFEST": "/none", "DATABASE_URL": "mysql://db"}) == 2
    assert capsys.readouterr().err.startswith("coldstart: DATABASE_URL begins with 'mysql'")


def test_a_database_that_is_newer_than_the_code_is_left_alone(database: Engine) -> None:
    """Older code would write what newer code cannot read."""
    with writing(database) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match="tables of revision '9999'"):
        migrate(database)


def test_a_migration_that_fails_leaves_nothing(
    new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next start finds the tables as they were, not half of the new ones."""
    engine = engine_of(new_database())
    broken = ModuleType("broken")
    broken.__dict__.update(
        revision="0002", down_revision="0001", upgrade=lambda op: op.execute("SELECT no_such_column")
    )
    monkeypatch.setattr(database_module, "REVISIONS", (*REVISIONS, broken))
    with pytest.raises(ConfigurationError, match="no_such_column"):
        when_reachable(engine.url, partial(migrate, engine), patience_s=math.inf)
    assert inspect(engine).get_table_names() == []
    engine.dispose()


def test_what_cannot_be_reached_is_named_without_its_password() -> None:
    """A person reads the sentence in a log."""
    engine = engine_of(f"postgresql://someone:{PASSWORD}@127.0.0.1:1/interviews")
    with pytest.raises(
        ConfigurationError, match=r"Postgres database 'interviews' at 127.0.0.1:1 cannot be used"
    ) as told:
        when_reachable(engine.url, partial(migrate, engine), patience_s=0.0)
    assert PASSWORD not in str(told.value)
    assert "someone" not in str(told.value)
    engine.dispose()


def test_a_start_waits_for_its_database(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes a little later than the service, and the service begins."""
    monkeypatch.setattr(database_module, "_AWAITED_EVERY_S", 0.0)
    settings = load_settings({"DATABASE_URL": postgres.new_database(), "MODELS_MANIFEST": "none"})
    postgres.kill()
    with pytest.raises(ConfigurationError, match="cannot be used now: connection"):
        migrate_database(settings)
    starting = threading.Thread(target=postgres.start)

    def start_once_awaited(*_: object) -> None:
        if starting.ident is None:
            starting.start()

    monkeypatch.setattr(time, "sleep", start_once_awaited)
    migrate_database(settings, patience_s=60.0)
    starting.join()
    engine = engine_of(database_url_of(settings))
    assert {"interviews", "reports"} <= set(inspect(engine).get_table_names())
    engine.dispose()


def test_a_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """Its directory is not there, and no waiting would make it."""
    engine = engine_of(f"sqlite:///{tmp_path}/none/x.sqlite")
    with pytest.raises(ConfigurationError, match=r"none/x.sqlite cannot be used now: unable to open database file"):
        when_reachable(engine.url, partial(migrate, engine), patience_s=math.inf)
    engine.dispose()


def test_a_file_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    """It is somebody's."""
    (tmp_path / "x.sqlite").write_text("a letter" * 1000)
    engine = engine_of(f"sqlite:///{tmp_path}/x.sqlite")
    with pytest.raises(ConfigurationError, match="file is not a database"):
        migrate(engine)
    engine.dispose()
    assert (tmp_path / "x.sqlite").read_text() == "a letter" * 1000


def test_a_writer_that_waits_too_long_may_come_again(tmp_path: Path) -> None:
    """Another process holds the file."""
    engine = engine_of(f"sqlite:///{tmp_path}/x.sqlite")
    migrate(engine)
    engine.dispose()
    event.listen(engine, "connect", lambda connection, _record: connection.execute("PRAGMA busy_timeout = 10"))
    other = sqlite3.connect(tmp_path / "x.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with capture_logs() as logs, pytest.raises(Unavailable, match=r"the database cannot be used now$"), writing(engine):
        pass
    assert [(log["event"], log["reason"]) for log in logs] == [("database_fails", "database is locked")]
    with reading(engine) as connection:
        assert connection.scalar(select(WORKER_BEATS.c.name)) is None
    other.close()
    engine.dispose()


def test_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    """Whoever wanted something kept is told to come back, and the database stays whole."""
    engine = engine_of(f"sqlite:///{tmp_path}/x.sqlite")
    migrate(engine)
    engine.dispose()
    event.listen(engine, "connect", lambda connection, _record: connection.execute("PRAGMA max_page_count = 20"))
    with pytest.raises(StorageFull, match=r"the database has no room left on its disk$"), writing(engine) as connection:
        connection.execute(insert(WORKER_BEATS).values({**BEAT, "state": "x" * 1_000_000}))
    with reading(engine) as connection:
        assert connection.scalar(text("PRAGMA integrity_check")) == "ok"
        assert connection.scalar(select(WORKER_BEATS.c.name)) is None
    engine.dispose()


def test_a_service_need_not_own_its_tables(postgres: PostgresServer) -> None:
    """Whoever does has made them before; without that the start ends with a sentence."""
    url = postgres.new_database()
    service = url.replace(f"//{ROLE}@", "//service@")
    owner, engine = engine_of(url), engine_of(service)
    with writing(owner) as connection:
        connection.execute(text("CREATE ROLE service LOGIN"))
    with pytest.raises(ConfigurationError, match="cannot be brought up to date: permission denied for schema public"):
        migrate(engine)
    with pytest.raises(ConfigurationError, match=r"cannot be brought up to date: permission denied for database \w+$"):
        migrate_jobs(service)
    migrate(owner)
    with writing(owner) as connection:
        connection.execute(text("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO service"))
    migrate(engine)
    with writing(engine) as connection:
        connection.execute(insert(WORKER_BEATS).values(BEAT))
    owner.dispose()
    engine.dispose()


def test_a_server_that_was_killed_is_found_again(postgres: PostgresServer) -> None:
    """Meanwhile callers are told to come back; what was committed before is there after."""
    engine = engine_of(postgres.new_database())
    migrate(engine)
    with writing(engine) as connection:
        connection.execute(insert(WORKER_BEATS).values(BEAT))
    postgres.kill()
    with pytest.raises(Unavailable, match=r"the database cannot be used now$"), reading(engine):
        pass
    postgres.start()
    with reading(engine) as connection:
        assert connection.scalars(select(WORKER_BEATS.c.name)).all() == [BEAT["name"]]
    engine.dispose()


def test_a_server_that_is_killed_within_a_transaction_is_told_as_such(postgres: PostgresServer) -> None:
    """Nothing of it is kept."""
    engine = engine_of(postgres.new_database())
    migrate(engine)

    def write_and_lose_it() -> None:
        with writing(engine) as connection:
            connection.execute(insert(WORKER_BEATS).values(BEAT))
            postgres.kill()
            connection.execute(select(WORKER_BEATS))

    with pytest.raises(Unavailable, match="cannot be used now"):
        write_and_lose_it()
    postgres.start()
    with reading(engine) as connection:
        assert connection.scalar(select(WORKER_BEATS.c.name)) is None
    engine.dispose()


def test_an_error_tells_no_text(database: Engine) -> None:
    """It goes into the log, and what a candidate said must not."""
    twice = insert(WORKER_BEATS).values([{**BEAT, "state": "what was said"}] * 2)
    with pytest.raises(exc.IntegrityError) as met, writing(database) as connection:
        connection.execute(twice)
    assert "what was said" not in str(met.value)
