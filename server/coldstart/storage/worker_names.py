"""Names of workers, each held by one living process: the kernel frees a name when its process ends, however it ends."""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from coldstart.domain.errors import ConfigurationError

_NAME = re.compile(r"worker-\d{1,4}")
_MOST_WORKERS = 1000


class WorkerNames:
    """Hands names out, and tells which are held. A name is a lock on a file, so no clock decides who is alive.

    Args:
        directory: shared by all workers; made where need be.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._held: list[int] = []
        directory.mkdir(parents=True, exist_ok=True)

    def take(self) -> str:
        """The first name that no living process holds; held by this one until it ends.

        Raises:
            ConfigurationError: the directory cannot be written, or all names are taken.
        """
        for number in range(_MOST_WORKERS):
            name = f"worker-{number}"
            try:
                lock = self._locked(name)
            except OSError as error:
                raise ConfigurationError(
                    f"{self._directory / name} cannot be made for the worker's name: {error.strerror}"
                ) from None
            if lock is not None:
                self._held.append(lock)
                return name
        raise ConfigurationError(f"{_MOST_WORKERS} workers run already, by the locks in {self._directory}")

    @contextmanager
    def kept_free(self, name: str) -> Iterator[bool]:
        """Whether no living process holds the name; if so none can take it until the body ends."""
        lock = self._locked(name) if _NAME.fullmatch(name) else None
        try:
            yield lock is not None
        finally:
            if lock is not None:
                os.close(lock)

    def _locked(self, name: str) -> int | None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self._directory / f"{name}.lock", flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor
