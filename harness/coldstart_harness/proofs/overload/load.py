"""What a service can do, and what it does at three times as much."""

import asyncio
import math
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coldstart_harness.errors import ServiceFailed
from coldstart_harness.slo.document import Promises, Request
from coldstart_harness.traffic.client import Client, Exchange
from coldstart_harness.traffic.loops import closed_loop, open_loop
from coldstart_harness.traffic.summary import evidence_of, with_outcome

OVERLOAD = 3
ROUNDS = 3
RIGHT_IN_A_ROW = 5
_CONCURRENCIES = (1, 2, 4, 8, 16, 32, 64)
_STEPS_WITHOUT_GAIN = 2
_GAIN = 1.03
# Of the time for one concurrency, at least: until the callers have spread out, nothing is counted.
_SETTLING = 0.25
_PARTS = 8
_ANSWERS_A_PART = 8
# A caller waits beyond the deadline, so that an answer that is only slow is told from none.
_PATIENCE = 3
_RETRY_PAUSE_S = 0.02
_SHORTEST_S = 1e-9


@dataclass(frozen=True)
class Capacity:
    """Right answers a second at one concurrency."""

    concurrency: int
    right_per_s: float


@dataclass(frozen=True)
class Overloaded:
    """One stretch of too much load.

    Args:
        exchanges: every arrival.
        rate_per_s: of the arrivals.
        begun_s: from when on answers were counted: by then the queue is as full as it gets.
        ended_s: of the load.
        recovered_s: seconds from the load's end to the last of five right answers in a row; None: they did not come.
        client_cpu_s: what making the load cost this machine, in seconds of one processor.
    """

    exchanges: list[Exchange]
    rate_per_s: float
    begun_s: float
    ended_s: float
    recovered_s: float | None
    client_cpu_s: float

    def goodput_per_s(self, deadline_s: float) -> float:
        """Right answers within the deadline, from the moment they were due, a second."""
        good = [e for e in self.exchanges if e.outcome == "right" and e.latency_s <= deadline_s]
        return rate_of(good, self.begun_s, self.ended_s)


@dataclass(frozen=True)
class Measured:
    """The search for the peak, and rounds of load, each between two measurements of the peak.

    Args:
        search: rising concurrencies.
        peaks: right answers a second at the best of them, before the first round and after each.
        rounds: of too much load.
    """

    search: list[Capacity]
    peaks: list[float]
    rounds: list[Overloaded]

    def ratios(self, deadline_s: float) -> list[float]:
        """Of each round, its goodput as a share of the mean of the peaks around it."""
        around = [statistics.mean(pair) for pair in zip(self.peaks, self.peaks[1:], strict=False)]
        goodputs = [load.goodput_per_s(deadline_s) for load in self.rounds]
        return [goodput / peak if peak else 0.0 for goodput, peak in zip(goodputs, around, strict=True)]


async def measure(
    url: str, request: Request, promises: Promises, seconds: float, say: Callable[[str], None]
) -> Measured:
    """Find the peak, then load three times as much, in rounds.

    The peak is measured again beside each round: a machine that others use is not the same from minute to minute.

    Args:
        url: of the service.
        request: what load is made of.
        promises: deadline and time to recover.
        seconds: of load in all rounds together, without the time that queues take to fill.
        say: told what is being done.

    Raises:
        ServiceFailed: it answers nothing rightly.
    """
    deadline_s = promises.deadline_s
    async with Client(url, fresh=False, timeout_s=_PATIENCE * deadline_s) as client:
        part_s = await _part_s(client, request, seconds)
        search: list[Capacity] = []
        for concurrency in _CONCURRENCIES:
            say(f"the peak: {concurrency} callers")
            search.append(await capacity(client, request, concurrency, part_s, deadline_s))
            if not _still_grows(search):
                break
        best = max(search, key=lambda found: found.right_per_s)
        # As long as a round: machines are faster for a second than for ten.
        peak_s = max(part_s, seconds / ROUNDS)
        peaks = [(await capacity(client, request, best.concurrency, peak_s, deadline_s)).right_per_s]
        rounds: list[Overloaded] = []
        for number in range(1, ROUNDS + 1):
            rate = OVERLOAD * (peaks[-1] or best.right_per_s)
            say(f"round {number} of {ROUNDS}: {rate:.3g} arrivals a second")
            rounds.append(await overloaded(client, request, promises, rate, seconds / ROUNDS))
            peaks.append((await capacity(client, request, best.concurrency, peak_s, deadline_s)).right_per_s)
    return Measured(search, peaks, rounds)


