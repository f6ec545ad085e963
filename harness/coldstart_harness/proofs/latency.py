"""Proof `latency`: how fast answers are, for one caller that waits for each and for arrivals that wait for nobody."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coldstart_harness.errors import ServiceFailed
from coldstart_harness.figures import format_seconds, percentile
from coldstart_harness.proofs.proof import Findings, Proof, Trial
from coldstart_harness.proofs.result import LineChart, Promise
from coldstart_harness.proofs.running import serving
from coldstart_harness.slo.document import Request, Service
from coldstart_harness.traffic.client import Client, Exchange
from coldstart_harness.traffic.loops import closed_loop, for_seconds, open_loop
from coldstart_harness.traffic.summary import error_ratio, evidence_of, with_outcome

RIGHT = Promise("answers-are-right", "Answers are right, but for the share of errors that is allowed.")
P50 = Promise("p50-in-time", "Half of the answers to a single caller come in time.")
P90 = Promise("p90-in-time", "Nine of ten answers to a single caller come in time.")
P99 = Promise("p99-in-time", "99 of 100 answers to a single caller come in time.")
FIRST_TOKEN = Promise("first-token-in-time", "99 of 100 streams begin in time.")
OPEN_P99 = Promise(
    "open-loop-p99-in-time", "At the arrival rate 99 of 100 answers come in time, from the moment they were due."
)

_WARM_UP_REQUESTS = 10
_WARM_UP_SHARE = 0.1
_STREAM_SHARE = 0.4
_PERCENTS = (*range(1, 100), 99.5, 99.9, 100)


@dataclass(frozen=True)
class Measured:
    """Everything that was asked and counted.

    Args:
        closed: one caller.
        streams: one caller, who reads streams; empty where the service has none.
        opened: arrivals.
        rate_per_s: of the arrivals.
    """

    closed: list[Exchange]
    streams: list[Exchange]
    opened: list[Exchange]
    rate_per_s: float


def find_out(trial: Trial, findings: Findings) -> None:
    """Ask one at a time, then streams one at a time, then at a rate."""
    with serving(trial) as running:
        measured = asyncio.run(measure(running.url, trial.asked, trial.effort.seconds, trial.say))
    judge(trial.asked, measured, findings)
    report(trial.asked, measured, findings)


async def measure(url: str, service: Service, seconds: float, say: Callable[[str], None]) -> Measured:
    """All loads, on kept connections, after requests that nobody counts.

    Args:
        url: of the service.
        service: how it is asked.
        seconds: of each of the two loops; streams and warming up take less.
        say: told what is being done.

    Raises:
        ServiceFailed: a single caller got no right answer at all.
    """
    stream = _stream_of(service)
    async with Client(url, fresh=False) as client:
        for request in (service.request, *([stream] if stream else [])):
            await _warm_up(client, request, seconds * _WARM_UP_SHARE)
        say("one caller, who waits for each answer")
        closed = await closed_loop(client, service.request, concurrency=1, until=for_seconds(seconds))
        streams: list[Exchange] = []
        if stream:
            say("one caller, who reads streams")
            streams = await closed_loop(client, stream, concurrency=1, until=for_seconds(seconds * _STREAM_SHARE))
        rate = service.promises.arrival_rate_per_s or _right_per_s(closed) / 2
        say(f"{rate:.3g} arrivals a second, which wait for nobody")
        opened = await open_loop(client, service.request, rate_per_s=rate, seconds=seconds)
    return Measured(closed, streams, opened, rate)


async def _warm_up(client: Client, request: Request, seconds: float) -> None:
    over = for_seconds(seconds)
    await closed_loop(client, request, concurrency=1, until=lambda met: len(met) >= _WARM_UP_REQUESTS or over(met))


def _stream_of(service: Service) -> Request | None:
    return next((request for request in service.requests.values() if request.stream), None)


def _right_per_s(closed: Sequence[Exchange]) -> float:
    right = with_outcome(closed, "right")
    if not right:
        raise ServiceFailed(
            "a single caller got no right answer, so that there is no rate to go by",
            details=evidence_of(closed, closed[0].sent_s),
        )
    return len(right) / (closed[-1].done_s - closed[0].sent_s)


def judge(service: Service, measured: Measured, findings: Findings) -> None:
    """Every promise, by nearest-rank percentiles of answers that came, and of those that did not come in time."""
    promises = service.promises
    everything = [*measured.closed, *measured.streams, *measured.opened]
    findings.judge_at_most(
        RIGHT,
        error_ratio(everything),
        promises.error_ratio,
        lambda ratio: f"{ratio:.3%} errors",
        detail=evidence_of(everything, everything[0].sent_s),
    )
    closed = [exchange.service_s for exchange in _timed(measured.closed)]
    for promise, percent, bound_ms in (
        (P50, 50, promises.p50_ms),
        (P90, 90, promises.p90_ms),
        (P99, 99, promises.p99_ms),
    ):
        _judge_percentile(findings, promise, closed, percent, bound_ms)
    opened = [exchange.latency_s for exchange in _timed(measured.opened)]
    _judge_percentile(findings, OPEN_P99, opened, 99, promises.open_loop_p99_ms)
    if _stream_of(service) is None:
        findings.not_shown(FIRST_TOKEN, "none of the service's requests is a stream")
    else:
        _judge_percentile(findings, FIRST_TOKEN, _first_tokens_s(measured), 99, promises.first_token_p99_ms)


def _judge_percentile(
    findings: Findings, promise: Promise, seconds: Sequence[float], percent: float, bound_ms: float | None
) -> None:
    if not seconds:
        findings.judge(promise, False, detail="no answer came")
        return
    bound_s = None if bound_ms is None else bound_ms / 1000
    findings.judge_at_most(
        promise,
        percentile(seconds, percent),
        bound_s,
        format_seconds,
        detail=f"of {len(seconds)} answers the slowest took {format_seconds(max(seconds))}",
    )


def _timed(exchanges: Sequence[Exchange]) -> list[Exchange]:
    """Those whose time says something: failures that come at once would make a service look fast."""
    return with_outcome(exchanges, "right", "late")


def _first_tokens_s(measured: Measured) -> list[float]:
    return [
        exchange.first_event_s - exchange.sent_s for exchange in measured.streams if exchange.first_event_s is not None
    ]


def report(service: Service, measured: Measured, findings: Findings) -> None:
    """Figures, the chart of all distributions, and how to read them."""
    distributions = {
        "one caller": [exchange.service_s for exchange in _timed(measured.closed)],
        "arrivals, from due": [exchange.latency_s for exchange in _timed(measured.opened)],
        "arrivals, from sending": [exchange.service_s for exchange in _timed(measured.opened)],
        "first token": _first_tokens_s(measured),
    }
    known = {name: seconds for name, seconds in distributions.items() if seconds}
    for name, seconds in known.items():
        for percent in (50, 90, 99):
            findings.measure(f"{name}, p{percent}", "s", [percentile(seconds, percent)])
    findings.measure("arrivals", "1/s", [measured.rate_per_s])
    behind = [exchange.sent_s - exchange.due_s for exchange in measured.opened]
    if behind:
        findings.measure("behind the schedule, p99", "s", [percentile(behind, 99)])
    _measure_units(service, measured, findings)
    findings.draw(
        LineChart(
            "Seconds that answers took",
            "percentile",
            "s",
            tuple((name, _curve(seconds)) for name, seconds in known.items()),
        )
    )
    findings.notes += [
        f"Percentiles are of {len(measured.closed)} answers to one caller and {len(measured.opened)} arrivals, a "
        "Poisson process; connections are kept; requests to warm up are left out.",
        "An arrival is sent when it is due, whether or not earlier ones were answered, and what it waited for its turn "
        "counts as its latency: from due, the promise holds; from sending, this wait would be left out.",
    ]


def _measure_units(service: Service, measured: Measured, findings: Findings) -> None:
    for request, exchanges, name in (
        (service.request, measured.closed, "one caller"),
        (_stream_of(service), measured.streams, "one caller's stream"),
    ):
        right = with_outcome(exchanges, "right")
        if request and request.units and right:
            rates = [exchange.units / exchange.service_s for exchange in right]
            findings.measure(f"{request.units.name} a second, {name}", "1/s", rates)


def _curve(seconds: Sequence[float]) -> tuple[tuple[float, float], ...]:
    return tuple((float(percent), percentile(seconds, percent)) for percent in _PERCENTS)


PROOF = Proof(
    "latency",
    "How fast are answers, to one caller who waits for each, and to arrivals that wait for nobody?",
    "service",
    (RIGHT, P50, P90, P99, FIRST_TOKEN, OPEN_P99),
    find_out,
)
