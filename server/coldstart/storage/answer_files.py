"""The sounds of answers and what was written down of them, on a disk."""

import contextlib
import errno
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from coldstart.domain.errors import NotFound
from coldstart.storage import confined
from coldstart.storage.interview_volumes import SOUNDS, TRANSCRIPTS, UPLOADS, InterviewVolumes
from coldstart.storage.receiving import SOUND_NAME, Receiving

_INTERVIEW_ID = re.compile(r"[0-9a-f]{32}")
# Nothing is there, or nothing that was made here: a link, a pipe, a file for a directory.
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EINVAL)


@dataclass(frozen=True, slots=True)
class Usage:
    """What is kept of all interviews: files, and the bytes in them."""

    files: int
    size_bytes: int


class AnswerFiles:
    """Keeps the files of interviews below one directory. Blocking; safe for threads and for several processes.

    Names are made here, never by a client. Links that somebody planted are neither followed nor read.

    Args:
        root: the directory; made when its parent is there. In it are made `logs`, `uploads` (what is being received),
            `interview_data` (for a database), `user_uploads` (sounds) and `transcriptions`.
        min_free_bytes: free bytes below which nothing new is kept.

    Raises:
        ConfigurationError: they cannot be made; the sentence names the directory and the remedy.
    """

    def __init__(self, root: Path, *, min_free_bytes: int) -> None:
        self._volumes = InterviewVolumes(root, min_free_bytes=min_free_bytes)

    def check_writable(self) -> None:
        """Make a file in every directory, and remove it again.

        Raises:
            ConfigurationError: one cannot be written; the sentence names it, its owner and the remedy.
        """
        self._volumes.check_writable()

    def check_space(self, size_bytes: int = 0) -> None:
        """See whether there is room.

        Args:
            size_bytes: of what is to come, as far as it is known.

        Raises:
            StorageFull: there is not, with the free bytes met and wanted.
        """
        self._volumes.check_space(size_bytes)

    @property
    def free_bytes(self) -> int:
        """What this user may still write, where that is least."""
        return self._volumes.least_free()[1]

    @contextlib.contextmanager
    def receiving(self, interview_id: str) -> Iterator[Receiving]:
        """A place for one sound; what has not been kept when the body ends is gone.

        Raises:
            StorageFull: on entering: there is no room.
            NotFound: on entering: no interview can have such an id.
        """
        _check_id(interview_id)
        self.check_space()
        upload = f"{interview_id}-{secrets.token_hex(8)}"
        with self._volumes.full_disk_told(), self._volumes.directory(UPLOADS) as uploads:
            descriptor = confined.create(uploads, upload)
        try:
            yield Receiving(self._volumes, interview_id, upload, descriptor)
        finally:
            os.close(descriptor)
            with self._volumes.directory(UPLOADS) as uploads:
                confined.remove(uploads, upload)

    def read(self, interview_id: str, name: str) -> bytes:
        """A sound's bytes.

        Raises:
            NotFound: there is no such sound.
        """
        _check_id(interview_id)
        if SOUND_NAME.fullmatch(name):
            with _nothing_where_absent(), self._sounds_of(interview_id) as sounds:
                return confined.read_file(sounds, name)
        raise NotFound(f"interview {interview_id!r} has no sound {name[:80]!r}")

    def discard(self, interview_id: str, name: str) -> None:
        """Remove one sound that was kept, and then refused. One that is not there is removed already."""
        _check_id(interview_id)
        if SOUND_NAME.fullmatch(name):
            with _nothing_where_absent(), self._sounds_of(interview_id) as sounds:
                confined.remove(sounds, name)
                os.fsync(sounds)

    def write_transcript(self, interview_id: str, question_number: int, document: bytes) -> None:
        """Keep what was written down of one answer; what was kept of it before is replaced.

        Raises:
            NotFound: the interview has no sounds, so it was deleted.
            Exception: as `receiving` and `Receiving.keep`.
        """
        with self.receiving(interview_id) as receiving:
            receiving.write(document)
            receiving.keep_transcript(question_number)
        try:
            # Afterwards: a deletion that begins from here on meets the transcript, for it removes sounds first.
            with self._sounds_of(interview_id):
                pass
        except FileNotFoundError:
            with self._volumes.directory(TRANSCRIPTS) as parent:
                confined.remove(parent, interview_id)
            raise NotFound(f"interview {interview_id!r} was deleted meanwhile") from None

    def delete(self, interview_id: str) -> None:
        """Remove all files of an interview; what is being received for it can no longer be kept.

        Repeating it is fine, and so are two at one time.

        Raises:
            NotFound: no interview can have such an id.
        """
        _check_id(interview_id)
        with self._volumes.directory(UPLOADS) as uploads:
            for upload, _ in confined.entries(uploads):
                if _interview_of(upload) == interview_id:
                    confined.remove(uploads, upload)
        for place in (SOUNDS, TRANSCRIPTS):
            with self._volumes.directory(place) as parent:
                confined.remove(parent, interview_id)
                os.fsync(parent)

    def clear_abandoned(self, *, untouched_for_s: float) -> int:
        """Remove from `uploads` what nobody has written to for so long: a crash left it. Returns how many."""
        before = time.time() - untouched_for_s
        with self._volumes.directory(UPLOADS) as uploads:
            abandoned = [name for name, found in confined.entries(uploads) if found.st_mtime <= before]
            for name in abandoned:
                confined.remove(uploads, name)
        return len(abandoned)

    def interview_ids(self, *, untouched_for_s: float = 0.0) -> Iterator[str]:
        """Each id of which something is kept or being received, but for those with anything newer than that."""
        touched: dict[str, float] = {}
        for place in (SOUNDS, TRANSCRIPTS, UPLOADS):
            with self._volumes.directory(place) as directory:
                for name, found in confined.entries(directory):
                    interview_id = _interview_of(name)
                    touched[interview_id] = max(touched.get(interview_id, 0.0), found.st_mtime)
        before = time.time() - untouched_for_s
        return (name for name, at in touched.items() if at <= before and _INTERVIEW_ID.fullmatch(name))

    def usage(self) -> Usage:
        """What is kept of all interviews. Looks at every file."""
        files = size_bytes = 0
        for place in (SOUNDS, TRANSCRIPTS):
            with self._volumes.directory(place) as parent:
                for interview_id, _ in confined.entries(parent):
                    with _nothing_where_absent():
                        sizes = _sizes_in(parent, interview_id)
                        files += len(sizes)
                        size_bytes += sum(sizes)
        return Usage(files, size_bytes)

    @contextlib.contextmanager
    def _sounds_of(self, interview_id: str) -> Iterator[int]:
        with self._volumes.directory(SOUNDS) as parent, confined.child_of(parent, interview_id) as descriptor:
            yield descriptor


@contextlib.contextmanager
def _nothing_where_absent() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _ABSENT:
            raise


def _sizes_in(parent: int, interview_id: str) -> list[int]:
    with confined.child_of(parent, interview_id) as directory:
        return [found.st_size for _, found in confined.entries(directory) if stat.S_ISREG(found.st_mode)]


def _interview_of(upload: str) -> str:
    """Whose a name in one of the directories is."""
    return upload.partition("-")[0]


def _check_id(interview_id: str) -> None:
    if not _INTERVIEW_ID.fullmatch(interview_id):
        raise NotFound(f"there is no interview {interview_id[:64]!r}; an id has 32 hexadecimal digits")
