"""A picture of one drain: requests, readiness and the signal on one axis. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from coldstart_harness.proofs.drain.losses import cut_off
from coldstart_harness.proofs.drain.round import Drain
from coldstart_harness.proofs.result import Span, SpanChart
from coldstart_harness.traffic.client import Exchange

_BEFORE_S = 0.3
_AFTER_S = 0.3
_MOST_LANES = 24
_MOST_SPANS = 40


def chart_of(drain: Drain) -> SpanChart:
    """Seconds from the signal, from a little before it to a little after the end."""
    begin = -_BEFORE_S
    end = (_last_s(drain) if drain.ended_s is None else drain.ended_s) - drain.signalled_s + _AFTER_S
    left = {id(request) for request in cut_off(drain)}
    shown = [replace(r, outcome="refused") if id(r) in left else r for r in drain.requests]
    requests = [span for r in shown if (span := _span(drain, r, begin, end)) is not None]
    probes = [span for p in drain.probes if (span := _span(drain, p, begin, end)) is not None]
    stopping = Span(0.0, end - _AFTER_S, "stopping")
    rows = [("process", (Span(begin, 0.0, "serving"), stopping)), ("readiness", _merged(probes))]
    lanes = _lanes(sorted(requests, key=lambda span: span.start))[:_MOST_LANES]
    rows += [(f"caller {number}", tuple(lane[:_MOST_SPANS])) for number, lane in enumerate(lanes, 1)]
    return SpanChart("A stop in the middle of load", "s from the signal", tuple(rows))


def _last_s(drain: Drain) -> float:
    return max(exchange.done_s for exchange in (*drain.requests, *drain.probes))


def _span(drain: Drain, exchange: Exchange, begin: float, end: float) -> Span | None:
    """The exchange, cut to what is shown; None where it is outside."""
    start, stop = exchange.sent_s - drain.signalled_s, exchange.done_s - drain.signalled_s
    if stop < begin or start > end:
        return None
    return Span(max(start, begin), min(stop, end), exchange.outcome)


def _merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Neighbours of one kind as one."""
    merged: list[Span] = []
    for span in spans:
        if merged and merged[-1].kind == span.kind:
            merged[-1] = Span(merged[-1].start, span.end, span.kind)
        else:
            merged.append(span)
    return tuple(merged)


def _lanes(spans: Sequence[Span]) -> list[list[Span]]:
    """As few rows as hold all spans without overlap: each goes to the first row that is free when it begins."""
    lanes: list[list[Span]] = []
    for span in spans:
        lane = next((lane for lane in lanes if lane[-1].end <= span.start), None)
        if lane is None:
            lanes.append([span])
        else:
            lane.append(span)
    return lanes
