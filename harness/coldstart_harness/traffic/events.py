"""Server-sent events, as far as answers need them: their data. Pure.

Source: the WHATWG HTML standard, "Server-sent events", section on interpreting an event stream.
"""


def events_in(stream: bytes | bytearray) -> list[str]:
    """The data of every event that is complete: lines of data up to an empty line, joined by line feeds.

    Args:
        stream: the answer's body, or its beginning; an event without its empty line is not there yet.
    """
    events: list[str] = []
    data: list[str] = []
    for line in bytes(stream).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")[:-1]:
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" ").decode(errors="replace"))
        elif not line and data:
            events.append("\n".join(data))
            data = []
    return events
