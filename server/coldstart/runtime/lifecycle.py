"""Whether the process still takes work, and how much it has in hand."""


class Lifecycle:
    """What the signal handler, the shutdown gate and the server agree on.

    `begin_shutdown` only assigns, so it is safe inside a signal handler and in any thread; `enter` and `leave` belong
    to the event loop.
    """

    def __init__(self) -> None:
        self._shutting_down = False
        self._in_flight = 0

    @property
    def shutting_down(self) -> bool:
        """True from the first moment of shutdown."""
        return self._shutting_down

    def begin_shutdown(self) -> None:
        """Take no new work; there is no way back."""
        self._shutting_down = True

    @property
    def in_flight(self) -> int:
        """Requests that were let in and are not yet answered in full; probes do not count."""
        return self._in_flight

    def enter(self) -> None:
        """A request is let in."""
        self._in_flight += 1

    def leave(self) -> None:
        """A request that was let in is over."""
        self._in_flight -= 1
