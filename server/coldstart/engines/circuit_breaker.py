"""Leaving a service alone that fails, so that nobody waits for it in vain."""

import time
from collections.abc import Callable


class CircuitBreaker:
    """Open after some failures in a row; after a pause one call tries again, and its end decides. For one event loop.

    Args:
        failures: in a row, at least 1.
        pause_s: seconds for which no call is let through.
        now: seconds, as `time.monotonic`.
    """

    def __init__(self, failures: int, pause_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self._limit = failures
        self._pause_s = pause_s
        self._now = now
        self._failures = 0
        self._again_at = 0.0

    def lets_through(self) -> bool:
        """Whether a call may be made. Whoever makes it tells `succeeded` or `failed`."""
        if self._failures < self._limit:
            return True
        if self._now() < self._again_at:
            return False
        # The others go on waiting while this one tries.
        self._again_at = self._now() + self._pause_s
        return True

    def succeeded(self) -> None:
        """The call came to its end."""
        self._failures = 0

    def failed(self) -> None:
        """It did not."""
        self._failures += 1
        self._again_at = self._now() + self._pause_s
