"""The WebSocket of live transcription; docs/live-transcription.md describes its protocol."""

import asyncio
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Depends, WebSocket
from fastapi.exceptions import RequestValidationError

from coldstart.api.dependencies import CoreDependency, service_of
from coldstart.api.live_conversation import Conversation
from coldstart.api.live_schemas import EndMessage, StartMessage, event_document
from coldstart.domain.audio import SPEECH_RATE_HZ, SoundStreamDecoder
from coldstart.domain.errors import InvalidInput, NotReady, PayloadTooLarge
from coldstart.runtime.lifecycle import Lifecycle
from coldstart.services.live_session import LiveSession
from coldstart.services.live_transcription import LiveTranscriptions

router = APIRouter(prefix="/v1/audio", tags=["live"])

Service = Annotated[LiveTranscriptions, Depends(service_of(LiveTranscriptions))]


@router.websocket("/transcriptions/live")
async def live(websocket: WebSocket, service: Service, core: CoreDependency) -> None:
    """Sound in, segments of text out, until either side ends it."""
    with service.place():
        await websocket.accept()
        await _LiveTranscription(websocket, service, core.lifecycle).hold()


class _LiveTranscription(Conversation):
    """One sound and its text."""

    def __init__(self, websocket: WebSocket, service: LiveTranscriptions, lifecycle: Lifecycle) -> None:
        super().__init__(websocket, lifecycle, service.limits.idle_s)
        self._service = service

    async def _converse(self) -> Exception | None:
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
