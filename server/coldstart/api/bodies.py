"""Request bodies within bounds, and an end to the work for clients that have left."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coldstart.domain.errors import InvalidInput, PayloadTooLarge
from coldstart.runtime.budget import Budget
from coldstart.runtime.settings import Settings

_MARK = "takes_sound_files"
_STREAM_MARK = "streams_its_body"

# A body that is read as it comes takes a place meanwhile, which a sender that stalls must not keep.
_PATIENCE_S = 60.0
# Nor one that dribbles: the largest file comes in it by a third of a megabit a second.
_LONGEST_BODY_S = 600.0

EndpointT = TypeVar("EndpointT", bound=Callable[..., Any])


def takes_sound_files(endpoint: EndpointT) -> EndpointT:
    """Marks an endpoint whose body has a sound file in it, and may be as large; its path has no parameters."""
    setattr(endpoint, _MARK, True)
    return endpoint


def streams_its_body(endpoint: EndpointT) -> EndpointT:
    """Marks an endpoint that reads its body itself, as it comes, and keeps none of it in memory; as large as above."""
    setattr(endpoint, _STREAM_MARK, True)
    return endpoint


@dataclass(frozen=True, slots=True)
class Uploads:
    """What may be sent to endpoints that take files.

    Args:
        routes: those endpoints, by method and path.
        max_body_bytes: the largest body of one request.
        held: bytes of all such bodies that are being read or worked on.
        streamed: the endpoints that read their bodies themselves.
    """

    routes: Mapping[tuple[str, str], APIRoute]
    max_body_bytes: int
    held: Budget
    streamed: Sequence[APIRoute] = ()

    def streams(self, scope: Scope) -> bool:
        """Whether the request's endpoint reads its body itself."""
        return any(
            scope["method"] in (route.methods or ()) and route.path_regex.match(scope["path"])
            for route in self.streamed
        )


def uploads_of(routers: Sequence[APIRouter], settings: Settings) -> Uploads:
    """The marked endpoints of the routers, and the limits that settings have for them."""
    taking = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    routes = {
        (method, route.path): route
        for route in taking
        if hasattr(route.endpoint, _MARK)
        for method in route.methods or ()
    }
    # A form has fields beside the file.
    return Uploads(
        routes,
        settings.audio_max_bytes + settings.max_body_bytes,
        Budget(settings.uploads_max_bytes, unit="bytes of uploads"),
        [route for route in taking if hasattr(route.endpoint, _STREAM_MARK)],
    )


class BoundedRequest:
    """Reads the whole body, up to a limit, before the application runs; cancels it when the client leaves.

    The body is read first because only then does the server's `receive` wait for the one thing left, which is the
    client's leaving. A cancelled application cancels what it awaits, such as a place in a scheduler's queue.

    Args:
        app: the application inside.
        max_body_bytes: the largest body; a larger one is refused, by its declared length before it is read.
        uploads: the endpoints that take larger ones. Their bytes count together, as they come and until the answer, so
            that many uploads at once do not fill the memory; a declared length that never comes takes no room.
    """

    def __init__(self, app: ASGIApp, max_body_bytes: int, uploads: Uploads | None = None) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._uploads is not None and self._uploads.streams(scope):
            limit = self._uploads.max_body_bytes
            _check_declared(_declared_bytes(scope), limit)
            await _Stream(limit, receive, send).run(lambda r, s: self._app(scope, r, s))
            return
        with ExitStack() as held:
            body = await self._body_of(scope, receive, held)
            if body is not None:
                await _Exchange(body, receive, send).run(lambda r, s: self._app(scope, r, s))

    async def _body_of(self, scope: Scope, receive: Receive, held: ExitStack) -> bytes | None:
        declared_bytes = _declared_bytes(scope)
        uploads = self._uploads
        route = None if uploads is None else uploads.routes.get((scope["method"], scope["path"]))
        if uploads is None or route is None:
            return await _read(receive, declared_bytes, self._max_body_bytes, lambda _: None)
        # For logs and metrics, which name the route of what is refused here, too.
        scope["route"] = route
        uploads.held.check_room()
        return await _read(
            receive,
            declared_bytes,
            uploads.max_body_bytes,
            lambda count: held.enter_context(uploads.held.take(count)),
        )


async def _read(receive: Receive, declared_bytes: int, limit: int, count_in: Callable[[int], object]) -> bytes | None:
    """The body, or None when the client left before its end; `count_in` is called for each piece that comes."""
    _check_declared(declared_bytes, limit)
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        if piece := message.get("body", b""):
            count_in(len(piece))
            body += piece
        _check_so_far(len(body), limit)
        if not message.get("more_body", False):
            return bytes(body)


def _declared_bytes(scope: Scope) -> int:
    declared = Headers(scope=scope).get("content-length", "0")
    # A length that is no number is the server's to refuse; the bytes themselves are counted in any case.
    return int(declared) if declared.isdecimal() else 0


def _check_declared(size_bytes: int, limit: int) -> None:
    if size_bytes > limit:
        raise PayloadTooLarge(f"the request body has {size_bytes} bytes; at most {limit} are taken")


def _check_so_far(size_bytes: int, limit: int) -> None:
    if size_bytes > limit:
        raise PayloadTooLarge(f"the request body has at least {size_bytes} bytes; at most {limit} are taken")


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


class _Stream(_Exchange):
    """As `_Exchange`, for an application that reads the body as it comes: the watch begins where the body ends."""

    def __init__(self, max_body_bytes: int, receive: Receive, send: Send) -> None:
        super().__init__(b"", receive, send)
        self._max_body_bytes = max_body_bytes
        self._read_bytes = 0
        self._whole = asyncio.Event()
        self._ends_at = asyncio.get_running_loop().time() + _LONGEST_BODY_S

    async def _watch(self, work: "asyncio.Future[None]") -> None:
        await self._whole.wait()
        await super()._watch(work)

    async def _receive(self) -> Message:
        if self._whole.is_set():
            await self._gone.wait()
            return {"type": "http.disconnect"}
        message = await self._next_piece()
        if message["type"] != "http.request":
            self._gone.set()
            # Whatever the application makes of half a body, nobody is there to be told.
            raise asyncio.CancelledError
        self._read_bytes += len(message.get("body", b""))
        _check_so_far(self._read_bytes, self._max_body_bytes)
        if not message.get("more_body", False):
            self._whole.set()
        return message

    async def _next_piece(self) -> Message:
        paused_until = asyncio.get_running_loop().time() + _PATIENCE_S
        try:
            async with asyncio.timeout_at(min(paused_until, self._ends_at)):
                return await self._outer_receive()
        except TimeoutError:
            if paused_until < self._ends_at:
                why = f"nothing of the body came for {_PATIENCE_S:g} s, the longest pause allowed"
            else:
                why = f"the body was not whole after {_LONGEST_BODY_S:g} s, the longest time allowed"
            raise InvalidInput(why) from None
