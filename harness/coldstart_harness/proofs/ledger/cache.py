"""The page cache: what of an image's files is in it, and how to get it out."""

import ctypes
import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from coldstart_harness.engine import Engine

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Evicted:
    """What became of an image's files.

    Args:
        size_bytes: of all of them.
        left_bytes: of what stayed in the page cache, because somebody maps it or it is not written yet.
    """

    size_bytes: int
    left_bytes: int


def layer_directories(engine: Engine, reference: str) -> list[Path]:
    """Where the engine keeps the image's unpacked layers, as far as it says so and this user may read them."""
    if not engine.host.startswith("unix://"):
        return []
    driver = engine.client.images.get(reference).attrs.get("GraphDriver") or {}
    data = driver.get("Data") or {}
    found = [Path(part) for key in ("UpperDir", "LowerDir") for part in str(data.get(key) or "").split(":") if part]
    return found if found and all(os.access(path, os.R_OK | os.X_OK) for path in found) else []


def evict(directories: list[Path]) -> Evicted:
    """Ask the kernel to drop the files below the directories from its page cache, and nothing else of this machine.

    Names and inodes stay known to the kernel. What is mapped by a running process stays too.

    Source: posix_fadvise(2), POSIX_FADV_DONTNEED; mincore(2).
    """
    os.sync()
    size = left = 0
    for directory in directories:
        for path in _files_below(directory):
            with path.open("rb", buffering=0) as file:
                length = os.fstat(file.fileno()).st_size
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                size += length
                left += _resident_bytes(file.fileno(), length)
    return Evicted(size, left)


def _files_below(directory: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(directory):
        for name in names:
            path = Path(folder, name)
            if path.is_file() and not path.is_symlink() and path.stat().st_size:
                yield path


def _resident_bytes(descriptor: int, length: int) -> int:
    with mmap.mmap(descriptor, length, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE) as mapped:
        pages = -(-length // mmap.PAGESIZE)
        resident = (ctypes.c_ubyte * pages)()
        view = ctypes.c_char.from_buffer(mapped)
        failed = _libc.mincore(ctypes.c_void_p(ctypes.addressof(view)), ctypes.c_size_t(length), resident)
        del view
        if failed:
            return 0
        return min(length, sum(page & 1 for page in resident) * mmap.PAGESIZE)
