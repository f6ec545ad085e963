"""A stretch of a file, as a file of its own."""

import io
from pathlib import Path


class Window(io.RawIOBase):
    """Reads one stretch of a file, from any place in it.

    Args:
        path: the file.
        start: where the stretch begins, in bytes.
        size: how long it is, in bytes.
    """

    def __init__(self, path: Path, start: int, size: int) -> None:
        self._file = path.open("rb", buffering=0)
        self._start = start
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._size - self._at)
        self._file.seek(self._start + self._at)
        block = self._file.read(left if size < 0 else min(size, left))
        self._at += len(block)
        return block

    def close(self) -> None:
        self._file.close()
        super().close()
