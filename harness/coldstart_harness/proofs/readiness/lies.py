"""When readiness said that requests are answered, and they were not. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from coldstart_harness.traffic.client import Exchange

# It says that there are too many requests, which is no claim about readiness; and here one caller asks at a time.
_OVERLOADED = 429


@dataclass(frozen=True, slots=True)
class Lie:
    """An interval in which readiness said 200 and inference failed, on `time.monotonic()`.

    Args:
        start_s: when the first request that failed was sent.
        end_s: when the last one had failed.
        failures: how many failed, one after the other.
        reason: what became of the first.
    """

    start_s: float
    end_s: float
    failures: int
    reason: str

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class _Streak:
    """From the end of the first to the start of the last of a row of readiness probes that all said 200."""

    start_s: float
    end_s: float


def lies_in(readiness: Sequence[Exchange], inference: Sequence[Exchange]) -> list[Lie]:
    """Every interval of lie, in order.

    A request that failed counts where a probe that said 200 was over before it was sent, another one that said 200 was
    sent after it had failed, and none between them said otherwise. So a state that changes while a request is under
    way is never taken for a lie, on the way up or down. A right answer ends an interval, as does another readiness.

    Args:
        readiness: of one caller, who sends the next when it has the last one's answer.
        inference: likewise.
    """
    streaks = _streaks_of(readiness)
    ends = [streak.end_s for streak in streaks]
    lies: list[Lie] = []
    under_way: _Streak | None = None
    for exchange in inference:
        if exchange.status == _OVERLOADED:
            continue
        # The only streak that can hold it: the first that ends after it is over.
        candidate = bisect_right(ends, exchange.done_s)
        holder = streaks[candidate] if candidate < len(streaks) else None
        if exchange.outcome == "right" or holder is None or exchange.sent_s <= holder.start_s:
            under_way = None
        elif holder is under_way:
            lies[-1] = replace(lies[-1], end_s=exchange.done_s, failures=lies[-1].failures + 1)
        else:
            lies.append(Lie(exchange.sent_s, exchange.done_s, 1, exchange.reason or exchange.outcome))
            under_way = holder
    return lies


def seconds_of(lies: Iterable[Lie]) -> float:
    return sum(lie.duration_s for lie in lies)


def _streaks_of(readiness: Sequence[Exchange]) -> list[_Streak]:
    streaks: list[_Streak] = []
    under_way = False
    for probe in readiness:
        if probe.outcome == "right":
            begun_s = streaks.pop().start_s if under_way else probe.done_s
            streaks.append(_Streak(begun_s, probe.sent_s))
        under_way = probe.outcome == "right"
    return streaks
