"""Whether the process still takes work."""


class Lifecycle:
    """One flag that a signal handler may set and every request reads.

    `begin_shutdown` only assigns, so it is safe inside a signal handler and in any thread.
    """

    def __init__(self) -> None:
        self._shutting_down = False

    @property
    def shutting_down(self) -> bool:
        """True from the first moment of shutdown."""
        return self._shutting_down

    def begin_shutdown(self) -> None:
        """Take no new work; there is no way back."""
        self._shutting_down = True
