"""How fast an engine works, for an honest Retry-After."""

import math
import time
from collections.abc import Callable

# A refused caller is told to come back within this many seconds, however slow the engine has become.
_LONGEST_RETRY_S = 60


class Pace:
    """How many seconds one result costs, or one unit of work, as a moving average. Written by one thread only."""

    _WEIGHT = 0.2

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._since: float | None = None
        self._seconds_per_result = 0.0

    def begin(self) -> None:
        """The engine is called."""
        if self._since is None:
            self._since = self._now()

    def end(self, results: float) -> None:
        """The call gave so many results; a call that gave none adds to what the next one costs."""
        if not results or self._since is None:
            return
        now = self._now()
        seconds = (now - self._since) / results
        first = self._seconds_per_result == 0.0
        self._seconds_per_result += (seconds - self._seconds_per_result) * (1.0 if first else self._WEIGHT)
        self._since = now

    def idle(self) -> None:
        """There is nothing to do; waiting for requests is not the engine's time."""
        self._since = None

    def seconds_for(self, requests: float) -> int:
        """Whole seconds, 1 to 60, after which `requests` will be done if the engine keeps its pace."""
        since = self._since
        stalled = 0.0 if since is None else self._now() - since
        # An engine that has been silent for long is slower than its average says.
        seconds = max(requests * self._seconds_per_result, stalled)
        return min(max(math.ceil(seconds), 1), _LONGEST_RETRY_S)
