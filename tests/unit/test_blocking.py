"""Blocking calls that are not left behind."""

import asyncio
import threading

import pytest

from coldstart.runtime.blocking import to_its_end


async def test_a_result_or_an_error_comes_back() -> None:
    """As from the function itself."""
    assert await to_its_end(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await to_its_end(divmod, 7, 0)


async def test_a_cancelled_caller_hears_of_it_when_the_call_is_over() -> None:
    """What the call uses may be closed then."""
    entered, gate, over = threading.Event(), threading.Event(), threading.Event()

    def call() -> None:
        entered.set()
        gate.wait(10)
        over.set()

    caller = asyncio.create_task(to_its_end(call))
    await asyncio.to_thread(entered.wait)
    for _ in range(2):
        caller.cancel()
        done, _ = await asyncio.wait((caller,), timeout=0.05)
        assert not done
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert over.is_set()
