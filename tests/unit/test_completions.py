"""Completions before a full queue."""

import asyncio
from pathlib import Path

import pytest
from tests.doubles import FakeNextTokenEngine
from tests.wheel_serving import core_over

from coldstart.domain.errors import Overloaded
from coldstart.domain.next_token import NextTokenRequest
from coldstart.services.completions import CompletionParameters, Completions
from coldstart.services.next_token_models import NextTokenModels


async def test_what_has_begun_is_not_refused(tmp_path: Path) -> None:
    """While the queue is full a new completion is Overloaded, and one that has begun goes on when its turn comes."""
    engine = FakeNextTokenEngine(max_batch=1)
    core = core_over(tmp_path, engine, "tiny", QUEUE_LIMIT="2")
    core.registry.start()
    assert core.registry.wait_settled(10.0)
    completions = Completions(NextTokenModels(core.registry))
    begun = (await completions.begin(CompletionParameters(model=None, prompt="the", max_tokens=3))).pieces()
    await anext(begun)
    scheduler = core.registry.get("tiny").scheduler
    engine.gate.clear()
    engine.entered.clear()
    others = [asyncio.ensure_future(scheduler.submit(NextTokenRequest((1,))))]
    await asyncio.to_thread(engine.entered.wait, 10.0)
    others.append(asyncio.ensure_future(scheduler.submit(NextTokenRequest((2,)))))
    await asyncio.sleep(0)
    goes_on = asyncio.ensure_future(anext(begun))
    await asyncio.sleep(0)
    refused = await completions.begin(CompletionParameters(model=None, prompt="a"))
    with pytest.raises(Overloaded):
        await anext(refused.pieces())
    assert not goes_on.done()
    engine.gate.set()
    assert (await goes_on).text
    await asyncio.gather(*others)
    await begun.aclose()
    core.registry.close(5.0)
