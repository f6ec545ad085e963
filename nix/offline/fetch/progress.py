"""A progress bar for a terminal, and a line now and then for a log."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TextIO

_BAR_COLUMNS = 30
_LINE_EVERY_S = 5.0
_REDRAW_S = 0.2


def size_text(size_bytes: int) -> str:
    """Return a size as a person reads it, in units of a thousand."""
    if size_bytes < 1_000_000:
        return f"{size_bytes / 1e3:.0f} kB"
    return f"{size_bytes / 1e6:.0f} MB" if size_bytes < 1_000_000_000 else f"{size_bytes / 1e9:.1f} GB"


class Progress:
    """How many of `total` files have arrived. Thread-safe; as a context it redraws until the end.

    Args:
        arriving: bytes of the files that are on their way, asked at each redraw.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        total: int,
        stream: TextIO,
        *,
        arriving: Callable[[], int] = lambda: 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._total = total
        self._stream = stream
        self._arriving = arriving
        self._clock = clock
        self._started_s = clock()
        self._last_line_s = self._started_s
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._files = 0
        self._bytes = 0

    def add(self, size_bytes: int) -> None:
        """One more file is in the store."""
        with self._lock:
            self._files += 1
            self._bytes += size_bytes

    def text(self) -> str:
        """Return where things stand."""
        passed_s = self._clock() - self._started_s
        return f"{self._files}/{self._total} files, {size_text(self._bytes + self._arriving())}, {passed_s:.0f} s"

    def draw(self) -> None:
        """Write the bar, or in a log a line if the last one is a while ago."""
        with self._lock:
            if self._stream.isatty():
                full = _BAR_COLUMNS * self._files // max(self._total, 1)
                bar = "█" * full + "·" * (_BAR_COLUMNS - full)
                self._stream.write(f"\r\x1b[Kfetch {bar} {self.text()}")
            elif self._clock() - self._last_line_s >= _LINE_EVERY_S:
                self._last_line_s = self._clock()
                self._stream.write(f"fetch: {self.text()}\n")
            self._stream.flush()

    def _redraw(self) -> None:
        while not self._ended.wait(_REDRAW_S):
            self.draw()

    def __enter__(self) -> Progress:
        self._thread = threading.Thread(target=self._redraw, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join()
        clear = "\r\x1b[K" if self._stream.isatty() else ""
        self._stream.write(f"{clear}fetch: {self.text()}\n")
        self._stream.flush()
