"""The proof `overload`: how the peak is found, how load is made, and how it is judged."""

import asyncio
from typing import Any

import pytest
from tests.unit.harness_traffic_doubles import Player, asking, exchange, playing

from coldstart_harness.errors import ServiceFailed
from coldstart_harness.proofs.overload import PROOF, is_answered_properly, judge, report
from coldstart_harness.proofs.overload.load import (
    Capacity,
    Measured,
    Overloaded,
    capacity,
    measure,
    overloaded,
    rate_of,
)
from coldstart_harness.proofs.overload.memory import Usage, memory_bytes_of
from coldstart_harness.proofs.proof import Findings
from coldstart_harness.proofs.result import ProofResult
from coldstart_harness.slo.document import Promises
from coldstart_harness.traffic.client import Client, Exchange
from coldstart_harness.traffic.summary import with_outcome

MB = 1_000_000
PROMISES = Promises(memory_mb=200, deadline_s=1, recovery_s=2)


def refusal(**fields: Any) -> Exchange:
    return exchange("turned away", **({"sent": 1.0, "done": 1.01, "status": 429, "retry_after": "1"} | fields))


def load_of(
    right: int = 95, took: float = 0.5, others: list[Exchange] | None = None, recovered: float | None = 0.1
) -> Overloaded:
    """Ten counted seconds with so many right answers spread over them, more before and after, and others."""
    answers = [exchange(sent=10 * n / right - took, done=10 * n / right) for n in range(-20, right + 20)]
    refused = [refusal() for _ in range(200)] if others is None else others
    return Overloaded([*answers, *refused], 30.0, 0.0, 10.0, recovered, client_cpu_s=1.1)


def result_of(*loads: Overloaded, memory: list[float] | None = None, peaks: list[float] | None = None) -> ProofResult:
    usage = Usage([100.0 * MB] if memory is None else memory)
    measured = Measured([Capacity(1, 5.0), Capacity(2, 10.0)], peaks or [10.0] * (len(loads) + 1), list(loads))
    findings = Findings(PROOF.promises)
    judge(PROMISES, measured, usage, findings)
    report(PROMISES, measured, usage, findings)
    return findings.result("overload", "s", 0.0)


def broken_by(*loads: Overloaded, **fields: Any) -> list[str]:
    return [verdict.id for verdict in result_of(*loads, **fields).verdicts if verdict.outcome == "broken"]


def test_a_service_that_holds_breaks_nothing() -> None:
    """95 of the 100 answers that it can give in that time, the rest refused at once."""
    result = result_of(load_of())
    assert {verdict.outcome for verdict in result.verdicts} == {"kept"}
    assert result.verdicts[0].met == "95% of the peak"
    assert {f.name: f.median for f in result.figures}["processors that making the load took"] == pytest.approx(0.1)


def test_less_than_the_share_of_the_peak_breaks_goodput() -> None:
    """85 of 100."""
    assert broken_by(load_of(right=85)) == ["goodput-holds"]


def test_answers_after_the_deadline_are_no_goodput() -> None:
    """They are answers all the same, so nothing else is broken."""
    assert broken_by(load_of(took=1.5)) == ["goodput-holds"]


def test_answers_outside_the_counted_time_are_no_goodput() -> None:
    """What was answered while queues filled, or after the load, is left out on both sides."""
    before = [exchange(sent=-0.5, done=-0.1)] * 50
    after = [exchange(sent=10.0, done=10.1)] * 50
    assert broken_by(load_of(right=85, others=[*before, *after, refusal()])) == ["goodput-holds"]


def test_a_peak_that_moved_with_the_machine_is_no_collapse() -> None:
    """Each round is compared with the peaks around it, and the median of the rounds counts."""
    slow = load_of(right=48)
    assert broken_by(load_of(), slow, load_of(), peaks=[10.0, 10.0, 5.0, 10.0]) == []
    assert broken_by(slow, slow, load_of()) == ["goodput-holds"]


IMPROPER = [
    refusal(retry_after=None),
    refusal(retry_after="soon"),
    refusal(retry_after="0"),
    exchange("refused", status=None),
    exchange("lost", status=None),
    exchange("late", status=None),
    exchange("wrong", status=500),
]


@pytest.mark.parametrize("bad", IMPROPER, ids=lambda e: f"{e.outcome}-{e.retry_after}")
def test_one_improper_end_is_one_too_many(bad: Exchange) -> None:
    """Whatever is not answered must be refused, and say when to come back."""
    result = result_of(load_of(), load_of(others=[refusal(), bad]), load_of())
    verdict = next(v for v in result.verdicts if v.outcome == "broken")
    assert (verdict.id, verdict.met) == ("refusals-say-when-to-return", "1 of 807 do not")
    assert [v.outcome for v in result.verdicts].count("broken") == 1
    assert not is_answered_properly(bad)


def test_slow_refusals_are_found() -> None:
    """Two of a hundred in most of the rounds."""
    slow = load_of(others=[*[refusal()] * 98, *[refusal(done=1.2)] * 2])
    assert broken_by(slow, load_of(), slow) == ["refusals-are-fast"]
    assert broken_by(slow, load_of(), load_of()) == []


