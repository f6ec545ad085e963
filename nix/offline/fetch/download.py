"""Debian packages by apt, with its own configuration (proxies, mirrors, CAs), and plain files by their address."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from . import debian
from .errors import FetchError

_CHUNK_BYTES = 1 << 20
_TIMEOUT_S = 60.0


def sha256_of(file: Path) -> str:
    """Return the lower-case hex sha256 of a file's bytes."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def verify(file: Path, sha256: str, origin: str) -> None:
    """Remove the file and raise FetchError unless its bytes have the wanted hash."""
    met = sha256_of(file)
    if met != sha256:
        file.unlink()
        raise FetchError(f"{origin} sent a file with sha256 {met}; the pin wants {sha256}")


def url(address: str, sha256: str, target: Path) -> None:
    """Download one file by its address.

    Raises:
        FetchError: it cannot be reached or has another hash.
    """
    _plain(address, target)
    verify(target, sha256, address)


def _plain(address: str, target: Path) -> None:
    """Download without apt (a machine that is not Debian's), through urllib: it honours the *_proxy variables."""
    try:
        with urllib.request.urlopen(address, timeout=_TIMEOUT_S) as reply, target.open("wb") as out:  # noqa: S310
            shutil.copyfileobj(reply, out, _CHUNK_BYTES)
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise FetchError(f"{address}: {error}") from error


def _by_apt(address: str, target: Path) -> None:
    command = [str(debian.APT_HELPER), "-o", "APT::Sandbox::User=root", "download-file", address, str(target)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)  # noqa: S603
    if done.returncode != 0 or not target.exists():
        lines = [line for line in done.stdout.decode(errors="replace").splitlines() if line.startswith(("E:", "Err"))]
        raise FetchError(f"{address}: {' '.join(lines) or f'apt-helper ended with {done.returncode}'}")


def deb(environ: Mapping[str, str], path: str, sha256: str, suite: str, component: str, target: Path) -> None:
    """Download one package of Debian's pool.

    Args:
        path: below the mirror's base address, as the suite's index gives it ("pool/main/…").

    Raises:
        FetchError: no mirror has the file with that hash.
    """
    fetch = _by_apt if debian.APT_HELPER.exists() else _plain
    tried: list[str] = []
    for mirror in debian.mirrors(environ, debian.read_sources(Path("/etc/apt")), suite, component):
        try:
            fetch(f"{mirror}/{path}", target)
            verify(target, sha256, mirror)
        except FetchError as error:
            tried.append(str(error))
        else:
            return
    raise FetchError(f"{Path(path).name} could not be had: {'; '.join(tried)}")
