"""Speech as the bytes of a sound file that leave as they are made."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from starlette.responses import Response, StreamingResponse

from coldstart.services.speech import Utterance

# nginx holds answers back unless told not to.
_HEADERS = {"x-accel-buffering": "no"}


async def sound_reply(utterance: Utterance, media_type: str) -> Response:
    """The file of a text that is said. Raises, before there is a status: as `Utterance.pieces`."""
    pieces = utterance.pieces()
    # The first piece before the status: what goes wrong up to there is an error reply and not a broken file.
    first = await anext(pieces, b"")
    return StreamingResponse(_file(first, pieces), media_type=media_type, headers=_HEADERS)


async def _file(first: bytes, pieces: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    async with aclosing(pieces):
        yield first
        async for piece in pieces:
            yield piece
