"""A deterministic tar stream, made block by block.

Written by hand because `tarfile` spends several times as long on the headers as sha256 on the contents of a layer of
many small files. Source: POSIX.1-2001 `pax` interchange format (ustar headers, extended headers where a field is too
small).
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence

from .errors import LayersError
from .tree import Entry

RECORD = 512
END = bytes(2 * RECORD)
# Large enough that per-block costs vanish, small enough to stay in the processor's cache (1 MiB is 20 % slower).
BLOCK = 1 << 17
# What Nix gives every file of its store.
MTIME = 1
# ustar's size field holds eleven octal digits.
LARGEST_USTAR_SIZE = 8**11 - 1


def stream(entries: Iterable[Entry]) -> Iterator[bytes]:
    """The tar of `entries`, in blocks of at most BLOCK bytes, none of them empty.

    Raises:
        LayersError: a file changed its size or vanished since it was listed.
    """
    pending = bytearray()
    for piece in _pieces(entries):
        if len(pending) + len(piece) > BLOCK:
            yield bytes(pending)
            pending.clear()
        if len(piece) == BLOCK:
            yield piece
        else:
            pending += piece
    yield bytes(pending)


def digest(entries: Sequence[Entry]) -> tuple[str, int]:
    """Digest (`sha256:…`) and length in bytes of the tar of `entries`."""
    sha256, size = hashlib.sha256(), 0
    for block in stream(entries):
        sha256.update(block)
        size += len(block)
    return f"sha256:{sha256.hexdigest()}", size


def verified(blocks: Iterable[bytes], digest: str, size: int, what: str) -> Iterator[bytes]:
    """Pass `blocks` on, and fail at their end unless they are what `digest` and `size` promise.

    Raises:
        LayersError: the bytes differ: a store path was changed behind Nix's back.
    """
    sha256, length = hashlib.sha256(), 0
    for block in blocks:
        sha256.update(block)
        length += len(block)
        yield block
    found = f"sha256:{sha256.hexdigest()}"
    if (found, length) != (digest, size):
        raise LayersError(
            f"The tar of {what} is now {found} of {length} bytes; wanted {digest} of {size} bytes"
            " (a store path has changed: `nix-store --verify --check-contents` names it)."
        )


def header(entry: Entry) -> bytes:
    """The header of one file, preceded by an extended header where a field does not fit."""
    name = os.fsencode(entry.name) + (b"/" if entry.kind == b"5" else b"")
    link = os.fsencode(entry.link)
    extended: dict[bytes, bytes] = {}
    prefix, short = _split(name)
    if short is None:
        extended[b"path"], short = name, name[:100]
    if len(link) > 100 or not link.isascii():
        extended[b"linkpath"], link = link, link[:100]
    size = entry.size
    if size > LARGEST_USTAR_SIZE:
        extended[b"size"], size = b"%d" % size, 0
    owner = (entry.uid, entry.gid, entry.uname.encode(), entry.gname.encode())
    return _extension(extended) + _ustar(prefix, short, entry.kind, entry.mode, size, link, owner)


def file_header(name: str, size: int) -> bytes:
    """The header of a plain file that does not come from a store path."""
    return header(Entry(name, b"0", 0o444, size=size))


def padding(size: int) -> bytes:
    """The zeros that follow a content of `size` bytes."""
    return bytes(-size % RECORD)


def _pieces(entries: Iterable[Entry]) -> Iterator[bytes]:
    """The tar cut where it is convenient; no piece is empty or longer than BLOCK."""
    for entry in entries:
        yield header(entry)
        if entry.size:
            yield from _contents(entry)
            if filler := padding(entry.size):
                yield filler
    yield END


def _ustar(
    prefix: bytes, name: bytes, kind: bytes, mode: int, size: int, link: bytes, owner: tuple[int, int, bytes, bytes]
) -> bytes:
    uid, gid, uname, gname = owner
    before = b"%b%07o\0%07o\0%07o\0%011o\0%011o\0" % (name.ljust(100, b"\0"), mode, uid, gid, size, MTIME)
    after = b"%b%bustar\x0000%b%b%b%b" % (
        kind,
        link.ljust(100, b"\0"),
        uname.ljust(32, b"\0"),
        gname.ljust(32, b"\0"),
        b"0000000\x000000000\x00",
        prefix.ljust(167, b"\0"),
    )
    # The checksum is that of the header with eight blanks in the checksum's own place.
    return b"%b%06o\0 %b" % (before, sum(before) + sum(after) + 8 * 0x20, after)


def _split(name: bytes) -> tuple[bytes, bytes | None]:
    """ustar's prefix and name fields of a path; None where it does not fit them."""
    if not name.isascii():
        return b"", None
    if len(name) <= 100:
        return b"", name
    cut = name.find(b"/", len(name) - 101, len(name) - 1)
    if 0 < cut <= 155:
        return name[:cut], name[cut + 1 :]
    return b"", None


def _extension(records: dict[bytes, bytes]) -> bytes:
    if not records:
        return b""
    body = b"".join(_pax_record(key, value) for key, value in sorted(records.items()))
    head = _ustar(b"", b"././@PaxHeader", b"x", 0, len(body), b"", (0, 0, b"", b""))
    return head + body + padding(len(body))


def _pax_record(key: bytes, value: bytes) -> bytes:
    """`LENGTH key=value` and a line end, where LENGTH counts itself."""
    length = rest = len(key) + len(value) + 3
    while length != rest + len(str(length)):
        length = rest + len(str(length))
    return b"%d %b=%b\n" % (length, key, value)


def _contents(entry: Entry) -> Iterator[bytes]:
    left = entry.size
    try:
        # Bare descriptors: a file object costs more than the reading of most files of a layer.
        file = os.open(entry.source, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            while left and (content := os.read(file, min(BLOCK, left))):
                left -= len(content)
                yield content
            left -= len(os.read(file, 1))
        finally:
            os.close(file)
    except OSError as error:
        raise LayersError(f"{entry.source} cannot be read ({error.strerror}); wanted {entry.size} bytes.") from error
    if left:
        raise LayersError(f"{entry.source} is not {entry.size} bytes long any more; wanted a store path as it was.")
