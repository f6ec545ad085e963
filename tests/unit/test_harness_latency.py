"""The proof `latency`: what it asks, and how it judges."""

from typing import Any

import pytest
from tests.unit.harness_traffic_doubles import asking, exchange, playing, streaming

from coldstart_harness.errors import ServiceFailed
from coldstart_harness.proofs.latency import PROOF, Measured, judge, measure, report
from coldstart_harness.proofs.proof import Findings
from coldstart_harness.proofs.result import ProofResult
from coldstart_harness.slo.document import Request, Service
from coldstart_harness.traffic.client import Exchange


def service_of(*requests: Request, **promises: Any) -> Service:
    named = {f"r{index}": request for index, request in enumerate(requests or (asking("/right"),))}
    return Service.model_validate(
        {"port": 1, "liveness": "/right", "readiness": "/right", "requests": named, "promises": promises}
    )


def result_of(service: Service, measured: Measured) -> ProofResult:
    findings = Findings(PROOF.promises)
    judge(service, measured, findings)
    report(service, measured, findings)
    return findings.result("latency", "s", 0.0)


def outcomes_of(result: ProofResult) -> dict[str, str]:
    return {verdict.id: verdict.outcome for verdict in result.verdicts}


def figures_of(result: ProofResult) -> dict[str, float]:
    return {figure.name: figure.median for figure in result.figures}


def answers(*seconds: float, **fields: Any) -> list[Exchange]:
    return [exchange(sent=float(start), done=start + took, **fields) for start, took in enumerate(seconds)]


FAST = answers(*[0.01] * 95, *[0.2] * 5)


def test_without_bounds_nothing_is_promised_but_right_answers() -> None:
    """Every figure is there all the same."""
    result = result_of(service_of(), Measured(FAST, [], FAST, 5.0))
    assert outcomes_of(result) == {
        "answers-are-right": "kept",
        "p50-in-time": "not shown",
        "p90-in-time": "not shown",
        "p99-in-time": "not shown",
        "first-token-in-time": "not shown",
        "open-loop-p99-in-time": "not shown",
    }
    figures = figures_of(result)
    assert [figures[f"one caller, p{percent}"] for percent in (50, 90, 99)] == pytest.approx([0.01, 0.01, 0.2])


BOUNDS = [
    ({"p50_ms": 9}, "p50-in-time"),
    ({"p90_ms": 9}, "p90-in-time"),
    ({"p99_ms": 199}, "p99-in-time"),
    ({"open_loop_p99_ms": 199}, "open-loop-p99-in-time"),
]


@pytest.mark.parametrize(("bound", "promise"), BOUNDS)
def test_each_percentile_has_its_bound(bound: dict[str, float], promise: str) -> None:
    """A bound that is passed breaks its promise and no other."""
    generous = {"p50_ms": 11, "p90_ms": 11, "p99_ms": 201, "open_loop_p99_ms": 201}
    measured = Measured(FAST, [], FAST, 5.0)
    kept = outcomes_of(result_of(service_of(**generous), measured))
    broken = outcomes_of(result_of(service_of(**(generous | bound)), measured))
    assert "broken" not in kept.values()
    assert [name for name, outcome in broken.items() if outcome == "broken"] == [promise]


def test_arrivals_count_from_the_moment_they_were_due() -> None:
    """A stall that keeps requests from being sent is in the latency, and stands beside what leaves it out."""
    stalled = [exchange(due=0.0, sent=2.0, done=2.01) for _ in range(100)]
    result = result_of(service_of(open_loop_p99_ms=100), Measured(FAST, [], stalled, 50.0))
    assert outcomes_of(result)["open-loop-p99-in-time"] == "broken"
    figures = figures_of(result)
    assert figures["arrivals, from due, p99"] == pytest.approx(2.01)
    assert figures["arrivals, from sending, p99"] == pytest.approx(0.01)
    assert figures["behind the schedule, p99"] == pytest.approx(2.0)
    assert [name for name, _ in result.line_charts[0].series] == [
        "one caller",
        "arrivals, from due",
        "arrivals, from sending",
    ]


def test_errors_in_any_loop_count() -> None:
    """One of 200 is above a bound of none, and within one of a hundredth; the sentence says what was met."""
    measured = Measured(FAST, [], [*FAST[1:], exchange("lost")], 5.0)
    strict = result_of(service_of(), measured)
    verdict = strict.verdicts[0]
    assert (verdict.outcome, verdict.met) == ("broken", "0.500% errors")
    assert "199 right, 1 lost" in verdict.detail
    assert "made by hand" in verdict.detail
    assert outcomes_of(result_of(service_of(error_ratio=0.01), measured))["answers-are-right"] == "kept"


def test_quick_failures_do_not_make_a_service_look_fast() -> None:
    """Refusals have no part in percentiles; answers that never came have their whole time."""
    closed = [*[exchange("turned away", done=0.001)] * 50, *answers(*[0.5] * 40), *[exchange("late", done=30.0)] * 10]
    figures = figures_of(result_of(service_of(error_ratio=1), Measured(closed, [], FAST, 5.0)))
    assert figures["one caller, p50"] == pytest.approx(0.5)
    assert figures["one caller, p99"] == pytest.approx(30.0)


def test_no_answer_at_all_breaks_the_promises_of_time() -> None:
    """There is nothing of which a percentile could be."""
    nothing = [exchange("lost")]
    result = outcomes_of(result_of(service_of(p50_ms=1), Measured(nothing, [], nothing, 5.0)))
    assert result["p50-in-time"] == "broken"
    assert result["open-loop-p99-in-time"] == "broken"


async def test_every_load_is_made_and_its_units_are_counted() -> None:
    """One caller, streams and arrivals, on kept connections; the rate is half of what one caller gets."""
    service = service_of(asking("/right"), streaming("/stream"), first_token_p99_ms=5000, p99_ms=5000)
    async with playing() as player:
        measured = await measure(player.url, service, 0.3, lambda _: None)
    assert min(len(measured.closed), len(measured.streams), len(measured.opened)) > 3
    asked = len(measured.closed) + len(measured.streams) + len(measured.opened)
    assert 2 <= len(player.requests) - asked <= 20
    assert player.connections < asked / 2
    span = measured.closed[-1].done_s - measured.closed[0].sent_s
    assert measured.rate_per_s == pytest.approx(len(measured.closed) / span / 2)
    result = result_of(service, measured)
    assert outcomes_of(result)["first-token-in-time"] == "kept"
    figures = figures_of(result)
    assert figures["tokens a second, one caller"] > 0
    assert figures["tokens a second, one caller's stream"] > 0


async def test_a_given_rate_is_the_rate_of_arrivals() -> None:
    """Whatever one caller gets."""
    async with playing() as player:
        measured = await measure(player.url, service_of(arrival_rate_per_s=40), 0.5, lambda _: None)
    assert measured.rate_per_s == 40
    assert 5 <= len(measured.opened) <= 40


async def test_a_service_that_never_answers_rightly_is_not_flooded() -> None:
    """Its failures come fast, and are no measure of what it can bear."""
    async with playing() as player:
        with pytest.raises(ServiceFailed, match="no right answer") as raised:
            await measure(player.url, service_of(asking("/wrong")), 0.05, lambda _: None)
    assert "wrong" in raised.value.details
