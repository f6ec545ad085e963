"""A bound on work that is not counted in requests, such as seconds of sound or characters of text."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from coldstart.domain.errors import Overloaded
from coldstart.runtime.pace import Pace

# As the scheduler: refusals come in floods, and a line costs more than a refusal.
_SECONDS_BETWEEN_WARNINGS = 1.0
# In any unit: far below a second of sound or a character.
_NOTHING = 1e-6


class Budget:
    """How much work waits or is under way; what would go beyond the limit is refused at once. For one event loop.

    Work that is larger than the whole limit is let in when there is no other: nobody waits behind it who has been let
    in, and it need not be cut by its sender. Until less than the limit is left of it, everything else is refused.

    Args:
        limit: the most work, in `unit`, above 0.
        unit: in the plural, for messages.
        now: seconds of a clock that never goes back.
    """

    def __init__(self, limit: float, *, unit: str, now: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._unit = unit
        self._now = now
        self._used = 0.0
        self._pace = Pace(now)
        self._tell_again_at = now()
        self._log = structlog.get_logger("coldstart.budget").bind(unit=unit)

    @property
    def used(self) -> float:
        """Work that waits or is under way."""
        return self._used

    def check_room(self) -> None:
        """For work whose amount is not known yet.

        Raises:
            Overloaded: not even the smallest piece would be let in.
        """
        if self._used >= self._limit:
            raise self._refusal("")

    @contextmanager
    def take(self, amount: float) -> Iterator["Share"]:
        """Count `amount` until the body ends, when all of it is done; less as the share is told of what is done before.

        Raises:
            Overloaded: at once, when it is too much beside what is there; Retry-After is when that will be done at the
                pace measured.
        """
        if self._used and self._used + amount > self._limit:
            raise self._refusal(f", and this request has {_told(amount)}")
        if not self._used:
            self._pace.begin()
        self._used += amount
        share = Share(self, amount)
        try:
            yield share
        except BaseException:
            # What was not done says nothing of the pace.
            self._free(share.left)
            raise
        share.done(share.left)

    def _done(self, amount: float) -> None:
        self._pace.end(amount)
        self._free(amount)

    def _free(self, amount: float) -> None:
        self._used -= amount
        # Sums of fractions leave a trace of nothing behind, which would count as somebody's work.
        if self._used < _NOTHING:
            self._used = 0.0
            self._pace.idle()

    def _refusal(self, more: str) -> Overloaded:
        if (now := self._now()) >= self._tell_again_at:
            self._tell_again_at = now + _SECONDS_BETWEEN_WARNINGS
            self._log.warning("budget_full", limit=self._limit, used=round(self._used, 3))
        return Overloaded(
            f"{_told(self._used)} {self._unit} wait or are under way, of {_told(self._limit)} at most{more}",
            retry_after_s=self._pace.seconds_for(self._used),
        )


class Share:
    """One piece of work's part of a budget."""

    def __init__(self, budget: Budget, amount: float) -> None:
        self._budget = budget
        self._left = amount

    @property
    def left(self) -> float:
        """What is not done yet."""
        return self._left

    def done(self, amount: float) -> None:
        """So much more of it is done, and makes room; never more than is left."""
        amount = min(amount, self._left)
        self._left -= amount
        self._budget._done(amount)


def _told(amount: float) -> str:
    return f"{amount:.10g}" if float(amount).is_integer() else f"{amount:.1f}"
