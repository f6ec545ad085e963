"""Request bodies within bounds, and an end to the work for clients that have left."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coldstart.domain.errors import PayloadTooLarge


class BoundedRequest:
    """Reads the whole body, up to a limit, before the application runs; cancels it when the client leaves.

    The body is read first because only then does the server's `receive` wait for the one thing left, which is the
    client's leaving. A cancelled application cancels what it awaits, such as a place in a scheduler's queue.

    Args:
        app: the application inside.
        max_body_bytes: the largest body; a larger one is refused, by its declared length before it is read.
    """

    def __init__(self, app: ASGIApp, max_body_bytes: int) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = await self._read(scope, receive)
        if body is not None:
            await _Exchange(body, receive, send).run(lambda r, s: self._app(scope, r, s))

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        """The body, or None when the client left before its end."""
        self._check(Headers(scope=scope).get("content-length", "0"))
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return None
            body += message.get("body", b"")
            self._check(str(len(body)))
            if not message.get("more_body", False):
                return bytes(body)

    def _check(self, size: str) -> None:
        # A length that is no number is the server's to refuse; the bytes themselves are counted in any case.
        if size.isdecimal() and int(size) > self._max_body_bytes:
            raise PayloadTooLarge(f"the request body is larger than {self._max_body_bytes} bytes, the most allowed")


class _Exchange:
    """One request whose body has been read: what the application receives and sends, and the watch on the client."""

    def __init__(self, body: bytes, receive: Receive, send: Send) -> None:
        self._body: bytes | None = body
        self._outer_receive = receive
        self._outer_send = send
        self._gone = asyncio.Event()
        self._answered = False

    async def run(self, app: Callable[[Receive, Send], Awaitable[None]]) -> None:
        work = asyncio.ensure_future(app(self._receive, self._send))
        watch = asyncio.ensure_future(self._watch(work))
        try:
            await asyncio.wait((work,))
        finally:
            # Also when this very task is cancelled, at the end of the shutdown's grace.
            watch.cancel()
            work.cancel()
        if not (work.cancelled() and self._gone.is_set()):
            await work

    async def _watch(self, work: "asyncio.Future[None]") -> None:
        while (await self._outer_receive())["type"] != "http.disconnect":
            pass
        self._gone.set()
        # Servers report a disconnect after a complete answer too; then the rest may end in peace.
        if not self._answered:
            work.cancel()

    async def _receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self._answered = True
        await self._outer_send(message)
