"""The WebSocket of live transcription; docs/live-transcription.md describes its protocol."""

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import aclosing
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, WebSocket
from fastapi.exceptions import RequestValidationError
from starlette.types import Message
from starlette.websockets import WebSocketDisconnect

from coldstart.api.dependencies import CoreDependency, service_of
from coldstart.api.live_schemas import EndMessage, StartMessage, event_document
from coldstart.api.problems import is_internal, reply_to
from coldstart.domain.audio import SPEECH_RATE_HZ, SoundStreamDecoder
from coldstart.domain.errors import InvalidInput, NotFound, NotReady, PayloadTooLarge, Unavailable
from coldstart.runtime.lifecycle import Lifecycle
from coldstart.services.live_session import LiveSession
from coldstart.services.live_transcription import LiveTranscriptions

router = APIRouter(prefix="/v1/audio", tags=["live"])

Service = Annotated[LiveTranscriptions, Depends(service_of(LiveTranscriptions))]

# Source of the codes: RFC 6455, section 7.4, and IANA's WebSocket Close Code Number Registry. The most specific class
# wins; what is not here is 1011, an internal error.
_NORMAL, _INTERNAL_ERROR, _SERVICE_RESTART, _TRY_AGAIN_LATER, _POLICY_VIOLATION = 1000, 1011, 1012, 1013, 1008
_CLOSE_CODES: Mapping[type[Exception], int] = {
    InvalidInput: _POLICY_VIOLATION,
    RequestValidationError: _POLICY_VIOLATION,
    NotFound: _POLICY_VIOLATION,
    PayloadTooLarge: _POLICY_VIOLATION,
    Unavailable: _TRY_AGAIN_LATER,
    Exception: _INTERNAL_ERROR,
}

# How often a session looks at the clock and at whether the process is to end.
_TICK_S = 0.1
# After the signal: what is on its way may still come.
_LAST_WORDS_S = 0.5


@router.websocket("/transcriptions/live")
async def live(websocket: WebSocket, service: Service, core: CoreDependency) -> None:
    """Sound in, segments of text out, until either side ends it."""
    with service.place():
        await websocket.accept()
        await _Conversation(websocket, service, core.lifecycle).hold()


class _Conversation:
    """One session as the client sees it."""

    def __init__(self, websocket: WebSocket, service: LiveTranscriptions, lifecycle: Lifecycle) -> None:
        self._websocket = websocket
        self._service = service
        self._lifecycle = lifecycle
        self._messages = _Messages(websocket, lifecycle, service.limits.idle_s)
        self._log = structlog.get_logger("coldstart.live")

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
                await self._send({"type": "error", **json.loads(bytes(reply_to(error, self._websocket.scope).body))})
            await self._websocket.close(self._close_code(error))
        except WebSocketDisconnect:
            pass

    async def _converse(self) -> Exception | None:
        """The whole conversation; what ended it, where the client did not."""
        start = StartMessage.read(await self._messages.next())
        decoder = self._service.decoder_of(start.format)
        with self._service.session(start.parameters(self._service.threshold)) as session:
            await self._send({"type": "ready", "model": session.model_name, "sample_rate": SPEECH_RATE_HZ})
            error = await self._exchange(session, decoder)
            if error is None:
                await self._send({"type": "done", "duration": round(session.duration_s, 3)})
            return error

    async def _exchange(self, session: LiveSession, decoder: SoundStreamDecoder) -> Exception | None:
        listening = asyncio.create_task(self._listen(session, decoder))
        tasks = (listening, asyncio.create_task(self._tell(session)))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()  # raises what the task has raised
            return listening.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self, session: LiveSession, decoder: SoundStreamDecoder) -> Exception | None:
        """Feed the session to its end; what ended it, where the client did not. What came before gets its text."""
        error = None
        try:
            while isinstance(message := await self._messages.next(), bytes):
                await session.feed(decoder.decode(message))
            EndMessage.read(message)
        except (InvalidInput, RequestValidationError, PayloadTooLarge, NotReady) as met:
            error = met
        await session.end()
        return error

    async def _tell(self, session: LiveSession) -> None:
        async with aclosing(session.events()) as events:
            async for event in events:
                await self._send(event_document(event))

    async def _send(self, document: Mapping[str, Any]) -> None:
        await self._websocket.send_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")))

    def _close_code(self, error: Exception | None) -> int:
        if error is None:
            return _NORMAL
        if self._lifecycle.shutting_down and isinstance(error, NotReady):
            return _SERVICE_RESTART
        return next(_CLOSE_CODES[cls] for cls in type(error).__mro__ if cls in _CLOSE_CODES)


class _Messages:
    """What a client sends, as long as it sends something and the process goes on."""

    def __init__(self, websocket: WebSocket, lifecycle: Lifecycle, idle_s: float) -> None:
        self._websocket = websocket
        self._lifecycle = lifecycle
        self._idle_s = idle_s
        self._receiving: asyncio.Future[Message] | None = None
        self._last_call: float | None = None

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
        if self._lifecycle.shutting_down and self._last_call is None:
            self._last_call = time.monotonic() + _LAST_WORDS_S
        return self._last_call is not None and time.monotonic() >= self._last_call
