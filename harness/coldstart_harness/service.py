"""What the harness asks of a running service over HTTP, from outside, on a fresh connection each time."""

import json
import re
import socket
import ssl
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from coldstart_harness.errors import UsageError

PROBE_TIMEOUT_S = 2.0
# Far more than any report of ours: what sends more is something else.
_MOST_BYTES = 4 * 1024 * 1024


class NoAnswer(Exception):
    """Nobody answered, or not with HTTP.

    Args:
        reason: what was met, in a few words.
        is_foreign: somebody is there whom waiting will not change: no TLS, or a certificate that nobody vouches for.
    """

    def __init__(self, reason: str, *, is_foreign: bool = False) -> None:
        super().__init__(reason)
        self.is_foreign = is_foreign


@dataclass(frozen=True, slots=True)
class Reply:
    """A status and the JSON object that came with it; an empty one when the body is something else."""

    status: int
    document: Mapping[str, Any]
    headers: Mapping[str, str]


def status_of(reply: Reply | None) -> int | None:
    """The reply's status; None where nobody answered."""
    return None if reply is None else reply.status


class Service:
    """One service at one address. Every request opens a connection of its own: probes do so, and load balancers."""

    def __init__(self, url: str) -> None:
        self.url = url
        # Without the environment: a proxy named there has no business with a container on this machine. Certificates
        # are the system's, and those of SSL_CERT_FILE.
        self._client = httpx.Client(
            trust_env=False, verify=ssl.create_default_context(), limits=httpx.Limits(max_keepalive_connections=0)
        )

    def ask(self, path: str, *, timeout_s: float = PROBE_TIMEOUT_S) -> Reply:
        """The reply.

        Args:
            path: on the service.
            timeout_s: for all of it, from the look for the name to the body's last byte.

        Raises:
            NoAnswer: there was none.
        """
        # In a thread, since the client's own limits begin anew with each piece that comes, and know nothing of names.
        answer: Future[Reply] = Future()
        sockets: list[socket.socket] = []

        def ask() -> None:
            try:
                answer.set_result(self._asked(path, timeout_s, sockets))
            except BaseException as error:
                answer.set_exception(error)

        threading.Thread(target=ask, name="ask", daemon=True).start()
        try:
            return answer.result(timeout_s)
        except TimeoutError:
            for connected in sockets:
                # The thread ends with its connection.
                with suppress(OSError):
                    connected.shutdown(socket.SHUT_RDWR)
            raise NoAnswer(f"no {'answer' if sockets else 'connection'} within {timeout_s:.3g} s") from None

    def _asked(self, path: str, timeout_s: float, sockets: list[socket.socket]) -> Reply:
        """The reply, however long it takes in pieces; the connection's sockets are added as they come to be."""

        def note(event: str, details: Mapping[str, Any]) -> None:
            if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
                sockets.append(details["return_value"].get_extra_info("socket"))

        body = bytearray()
        url, extensions = self.url + path, {"trace": note}
        try:
            with self._client.stream("GET", url, timeout=timeout_s, extensions=extensions) as response:
                for part in response.iter_bytes():
                    body += part
                    if len(body) > _MOST_BYTES:
                        body.clear()
                        break
        except httpx.RequestError as error:
            raise _no_answer(error, timeout_s) from None
        return Reply(response.status_code, _document_in(bytes(body)), response.headers)

    def get(self, path: str, *, timeout_s: float = PROBE_TIMEOUT_S) -> Reply | None:
        """The reply; None when nobody answers."""
        try:
            return self.ask(path, timeout_s=timeout_s)
        except NoAnswer:
            return None

    def is_live(self) -> bool:
        return status_of(self.get("/livez")) == 200

    def is_ready(self) -> bool:
        return status_of(self.get("/readyz")) == 200

    def health(self, *, timeout_s: float = PROBE_TIMEOUT_S) -> Mapping[str, Any]:
        """What `/health` says; empty while nobody answers."""
        reply = self.get("/health", timeout_s=timeout_s)
        return reply.document if reply is not None else {}


def checked_url(text: str, name: str) -> str:
    """An address of a service, without the last slash.

    Args:
        text: as somebody wrote it.
        name: what they wrote it for, such as `--host`.

    Raises:
        UsageError: it is no such address, or holds a password, which every line would show.
    """
    try:
        httpx.URL(text)
        parts = urlsplit(text)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except (ValueError, httpx.InvalidURL):
        is_address = False
    if not is_address:
        raise UsageError(f"{name} is like https://staging.example.org or http://127.0.0.1:8000, met {text!r}")
    if parts.username or parts.password:
        raise UsageError(f"{name} holds a user or a password, which outputs would show")
    if parts.query or parts.fragment:
        raise UsageError(f"{name} has no query and no fragment, met {text!r}")
    return text.rstrip("/")


def _document_in(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = {}
    return document if isinstance(document, dict) else {}


def _no_answer(error: httpx.RequestError, timeout_s: float) -> NoAnswer:
    if isinstance(error, httpx.ConnectTimeout):
        return NoAnswer(f"no connection within {timeout_s:.3g} s")
    if isinstance(error, httpx.TimeoutException):
        return NoAnswer(f"no answer within {timeout_s:.3g} s")
    if isinstance(error, httpx.RemoteProtocolError):
        # Also of a port that is published before the service listens: it accepts connections, and closes them.
        return NoAnswer(f"no HTTP answer: {error}")
    refused = _refused_by_tls(error)
    reason = re.sub(r"^\[(?:Errno )?[^\]]*\] ", "", str(refused or error)) or type(error).__name__
    return NoAnswer(reason, is_foreign=refused is not None)


def _refused_by_tls(error: BaseException) -> ssl.SSLError | None:
    """What TLS found wrong with the other side, where that is what went wrong; not a connection that broke off."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None


def failures_in(health: Mapping[str, Any]) -> list[str]:
    """A sentence for each required model that `/health` calls failed; one that it says nothing of is required."""
    models = health.get("models")
    if not isinstance(models, Mapping):
        return []
    return [
        f"{name} failed: {model.get('reason', 'no reason given')}"
        for name, model in models.items()
        if isinstance(model, Mapping) and model.get("state") == "failed" and model.get("required", True)
    ]
