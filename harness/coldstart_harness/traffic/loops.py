"""Load: closed loops, whose clients wait for their answers, and open loops, whose arrivals do not."""

import asyncio
import random
import time
from collections.abc import Callable

from coldstart_harness.slo.document import Request
from coldstart_harness.traffic.client import Client, Exchange

Until = Callable[[list[Exchange]], bool]


def for_seconds(seconds: float) -> Until:
    """Holds once that many seconds have passed since this call."""
    end = time.monotonic() + seconds
    return lambda _exchanges: time.monotonic() >= end


async def closed_loop(
    client: Client, request: Request, *, concurrency: int, until: Until, pause_s: float = 0.0
) -> list[Exchange]:
    """That many callers, each sending its next request when it has the last one's answer.

    Args:
        client: where to.
        request: what.
        concurrency: callers at one time.
        until: asked before each request with all exchanges so far; True ends the loop.
        pause_s: how long a caller waits after anything but a right answer, so that failures, which are quick, do not
            become a flood.

    Returns:
        All exchanges, in the order in which they ended; none is left under way.
    """
    exchanges: list[Exchange] = []

    async def caller() -> None:
        while not until(exchanges):
            exchange = await client.send(request)
            exchanges.append(exchange)
            if pause_s and exchange.outcome != "right":
                await asyncio.sleep(pause_s)

    await asyncio.gather(*(caller() for _ in range(concurrency)))
    return exchanges


async def open_loop(
    client: Client, request: Request, *, rate_per_s: float, seconds: float, seed: int = 0
) -> list[Exchange]:
    """Arrivals by a Poisson process, sent when they are due whether or not earlier ones were answered.

    An arrival that could not be sent in time keeps its due time, so that its latency holds the wait: no coordinated
    omission.

    Args:
        client: where to; its own timeout bounds what is under way.
        request: what.
        rate_per_s: mean arrivals a second.
        seconds: how long arrivals go on; answers are then waited for.
        seed: of the arrival times, the same for the same seed.

    Returns:
        All exchanges, in the order in which they were due.
    """
    chance = random.Random(seed)  # noqa: S311 - arrival times, no secret
    begun = time.monotonic()
    due = begun
    tasks: list[asyncio.Task[Exchange]] = []
    while (due := due + chance.expovariate(rate_per_s)) < begun + seconds:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        tasks.append(asyncio.create_task(client.send(request, due)))
    return list(await asyncio.gather(*tasks))
