"""Answers as streams of server-sent events, in OpenAI's form: each is one JSON document."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

from fastapi import Request
from starlette.responses import Response, StreamingResponse

from coldstart.api.problems import reply_to
from coldstart.domain.errors import ColdstartError

# nginx holds answers back unless told not to.
_HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}


def event_of(document: Mapping[str, Any]) -> bytes:
    """One event."""
    return b"data: " + json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


async def event_stream(events: AsyncGenerator[bytes, None], request: Request) -> Response:
    """The reply that sends `events` as they come, and closes them when it is over, however that is.

    Raises:
        ColdstartError: what the first event raises, so that it is still an error reply. A later one becomes the
            stream's last event, for the status is long sent; the client's library knows an error object in a stream.
    """
    first = await anext(events)
    return StreamingResponse(_told(first, events, request), media_type="text/event-stream", headers=_HEADERS)


async def _told(first: bytes, events: AsyncGenerator[bytes, None], request: Request) -> AsyncIterator[bytes]:
    try:
        async with aclosing(events):
            yield first
            async for event in events:
                yield event
    except ColdstartError as error:
        yield b"data: " + bytes(reply_to(error, request.scope).body) + b"\n\n"
