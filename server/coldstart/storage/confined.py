"""Files below a directory, reached so that no name and no link leads out of it.

A path is looked up anew at each use, and whoever may write to a volume may put a link into it between two uses. So
everything here goes from one open directory to the next, one name at a time, and follows no symbolic link.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# O_NONBLOCK: opening a pipe that somebody put there would wait for a writer.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_COPIED_BYTES = 1024 * 1024
# A directory that others put files into while it is removed is emptied again, so often.
_REMOVAL_ROUNDS = 5


@contextlib.contextmanager
def opened(path: Path) -> Iterator[int]:
    """A directory that the operator named; links on the way to it are the operator's own.

    Raises:
        OSError: it is not there, or no directory.
    """
    with _closing(os.open(path, _DIRECTORY)) as descriptor:
        yield descriptor


@contextlib.contextmanager
def child_of(parent: int, name: str) -> Iterator[int]:
    """A directory within an open one.

    Raises:
        FileNotFoundError: it is not there.
        OSError: it is a symbolic link, or no directory.
    """
    with _closing(os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)) as descriptor:
        yield descriptor


def make_directory(parent: int, name: str) -> None:
    """Have a directory there that only this user can enter, for good; one that is there stays as it is."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=parent)
    # Who made it may have been killed before this, or be about to do it.
    os.fsync(parent)


def create(parent: int, name: str) -> int:
    """A new file's descriptor, to be written by this user alone.

    Raises:
        FileExistsError: there is something of that name, be it a link to nowhere.
    """
    return os.open(name, _CREATE, 0o600, dir_fd=parent)


def entries(directory: int) -> list[tuple[str, os.stat_result]]:
    """The names in a directory, each with what it is, be it a link; but for those that go meanwhile."""
    found = []
    with os.scandir(directory) as names:
        for entry in names:
            with contextlib.suppress(FileNotFoundError):
                found.append((entry.name, entry.stat(follow_symlinks=False)))
    return found


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write every byte: the system may take fewer at a time, and does so when a disk is nearly full."""
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def read_file(parent: int, name: str) -> bytes:
    """A file's bytes.

    Raises:
        FileNotFoundError: it is not there.
        OSError: it is a symbolic link, or no file.
    """
    with _closing(os.open(name, _READ, dir_fd=parent)) as descriptor:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "no regular file", name)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read()


def move(source: int, source_name: str, target: int, name: str) -> None:
    """Put a file that is on the disk into its place, whole or not at all, for good; what had the name is replaced.

    Two volumes cannot share a file: between them it is copied under another name first.
    """
    try:
        os.rename(source_name, name, src_dir_fd=source, dst_dir_fd=target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy(source, source_name, target, name)
        os.unlink(source_name, dir_fd=source)
    os.fsync(target)


def remove(parent: int, name: str) -> None:
    """Remove a file, a link, or a directory with all that is in it; links are removed, not followed.

    Whatever is gone already, or goes meanwhile, is none of its business.
    """
    for _ in range(_REMOVAL_ROUNDS):
        try:
            _remove_once(parent, name)
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
        else:
            return
    raise OSError(errno.ENOTEMPTY, f"still not empty after {_REMOVAL_ROUNDS} rounds", name)


def _remove_once(parent: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=parent)
    except IsADirectoryError:
        with child_of(parent, name) as directory:
            for entry, _ in entries(directory):
                remove(directory, entry)
        os.rmdir(name, dir_fd=parent)


def _copy(source: int, source_name: str, target: int, name: str) -> None:
    partial = f".{source_name}"
    with (
        _closing(os.open(source_name, _READ, dir_fd=source)) as origin,
        _closing(create(target, partial)) as copied,
    ):
        try:
            while piece := os.read(origin, _COPIED_BYTES):
                write_all(copied, piece)
            os.fsync(copied)
            os.rename(partial, name, src_dir_fd=target, dst_dir_fd=target)
        except BaseException:
            remove(target, partial)
            raise


@contextlib.contextmanager
def _closing(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)
