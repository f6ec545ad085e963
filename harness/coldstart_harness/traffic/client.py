"""One request and everything that became of it."""

import errno
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Literal, Self

import aiohttp

from coldstart_harness.errors import LoadImpossible
from coldstart_harness.slo.answers import units_in, why_wrong
from coldstart_harness.slo.document import Request
from coldstart_harness.traffic.events import events_in

# right: the expected answer, whole. wrong: another answer. turned away: 429 or 503. refused: nobody accepted the
# connection. lost: the connection was accepted, and no whole answer came. late: none within the time.
Outcome = Literal["right", "wrong", "turned away", "refused", "lost", "late"]

_TURNED_AWAY = (429, 503)
# Shorter than servers keep theirs (2 s and more), so that no request meets a connection that is just being closed.
_KEEP_ALIVE_S = 1.0
# This machine's own want of sockets and ports, which says nothing of the service.
_OWN_LIMITS = (errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request; all times are seconds on `time.monotonic()`.

    Args:
        due_s: when the schedule wanted it sent; in a closed loop, when it was.
        sent_s: when it was sent.
        first_byte_s: when the status came; None: never.
        first_event_s: when the first server-sent event came; None: never.
        done_s: when it was over.
        status: HTTP status; None: none came.
        outcome: what became of it.
        reason: a sentence where it is not right; else empty.
        retry_after: the header's text, where there was one.
        units: how many units (tokens, audio seconds) the answer held.
    """

    due_s: float
    sent_s: float
    first_byte_s: float | None
    first_event_s: float | None
    done_s: float
    status: int | None
    outcome: Outcome
    reason: str = ""
    retry_after: str | None = None
    units: float = 0.0

    @property
    def latency_s(self) -> float:
        """From the moment it was due, so that a schedule that fell behind counts as waiting."""
        return self.done_s - self.due_s

    @property
    def service_s(self) -> float:
        """From the moment it was sent."""
        return self.done_s - self.sent_s


class Client:
    """Sends requests to one address. For one event loop; use it as an async context manager.

    aiohttp rather than httpx: load is made on the machine that serves, and costs a fifth of the processor time.

    Args:
        url: scheme, host and port.
        fresh: a new connection for every request, as probes and new callers have; else connections are kept.
        timeout_s: after which a request is `late`.
        connect_timeout_s: after which a connection that nobody takes is `refused`.
        headers: sent with every request, such as an authorisation.
    """

    def __init__(
        self,
        url: str,
        *,
        fresh: bool = True,
        timeout_s: float = 30.0,
        connect_timeout_s: float = 10.0,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.url = url
        self._fresh = fresh
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(connect_timeout_s, timeout_s))
        self._headers = dict(headers or {})

    async def __aenter__(self) -> Self:
        connector = (
            aiohttp.TCPConnector(limit=0, force_close=True)
            if self._fresh
            else aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_S)
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=self._timeout,
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[_watch_connections()],
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def send(self, request: Request, due_s: float | None = None) -> Exchange:
        """Send one request and read its whole answer. The service's failures are outcomes, never exceptions.

        Raises:
            LoadImpossible: this machine has no socket or no port left.
        """
        sent = time.monotonic()
        trace = _Trace(sent if due_s is None else due_s, sent)
        try:
            return await self._exchange(request, trace)
        except TimeoutError:
            return trace.over("late" if trace.connected else "refused", f"nothing whole within {self._timeout.total} s")
        except (aiohttp.ClientError, OSError) as error:
            if (own := getattr(error, "errno", None)) in _OWN_LIMITS:
                raise LoadImpossible(f"this machine cannot make that many requests: {errno.errorcode[own]}") from None
            return trace.over("lost" if trace.connected else "refused", f"{type(error).__name__}: {error}")

    async def _exchange(self, request: Request, trace: "_Trace") -> Exchange:
        async with self._session.request(
            request.verb,
            self.url + request.path,
            data=request.content,
            headers=request.sent_headers,
            allow_redirects=False,
            trace_request_ctx=trace,
        ) as response:
            trace.first_byte_s = time.monotonic()
            trace.status = response.status
            trace.retry_after = response.headers.get("Retry-After")
            events: list[str] | None = None
            if request.stream and response.status == request.expect.status:
                body = await _read_stream(response, trace)
                events = events_in(body)
            else:
                body = await response.read()
        return self._judged(request, trace, response, body, events)

    def _judged(
        self,
        request: Request,
        trace: "_Trace",
        response: aiohttp.ClientResponse,
        body: bytes,
        events: list[str] | None,
    ) -> Exchange:
        status, content_type = response.status, response.headers.get("Content-Type", "")
        if status in _TURNED_AWAY and request.expect.status != status:
            return trace.over("turned away", f"status {status}")
        wrong = why_wrong(request.expect, status, body, events, content_type=content_type)
        if wrong is None:
            return trace.over("right", units=units_in(request.units, body, events))
        # A server that ends a stream by closing the connection has no other way to say that it was cut.
        last = request.expect.last_event
        cut = events is not None and last is not None and last not in events
        return trace.over("lost" if cut else "wrong", wrong)


async def _read_stream(response: aiohttp.ClientResponse, trace: "_Trace") -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if trace.first_event_s is None and events_in(body):
            trace.first_event_s = time.monotonic()
    return bytes(body)


def _watch_connections() -> aiohttp.TraceConfig:
    """Tells a request's trace that its connection stands, and keeps aiohttp from repeating what failed.

    It asks again by itself where the method is idempotent, which would hide a request that was lost; there is no
    setting for that.
    """

    async def begins(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: object) -> None:
        if context.trace_request_ctx.begun:
            raise aiohttp.ClientConnectionError("the connection broke before an answer")
        context.trace_request_ctx.begun = True

    async def stands(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: object) -> None:
        context.trace_request_ctx.connected = True

    config = aiohttp.TraceConfig()
    config.on_connection_create_start.append(begins)
    config.on_connection_create_end.append(stands)
    config.on_connection_reuseconn.extend((begins, stands))
    return config


@dataclass(slots=True)
class _Trace:
    """What is known of a request that is under way."""

    due_s: float
    sent_s: float
    begun: bool = False
    connected: bool = False
    first_byte_s: float | None = None
    first_event_s: float | None = None
    status: int | None = None
    retry_after: str | None = None

    def over(self, outcome: Outcome, reason: str = "", units: float = 0.0) -> Exchange:
        return Exchange(
            due_s=self.due_s,
            sent_s=self.sent_s,
            first_byte_s=self.first_byte_s,
            first_event_s=self.first_event_s,
            done_s=time.monotonic(),
            status=self.status,
            outcome=outcome,
            reason=reason,
            retry_after=self.retry_after,
            units=units,
        )
