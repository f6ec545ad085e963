"""Sounds of answers on a disk: received, kept, read and deleted."""

import errno
import hashlib
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.kept_sounds import ID, OTHER_ID, SOUND, files_below, keep

from coldstart.domain.errors import InvalidInput, NotFound
from coldstart.domain.interview import SoundFile
from coldstart.storage.answer_files import AnswerFiles


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "kept"


@pytest.fixture
def files(root: Path) -> AnswerFiles:
    return AnswerFiles(root, min_free_bytes=0)


def aged(path: Path, seconds: float) -> None:
    found = path.stat()
    os.utime(path, (found.st_atime - seconds, found.st_mtime - seconds))


def test_a_kept_sound_is_read_as_it_came(files: AnswerFiles) -> None:
    """With its hash, size and media type, under a name made of question and content."""
    kept = keep(files)
    sha256 = hashlib.sha256(SOUND).hexdigest()
    assert kept == SoundFile(f"001-{sha256}.wav", sha256, len(SOUND), "audio/wav")
    assert files.read(ID, kept.name) == SOUND


def test_the_first_bytes_tell_what_a_sound_is(files: AnswerFiles) -> None:
    """The first 4 KiB are at hand, in however small pieces they come."""
    with files.receiving(ID) as receiving:
        for start in range(0, len(SOUND), 1000):
            receiving.write(SOUND[start : start + 1000])
        assert receiving.head == SOUND[:4096]
        assert receiving.size_bytes == len(SOUND)


def test_only_the_service_can_read_what_is_kept(files: AnswerFiles, root: Path) -> None:
    """Directories are 0700 and files 0600, whatever the umask."""
    before = os.umask(0)
    try:
        keep(files)
        files.write_transcript(ID, 1, b"{}")
    finally:
        os.umask(before)
    made = [*(root / "user_uploads").rglob("*"), *(root / "transcriptions").rglob("*")]
    assert {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in made} == {(True, 0o700), (False, 0o600)}


def test_a_sound_that_is_not_kept_is_gone(files: AnswerFiles, root: Path) -> None:
    """However its receiving ends."""
    with files.receiving(ID) as receiving:
        receiving.write(SOUND)
        assert len(files_below(root)) == 1

    def break_off() -> None:
        with files.receiving(ID) as receiving:
            receiving.write(SOUND)
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        break_off()
    assert files_below(root) == []


def test_the_same_sound_again_changes_nothing(files: AnswerFiles, root: Path) -> None:
    """A repeat has the same name, and there is one file."""
    assert keep(files) == keep(files)
    assert len(files_below(root)) == 1


def test_another_sound_does_not_replace_the_first(files: AnswerFiles, root: Path) -> None:
    """Which of two is the answer, the database says; the other one can be discarded, twice too."""
    first, second = keep(files), keep(files, SOUND[::-1])
    files.discard(ID, second.name)
    files.discard(ID, second.name)
    assert files.read(ID, first.name) == SOUND
    assert files_below(root) == [f"user_uploads/{ID}/{first.name}"]


