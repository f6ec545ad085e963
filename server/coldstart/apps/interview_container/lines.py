"""The output of several processes as lines of one, each with the name of its process."""

# A line that is longer comes in pieces.
_MAX_LINE_BYTES = 64 * 1024


def labelled(process: str, line: bytes) -> bytes:
    """The line with its process: a field of a JSON object, or else a prefix.

    Args:
        process: a name of letters.
        line: without the newline at its end.
    """
    if line.startswith(b'{"') and line.endswith(b"}"):
        return b'{"process": "%b", %b' % (process.encode(), line[1:])
    return b"%b: %b" % (process.encode(), line)


class LineBuffer:
    """Whole lines out of what a process writes in pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are complete now, without their newlines."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        while len(self._rest) > _MAX_LINE_BYTES:
            lines.append(self._rest[:_MAX_LINE_BYTES])
            self._rest = self._rest[_MAX_LINE_BYTES:]
        return lines

    def finish(self) -> list[bytes]:
        """What is left once the process has ended: a line without a newline, or nothing."""
        rest, self._rest = self._rest, b""
        return [rest] if rest else []
