"""Copies of an image in which bytes of a model are other ones, and what such a copy says of itself."""

import io
import re
import tarfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx
from docker.errors import APIError
from docker.models.containers import Container

from coldstart_harness import container as containers
from coldstart_harness.archive.image import ImageAtRest
from coldstart_harness.archive.tree import Entry
from coldstart_harness.errors import HarnessError, ServiceFailed
from coldstart_harness.proofs.proof import Trial
from coldstart_harness.proofs.running import Running, held, start, url_or_why, wait_until_serving

_POLL_S = 0.05
_PROBE_TIMEOUT_S = 2.0
_LOG_LINES = 2000
_BLOCK_BYTES = 1 << 20
_WATCHED_FACTOR = 3
_WATCHED_AT_LEAST_S = 3.0
# Times, counts and digests differ from start to start without saying anything else.
_CHANGING = re.compile(r"\b[0-9a-f]{8,}\b|\d+")


class CopyRefused(HarnessError):
    """The engine does not let a file of a container be replaced before it starts."""


@dataclass(frozen=True)
class Said:
    """What a copy was seen to do.

    Args:
        ready_after_s: when readiness first said 200, from the start; None: never.
        lines: everything that it said, in its log, its readiness and its health report.
        ending: how it ended; None: it still ran.
    """

    ready_after_s: float | None
    lines: tuple[str, ...]
    ending: str | None


def healthy_start(trial: Trial, image: ImageAtRest, weights: Sequence[Entry]) -> tuple[float, Said]:
    """Start a copy in which the weights were replaced by the same bytes: seconds until it serves, and what it said.

    Raises:
        ServiceFailed: it does not serve: replacing the files, and not what is in them, breaks it.
        CopyRefused: the engine does not let files be replaced.
    """
    with held(trial) as container:
        _replace(trial, image, container, weights, flipped=False)
        begun = time.monotonic()
        start(container)
        url = url_or_why(trial, container)
        wait_until_serving(trial, Running(container, url))
        seconds = time.monotonic() - begun
        return seconds, Said(seconds, _said_by(trial, container, url), None)


def flipped_start(trial: Trial, image: ImageAtRest, weights: Sequence[Entry], healthy_s: float) -> Said:
    """Start a copy in which one byte in the middle of each of the weights is another, and watch it.

    Args:
        trial: the image and its service.
        image: the same at rest.
        weights: the files.
        healthy_s: how long a healthy one takes to serve; the copy is watched for three times as long, and 3 s at least.

    Raises:
        CopyRefused: the engine does not let files be replaced.
    """
    with held(trial) as container:
        _replace(trial, image, container, weights, flipped=True)
        begun = time.monotonic()
        start(container)
        try:
            url = url_or_why(trial, container)
        except ServiceFailed:
            return Said(None, _said_by(trial, container, None), containers.why_ended(container))
        ready_after = None
        deadline = begun + max(_WATCHED_AT_LEAST_S, _WATCHED_FACTOR * healthy_s)
        while ready_after is None and time.monotonic() < deadline and containers.is_running(container):
            if _body(url + trial.asked.readiness)[0] == httpx.codes.OK:
                ready_after = time.monotonic() - begun
            time.sleep(_POLL_S)
        running = containers.is_running(container)
        said = _said_by(trial, container, url if running else None)
        return Said(ready_after, said, None if running else containers.why_ended(container))


def names(said: Said, healthy: Said, file_name: str) -> bool:
    """Whether a copy names a file in a line that the healthy one did not say: both may say what they load."""
    mention = re.compile(rf"(?<![\w.-]){re.escape(file_name)}(?![\w-]|\.\w)")
    known = {_CHANGING.sub("#", line) for line in healthy.lines}
    return any(mention.search(line) and _CHANGING.sub("#", line) not in known for line in said.lines)


def _replace(
    trial: Trial, image: ImageAtRest, container: Container, weights: Sequence[Entry], *, flipped: bool
) -> None:
    for entry in weights:
        path = trial.scratch / "weights-copy.tar"
        write_copy(image, entry, path, flipped=flipped)
        directory = entry.path.rpartition("/")[0] or "/"
        try:
            with path.open("rb") as archive:
                taken = container.put_archive(directory, archive)
        except APIError as error:
            raise CopyRefused(f"the engine does not replace {entry.path} in a copy: {error.explanation}") from None
        finally:
            path.unlink()
        if not taken:
            raise CopyRefused(f"the engine does not replace {entry.path} in a copy")


def write_copy(image: ImageAtRest, entry: Entry, path: Path, *, flipped: bool) -> None:
    """The file alone in a tar, with the owner, mode and time that it has, and on request another byte in its middle."""
    member = tarfile.TarInfo(entry.path.rpartition("/")[2])
    member.size, member.mode, member.uid, member.gid = entry.size, entry.mode, entry.uid, entry.gid
    member.mtime = entry.member.mtime
    with image.open(entry) as content, tarfile.open(path, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(member, _Flipped(content, entry.size // 2 if flipped else -1))


class _Flipped(io.RawIOBase):
    """A file of which one byte is another.

    Args:
        content: the file, at its beginning.
        place: of that byte; -1: none is.
    """

    def __init__(self, content: IO[bytes], place: int) -> None:
        self._content = content
        self._place = place
        self._at = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        block = bytearray(self._content.read(size))
        if self._at <= self._place < self._at + len(block):
            block[self._place - self._at] ^= 1
        self._at += len(block)
        return bytes(block)


def _said_by(trial: Trial, container: Container, url: str | None) -> tuple[str, ...]:
    texts = [bytes(container.logs(tail=_LOG_LINES)).decode(errors="replace")]
    if url is not None:
        paths = [trial.asked.readiness, *([trial.asked.health] if trial.asked.health else [])]
        texts += [_body(url + path)[1] for path in paths]
    return tuple(line for text in texts for line in text.splitlines())


def _body(url: str) -> tuple[int | None, str]:
    """Status and text of a reply; None and nothing where nobody answers."""
    try:
        reply = httpx.get(url, timeout=_PROBE_TIMEOUT_S, trust_env=False)
    except httpx.TransportError:
        return None, ""
    return reply.status_code, reply.text
