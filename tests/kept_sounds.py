"""Sounds of answers, kept as a test wants them."""

import os
from pathlib import Path

from coldstart.domain.interview import SoundFile
from coldstart.storage.answer_files import AnswerFiles

ID, OTHER_ID = "0123456789abcdef" * 2, "f" * 32
SOUND = bytes(range(256)) * 40


def keep(files: AnswerFiles, data: bytes = SOUND, interview_id: str = ID, number: int = 1) -> SoundFile:
    """Receive a sound in two pieces, and keep it."""
    with files.receiving(interview_id) as receiving:
        receiving.write(data[:1000])
        receiving.write(data[1000:])
        return receiving.keep(number, "audio/wav", ".wav")


def files_below(root: Path) -> list[str]:
    """Everything there but directories, by its path from the root; links are not followed."""
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_symlink() or not path.is_dir())


def age_all(root: Path, minutes: float = 31) -> None:
    """Make everything there so much older."""
    for path in root.rglob("*"):
        found = path.stat()
        os.utime(path, (found.st_atime, found.st_mtime - minutes * 60))
