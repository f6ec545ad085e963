"""The directories of interviews: what is said when they are full, or cannot be written."""

import errno
import os
import resource
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.kept_sounds import ID, files_below, keep

from coldstart.domain.errors import ConfigurationError, StorageFull
from coldstart.storage.answer_files import AnswerFiles


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "kept"


@pytest.fixture
def files(root: Path) -> AnswerFiles:
    return AnswerFiles(root, min_free_bytes=0)


@contextmanager
def as_ordinary_user() -> Iterator[None]:
    """Root may write anywhere, so where tests run as root these are somebody else."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_root() -> Iterator[Path]:
    """A directory that every user may enter, which those of pytest are not."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory)
        path.chmod(0o755)
        yield path


def test_too_little_free_space_is_told_in_bytes(root: Path) -> None:
    """Met and wanted, before anything is received."""
    wanted = 1 << 60
    files = AnswerFiles(root, min_free_bytes=wanted)
    with pytest.raises(
        StorageFull, match=rf"\d+ bytes are free for \w+, and {wanted + 5} are wanted: 5 for this"
    ) as full:
        files.check_space(5)
    assert full.value.retry_after_s == 60
    with pytest.raises(StorageFull), files.receiving(ID):
        pytest.fail("there is no room")
    AnswerFiles(root, min_free_bytes=0).check_space(1)


def test_space_is_looked_at_while_a_sound_comes_in(
    files: AnswerFiles, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others fill the disk, too: a long sound is refused once it is nearly full."""
    piece = bytes(512 * 1024)

    def receive() -> None:
        with files.receiving(ID) as receiving:
            receiving.write(piece)
            monkeypatch.setattr(os, "fstatvfs", lambda _: os.statvfs_result((4096, 4096, 9, 9, 0, 9, 9, 9, 0, 255)))
            for _ in range(3):
                receiving.write(piece)

    with pytest.raises(StorageFull, match=r"^0 bytes are free"):
        receive()
    assert files_below(root) == []


def full_at_write(monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write

    def into_little_room(descriptor: int, data: memoryview) -> int:
        if os.fstat(descriptor).st_size >= 4096:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data[:4096])

    monkeypatch.setattr(os, "write", into_little_room)


def full_at(name: str) -> Callable[[pytest.MonkeyPatch], None]:
    def arrange(monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, name, refuse)

    return arrange


@pytest.mark.parametrize(
    "arrange",
    [full_at_write, full_at("fsync"), full_at("mkdir"), full_at("rename")],
    ids=["write", "fsync", "mkdir", "rename"],
)
def test_a_disk_that_fills_up_leaves_nothing_behind(
    files: AnswerFiles, root: Path, monkeypatch: pytest.MonkeyPatch, arrange: Callable[[pytest.MonkeyPatch], None]
) -> None:
    """Wherever the system says so first, the caller hears StorageFull and the part that was written is gone."""
    with monkeypatch.context() as patched:
        arrange(patched)
        with pytest.raises(StorageFull, match=r"No space left on device.*bytes are free"):
            keep(files)
    assert files_below(root) == []
    keep(files)


def test_a_file_that_may_not_grow_is_a_full_disk(files: AnswerFiles, root: Path) -> None:
    """The system's real refusal, in the midst of a file: a limit on the size of this process's files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, hard))
    try:
        with pytest.raises(StorageFull, match="File too large"):
            keep(files, bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files_below(root) == []


def test_directories_that_can_be_written_are_fine(files: AnswerFiles, root: Path) -> None:
    """The five are there, and the check leaves nothing in them."""
    files.check_writable()
    assert sorted(path.name for path in root.iterdir()) == [
        "interview_data",
        "logs",
        "transcriptions",
        "uploads",
        "user_uploads",
    ]
    assert files_below(root) == []


def test_a_missing_parent_is_told(tmp_path: Path) -> None:
    """With both directories and the remedy."""
    with pytest.raises(ConfigurationError, match=r"no/kept cannot be made, for there is no directory .*/no: make it"):
        AnswerFiles(tmp_path / "no" / "kept", min_free_bytes=0)


def test_a_file_in_the_place_of_the_root_is_told(root: Path) -> None:
    """It is not written to."""
    root.write_text("mine")
    with pytest.raises(ConfigurationError, match="kept is no directory of its own, but a link or a file: remove it"):
        AnswerFiles(root, min_free_bytes=0)
    assert root.read_text() == "mine"


def test_a_root_of_somebody_else_is_told_with_the_remedy(open_root: Path) -> None:
    """The user met, the owner met, and the command for a volume's owner."""
    open_root.chmod(0o555)
    with as_ordinary_user():
        user, group = os.geteuid(), os.getegid()
        with pytest.raises(ConfigurationError) as refused:
            AnswerFiles(open_root / "kept", min_free_bytes=0)
    assert str(refused.value) == (
        f"user {user} may not write to {open_root}, which belongs to user {open_root.stat().st_uid} and has mode 0555: "
        f"give it to the service by `chown -R {user}:{group} {open_root}`"
    )


def test_a_volume_that_cannot_be_written_is_told(open_root: Path) -> None:
    """One of the five is enough, and the sentence names it."""
    files = AnswerFiles(open_root, min_free_bytes=0)
    for path in open_root.iterdir():
        path.chmod(0o777)
    (open_root / "transcriptions").chmod(0o555)
    met = r"may not write to .*/transcriptions, which belongs to user \d+ and has mode 0555"
    with as_ordinary_user(), pytest.raises(ConfigurationError, match=met):
        files.check_writable()
