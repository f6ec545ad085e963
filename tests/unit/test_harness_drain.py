"""The proof `drain`: how a stop is watched, and how it is judged."""

import asyncio
import itertools
import threading
import time
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.harness_traffic_doubles import Player, asking, exchange, playing, streaming

from coldstart_harness.errors import ServiceFailed
from coldstart_harness.proofs.drain import PROOF, judge, report
from coldstart_harness.proofs.drain.chart import chart_of
from coldstart_harness.proofs.drain.losses import cut_off, lost_in
from coldstart_harness.proofs.drain.round import Drain, callers_let_in, load_of, watched
from coldstart_harness.proofs.proof import Findings
from coldstart_harness.proofs.result import ProofResult
from coldstart_harness.slo.document import Promises, Service
from coldstart_harness.traffic.client import Exchange

SIGNAL = 10.0
OLD_RIGHT = exchange(sent=9.5, done=10.5)


def drain_of(*requests: Exchange, probes: list[Exchange] | None = None, **fields: Any) -> Drain:
    """A drain whose signal was at 10 s and whose readiness was off from 10.1 s on, unless said otherwise."""
    seen = [exchange(sent=9.9, done=10.0), off(10.05)] if probes is None else probes
    return Drain(list(requests), seen, SIGNAL, **({"ended_s": 12.0, "exit_code": 0} | fields))


def off(sent: float) -> Exchange:
    return exchange("turned away", sent=sent, done=sent + 0.05, status=503)


def result_of(*drains: Drain) -> ProofResult:
    findings = Findings(PROOF.promises)
    judge(Promises(grace_s=5), drains, findings)
    report(drains, findings)
    return findings.result("drain", "s", 0.0)


def broken_by(*drains: Drain) -> list[str]:
    return [verdict.id for verdict in result_of(*drains).verdicts if verdict.outcome == "broken"]


CLEAN = [
    exchange("turned away", sent=10.2, done=10.3, status=503),
    exchange("turned away", sent=9.9, done=10.3, status=503),
    exchange("refused", sent=11.0, done=11.1, status=None),
    exchange("lost", sent=11.0, done=11.1, status=None),
    exchange(sent=10.05, done=10.3),
]


@pytest.mark.parametrize("request_", CLEAN, ids=lambda e: f"{e.outcome}-{e.sent_s}")
def test_clean_ends_break_nothing(request_: Exchange) -> None:
    """Answers, a 503 in full, a refused connection, and a new connection that nobody had taken from the queue."""
    assert broken_by(drain_of(OLD_RIGHT, request_)) == []


LOSSES = [
    exchange("lost", sent=9.5, done=10.1, status=None),
    exchange("lost", sent=9.5, done=10.1, first_byte=9.8),
    exchange("late", sent=9.5, done=20.0, status=None),
    exchange("wrong", sent=9.5, done=10.1, status=500),
    exchange("lost", sent=9.0, done=9.5, status=None),
    exchange("lost", sent=10.1, done=10.3, first_byte=10.2),
]


@pytest.mark.parametrize("request_", LOSSES, ids=lambda e: f"{e.outcome}-{e.sent_s}-{e.first_byte_s}")
def test_an_accepted_request_without_a_whole_right_answer_is_lost(request_: Exchange) -> None:
    """Sent before the signal, or with its answer begun; the evidence says when and how."""
    result = result_of(drain_of(OLD_RIGHT), drain_of(OLD_RIGHT, request_))
    verdict = next(v for v in result.verdicts if v.id == "nothing-accepted-is-lost")
    assert (verdict.outcome, verdict.met) == ("broken", "1 lost of 3 accepted")
    assert f"sent at {request_.sent_s - SIGNAL:+.3f} s" in verdict.detail
    assert [v.id for v in result.verdicts if v.outcome == "broken"] == ["nothing-accepted-is-lost"]


UNCLEAN = [
    exchange("wrong", sent=10.2, done=10.3, status=500),
    exchange("turned away", sent=10.2, done=10.3, status=429),
    exchange("late", sent=10.2, done=40.0, status=None),
]


