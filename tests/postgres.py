"""A real Postgres of a test's own: no network, no rights, and gone afterwards."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO

import psycopg

ABSENT = "no Postgres here: Debian's package postgresql has it, and `./nixw run .#test` installs it"
_DEADLINE_S = 60.0
# Postgres refuses to be run by root.
_USER = "nobody"
ROLE = "tester"
# Whoever kills the server leaves what it wrote in the kernel's hands; only a loss of power would lose it.
_OPTIONS = ("fsync=off", "listen_addresses=", "max_connections=60", "shared_buffers=16MB", "timezone=Asia/Kathmandu")


def postgres_programs() -> Path | None:
    """The directory of the newest Postgres's programs, as Debian lays them out."""
    versions = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(versions, key=lambda path: int(path.parent.name), default=None)


class PostgresServer:
    """A server on a socket of its own, with no database in it but what is asked for; one that runs from the start."""

    def __init__(self, programs: Path, directory: Path) -> None:
        self._programs = programs
        self._directory = directory
        self._numbers = count()
        self._user = _USER if os.geteuid() == 0 else None
        if self._user:
            shutil.chown(directory, self._user)
        self._run("initdb", "--no-sync", "--auth=trust", f"--username={ROLE}", "--encoding=UTF8", "--locale=C")
        self.start()

    def start(self) -> None:
        """Start it, also after it was killed; returns when it answers."""
        options = [argument for option in _OPTIONS for argument in ("-c", option)]
        command = [str(self._programs / "postgres"), "-k", str(self._directory), *options]
        end = time.monotonic() + _DEADLINE_S
        with (self._directory / "log").open("ab") as log:
            process = self._popen(command, log)
            while not self._answers():
                assert time.monotonic() < end, (self._directory / "log").read_text()
                if process.poll() is not None:
                    # What a killed server left holds its memory for a moment.
                    process = self._popen(command, log)
                time.sleep(0.02)
        self._process = process

    def kill(self) -> None:
        """As `kill -9` does it."""
        self._process.kill()
        self._process.wait(_DEADLINE_S)

    def stop(self) -> None:
        """End it, whoever is connected."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(_DEADLINE_S)

    def new_database(self) -> str:
        """The URL of an empty database."""
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self._connection_string("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql://{ROLE}@/{name}?host={self._directory}"

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._connection_string("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _connection_string(self, database: str) -> str:
        return f"host={self._directory} user={ROLE} dbname={database}"

    def _popen(self, command: list[str], log: IO[bytes]) -> "subprocess.Popen[bytes]":
        environment = {"PGDATA": str(self._directory / "data"), "LC_ALL": "C", "PATH": os.defpath}
        return subprocess.Popen(  # noqa: S603
            command, stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=self._directory, user=self._user
        )

    def _run(self, program: str, *arguments: str) -> None:
        with (self._directory / "log").open("ab") as log:
            status = self._popen([str(self._programs / program), *arguments], log).wait(_DEADLINE_S)
        assert status == 0, (self._directory / "log").read_text()


@contextmanager
def running_postgres(programs: Path) -> Iterator[PostgresServer]:
    """A server that is stopped, and its files removed, at the end."""
    # Not in pytest's own directories: only their owner gets into them, and a socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="postgres-") as directory:
        server = PostgresServer(programs, Path(directory))
        try:
            yield server
        finally:
            server.stop()
