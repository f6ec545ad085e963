"""Names and links that would lead out of an interview's directory."""

import os
from pathlib import Path

import pytest
from tests.kept_sounds import ID, SOUND, files_below, keep

from coldstart.domain.errors import ConfigurationError, NotFound
from coldstart.storage.answer_files import AnswerFiles

NAME = f"001-{'0' * 64}.wav"
NO_IDS = [
    "",
    ".",
    "..",
    "/",
    "/etc",
    "../../etc",
    f"../user_uploads/{ID}",
    f"{ID}/..",
    f"{ID}\n",
    f"{ID}\0",
    ID.upper(),
    ID[:-1],
    ID + "0",
    "0" * 100_000,
    "٠" * 32,
]
NO_NAMES = [
    "",
    ".",
    "..",
    "../secret",
    f"../{ID}/{NAME}",
    f"./{NAME}",
    "/etc/passwd",
    f"{NAME}\0",
    f"{NAME}\n",
    f"{NAME}/..",
    NAME.replace(".", "/."),
    "x" * 100_000,
    "002.json",
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "kept"


@pytest.fixture
def files(root: Path) -> AnswerFiles:
    return AnswerFiles(root, min_free_bytes=0)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Somebody else's directory, with a file of a name that a sound could have."""
    directory = tmp_path / "outside"
    directory.mkdir()
    (directory / NAME).write_text("not ours")
    (directory / "secret").write_text("not ours")
    return directory


def assert_untouched(outside: Path) -> None:
    assert {path.name: path.read_text() for path in outside.iterdir()} == {NAME: "not ours", "secret": "not ours"}


@pytest.mark.parametrize("interview_id", NO_IDS, ids=lambda met: repr(met[:40]))
def test_an_id_that_is_none_is_not_found(files: AnswerFiles, root: Path, interview_id: str) -> None:
    """Whatever is asked for; nothing is made and nothing removed."""
    (root / "user_uploads" / "stays").mkdir()
    for attempt in (
        lambda: files.read(interview_id, NAME),
        lambda: files.delete(interview_id),
        lambda: files.discard(interview_id, NAME),
        lambda: files.write_transcript(interview_id, 1, b"{}"),
        lambda: keep(files, interview_id=interview_id),
    ):
        with pytest.raises(NotFound) as refused:
            attempt()
        assert len(str(refused.value)) < 500
    assert files_below(root) == []
    assert (root / "user_uploads" / "stays").is_dir()


@pytest.mark.parametrize("name", NO_NAMES, ids=lambda met: repr(met[:40]))
def test_a_name_that_was_not_made_here_is_not_found(files: AnswerFiles, root: Path, name: str) -> None:
    """Be there a file of it or not; and nothing is removed by it."""
    keep(files)
    (root / "user_uploads" / "secret").write_text("not a sound")
    files.write_transcript(ID, 2, b"{}")
    before = files_below(root)
    with pytest.raises(NotFound):
        files.read(ID, name)
    files.discard(ID, name)
    assert files_below(root) == before


@pytest.mark.parametrize("suffix", ["", "wav", ".", "./x", ".WAV", ".../x", ".w v", ".wav\0", ".wav\n", ".waveforms"])
def test_a_suffix_that_is_none_is_a_mistake_of_the_program(files: AnswerFiles, root: Path, suffix: str) -> None:
    """It is never a client's."""
    with files.receiving(ID) as receiving, pytest.raises(ValueError, match="the suffix is"):
        receiving.keep(1, "audio/wav", suffix)
    assert files_below(root) == []


def test_a_link_for_an_interviews_directory_is_not_followed(files: AnswerFiles, root: Path, outside: Path) -> None:
    """Nothing is read or written through it, and deletion removes the link alone."""
    for place in ("user_uploads", "transcriptions"):
        (root / place / ID).symlink_to(outside)
    with pytest.raises(NotFound):
        files.read(ID, NAME)
    files.discard(ID, NAME)
    with pytest.raises(NotADirectoryError):
        keep(files)
    with pytest.raises(NotADirectoryError):
        files.write_transcript(ID, 1, b"{}")
    assert files.usage().files == 0
    files.delete(ID)
    assert not (root / "user_uploads" / ID).is_symlink()
    assert_untouched(outside)


def test_a_link_for_a_sound_is_not_followed(files: AnswerFiles, root: Path, outside: Path) -> None:
    """It is not read; a sound of its name takes its place; deletion removes it alone."""
    kept = keep(files)
    planted = root / "user_uploads" / ID / kept.name
    planted.unlink()
    planted.symlink_to(outside / "secret")
    with pytest.raises(NotFound):
        files.read(ID, kept.name)
    keep(files)
    assert not planted.is_symlink()
    assert files.read(ID, kept.name) == SOUND
    (root / "user_uploads" / ID / "more").symlink_to(outside)
    files.delete(ID)
    assert files_below(root) == []
    assert_untouched(outside)


@pytest.mark.parametrize("place", ["uploads", "user_uploads", "transcriptions"])
def test_a_link_for_one_of_the_directories_is_not_followed(
    files: AnswerFiles, root: Path, outside: Path, place: str
) -> None:
    """The start says so; and what is asked of a process that runs already fails."""
    (root / place).rmdir()
    (root / place).symlink_to(outside)
    with pytest.raises(ConfigurationError, match=f"{place} is no directory of its own, but a link or a file"):
        AnswerFiles(root, min_free_bytes=0).check_writable()
    for attempt in (
        lambda: keep(files),
        lambda: files.write_transcript(ID, 1, b"{}"),
        lambda: files.delete(ID),
        lambda: list(files.interview_ids()),
    ):
        with pytest.raises(NotADirectoryError):
            attempt()
    assert_untouched(outside)


def test_links_among_uploads_are_removed_and_not_followed(files: AnswerFiles, root: Path, outside: Path) -> None:
    """When an interview is deleted, and when leftovers are cleared."""
    for name in (f"{ID}-planted", "planted"):
        (root / "uploads" / name).symlink_to(outside)
    files.delete(ID)
    assert files.clear_abandoned(untouched_for_s=-1) == 1
    assert files_below(root) == []
    assert_untouched(outside)


def test_an_upload_that_is_there_already_is_not_written_to(
    files: AnswerFiles, root: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even who guesses the name of an upload cannot have another file written."""
    monkeypatch.setattr("secrets.token_hex", lambda _: "guessed")
    (root / "uploads" / f"{ID}-guessed").symlink_to(outside / "secret")
    with pytest.raises(FileExistsError), files.receiving(ID):
        pytest.fail("it was opened")
    assert_untouched(outside)


def test_what_is_no_file_is_not_read(files: AnswerFiles, root: Path) -> None:
    """A pipe would be waited for without end, and a directory is none; deletion removes both, however deep."""
    directory = root / "user_uploads" / ID
    directory.mkdir()
    os.mkfifo(directory / NAME)
    with pytest.raises(NotFound):
        files.read(ID, NAME)
    (directory / NAME).unlink()
    (directory / NAME / "deep" / "deeper").mkdir(parents=True)
    (directory / NAME / "deep" / "file").touch()
    with pytest.raises(NotFound):
        files.read(ID, NAME)
    files.delete(ID)
    assert not directory.exists()


def test_a_directory_that_is_swapped_for_a_link_in_between_leads_nowhere(
    files: AnswerFiles, root: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a path would be looked up again after a check, an open directory stays what it was."""
    directory = root / "user_uploads" / ID
    rename = os.rename

    def swap_then_rename(source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        directory.rename(root / "logs" / "moved")
        directory.symlink_to(outside)
        rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "rename", swap_then_rename)
    # pathlib renames by the same function.
    monkeypatch.setattr(Path, "rename", lambda path, to: rename(path, to))
    kept = keep(files)
    assert (root / "logs" / "moved" / kept.name).read_bytes() == SOUND
    assert_untouched(outside)