@pytest.mark.parametrize("request_", UNCLEAN, ids=lambda e: e.outcome)
def test_new_requests_get_a_503_and_nothing_else(request_: Exchange) -> None:
    """Not an error, not the 429 of a process that has no time, and not silence."""
    assert broken_by(drain_of(OLD_RIGHT, request_)) == ["new-requests-are-refused-cleanly"]


def test_a_new_connection_without_a_byte_is_counted_apart() -> None:
    """No server can avoid it, and the reader is told how many there were."""
    drain = drain_of(OLD_RIGHT, exchange("lost", sent=11.0, done=11.1, status=None))
    assert (len(lost_in(drain)), len(cut_off(drain))) == (0, 1)
    assert {f.name: f.median for f in result_of(drain).figures}["left in the socket's queue"] == 1
    assert {span.kind for _, spans in chart_of(drain).rows[2:] for span in spans} == {"right", "refused"}


REFUSALS = [exchange("turned away", sent=10.1, done=10.2, status=503), exchange("refused", sent=10.1, done=10.2)]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda e: e.outcome)
def test_readiness_that_turns_after_the_first_refusal_is_found(refusal: Exchange) -> None:
    """A probe that was sent when somebody had been refused already, and said 200."""
    late = [exchange(sent=10.25, done=10.3), off(10.3)]
    assert broken_by(drain_of(OLD_RIGHT, refusal, probes=late)) == ["readiness-turns-first"]


def test_a_probe_under_way_is_not_blamed() -> None:
    """It was sent before the refusal was over, so it may have been answered before it."""
    under_way = [exchange(sent=10.15, done=10.4), off(10.4)]
    assert broken_by(drain_of(OLD_RIGHT, REFUSALS[0], probes=under_way)) == []


def test_refusals_before_the_signal_are_found() -> None:
    """Readiness said 200 all the while."""
    early = exchange("turned away", sent=9.0, done=9.1, status=503)
    assert broken_by(drain_of(OLD_RIGHT, early)) == ["readiness-turns-first"]


def test_readiness_that_comes_back_is_found() -> None:
    """Off once, then 200 again."""
    flapping = [off(10.05), exchange(sent=10.2, done=10.3), off(10.4)]
    assert broken_by(drain_of(OLD_RIGHT, probes=flapping)) == ["readiness-turns-first"]


def test_readiness_that_never_turns_is_found() -> None:
    """Every probe said 200 until the process was killed."""
    drain = drain_of(OLD_RIGHT, probes=[exchange(sent=10.2, done=10.3)], ended_s=None, exit_code=137)
    assert broken_by(drain) == ["readiness-turns-first", "exits-with-zero", "exits-within-grace"]


def test_the_end_has_its_grace_and_its_exit_code() -> None:
    """Of all stops the worst counts."""
    good = drain_of(OLD_RIGHT)
    assert broken_by(good, drain_of(OLD_RIGHT, ended_s=16.0)) == ["exits-within-grace"]
    assert broken_by(drain_of(OLD_RIGHT, exit_code=1, log="Traceback"), good) == ["exits-with-zero"]


def test_without_a_request_in_flight_nothing_is_shown() -> None:
    """A stop of an idle service says nothing of those who wait."""
    outcomes = {v.id: v.outcome for v in result_of(drain_of(exchange(sent=8.0, done=8.1))).verdicts}
    assert outcomes["nothing-accepted-is-lost"] == "not shown"


def test_the_picture_is_small() -> None:
    """However many requests there were: rows and spans have bounds, and requests of one row do not overlap."""
    requests = [exchange(sent=9.0 + n / 1000, done=9.0 + n / 1000 + 0.05) for n in range(3000)]
    probes = [exchange(sent=9.0 + n / 1000, done=9.0005 + n / 1000) for n in range(1000)]
    chart = chart_of(drain_of(*requests, probes=[*probes, off(10.1)]))
    assert [label for label, _ in chart.rows[:3]] == ["process", "readiness", "caller 1"]
    assert len(chart.rows) <= 40
    assert sum(len(spans) for _, spans in chart.rows) <= 1000
    assert [span.kind for span in chart.rows[1][1]] == ["right", "turned away"]
    for _, spans in chart.rows[2:]:
        assert all(one.end <= other.start for one, other in itertools.pairwise(spans))


