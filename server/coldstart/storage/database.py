"""The database of the interviews: an SQLite file, or Postgres. All of this blocks; engines may be shared by threads."""

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar, cast

import structlog
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import Script
from alembic.script.revision import RevisionMap
from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url, text

from coldstart.domain.errors import ConfigurationError, Overloaded, StorageFull, Unavailable
from coldstart.runtime.settings import Settings
from coldstart.storage.migrations import REVISIONS

ResultT = TypeVar("ResultT")

_POSTGRES = "postgresql"
_WRITES = "coldstart_writes"
# Of one process. A thread of the API has one for the moment of a transaction.
_CONNECTIONS = 8
_MORE_CONNECTIONS = 8
_WAIT_S = 10
_RETRY_S = 5
# At a start.
_AWAITED_EVERY_S = 2.0
# Any numbers, as long as nothing else in the database locks by them.
MIGRATING = 0x636F6C6401
CREATING = 0x636F6C6402
_SQLITE_PASSING = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL)
_SQLITE_PRAGMAS = (
    f"busy_timeout = {_WAIT_S * 1000}",
    # Readers and the one writer do not wait for each other, also of two processes.
    "journal_mode = WAL",
    # What was accepted outlives a loss of power, too.
    "synchronous = FULL",
    "foreign_keys = ON",
    # What was deleted is overwritten, not only forgotten.
    "secure_delete = ON",
)
_POSTGRES_DEFAULTS = {
    "connect_timeout": "5",
    "tcp_user_timeout": "15000",
    # A statement that hangs, or waits for one that does, must not hold a thread for ever.
    "options": f"-c lock_timeout={_WAIT_S}s -c statement_timeout=30s -c idle_in_transaction_session_timeout=60s",
}


def database_url_of(settings: Settings) -> str:
    """Where the database is, as SQLAlchemy writes it, with its password.

    Raises:
        ConfigurationError: it is neither a file of SQLite nor Postgres; the URL is not shown.
    """
    if settings.database_url is not None:
        return _checked(settings.database_url.get_secret_value()).render_as_string(hide_password=False)
    path = settings.interview_root.absolute() / "interview_data" / "interviews.sqlite"
    return URL.create("sqlite", database=str(path)).render_as_string()


def engine_of(url: str) -> Engine:
    """Connections to a database, made when they are needed.

    Raises:
        ConfigurationError: as `database_url_of`.
    """
    checked = _checked(url)
    pool = {"pool_size": _CONNECTIONS, "max_overflow": _MORE_CONNECTIONS, "pool_timeout": _WAIT_S}
    # An error's message would have the texts of answers in it.
    if checked.get_backend_name() == _POSTGRES:
        defaults = {name: value for name, value in _POSTGRES_DEFAULTS.items() if name not in checked.query}
        return create_engine(checked, hide_parameters=True, pool_pre_ping=True, connect_args=defaults, **pool)
    engine = create_engine(checked, hide_parameters=True, **pool)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees everything as it is at one moment.

    Raises:
        Unavailable: the database cannot be reached now, or is too busy.
    """
    with _failures_told(engine.url), engine.connect() as connection:
        if engine.dialect.name == _POSTGRES:
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that changes something; in SQLite it is the only one at its time.

    Raises:
        StorageFull: the disk of the database is full.
        Unavailable: the database cannot be reached now, or is too busy. Whether the change was made is not known.
    """
    with _failures_told(engine.url), engine.execution_options(**{_WRITES: True}).begin() as connection:
        yield connection


def alone(connection: Connection, lock: int) -> None:
    """Wait until no other transaction holds this lock; it is held until the end of this one, which writes."""
    if connection.dialect.name == _POSTGRES:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})


def overwrite_deleted(engine: Engine) -> None:
    """Have what was deleted vanish from the files of SQLite, too, unless somebody reads what was before it."""
    if engine.dialect.name == _POSTGRES:
        return
    # The deletion is done; where this cannot be, the next one does it for both.
    with suppress(sqlite3.OperationalError, exc.OperationalError, exc.TimeoutError):
        connection = engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
        finally:
            connection.close()


def migrate(engine: Engine) -> None:
    """Bring the tables to what this code wants; of several processes at once, one does it and the others wait.

    Raises:
        ConfigurationError: the database may not be changed, or is newer than this code. The sentence has no password
            in it.
        Unavailable: it cannot be reached now, or is too busy.
    """
    with migrating(engine.url), writing(engine) as connection:
        if engine.dialect.name == _POSTGRES:
            connection.execute(text("SET LOCAL lock_timeout = '60s'"))
            connection.execute(text("SET LOCAL statement_timeout = 0"))
        alone(connection, MIGRATING)
        context = MigrationContext.configure(connection, opts={"fn": _steps})
        context.run_migrations(op=Operations(context))


@contextmanager
def migrating(url: URL) -> Iterator[None]:
    """What the driver raises meanwhile becomes what `migrate` raises."""
    try:
        with _failures_told(url):
            yield
    except exc.DBAPIError as error:
        raise ConfigurationError(f"{_place_of(url)} cannot be brought up to date: {_reason(error)}") from error


