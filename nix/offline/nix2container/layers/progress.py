"""What a person sees while layers travel: one line a layer, and on a terminal how far the current one is."""

import sys
from collections.abc import Sequence
from time import monotonic
from typing import TextIO

from .model import Layer

# Seconds between two redraws of the line of the layer under way.
REDRAW_INTERVAL_S = 0.1


class Progress:
    """Reports on layers, by their index; not thread-safe.

    Args:
        layers: all layers of the image, in order.
        out: where lines go; a line is redrawn only if this is a terminal.
    """

    def __init__(self, layers: Sequence[Layer], out: TextIO = sys.stderr) -> None:
        self._layers = layers
        self._out = out
        self._redraws = out.isatty()
        self._sent = [0] * len(layers)
        self._drawn_at = 0.0

    def advance(self, index: int, length: int) -> None:
        """`length` more bytes of the layer's tar have been passed on."""
        self._sent[index] += length
        if self._sent[index] == self._layers[index].size:
            self.finish(index, "sent")
        else:
            self._redraw(self._line(index), self._sent[index], self._layers[index].size)

    def unpack(self, name: str, done: int, total: int) -> None:
        """The receiver has unpacked `done` of `total` bytes of the layer that it calls `name`."""
        self._redraw(f"  unpacking {name}:", done, total)

    def finish(self, index: int, outcome: str) -> None:
        """Close the layer's line with what became of it."""
        self.say(f"{self._line(index)} {outcome}")

    def restart(self) -> None:
        """All layers are to be sent once more."""
        self._sent = [0] * len(self._layers)

    def say(self, line: str) -> None:
        """Write a line of its own."""
        self._out.write(f"\r\033[K{line}\n" if self._redraws else f"{line}\n")
        self._out.flush()

    def _redraw(self, line: str, done: int, total: int) -> None:
        if self._redraws and monotonic() - self._drawn_at > REDRAW_INTERVAL_S:
            self._drawn_at = monotonic()
            self._out.write(f"\r\033[K{line} {100 * done // max(1, total)} %")
            self._out.flush()

    def _line(self, index: int) -> str:
        layer = self._layers[index]
        origin = layer.history.get("created_by", "")
        return f"  layer {index + 1:2}/{len(self._layers)} {megabytes(layer.size):>9}  {layer.diff_id[7:19]}  {origin}:"


def megabytes(size: int) -> str:
    """A size for people: megabytes of a million bytes, kilobytes below one."""
    return f"{size / 1e6:.1f} MB" if size >= 1_000_000 else f"{size / 1e3:.1f} kB"