def service_of() -> Service:
    requests = {"plain": asking("/right"), "slow": streaming("/stream")}
    return Service.model_validate({"port": 1, "liveness": "/livez", "readiness": "/readyz", "requests": requests})


def test_streams_are_preferred() -> None:
    """They are under way for longest."""
    assert load_of(service_of()).path == "/stream"
    assert load_of(service_of().model_copy(update={"requests": {"plain": asking("/right")}})).path == "/right"


class Stoppable(Player):
    """Answers six streams and holds the next ones until it is told to stop; then it finishes or drops them."""

    def __init__(self, *, drops: bool) -> None:
        super().__init__()
        self._drops = drops
        # Those before the signal, and the newcomers after it.
        self._callers, self._held = 3 + 2, 0
        self._stopping = asyncio.Event()
        self._holds = threading.Event()
        self._ended = threading.Event()
        self._loop = asyncio.get_running_loop()

    def send(self) -> None:
        """The signal, from another thread, once everybody's request is in flight."""
        assert self._holds.wait(10)
        self._loop.call_soon_threadsafe(self._stop)

    def wait(self) -> float | None:
        assert self._ended.wait(10)
        return time.monotonic()

    def _stop(self) -> None:
        self._stopping.set()
        self._loop.call_later(0.2, self._ended.set)

    async def play(self, path: str, writer: asyncio.StreamWriter) -> bool:
        if self._stopping.is_set():
            return await super().play("/starting", writer)
        if path == "/readyz":
            return await super().play("/right", writer)
        if self.requests.count("/stream") > 6:
            self._held += 1
            if self._held == self._callers:
                self._holds.set()
            await self._stopping.wait()
            return await super().play("/reset" if self._drops else "/stream", writer)
        return await super().play(path, writer)


async def drained_by(*, drops: bool) -> Drain:
    async with playing(Stoppable(drops=drops)) as player:
        assert isinstance(player, Stoppable)
        return replace(await watched(player.url, service_of(), 6, 3, player.send, player.wait), exit_code=0)


async def test_a_stop_in_the_middle_of_load_is_seen_whole() -> None:
    """Requests in flight, newcomers that are turned away, readiness that turns, and the end."""
    drain = await drained_by(drops=False)
    assert broken_by(drain) == []
    assert {request.outcome for request in drain.in_flight} == {"right"}
    assert "turned away" in {r.outcome for r in drain.requests if r.sent_s > drain.signalled_s}
    assert [drain.probes[0].outcome, drain.probes[-1].outcome] == ["right", "turned away"]


async def test_a_stop_that_drops_what_is_in_flight_is_found() -> None:
    """The connection of an accepted request is reset."""
    drain = await drained_by(drops=True)
    assert {request.outcome for request in drain.in_flight} == {"lost"}
    assert broken_by(drain) == ["nothing-accepted-is-lost"]


async def test_a_failure_before_the_signal_ends_the_wait() -> None:
    """A service that fails at once does not have to fail a thousand times."""
    service = service_of().model_copy(update={"requests": {"plain": asking("/wrong")}, "readiness": "/right"})
    async with playing() as player:
        drain = await watched(player.url, service, 1000, 1, lambda: None, time.monotonic)
    assert len(drain.requests) < 100
    assert lost_in(drain)


async def test_as_many_callers_as_are_let_in() -> None:
    """All eight where they fit, and a sentence where not even one does."""
    async with playing() as player:
        assert await callers_let_in(player.url, asking("/right")) == 8
        with pytest.raises(ServiceFailed, match="not answer even one caller"):
            await callers_let_in(player.url, asking("/busy"))