def test_without_a_refusal_their_speed_is_not_shown() -> None:
    """There is nothing to measure."""
    outcomes = {v.id: v.outcome for v in result_of(load_of(others=[])).verdicts}
    assert outcomes["refusals-are-fast"] == "not shown"


def test_memory_has_its_bound() -> None:
    """The largest sample counts, and without a sample nothing is shown."""
    assert broken_by(load_of(), memory=[100.0 * MB, 201.0 * MB, 100.0 * MB]) == ["memory-is-bounded"]
    outcomes = {v.id: v.outcome for v in result_of(load_of(), memory=[]).verdicts}
    assert outcomes["memory-is-bounded"] == "not shown"


def test_pages_that_the_kernel_may_drop_are_not_counted() -> None:
    """In both generations of control groups; an engine that says nothing gives nothing."""
    assert memory_bytes_of({"memory_stats": {"usage": 100, "stats": {"total_inactive_file": 30}}}) == 70
    assert memory_bytes_of({"memory_stats": {"usage": 100, "stats": {"inactive_file": 20}}}) == 80
    assert memory_bytes_of({"memory_stats": {}}) is None


@pytest.mark.parametrize("recovered", [2.5, None])
def test_a_service_that_stays_down_is_found(recovered: float | None) -> None:
    """In any round: too late, or never."""
    assert broken_by(load_of(), load_of(recovered=recovered), load_of()) == ["recovers"]


class Bounded(Player):
    """One answer at a time, 20 ms each, and room for two more; others are refused. `collapses`: room for all."""

    def __init__(self, *, collapses: bool = False) -> None:
        super().__init__()
        self._inside = 0
        self._collapses = collapses
        self._turn = asyncio.Lock()

    async def play(self, path: str, writer: asyncio.StreamWriter) -> bool:
        if self._inside >= 3 and not self._collapses:
            return await super().play("/busy", writer)
        self._inside += 1
        try:
            async with self._turn:
                await asyncio.sleep(0.02)
            return await super().play(path, writer)
        finally:
            self._inside -= 1


def test_answers_that_end_in_waves_are_counted_evenly() -> None:
    """Ten at a time, each wave a second long: ten a second, wherever in a wave the count begins and ends."""
    waves = [exchange(sent=float(second), done=second + 1.0) for second in range(10) for _ in range(10)]
    for begun, ended in ((2.0, 5.0), (2.1, 5.0), (2.0, 4.9), (2.5, 4.7)):
        assert rate_of(waves, begun, ended) == pytest.approx(10.0)
    assert rate_of(waves, 20.0, 21.0) == 0.0


async def test_callers_who_begin_together_are_no_more_than_the_service_can_do() -> None:
    """Sixteen wait for one who needs 20 ms for each: fifty a second, though the count is shorter than the queue."""
    async with playing(Bounded(collapses=True)) as player, Client(player.url, fresh=False, timeout_s=5) as client:
        peak = await capacity(client, asking("/right"), 16, 0.2, 5)
    assert 30 < peak.right_per_s <= 51


async def test_the_count_costs_its_callers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers are looked through until callers have spread out, and not at every request from then on."""
    looks: list[int] = []

    def looked(exchanges: list[Exchange], outcome: str) -> list[Exchange]:
        looks.append(len(exchanges))
        return with_outcome(exchanges, outcome)

    monkeypatch.setattr("coldstart_harness.proofs.overload.load.with_outcome", looked)
    async with playing() as player, Client(player.url, fresh=False, timeout_s=5) as client:
        peak = await capacity(client, asking("/right"), 4, 0.4, 5)
    assert 0 < len(looks) < peak.right_per_s * 0.3 / 2


async def test_a_bounded_service_is_measured_round_by_round() -> None:
    """The peak is found at a few callers, three times as much arrives, refusals come, and it recovers."""
    async with playing(Bounded()) as player:
        measured = await measure(player.url, asking("/right"), PROMISES, 0.9, lambda _: None)
    assert [found.concurrency for found in measured.search][:3] == [1, 2, 4]
    assert len(measured.search) < 7
    assert (len(measured.rounds), len(measured.peaks)) == (3, 4)
    for load in measured.rounds:
        assert {e.outcome for e in load.exchanges} == {"right", "turned away"}
        assert load.goodput_per_s(1.0) > 0
        assert load.recovered_s is not None
        assert load.client_cpu_s > 0
    assert all(is_answered_properly(e) for load in measured.rounds for e in load.exchanges)


async def test_a_service_without_a_bound_has_no_goodput_left() -> None:
    """Everything waits, until nothing is in time."""
    promises = Promises(deadline_s=0.2, recovery_s=0.1)
    async with playing(Bounded(collapses=True)) as player, Client(player.url, fresh=False, timeout_s=0.6) as client:
        peak = await capacity(client, asking("/right"), 1, 0.3, 0.2)
        load = await overloaded(client, asking("/right"), promises, rate_per_s=150, seconds=0.8)
    assert load.goodput_per_s(0.2) < 0.5 * peak.right_per_s
    assert "late" in {e.outcome for e in load.exchanges}


async def test_a_service_that_answers_nobody_is_not_flooded() -> None:
    """There is no peak of nothing."""
    async with playing() as player:
        with pytest.raises(ServiceFailed, match="not even one caller"):
            await measure(player.url, asking("/wrong"), PROMISES, 0.5, lambda _: None)
