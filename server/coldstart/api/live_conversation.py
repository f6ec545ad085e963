"""What every WebSocket that takes sound has: messages as long as they come, and an end that the client is told."""

import asyncio
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import WebSocket
from fastapi.exceptions import RequestValidationError
from starlette.types import Message
from starlette.websockets import WebSocketDisconnect, WebSocketDisconnected

from coldstart.api.problems import is_internal, reply_to
from coldstart.domain.errors import Conflict, InvalidInput, NotFound, NotReady, PayloadTooLarge, Unavailable
from coldstart.runtime.lifecycle import Lifecycle

# Source of the codes: RFC 6455, section 7.4, and IANA's WebSocket Close Code Number Registry. The most specific class
# wins; what is not here is 1011, an internal error.
_NORMAL, _INTERNAL_ERROR, _SERVICE_RESTART, _TRY_AGAIN_LATER, _POLICY_VIOLATION = 1000, 1011, 1012, 1013, 1008
_CLOSE_CODES: Mapping[type[Exception], int] = {
    InvalidInput: _POLICY_VIOLATION,
    RequestValidationError: _POLICY_VIOLATION,
    NotFound: _POLICY_VIOLATION,
    Conflict: _POLICY_VIOLATION,
    PayloadTooLarge: _POLICY_VIOLATION,
    Unavailable: _TRY_AGAIN_LATER,
    Exception: _INTERNAL_ERROR,
}

# How often a session looks at the clock and at whether the process is to end.
_TICK_S = 0.1
# After the signal: what is on its way may still come.
_LAST_WORDS_S = 0.5


class Conversation(ABC):
    """One WebSocket as the client sees it, once it is accepted.

    Args:
        idle_s: seconds for which the client may send nothing.
    """

    def __init__(self, websocket: WebSocket, lifecycle: Lifecycle, idle_s: float) -> None:
        self._websocket = websocket
        self._lifecycle = lifecycle
        self._messages = ClientMessages(websocket, lifecycle, idle_s)
        self._log = structlog.get_logger("coldstart.live")

    @abstractmethod
    async def _converse(self) -> Exception | None:
        """The whole conversation; what ended it, where the client did not."""

    async def hold(self) -> None:
        """Talk until the end; whatever goes wrong is told the client."""
        try:
            error = await self._converse()
        except WebSocketDisconnect:
            return  # nobody is there to be told
        except Exception as unexpected:  # a process border, for no reply can be made of it outside
            error = unexpected
        finally:
            self._messages.close()
        if error is not None and is_internal(error):
            self._log.error("internal_error", exc_info=error)
        try:
            if error is not None:
                document = json.loads(bytes(reply_to(error, self._websocket.scope).body))
                # OpenAI's form has a member `error`; a problem document is one.
                await self._send({"type": "error", **(document if "error" in document else {"error": document})})
            await self._websocket.close(self._close_code(error))
        except (WebSocketDisconnect, WebSocketDisconnected):
            pass

    async def _send(self, document: Mapping[str, Any] | bytes) -> None:
        """Send a text message, or a binary one.

        Raises:
            WebSocketDisconnect: the client has left, be it a while ago.
        """
        try:
            if isinstance(document, bytes):
                await self._websocket.send_bytes(document)
            else:
                await self._websocket.send_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")))
        except WebSocketDisconnected:
            raise WebSocketDisconnect from None

    def _close_code(self, error: Exception | None) -> int:
        if error is None:
            return _NORMAL
        if self._lifecycle.shutting_down and isinstance(error, NotReady):
            return _SERVICE_RESTART
        return next(_CLOSE_CODES[cls] for cls in type(error).__mro__ if cls in _CLOSE_CODES)


class ClientMessages:
    """What a client sends, as long as it sends something and the process goes on.

    Attributes:
        last_words_s: seconds after the signal to end for which messages are still taken.
    """

    def __init__(self, websocket: WebSocket, lifecycle: Lifecycle, idle_s: float) -> None:
        self.last_words_s = _LAST_WORDS_S
        self._websocket = websocket
        self._lifecycle = lifecycle
        self._idle_s = idle_s
        self._receiving: asyncio.Future[Message] | None = None
        self._signalled_at: float | None = None

    async def next(self) -> str | bytes:
        """The next message: text or bytes.

        Raises:
            InvalidInput: nothing came for too long.
            NotReady: the process is shutting down.
            WebSocketDisconnect: the client has left.
        """
        idle_at = time.monotonic() + self._idle_s
        while not self._is_over():
            if self._receiving is None:
                self._receiving = asyncio.ensure_future(self._websocket.receive())
            if not (await asyncio.wait((self._receiving,), timeout=_TICK_S))[0]:
                if time.monotonic() >= idle_at:
                    raise InvalidInput(f"nothing came for {self._idle_s:g} s, the longest pause allowed")
                continue
            message, self._receiving = self._receiving.result(), None
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message["code"])
            text = message.get("text")
            return text if isinstance(text, str) else bytes(message.get("bytes") or b"")
        raise NotReady("the process is shutting down")

    def close(self) -> None:
        """Wait for nothing more."""
        if self._receiving is not None:
            self._receiving.cancel()

    def _is_over(self) -> bool:
        if self._lifecycle.shutting_down and self._signalled_at is None:
            self._signalled_at = time.monotonic()
        return self._signalled_at is not None and time.monotonic() >= self._signalled_at + self.last_words_s
