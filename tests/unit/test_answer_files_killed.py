"""What a process that is killed in mid-reception leaves on the disk."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.kept_sounds import ID, SOUND, age_all, files_below, keep

from coldstart.storage.answer_files import AnswerFiles

# Receives SOUND, and kills itself when it is about to call the named function for the so-manieth time.
_PROGRAM = """
import os, signal, sys
from pathlib import Path
from tests.kept_sounds import keep
from coldstart.storage.answer_files import AnswerFiles

root, name, calls = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
function = getattr(os, name)

def killed_at(*args, **kwargs):
    global calls
    calls -= 1
    if not calls:
        os.kill(os.getpid(), signal.SIGKILL)
    return function(*args, **kwargs)

files = AnswerFiles(root, min_free_bytes=0)
setattr(os, name, killed_at)
keep(files)
"""


def killed_at(root: Path, name: str, calls: int) -> None:
    arguments = [sys.executable, "-c", _PROGRAM, str(root), name, str(calls)]
    ended = subprocess.run(  # noqa: S603  our own program
        arguments, env={"PYTHONPATH": ":".join(sys.path)}, capture_output=True, timeout=60, check=False
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()


@pytest.mark.parametrize(
    ("name", "calls"),
    [("write", 2), ("fsync", 1), ("mkdir", 1), ("fsync", 2), ("rename", 1)],
    ids=["while-writing", "before-the-file-is-safe", "before-its-directory", "before-that-is-safe", "before-its-name"],
)
def test_a_sound_that_was_not_kept_is_among_the_uploads_alone(tmp_path: Path, name: str, calls: int) -> None:
    """No part of it is where answers are; it is cleared when it is old, and the repeat is kept."""
    root = tmp_path / "kept"
    killed_at(root, name, calls)
    left = files_below(root)
    assert len(left) == 1
    assert left[0].startswith(f"uploads/{ID}-")
    files = AnswerFiles(root, min_free_bytes=0)
    assert files.clear_abandoned(untouched_for_s=1800) == 0
    age_all(root)
    assert files.clear_abandoned(untouched_for_s=1800) == 1
    kept = keep(files)
    assert files.read(ID, kept.name) == SOUND
    assert files_below(root) == [f"user_uploads/{ID}/{kept.name}"]


def test_a_sound_that_has_its_name_is_whole(tmp_path: Path) -> None:
    """Killed before the caller could learn of it; the repeat is the same file."""
    root = tmp_path / "kept"
    killed_at(root, "fsync", 3)
    files = AnswerFiles(root, min_free_bytes=0)
    found = files_below(root)
    kept = keep(files)
    assert files_below(root) == found == [f"user_uploads/{ID}/{kept.name}"]
    assert files.read(ID, kept.name) == SOUND
