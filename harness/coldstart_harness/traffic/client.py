"""One request and everything that became of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal, Self

import aiohttp

from coldstart_harness.slo.answers import units_in, why_wrong
from coldstart_harness.slo.document import Request

# right: the expected answer, whole. wrong: another answer. turned away: 429 or 503. refused: nobody accepted the
# connection. lost: the connection was accepted, and no whole answer came. late: none within the time.
Outcome = Literal["right", "wrong", "turned away", "refused", "lost", "late"]

_TURNED_AWAY = (429, 503)
_CONNECT_TIMEOUT_S = 10.0


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
        headers: sent with every request, such as an authorisation.
    """

    def __init__(
        self, url: str, *, fresh: bool = True, timeout_s: float = 30.0, headers: Mapping[str, str] | None = None
    ) -> None:
        self.url = url
        self._fresh = fresh
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(_CONNECT_TIMEOUT_S, timeout_s))
        self._headers = dict(headers or {})

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=0, force_close=self._fresh)
        self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout, headers=self._headers)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def send(self, request: Request, due_s: float | None = None) -> Exchange:
        """Send one request and read its whole answer. Failures are outcomes, never exceptions."""
        sent = time.monotonic()
        trace = _Trace(sent if due_s is None else due_s, sent)
        try:
            return await self._exchange(request, trace)
        except aiohttp.ClientConnectorError as error:
            return trace.over("refused", f"the connection was refused: {error.os_error}")
        except TimeoutError:
            outcome: Outcome = "refused" if not trace.connected else "late"
            return trace.over(outcome, f"no whole answer within {self._timeout.total} s")
        except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError) as error:
            return trace.over("lost", f"{type(error).__name__}: {error}")

    async def _exchange(self, request: Request, trace: "_Trace") -> Exchange:
        async with self._opened(request) as response:
            trace.connected = True
            trace.first_byte_s = time.monotonic()
            trace.status = response.status
            trace.retry_after = response.headers.get("Retry-After")
            events: list[str] | None = None
            if request.stream and response.status == request.expect.status:
                body, events = b"", []
                async for line in response.content:
                    if line.startswith(b"data:"):
                        trace.first_event_s = trace.first_event_s or time.monotonic()
                        events.append(line[5:].strip().decode(errors="replace"))
            else:
                body = await response.read()
        if response.status in _TURNED_AWAY and request.expect.status != response.status:
            return trace.over("turned away", f"status {response.status}")
        wrong = why_wrong(request.expect, response.status, body, events)
        if wrong is not None:
            cut = (
                events is not None and request.expect.last_event is not None and request.expect.last_event not in events
            )
            return trace.over("lost" if cut else "wrong", wrong)
        return trace.over("right", units=units_in(request.units, body, events))

    @asynccontextmanager
    async def _opened(self, request: Request) -> AsyncIterator[aiohttp.ClientResponse]:
        body = {"json": request.document} if request.document is not None else {"data": request.body}
        async with self._session.request(
            request.verb, self.url + request.path, headers=request.headers, allow_redirects=False, **body
        ) as response:
            yield response


@dataclass(slots=True)
class _Trace:
    """What is known of a request that is under way."""

    due_s: float
    sent_s: float
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
