"""What became of many requests, in numbers and sentences. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence

from coldstart_harness.traffic.client import Exchange, Outcome

_TOLD = 3


def with_outcome(exchanges: Iterable[Exchange], *outcomes: Outcome) -> list[Exchange]:
    """Those that ended so."""
    return [exchange for exchange in exchanges if exchange.outcome in outcomes]


def error_ratio(exchanges: Sequence[Exchange]) -> float:
    """The share that was not right, in [0, 1]; 0 of none."""
    return len([exchange for exchange in exchanges if exchange.outcome != "right"]) / max(len(exchanges), 1)


def counts_of(exchanges: Iterable[Exchange]) -> str:
    """`117 right, 2 lost`, the most first."""
    return ", ".join(f"{count} {outcome}" for outcome, count in Counter(e.outcome for e in exchanges).most_common())


def evidence_of(exchanges: Sequence[Exchange], origin_s: float) -> str:
    """The counts, and the first few that are not right, a line each.

    Args:
        exchanges: in any order.
        origin_s: from which times are told.
    """
    failed = sorted((e for e in exchanges if e.outcome != "right"), key=lambda exchange: exchange.sent_s)
    lines = [_line(exchange, origin_s) for exchange in failed[:_TOLD]]
    more = [f"and {len(failed) - _TOLD} more"] if len(failed) > _TOLD else []
    return "\n".join([counts_of(exchanges), *lines, *more])


def _line(exchange: Exchange, origin_s: float) -> str:
    sent, done = exchange.sent_s - origin_s, exchange.done_s - origin_s
    return f"{exchange.outcome}: sent at {sent:+.3f} s, over at {done:+.3f} s: {exchange.reason}"