async def _part_s(client: Client, request: Request, seconds: float) -> float:
    """How long each concurrency is tried: long enough for some answers, however slow the service is."""
    met = await closed_loop(client, request, concurrency=1, until=lambda exchanges: len(exchanges) >= _ANSWERS_A_PART)
    right = [exchange.service_s for exchange in met if exchange.outcome == "right"]
    if not right:
        raise ServiceFailed("not even one caller is answered rightly", details=evidence_of(met, met[0].sent_s))
    return max(seconds / _PARTS, _ANSWERS_A_PART * statistics.median(right))


def _still_grows(search: Sequence[Capacity]) -> bool:
    if len(search) <= _STEPS_WITHOUT_GAIN:
        return True
    before = max(found.right_per_s for found in search[:-_STEPS_WITHOUT_GAIN])
    return any(found.right_per_s > before * _GAIN for found in search[-_STEPS_WITHOUT_GAIN:])


async def capacity(client: Client, request: Request, concurrency: int, seconds: float, deadline_s: float) -> Capacity:
    """Right answers a second, within the deadline, that so many callers get who ask again at once.

    Callers begin together, so the first answers of a queue come after one turn, two turns, three: counted by their
    shares those would be more answers than there can be. Counting begins when as many as there are callers have come.
    """
    earliest = time.monotonic() + _SETTLING * seconds
    latest = earliest + deadline_s
    counted_from = math.inf

    def is_over(exchanges: list[Exchange]) -> bool:
        nonlocal counted_from
        now = time.monotonic()
        if counted_from == math.inf and now >= earliest:
            # Looked at until they have spread out only: to count at every request would slow the callers down.
            have_spread = len(with_outcome(exchanges, "right")) >= concurrency
            counted_from = now if have_spread or now >= latest else math.inf
        return now >= counted_from + (1 - _SETTLING) * seconds

    met = await closed_loop(client, request, concurrency=concurrency, until=is_over, pause_s=_RETRY_PAUSE_S)
    right = [e for e in met if e.outcome == "right" and e.service_s <= deadline_s]
    return Capacity(concurrency, rate_of(right, counted_from, counted_from + (1 - _SETTLING) * seconds))


def rate_of(answers: Sequence[Exchange], begun_s: float, ended_s: float) -> float:
    """Answers a second between two moments; each counts by the share of its time that lies between them.

    Answers of a batch end together, in waves; counted by their ends alone, a figure would jump by a whole wave.
    """
    shares = (
        max(min(e.done_s, ended_s) - max(e.sent_s, begun_s), 0.0) / max(e.service_s, _SHORTEST_S) for e in answers
    )
    return sum(shares) / (ended_s - begun_s)


async def overloaded(
    client: Client, request: Request, promises: Promises, rate_per_s: float, seconds: float
) -> Overloaded:
    """Arrivals at a rate, for so many seconds beyond one deadline, in which queues fill; then the way back."""
    cpu_before = _cpu_s()
    begun = time.monotonic()
    ended = begun + promises.deadline_s + seconds
    load = asyncio.create_task(open_loop(client, request, rate_per_s=rate_per_s, seconds=ended - begun))
    await asyncio.sleep(ended - time.monotonic())
    cpu_s = _cpu_s() - cpu_before
    recovered_s = await _recovered_s(client, request, ended, _PATIENCE * promises.recovery_s)
    return Overloaded(await load, rate_per_s, begun + promises.deadline_s, ended, recovered_s, cpu_s)


async def _recovered_s(client: Client, request: Request, since_s: float, patience_s: float) -> float | None:
    def is_over(exchanges: list[Exchange]) -> bool:
        return _have_recovered(exchanges) or time.monotonic() > since_s + patience_s

    met = await closed_loop(client, request, concurrency=1, until=is_over, pause_s=_RETRY_PAUSE_S)
    return met[-1].done_s - since_s if _have_recovered(met) else None


def _have_recovered(exchanges: Sequence[Exchange]) -> bool:
    last = exchanges[-RIGHT_IN_A_ROW:]
    return len(last) == RIGHT_IN_A_ROW and all(exchange.outcome == "right" for exchange in last)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
