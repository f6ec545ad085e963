"""Waiting for what other threads and processes do, where nothing tells when they have."""

import asyncio
import time
from collections.abc import Callable


async def until(condition: Callable[[], bool], deadline_s: float = 10.0) -> None:
    """Look again and again until the condition holds.

    Raises:
        AssertionError: it does not hold after `deadline_s` seconds.
    """
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, f"still not so after {deadline_s} s"
        await asyncio.sleep(0.001)
