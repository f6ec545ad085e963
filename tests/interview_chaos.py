"""Many interviews at one time while parts of the service are killed in turn, and the figures of that."""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
from loadtests.interview_checks import answers_in
from tests.interview_candidates import Candidate, Said, Taken

from coldstart_harness.figures import percentile, spread_of

_THINK_S = (0.1, 0.6)
# Long enough for clients to meet what is gone.
_DOWN_S = 0.5
# Between a part's return and the next one's end: enough for answers to be accepted, and for jobs to begin.
_PEACE_S = 2.0
_PATIENCE_S = 120.0


@dataclass(frozen=True)
class Victim:
    """A part of the service.

    Args:
        name: as the figures call it.
        kill: ends it as `kill -9` does. Blocks.
        revive: starts it again and returns when it works. Blocks.
    """

    name: str
    kill: Callable[[], None]
    revive: Callable[[], None]


@dataclass(frozen=True)
class Death:
    """One end of a victim, and the seconds until it worked again."""

    name: str
    down_s: float


@dataclass(frozen=True)
class Outcome:
    """What became of all of it."""

    taken: Sequence[Taken]
    deaths: Sequence[Death]
    seconds: float


async def chaos(
    client: httpx.AsyncClient,
    victims: Sequence[Victim],
    interviews: Iterator[Sequence[Said]],
    concurrency: int,
) -> Outcome:
    """Take the interviews, that many at one time, while victims die one after another until all are over."""
    begun, over = time.monotonic(), asyncio.Event()
    numbered = enumerate(interviews)
    taken: list[Taken] = []

    async def candidates() -> None:
        for number, answers in numbered:
            chance = random.Random(number)  # noqa: S311 - behaviour, no secret
            candidate = Candidate(client, answers, patience_s=_PATIENCE_S, think=partial(_think, chance))
            taken.append(await candidate.take())

    async with asyncio.TaskGroup() as group:
        killing = group.create_task(_deaths(victims, over))
        await asyncio.gather(*(candidates() for _ in range(concurrency)))
        over.set()
    return Outcome(taken, killing.result(), time.monotonic() - begun)


async def _think(chance: random.Random) -> None:
    await asyncio.sleep(chance.uniform(*_THINK_S))


async def _deaths(victims: Sequence[Victim], over: asyncio.Event) -> list[Death]:
    deaths: list[Death] = []
    for victim in itertools.cycle(victims):
        if await _is_set_within(over, _PEACE_S):
            break
        begun = time.monotonic()
        await asyncio.to_thread(victim.kill)
        await asyncio.sleep(_DOWN_S)
        await asyncio.to_thread(victim.revive)
        deaths.append(Death(victim.name, time.monotonic() - begun))
    return deaths


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True


def figures_of(outcome: Outcome) -> dict[str, Any]:
    """What is written down of a run: counts, and seconds."""
    taken = outcome.taken
    reported = [one for one in taken if one.report is not None]
    accepted = Counter((one.session_id, number) for one in taken for number in one.accepted)
    told = Counter((one.session_id, number) for one in reported for number, _ in answers_in(one.report or {}))
    waits = [one.report_s for one in reported]
    return {
        "interviews": len(taken),
        "reports": len(reported),
        "answers_accepted": accepted.total(),
        "answers_in_reports": told.total(),
        "answers_lost": (accepted - told).total(),
        "answers_more_than_once": sum(count > 1 for count in told.values()),
        "answers_accepted_when_repeated": sum(one.first_unheard for one in taken),
        "uploads_accepted_when_repeated": sum(one.uploads_unheard for one in taken),
        "requests_repeated": sum(one.repeats for one in taken),
        "wrong": [sentence for one in taken for sentence in one.wrong],
        "seconds": round(outcome.seconds, 1),
        "report_s": {"p50": round(percentile(waits, 50), 2), "p99": round(percentile(waits, 99), 2)} if waits else None,
        "killed": {name: _downtime(outcome.deaths, name) for name in sorted({death.name for death in outcome.deaths})},
    }


def _downtime(deaths: Sequence[Death], name: str) -> dict[str, float]:
    spread = spread_of([death.down_s for death in deaths if death.name == name])
    return {"times": spread.runs, "down_median_s": round(spread.median, 2), "down_longest_s": round(spread.highest, 2)}
