"""What happens around every request. Pure ASGI, for BaseHTTPMiddleware breaks streaming and cancellation."""

import http
import re
import secrets
import time

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coldstart.api.answering import REVISION_HEADER, answering_model
from coldstart.api.metrics import HttpMetrics
from coldstart.api.probes import PROBE_PATHS
from coldstart.api.problems import is_internal, reply_to
from coldstart.domain.errors import NotReady
from coldstart.runtime.lifecycle import Lifecycle

# What a caller may choose as a request id: it goes into logs and headers.
_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")

# What carries a request id: the beginning of each answer, be it a reply, an accepted WebSocket or a refused one.
_ANSWERS = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})
_CONVERSATIONS = ("http", "websocket")

# nginx's word for a request whose client left before the answer; it is in no RFC and never sent.
CLIENT_CLOSED_REQUEST = 499
# RFC 6455: an error that was not expected; and what stands for a connection that was lost without a close.
_INTERNAL_ERROR, _LOST = 1011, 1006
_STANDARD_CODES = range(1000, 1016)


class RequestContext:
    """Gives each request an id, which logs and answers carry, and tells the log and the metrics how it went.

    Answers carry the revision of the model, too, where one answers.

    A WebSocket is a request from its handshake to its close.
    """

    def __init__(self, app: ASGIApp, metrics: HttpMetrics) -> None:
        self._app = app
        self._metrics = metrics
        self._log = structlog.get_logger("coldstart.http")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in _CONVERSATIONS:
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        answer = _Answer(request_id, scope, receive, send)
        begun = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id), self._metrics.in_flight.track_inprogress():
            try:
                await self._app(scope, answer.receive, answer.send)
            finally:
                self._tell(scope, answer, time.perf_counter() - begun)

    def _tell(self, scope: Scope, answer: "_Answer", seconds: float) -> None:
        route = route_of(scope)
        if answer.status == http.HTTPStatus.SWITCHING_PROTOCOLS:
            # How long a conversation is says nothing of how fast the service answers.
            code = answer.close_code if answer.close_code in _STANDARD_CODES else "other"  # a client may say any
            self._metrics.websockets.labels(route, code).inc()
            self._log.info("websocket", route=route, close_code=answer.close_code, duration_s=round(seconds, 6))
            return
        method = scope.get("method", "GET")  # a handshake is one
        model = answering_model(scope)
        self._metrics.duration.labels(method, route, answer.status, model.label if model else "").observe(seconds)
        # A flood of refusals must not become one of lines, which cost more than the refusals: metrics count them, and
        # the scheduler says that it refuses.
        quiet = scope["path"] in PROBE_PATHS or answer.status == http.HTTPStatus.TOO_MANY_REQUESTS
        log = self._log.debug if quiet else self._log.info
        log("http_request", method=method, route=route, status=answer.status, duration_s=round(seconds, 6))


class _Answer:
    """How a request is answered, seen as it passes."""

    def __init__(self, request_id: str, scope: Scope, receive: Receive, send: Send) -> None:
        self.status = CLIENT_CLOSED_REQUEST
        self.close_code = _LOST
        self._request_id = request_id
        self._scope = scope
        self._receive = receive
        self._send = send

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self.close_code = message.get("code", _LOST)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] in _ANSWERS:
            self.status = int(message.get("status", http.HTTPStatus.SWITCHING_PROTOCOLS))
            headers = MutableHeaders(scope=message)
            headers["x-request-id"] = self._request_id
            if model := answering_model(self._scope):
                headers[REVISION_HEADER] = model.revision
        elif message["type"] == "websocket.close":
            self.close_code = message.get("code", _LOST)
            if self.status == CLIENT_CLOSED_REQUEST:  # closed before it was accepted, which servers answer so
                self.status = int(http.HTTPStatus.FORBIDDEN)
        await self._send(message)


class ErrorBoundary:
    """The process's border: whatever escapes the application is answered from the table, and logged if unexpected."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._log = structlog.get_logger("coldstart.http")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in _CONVERSATIONS:
            await self._app(scope, receive, send)
            return
        started = False

        async def watched_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        except Exception as error:
            if is_internal(error):
                self._log.exception("internal_error", route=route_of(scope))
            if started and scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": _INTERNAL_ERROR})
                return
            if started:
                raise  # too late for another answer: the server breaks the connection, so the client sees it is cut
            await reply_to(error, scope)(scope, receive, send)


class ShutdownGate:
    """Lets nothing new in once shutdown has begun, except probes; counts what it lets in, WebSockets to their end."""

    def __init__(self, app: ASGIApp, lifecycle: Lifecycle) -> None:
        self._app = app
        self._lifecycle = lifecycle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in _CONVERSATIONS or is_probe(scope["path"]):
            await self._app(scope, receive, send)
            return
        if self._lifecycle.shutting_down:
            reply = reply_to(NotReady("the process is shutting down"), scope)
            reply.headers["connection"] = "close"
            await reply(scope, receive, send)
            return
        self._lifecycle.enter()
        try:
            await self._app(scope, receive, send)
        finally:
            self._lifecycle.leave()


def is_probe(path: str) -> bool:
    """Whether the path is a probe's, model probes of the Open Inference Protocol included."""
    return path in PROBE_PATHS or (path.startswith("/v2/models/") and path.endswith("/ready"))


def route_of(scope: Scope) -> str:
    """The template of the route that took the request, such as `/api/v1/sessions/{id}`; never the raw path."""
    route = scope.get("route")
    return str(getattr(route, "path", "unmatched"))


def _request_id(scope: Scope) -> str:
    asked = Headers(scope=scope).get("x-request-id", "")
    return asked if _SANE_REQUEST_ID.fullmatch(asked) else secrets.token_hex(16)
