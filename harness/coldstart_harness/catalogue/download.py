"""One file of a model by its hash, from the first place that has it: mirrors, then the Hub.

Needs the standard library alone: Nix runs it as a program too, where nothing else is installed
(nix/models/hub-file.nix).
"""

import hashlib
import http.client
import os
import sys
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HUB = "https://huggingface.co"
MIRROR_VARIABLE = "COLDSTART_MODEL_MIRROR"

_SCHEMES = ("http", "https", "file")
_BLOCK_BYTES = 1 << 20
_TIMEOUT_S = 60.0


class DownloadFailed(Exception):
    """No place has the file, or one has other bytes; the message names the file and the places."""


@dataclass(frozen=True)
class Wanted:
    """One file of one commit of a model repository.

    Args:
        repository: as the Hub names it, `openai-community/gpt2`.
        revision: a commit.
        file: path in the repository.
        sha256: lower-case hex; empty where it is still to be found out.
        size: in bytes; 0 where it is still to be found out.
    """

    repository: str
    revision: str
    file: str
    sha256: str = ""
    size: int = 0

    @property
    def name(self) -> str:
        """What a person calls it."""
        return f"{self.repository}/{self.file} at {self.revision}"

    def url(self, base: str) -> str:
        """Where the Hub, or a mirror of it, has it."""
        parts = (self.repository, "resolve", self.revision, self.file)
        return "/".join((base, *(urllib.parse.quote(part) for part in parts)))


def bases_of(environ: Mapping[str, str]) -> list[str]:
    """The base addresses to try, best first: those of COLDSTART_MODEL_MIRROR, apart by spaces, then the Hub's.

    Raises:
        DownloadFailed: one is not an address.
    """
    mirrors = [base.rstrip("/") for base in environ.get(MIRROR_VARIABLE, "").split()]
    for mirror in mirrors:
        if urllib.parse.urlsplit(mirror).scheme not in _SCHEMES:
            raise DownloadFailed(
                f"{MIRROR_VARIABLE} has {mirror!r}; wanted are addresses that begin with {', '.join(_SCHEMES)}, "
                "apart by spaces"
            )
    return [*mirrors, HUB]


def download(
    wanted: Wanted, target: Path, bases: Sequence[str], on_bytes: Callable[[int], None] = lambda _count: None
) -> str:
    """Bring a file to `target`, whole and with the wanted hash, or not at all.

    A place that does not answer, breaks off, or has no such file, is passed over; one whose bytes are others is not:
    what it serves is wrong, and somebody should know.

    Args:
        wanted: the file.
        target: where it goes; its directory exists.
        bases: places in the order in which they are asked.
        on_bytes: called with the bytes that arrived since it was called last.

    Returns:
        The sha256 of what arrived, in lower-case hex.

    Raises:
        DownloadFailed: no place has the file, or one has other bytes than are wanted.
    """
    partial = target.with_name(f"{target.name}.partial")
    missed = []
    try:
        for base in bases:
            url = wanted.url(base)
            try:
                met, size = _receive(url, partial, wanted.size, on_bytes)
            except (OSError, ValueError, http.client.HTTPException) as error:
                missed.append(f"{url}: {error}")
                continue
            if wanted.size and size != wanted.size:
                raise DownloadFailed(f"{wanted.name} has {_met_size(size, wanted.size)} at {url}; wanted {wanted.size}")
            if wanted.sha256 and met != wanted.sha256:
                raise DownloadFailed(f"{wanted.name} has sha256 {met} at {url}; wanted {wanted.sha256}")
            partial.rename(target)
            return met
    finally:
        partial.unlink(missing_ok=True)
    raise DownloadFailed(f"{wanted.name} could not be had: {'; '.join(missed)}")


def _met_size(size: int, wanted: int) -> str:
    return f"more than {wanted} bytes" if size > wanted else f"{size} bytes"


def _receive(url: str, target: Path, limit: int, on_bytes: Callable[[int], None]) -> tuple[str, int]:
    """The hash and the size of what came; it stops where there is more than `limit` bytes, if that is not 0."""
    digest = hashlib.sha256()
    size = 0
    with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as reply, target.open("wb") as out:  # noqa: S310 - as checked
        announced = reply.headers.get("Content-Length")
        while block := reply.read(_BLOCK_BYTES):
            out.write(block)
            digest.update(block)
            size += len(block)
            on_bytes(len(block))
            if limit and size > limit:
                return digest.hexdigest(), size
    if announced is not None and size < int(announced):
        raise OSError(f"the connection ended after {size} of {announced} bytes")
    return digest.hexdigest(), size


def main(environ: Mapping[str, str]) -> int:
    """Bring the file that a Nix derivation describes in its environment; a failure is one sentence."""
    wanted = Wanted(
        environ["repository"], environ["revision"], environ["file"], environ["sha256"], int(environ["size"])
    )
    try:
        download(wanted, Path(environ["out"]), bases_of(environ))
    except DownloadFailed as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