def test_a_kept_sound_is_on_the_disk_before_it_has_its_name(
    files: AnswerFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is synchronised, then renamed, then its directory is: a loss of power loses no accepted answer."""
    done: list[tuple[str, bool]] = []
    fsync, rename = os.fsync, os.rename

    def seen_fsync(descriptor: int) -> None:
        done.append(("fsync", stat.S_ISDIR(os.fstat(descriptor).st_mode)))
        fsync(descriptor)

    def seen_rename(source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        done.append(("rename", False))
        rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "fsync", seen_fsync)
    monkeypatch.setattr(os, "rename", seen_rename)
    keep(files)
    # The first directory is that of all sounds, in which the interview's own is; who made that does not matter.
    assert done == [("fsync", False), ("fsync", True), ("rename", False), ("fsync", True)]
    keep(files, number=2)
    assert done[4:] == done[:4]


def test_volumes_of_their_own_are_copied_between(
    files: AnswerFiles, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file can be renamed from one volume to another; it is whole in its place all the same."""
    rename = os.rename

    def between_volumes(source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        if not os.path.samestat(os.fstat(src_dir_fd), os.fstat(dst_dir_fd)):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "rename", between_volumes)
    with files.receiving(ID) as receiving:
        receiving.write(SOUND)
        kept = receiving.keep(1, "audio/wav", ".wav")
        assert files_below(root) == [f"user_uploads/{ID}/{kept.name}"]
    assert files.read(ID, kept.name) == SOUND


def test_a_transcript_is_replaced_by_the_next(files: AnswerFiles, root: Path) -> None:
    """One document an answer."""
    keep(files)
    files.write_transcript(ID, 2, b'{"text": "one"}')
    files.write_transcript(ID, 2, b'{"text": "two"}')
    assert [path for path in files_below(root) if path.startswith("trans")] == [f"transcriptions/{ID}/002.json"]
    assert (root / "transcriptions" / ID / "002.json").read_bytes() == b'{"text": "two"}'


@pytest.mark.parametrize("number", [0, -1, 1000])
def test_a_question_that_cannot_be_is_refused(files: AnswerFiles, root: Path, number: int) -> None:
    """With the number met and those wanted; nothing stays."""
    with pytest.raises(InvalidInput, match=rf"number is {number}; it must be from 1 to 999"):
        keep(files, number=number)
    assert files_below(root) == []


def test_a_deleted_interview_is_gone(files: AnswerFiles, root: Path) -> None:
    """Sounds, transcripts, directories and uploads; others stay, and to delete it again is fine."""
    keep(files)
    files.write_transcript(ID, 1, b"{}")
    other = keep(files, interview_id=OTHER_ID)
    (root / "uploads" / f"{ID}-left").write_bytes(SOUND)
    for _ in range(2):
        files.delete(ID)
        assert [path for path in root.rglob("*") if ID in path.name] == []
    assert files.read(OTHER_ID, other.name) == SOUND


def test_a_sound_that_is_kept_in_mid_deletion_goes_too(
    files: AnswerFiles, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A directory that is found to be filled again is emptied again."""
    keep(files)
    rmdir = os.rmdir

    def after_another_sound(name: str, *, dir_fd: int) -> None:
        monkeypatch.setattr(os, "rmdir", rmdir)
        keep(files, number=2)
        rmdir(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "rmdir", after_another_sound)
    files.delete(ID)
    assert [path for path in root.rglob("*") if ID in path.name] == []


def test_what_is_being_received_for_a_deleted_interview_is_not_kept(files: AnswerFiles, root: Path) -> None:
    """Its client learns so, and no file and no directory comes back."""
    with files.receiving(ID) as receiving:
        receiving.write(SOUND)
        files.delete(ID)
        with pytest.raises(NotFound, match="deleted meanwhile"):
            receiving.keep(1, "audio/wav", ".wav")
    assert [path for path in root.rglob("*") if ID in path.name] == []


def test_a_transcript_of_a_deleted_interview_is_not_kept(files: AnswerFiles, root: Path) -> None:
    """No file and no directory comes back."""
    keep(files)
    files.delete(ID)
    with pytest.raises(NotFound, match="deleted meanwhile"):
        files.write_transcript(ID, 1, b"{}")
    assert [path for path in root.rglob("*") if ID in path.name] == []


def test_deletions_and_receptions_at_one_time_leave_whole_files_or_none(files: AnswerFiles, root: Path) -> None:
    """Nobody meets an error but NotFound, and the last deletion removes everything."""

    def receive(number: int) -> None:
        for _ in range(20):
            try:
                kept = keep(files, number=number)
                assert files.read(ID, kept.name) == SOUND
            except NotFound:
                pass

    def delete() -> None:
        for _ in range(40):
            files.delete(ID)

    with ThreadPoolExecutor(6) as threads:
        works = [threads.submit(receive, number) for number in (1, 2, 3, 3)]
        works += [threads.submit(delete) for _ in range(2)]
        for work in works:
            work.result()
    files.delete(ID)
    assert files_below(root) == []


def test_old_leftovers_are_cleared_and_nothing_else(files: AnswerFiles, root: Path) -> None:
    """Uploads untouched for so long go; one that is being received, by whichever process, stays."""
    (root / "uploads" / f"{ID}-crashed").write_bytes(SOUND)
    aged(root / "uploads" / f"{ID}-crashed", 61)
    with files.receiving(ID) as receiving:
        receiving.write(SOUND)
        assert files.clear_abandoned(untouched_for_s=60) == 1
        kept = receiving.keep(1, "audio/wav", ".wav")
    assert files_below(root) == [f"user_uploads/{ID}/{kept.name}"]


def test_the_interviews_with_files_are_told_by_age(files: AnswerFiles, root: Path) -> None:
    """Each once, by the newest of what it has; what else lies there is none."""
    ids = [str(digit) * 32 for digit in range(4)]
    for interview_id in ids[:3]:
        keep(files, interview_id=interview_id)
        aged(root / "user_uploads" / interview_id, 61)
    files.write_transcript(ids[1], 1, b"{}")
    (root / "uploads" / f"{ids[2]}-0").touch()
    (root / "user_uploads" / "lost+found").mkdir()
    assert sorted(files.interview_ids()) == ids[:3]
    assert list(files.interview_ids(untouched_for_s=60)) == [ids[0]]


def test_usage_counts_what_is_kept(files: AnswerFiles) -> None:
    """Sounds and transcripts, and their bytes."""
    assert (files.usage().files, files.usage().size_bytes) == (0, 0)
    keep(files)
    files.write_transcript(ID, 1, b"{}")
    assert (files.usage().files, files.usage().size_bytes) == (2, len(SOUND) + 2)
