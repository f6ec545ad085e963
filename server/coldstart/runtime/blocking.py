"""Blocking calls beside the event loop, that are not left behind."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def to_its_end(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What the function returns, called in a thread.

    A caller that is cancelled meanwhile hears of it when the call is over: nothing that the call uses is closed under
    it, and what it does is known to be done.
    """
    call = asyncio.ensure_future(asyncio.to_thread(function, *args, **kwargs))
    try:
        return await asyncio.shield(call)
    except asyncio.CancelledError:
        while not call.done():  # also where the caller is cancelled again
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait((call,))
        if not call.cancelled():
            call.exception()  # seen, so that nobody warns of it
        raise
