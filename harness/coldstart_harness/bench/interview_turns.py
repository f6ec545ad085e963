"""Turns of an interview by its WebSocket, as a browser with a microphone takes them."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import aiohttp

from coldstart_harness.errors import ServiceFailed
from coldstart_harness.testing.host import TREE

# The service's default.
PAUSE_S = 1.2
_DIGITS = TREE / "slo" / "three-one-four-one-five.flac"
_RATE_HZ = 16_000
# One message.
_PIECE_S = 0.1
_PIECE_BYTES = round(_PIECE_S * _RATE_HZ) * 2
_WITHIN_S = 60.0


async def turns(url: str, session_id: str, count: int, *, says_end: bool) -> list[float]:
    """Answer so many questions: the seconds from the last of each answer's speech to the first sound of the question.

    Args:
        url: of the service.
        session_id: of an interview with more questions than that.
        count: of answers.
        says_end: whether the client tells when an answer is over; else silence does.

    Raises:
        ServiceFailed: it does not go as documented, or not within a minute.
    """
    speech = _speech()
    address = f"{url}/sessions/{session_id}/live?silence_s={PAUSE_S}&speech=pcm"
    seconds = []
    async with aiohttp.ClientSession() as session, session.ws_connect(address) as live:
        await _told(live, "ready")
        for _ in range(count):
            await _speak(live, speech)
            spoken_at = time.perf_counter()
            if says_end:
                await live.send_str(json.dumps({"type": "end"}))
            silence = asyncio.create_task(_be_silent(live))
            await _told(live, "speech")
            await _next(live, aiohttp.WSMsgType.BINARY)
            seconds.append(time.perf_counter() - spoken_at)
            silence.cancel()
            with suppress(asyncio.CancelledError):
                await silence
            await _told(live, "speech_end")
    return seconds


@asynccontextmanager
async def listened_to(url: str, session_ids: Sequence[str]) -> AsyncIterator[None]:
    """Interviews whose WebSockets are open, in the middle of an answer.

    Args:
        url: of the service.
        session_ids: of them.

    Raises:
        ServiceFailed: one does not go as documented, or not within a minute.
    """
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session, AsyncExitStack() as stack:
        for session_id in session_ids:
            live = await stack.enter_async_context(session.ws_connect(f"{url}/sessions/{session_id}/live"))
            await _told(live, "ready")
            await live.send_bytes(bytes(_PIECE_BYTES))
        yield


def _speech() -> bytes:
    """The recording as 16 kHz s16le."""
    # Imported here: the command is one program with the others, and only `bench` runs where the library is.
    import av

    with av.open(str(_DIGITS), "r") as file:
        return b"".join(frame.to_ndarray().tobytes() for frame in file.decode(file.streams.audio[0]))


async def _speak(live: aiohttp.ClientWebSocketResponse, speech: bytes) -> None:
    """Send it piece by piece, each when it has been spoken."""
    begun = time.perf_counter()
    for number, begin in enumerate(range(0, len(speech), _PIECE_BYTES), 1):
        piece = speech[begin : begin + _PIECE_BYTES]
        spoken_at = begun + (number - 1) * _PIECE_S + len(piece) / 2 / _RATE_HZ
        await asyncio.sleep(spoken_at - time.perf_counter())
        await live.send_bytes(piece)


async def _be_silent(live: aiohttp.ClientWebSocketResponse) -> None:
    """As a microphone is to which nobody speaks."""
    while True:
        await _speak(live, bytes(_PIECE_BYTES))


async def _told(live: aiohttp.ClientWebSocketResponse, kind: str) -> None:
    """Read up to the next event of that kind."""
    event: dict[str, Any] = {}
    while event.get("type") != kind:
        message = await _next(live, aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY)
        event = json.loads(message.data) if message.type is aiohttp.WSMsgType.TEXT else {}
        if event.get("type") == "error":
            raise ServiceFailed(f"the interview was to go on with {kind!r}; it gave {event}")


async def _next(live: aiohttp.ClientWebSocketResponse, *kinds: aiohttp.WSMsgType) -> aiohttp.WSMessage:
    try:
        message = await live.receive(timeout=_WITHIN_S)
    except TimeoutError:
        raise ServiceFailed(f"the interview's WebSocket was silent for {_WITHIN_S:g} s") from None
    if message.type not in kinds:
        raise ServiceFailed(f"the interview's WebSocket gave {message.type.name}: {str(message.data)[:300]}")
    return message