def when_reachable(url: URL, action: Callable[[], ResultT], *, patience_s: float) -> ResultT:
    """What comes of `action`, which is done again and again while the database is away, for it may be starting.

    Args:
        url: of the database.
        action: what a start does with it; changes nothing when it is done twice.
        patience_s: for which it is tried; infinite where nobody would start this process again.

    Raises:
        ConfigurationError: it was away all the while, or no waiting helps.
    """
    end = time.monotonic() + patience_s
    while True:
        try:
            return action()
        except Unavailable as error:
            if time.monotonic() >= end or _is_in_vain(error):
                raise ConfigurationError(_told_in_full(url, error)) from error
        structlog.get_logger("coldstart.database").warning("database_awaited", retry_s=_AWAITED_EVERY_S)
        time.sleep(_AWAITED_EVERY_S)


def _steps(heads: tuple[str, ...], _context: MigrationContext) -> Iterable[RevisionStep]:
    known: list[str] = [module.revision for module in REVISIONS]
    if unknown := [head for head in heads if head not in known]:
        raise ConfigurationError(
            f"the database has tables of revision {unknown[0]!r}, and this version of the service knows those up "
            f"to {known[-1]!r}: start the version that made them, or restore a backup"
        )
    revisions = RevisionMap(lambda: [Script(module, module.revision, module.__name__) for module in REVISIONS])
    missing = revisions.iterate_revisions("heads", heads, implicit_base=True)
    return [RevisionStep(revisions, cast(Script, script), is_upgrade=True) for script in missing][::-1]


def _checked(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (exc.ArgumentError, ValueError):
        raise ConfigurationError(
            "DATABASE_URL cannot be read; it is to be like postgresql://USER:PASSWORD@HOST/NAME or sqlite:////PATH"
        ) from None
    match parsed.get_backend_name():
        case "postgresql":
            return parsed.set(drivername="postgresql+psycopg")
        case "sqlite" if parsed.database and parsed.database != ":memory:" and parsed.query.get("mode") != "memory":
            return parsed.set(drivername="sqlite")
        case "sqlite":
            raise ConfigurationError("DATABASE_URL names no file; the worker would have another database than the API")
        case other:
            raise ConfigurationError(f"DATABASE_URL begins with {other!r}; it can with 'postgresql' or 'sqlite'")


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver's own way of beginning transactions leaves out those that make tables.
    connection.isolation_level = None
    for pragma in _SQLITE_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # One that reads first and writes later would fail where another has written in between.
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _failures_told(url: URL) -> Iterator[None]:
    try:
        yield
    except exc.TimeoutError as error:
        wanted = _CONNECTIONS + _MORE_CONNECTIONS
        raise Overloaded(
            f"all {wanted} connections to the database have been in use for {_WAIT_S} s", retry_after_s=_RETRY_S
        ) from error
    except (exc.OperationalError, exc.InterfaceError) as error:
        # Callers are told no more: any of them may read it, and which database it is is none of their business.
        structlog.get_logger("coldstart.database").warning(
            "database_fails", database=_place_of(url), reason=_reason(error)
        )
        if _is_disk_full(error):
            raise StorageFull("the database has no room left on its disk", retry_after_s=_RETRY_S) from error
        raise Unavailable("the database cannot be used now", retry_after_s=_RETRY_S) from error


def _told_in_full(url: URL, error: Unavailable) -> str:
    """The same for who runs the service: which database it is, without its password, and what the driver says."""
    cause = error.__cause__
    return f"{_place_of(url)} cannot be used now: {_reason(cause)}" if isinstance(cause, exc.DBAPIError) else str(error)


def _is_in_vain(error: Unavailable) -> bool:
    """A file of SQLite is not away: where nobody else is at it, it cannot be used as it is."""
    driver = getattr(error.__cause__, "orig", None)
    return isinstance(driver, sqlite3.Error) and driver.sqlite_errorcode & 0xFF not in _SQLITE_PASSING


def _place_of(url: URL) -> str:
    """The database in words, without the user and the password."""
    if url.get_backend_name() == _POSTGRES:
        host = url.host or url.query.get("host") or "this machine"
        return f"the Postgres database {url.database!r} at {host}" + (f":{url.port}" if url.port else "")
    return f"the SQLite database {url.database}"


def _is_disk_full(error: exc.DBAPIError) -> bool:
    """Source: appendix A of Postgres's manual, 53100 disk_full; SQLite's result code 13."""
    if isinstance(error.orig, sqlite3.Error):
        return error.orig.sqlite_errorcode == sqlite3.SQLITE_FULL
    return getattr(error.orig, "sqlstate", None) == "53100"


def _reason(error: exc.DBAPIError) -> str:
    """The driver's first line: the ones after it repeat it for another address, or show what was asked."""
    return (str(error.orig).splitlines() or ["no reason given"])[0]
