"""The directories in which interviews are kept, each of which may be a volume of its own."""

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from coldstart.domain.errors import ConfigurationError, StorageFull
from coldstart.storage import confined

LOGS, UPLOADS, DATABASE = "logs", "uploads", "interview_data"
SOUNDS, TRANSCRIPTS = "user_uploads", "transcriptions"
_DIRECTORIES = (LOGS, UPLOADS, DATABASE, SOUNDS, TRANSCRIPTS)
# One that is full of logs keeps nobody from answering.
_NEEDED = (UPLOADS, DATABASE, SOUNDS, TRANSCRIPTS)
# EFBIG: a limit of the process, which it may meet before the disk is full.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_RETRY_AFTER_S = 60


class InterviewVolumes:
    """The directories below one root. Blocking; safe for threads.

    Args:
        root: made when its parent is there, and so are the directories in it.
        min_free_bytes: free bytes below which nothing new is kept.

    Raises:
        ConfigurationError: they cannot be made; the sentence names the directory and the remedy.
    """

    def __init__(self, root: Path, *, min_free_bytes: int) -> None:
        self._root = root
        self._min_free_bytes = min_free_bytes
        try:
            with contextlib.suppress(FileExistsError):
                root.mkdir(0o700)
            with confined.opened(root) as descriptor:
                for name in _DIRECTORIES:
                    confined.make_directory(descriptor, name)
        except OSError as error:
            raise ConfigurationError(_complaint(root, error)) from None

    @contextlib.contextmanager
    def directory(self, name: str) -> Iterator[int]:
        """A descriptor of one of the directories, for the length of the body.

        Raises:
            OSError: it is not there, or a link, or no directory.
        """
        with confined.opened(self._root) as root, confined.child_of(root, name) as descriptor:
            yield descriptor

    def check_writable(self) -> None:
        """Make a file in every directory, and remove it again.

        Raises:
            ConfigurationError: one cannot be written; the sentence names it, its owner and the remedy.
        """
        probe = f".writable-{secrets.token_hex(8)}"
        for name in _DIRECTORIES:
            try:
                with self.directory(name) as directory:
                    os.close(confined.create(directory, probe))
                    confined.remove(directory, probe)
            except OSError as error:
                raise ConfigurationError(_complaint(self._root / name, error)) from None

    def check_space(self, size_bytes: int = 0) -> None:
        """See whether there is room.

        Args:
            size_bytes: of what is to come, as far as it is known.

        Raises:
            StorageFull: there is not, with the free bytes met and wanted.
        """
        name, free_bytes = self.least_free()
        if free_bytes < self._min_free_bytes + size_bytes:
            raise StorageFull(
                f"{free_bytes} bytes are free for {name}, and {self._min_free_bytes + size_bytes} are wanted: "
                f"{size_bytes} for this, and {self._min_free_bytes} that stay free",
                retry_after_s=_RETRY_AFTER_S,
            )

    @contextlib.contextmanager
    def full_disk_told(self) -> Iterator[None]:
        """Turns the system's word for a full disk, whatever it is, into StorageFull."""
        try:
            yield
        except OSError as error:
            if error.errno not in _FULL:
                raise
            name, free_bytes = self.least_free()
            raise StorageFull(
                f"the disk takes no more ({error.strerror}): {free_bytes} bytes are free for {name}, and "
                f"{self._min_free_bytes} are to stay free",
                retry_after_s=_RETRY_AFTER_S,
            ) from None

    def least_free(self) -> tuple[str, int]:
        """The directory whose disk has the least room, and the bytes that this user may still write there."""
        free = {}
        for name in _NEEDED:
            with self.directory(name) as descriptor:
                disk = os.fstatvfs(descriptor)
                free[name] = disk.f_bavail * disk.f_frsize
        return min(free.items(), key=lambda item: item[1])


def _complaint(path: Path, error: OSError) -> str:
    """What is wrong with a directory that was to be made, opened or written, and the remedy."""
    if error.errno in (errno.EACCES, errno.EPERM):
        # Not Path.is_dir, which raises where a directory on the way may not be entered.
        return _complaint_of_permission(next(p for p in (path, *path.parents) if os.path.isdir(p)))  # noqa: PTH112
    if not path.parent.is_dir():
        return f"{path} cannot be made, for there is no directory {path.parent}: make it, or mount a volume there"
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        return f"{path} is no directory of its own, but a link or a file: remove it, or mount a volume there"
    if error.errno == errno.EROFS:
        return f"{path} is on a file system that is read-only: mount a volume there that can be written"
    return f"{path} cannot be written: {error.strerror}"


def _complaint_of_permission(directory: Path) -> str:
    user, group = os.geteuid(), os.getegid()
    found = directory.stat()
    return (
        f"user {user} may not write to {directory}, which belongs to user {found.st_uid} and has mode "
        f"{found.st_mode & 0o7777:04o}: give it to the service by `chown -R {user}:{group} {directory}`"
    )
