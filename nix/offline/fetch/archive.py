"""Reads one file out of a .deb, for the bootstrap: the only package that is unpacked outside a build."""

from __future__ import annotations

import io
import lzma
import tarfile
from pathlib import Path

from .errors import FetchError

_AR_MAGIC = b"!<arch>\n"
_AR_HEADER_BYTES = 60


def ar_members(data: bytes) -> dict[str, bytes]:
    """Return the members of an `ar` archive, name → content.

    Source: deb(5); a header is 60 bytes of text with the name in bytes 0–16 and the size in 48–58, members lie on even
    offsets.

    Raises:
        FetchError: the bytes are not such an archive.
    """
    if not data.startswith(_AR_MAGIC):
        raise FetchError(f"not a Debian package: it begins with {data[:8]!r}, not {_AR_MAGIC!r}")
    members: dict[str, bytes] = {}
    at = len(_AR_MAGIC)
    while at + _AR_HEADER_BYTES <= len(data):
        header = data[at : at + _AR_HEADER_BYTES]
        name, size = header[:16].decode("ascii").strip().rstrip("/"), int(header[48:58])
        start = at + _AR_HEADER_BYTES
        members[name] = data[start : start + size]
        at = start + size + size % 2
    return members


def file_in_deb(deb: Path, member: str) -> bytes:
    """Return the content of one regular file of a package, named as in its tar ("./bin/busybox").

    Raises:
        FetchError: the package, its compression or the file is not as expected.
    """
    members = ar_members(deb.read_bytes())
    packed = members.get("data.tar.xz")
    if packed is None:
        raise FetchError(f"{deb.name} holds {sorted(members)}; wanted data.tar.xz among them")
    with tarfile.open(fileobj=io.BytesIO(lzma.decompress(packed))) as tar:
        try:
            content = tar.extractfile(member)
        except KeyError:
            content = None
        if content is None:
            raise FetchError(f"{deb.name} has no regular file {member}")
        return content.read()
