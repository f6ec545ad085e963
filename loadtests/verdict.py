"""Which promises of `slo.toml` a run kept. Pure."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from coldstart_harness.figures import format_seconds
from coldstart_harness.slo.document import Promises, Service
from loadtests.profiles import Plan
from loadtests.record import FAILURES, OUTCOMES, Outcome, Record, Series, percentile_of

_PERCENTS = {"p50_ms": 50, "p90_ms": 90, "p99_ms": 99}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A promise, and whether the run kept it.

    Args:
        promise: its name in the file of promises; `answers`: that there are right ones at all; `duration`: that the run
            was not cut short.
        request: the name of the request that was judged; empty: all of them.
        outcome: whether it was kept; `not shown`: the run does not tell.
        met: the value met, as people read it.
        wanted: the value wanted, likewise.
    """

    promise: str
    request: str
    outcome: Literal["kept", "broken", "not shown"]
    met: str
    wanted: str

    def __str__(self) -> str:
        of = f" of {self.request}" if self.request else ""
        return f"{self.outcome}: {self.promise}{of}: met {self.met}, wanted {self.wanted}"


def judged(service: Service, plan: Plan, record: Record, seconds: float) -> list[Verdict]:
    """Judge a run by what its profile can show.

    Whatever the profile: there are right answers, failures are within `error_ratio`, and the slowest kind of request
    is within `deadline_s`. Without overload also the bounds of the service's first request and of streams' first
    tokens. After overload also that all is well within `recovery_s`. A run that was cut short, by a person or for want
    of workers, has kept nothing, unless it ended because a promise was broken.

    Args:
        service: what is promised.
        plan: the load that was wanted.
        record: what was seen.
        seconds: how long the run took.
    """
    verdicts = [_answers(service, record), _error_ratio(service.promises, plan, record)]
    if not plan.profile.overloads:
        verdicts += _latency(service, record)
    verdicts += _deadline(service.promises, record)
    if plan.profile.calm_from is not None:
        verdicts.append(_recovery(service, plan, record, plan.profile.calm_from * plan.duration_s))
    if _is_cut_short(plan, seconds) and all(verdict.outcome != "broken" for verdict in verdicts):
        verdicts.append(Verdict("duration", "", "broken", format_seconds(seconds), format_seconds(plan.duration_s)))
    return verdicts


def breaks(service: Service, plan: Plan, record: Record, stage: int) -> bool:
    """Whether one stage of a run had too many failures, or too slow answers."""
    from_s, to_s = plan.bounds_s(stage)
    asked = record.count(*OUTCOMES, from_s=from_s, to_s=to_s)
    failed = record.count(*FAILURES, from_s=from_s, to_s=to_s)
    names = record.names()
    slowest = max((_p99(record, name, from_s, to_s) or 0.0 for name in names), default=0.0)
    promises = service.promises
    return asked > 0 and (failed > promises.error_ratio * asked or slowest > promises.deadline_s * 1000)


def _is_cut_short(plan: Plan, seconds: float) -> bool:
    return math.isfinite(plan.duration_s) and seconds < plan.duration_s


def _answers(service: Service, record: Record) -> Verdict:
    name = next(iter(service.requests))
    right, asked = record.count("right", name=name), record.count(*OUTCOMES, name=name)
    met = f"{right} right answers of {asked}" if asked else "it was never asked"
    return Verdict("answers", name, "kept" if right else "broken", met, "right answers")


def _error_ratio(promises: Promises, plan: Plan, record: Record) -> Verdict:
    counted: tuple[Outcome, ...] = FAILURES if plan.profile.overloads else (*FAILURES, "turned away")
    asked, failed = record.count(*OUTCOMES), record.count(*counted)
    ratio = failed / asked if asked else 1.0
    met = f"{ratio:.4g} ({failed} of {asked})" if asked else "no request"
    kept = ratio <= promises.error_ratio
    return Verdict("error_ratio", "", "kept" if kept else "broken", met, f"≤ {promises.error_ratio:g}")


def _latency(service: Service, record: Record) -> Iterator[Verdict]:
    first = next(iter(service.requests))
    bounds: list[tuple[str, Series, str, int]] = [
        (promise, "right", first, percent) for promise, percent in _PERCENTS.items()
    ]
    streams = [name for name, request in service.requests.items() if request.stream]
    bounds += [("first_token_p99_ms", "first token", name, 99) for name in streams]
    for promise, series, name, percent in bounds:
        wanted_ms = getattr(service.promises, promise)
        if wanted_ms is not None:
            yield _within(promise, name, percentile_of(record.times(series, name), percent), wanted_ms)


def _deadline(promises: Promises, record: Record) -> Iterator[Verdict]:
    """Each request that is too slow at its 99th percentile; where none is, the slowest."""
    p99s = {name: _p99(record, name) for name in record.names()}
    ranked = sorted(((p99, name) for name, p99 in p99s.items() if p99 is not None), reverse=True)
    late = [(p99, name) for p99, name in ranked if p99 > promises.deadline_s * 1000]
    for p99, name in late or ranked[:1]:
        yield _within("deadline_s", name, p99, promises.deadline_s * 1000)


def _recovery(service: Service, plan: Plan, record: Record, calm_s: float) -> Verdict:
    """From `recovery_s` after the load fell on, nothing fails or is turned away, and answers are in time."""
    promises, name = service.promises, next(iter(service.requests))
    from_s = math.ceil(calm_s + promises.recovery_s)
    bad = record.count(*FAILURES, "turned away", from_s=from_s)
    p99 = _p99(record, name, from_s)
    bound_ms = promises.p99_ms or promises.deadline_s * 1000
    wanted = f"after {format_seconds(from_s)} none failed or turned away, p99 ≤ {_shown(bound_ms)}"
    if p99 is None and not bad:
        return Verdict("recovery_s", name, "not shown", f"no answer after {format_seconds(from_s)}", wanted)
    asked = record.count(*OUTCOMES, from_s=from_s)
    kept = p99 is not None and p99 <= bound_ms and bad <= promises.error_ratio * asked
    met = f"{bad} of {asked} failed or turned away, p99 {'of nothing' if p99 is None else _shown(p99)}"
    return Verdict("recovery_s", name, "kept" if kept else "broken", met, wanted)


def _within(promise: str, name: str, met_ms: float | None, wanted_ms: float) -> Verdict:
    wanted = f"≤ {_shown(wanted_ms)}"
    if met_ms is None:
        return Verdict(promise, name, "broken", "no right answer", wanted)
    return Verdict(promise, name, "kept" if met_ms <= wanted_ms else "broken", _shown(met_ms), wanted)


def _p99(record: Record, name: str, from_s: float = 0.0, to_s: float = math.inf) -> float | None:
    return percentile_of(record.times("right", name, from_s, to_s), 99)


def _shown(milliseconds: float) -> str:
    """As the file of promises has it, so that a bound below what can be measured stays visible."""
    return f"{milliseconds:g} ms"
