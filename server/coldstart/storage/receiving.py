"""One sound on its way to the disk."""

import contextlib
import hashlib
import os
import re

from coldstart.domain.errors import InvalidInput, NotFound
from coldstart.domain.interview import SoundFile
from coldstart.storage import confined
from coldstart.storage.interview_volumes import SOUNDS, TRANSCRIPTS, UPLOADS, InterviewVolumes

SOUND_NAME = re.compile(r"[0-9]{3}-[0-9a-f]{64}\.[a-z0-9]{1,8}")
_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")
_MAX_QUESTIONS = 999  # three digits in a name
# Of one sound, between two looks at what others have left of the disk.
_LOOK_BYTES = 1024 * 1024
# Enough to tell what a file is.
_HEAD_BYTES = 4096


class Receiving:
    """One sound on its way in. For one thread at a time; `AnswerFiles.receiving` makes it."""

    def __init__(self, volumes: InterviewVolumes, interview_id: str, upload: str, descriptor: int) -> None:
        self._volumes = volumes
        self._interview_id = interview_id
        self._upload = upload
        self._descriptor = descriptor
        self._hash = hashlib.sha256()
        self._looked_at_bytes = 0
        self._head = b""
        self._size_bytes = 0

    @property
    def head(self) -> bytes:
        """The first bytes, at most 4096, by which to tell what the file is."""
        return self._head

    @property
    def size_bytes(self) -> int:
        """Of what was taken so far."""
        return self._size_bytes

    def write(self, data: bytes) -> None:
        """Take the next piece.

        Raises:
            StorageFull: there is no room for it.
        """
        if self._size_bytes - self._looked_at_bytes >= _LOOK_BYTES:
            self._volumes.check_space(len(data))
            self._looked_at_bytes = self._size_bytes
        with self._volumes.full_disk_told():
            confined.write_all(self._descriptor, data)
        self._hash.update(data)
        self._head += data[: _HEAD_BYTES - len(self._head)]
        self._size_bytes += len(data)

    def keep(self, question_number: int, media_type: str, suffix: str) -> SoundFile:
        """Put the sound among its interview's answers. Once this returns it is on the disk, whatever happens next.

        The same sound for the same question gets the same name, so keeping it again changes nothing; another sound is
        another file.

        Args:
            question_number: from 1 to 999.
            media_type: by content.
            suffix: of the file's name, by content: a dot and at most 8 small letters and digits.

        Raises:
            StorageFull: there is no room for it.
            NotFound: the interview was deleted meanwhile.
            InvalidInput: there cannot be such a question.
        """
        if not _SUFFIX.fullmatch(suffix):
            raise ValueError(f"the suffix is {suffix!r}; it must be a dot and at most 8 small letters and digits")
        sha256 = self._hash.hexdigest()
        name = f"{_digits_of(question_number)}-{sha256}{suffix}"
        self._put(SOUNDS, name)
        return SoundFile(name=name, sha256=sha256, size_bytes=self._size_bytes, media_type=media_type)

    def keep_transcript(self, question_number: int) -> None:
        """As `keep`, in the place of what was written down of the answer before."""
        self._put(TRANSCRIPTS, f"{_digits_of(question_number)}.json")

    def _put(self, place: str, name: str) -> None:
        volumes = self._volumes
        with volumes.full_disk_told(), volumes.directory(UPLOADS) as uploads, volumes.directory(place) as parent:
            os.fsync(self._descriptor)
            confined.make_directory(parent, self._interview_id)
            try:
                with confined.child_of(parent, self._interview_id) as directory:
                    confined.move(uploads, self._upload, directory, name)
            except FileNotFoundError:
                with contextlib.suppress(OSError):
                    os.rmdir(self._interview_id, dir_fd=parent)
                raise NotFound(f"interview {self._interview_id!r} was deleted meanwhile") from None


def _digits_of(question_number: int) -> str:
    if not 1 <= question_number <= _MAX_QUESTIONS:
        raise InvalidInput(f"the question's number is {question_number}; it must be from 1 to {_MAX_QUESTIONS}")
    return f"{question_number:03d}"
