"""Completions in OpenAI's form, so that its client works with this server unchanged."""

import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from coldstart.api.admission import begins_work_of
from coldstart.api.answering import answered_by
from coldstart.api.dependencies import service_of
from coldstart.api.openai_schemas import CompletionRequest, completion_document, usage_document
from coldstart.api.server_sent_events import event_of, event_stream
from coldstart.services.completions import Completion, CompletionPiece, Completions
from coldstart.services.next_token_models import NextTokenModels

router = APIRouter(prefix="/v1", tags=["openai"])

CompletionService = Annotated[Completions, Depends(service_of(Completions))]


@router.post("/completions")
@begins_work_of(NextTokenModels)
async def complete(body: CompletionRequest, service: CompletionService, request: Request) -> Response:
    """Continue a prompt, whole or as a stream of server-sent events."""
    completion = await service.begin(body.parameters())
    answered_by(request, completion.model)
    answer = _Answer(completion, body)
    if not body.stream:
        return JSONResponse(await answer.whole())
    return await event_stream(answer.events(), request)


class _Answer:
    """One completion as it is told."""

    def __init__(self, completion: Completion, body: CompletionRequest) -> None:
        self._completion = completion
        self._body = body
        self._id = f"cmpl-{secrets.token_hex(12)}"
        self._created = int(time.time())

    async def whole(self) -> dict[str, Any]:
        async with aclosing(self._completion.pieces()) as pieces:
            document = self._document([piece async for piece in pieces])
        document["usage"] = self._usage()
        return document

    async def events(self) -> AsyncGenerator[bytes, None]:
        async with aclosing(self._completion.pieces()) as pieces:
            async for piece in pieces:
                yield event_of(self._chunk(piece))
        if self._body.includes_usage:
            yield event_of({**self._chunk(CompletionPiece("", ())), "choices": [], "usage": self._usage()})
        yield b"data: [DONE]\n\n"

    def _chunk(self, piece: CompletionPiece) -> dict[str, Any]:
        document = self._document([piece])
        if self._body.includes_usage:
            document["usage"] = None
        return document

    def _document(self, pieces: list[CompletionPiece]) -> dict[str, Any]:
        return completion_document(
            self._id,
            self._created,
            self._completion.model.label,
            pieces,
            with_logprobs=self._body.logprobs is not None,
        )

    def _usage(self) -> dict[str, int]:
        return usage_document(self._completion.prompt_token_count, self._completion.token_count)
