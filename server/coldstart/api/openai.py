"""Models and completions in OpenAI's form, so that its client works with this server unchanged."""

import json
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from coldstart.api.admission import begins_work_of
from coldstart.api.dependencies import service_of
from coldstart.api.openai_schemas import CompletionRequest, completion_document, usage_document
from coldstart.api.problems import reply_to
from coldstart.domain.errors import ColdstartError
from coldstart.domain.manifest import ModelEntry
from coldstart.runtime.models import ModelState
from coldstart.services.completions import Completion, CompletionPiece, Completions
from coldstart.services.next_token_models import NextTokenModels

router = APIRouter(prefix="/v1", tags=["openai"])

Models = Annotated[NextTokenModels, Depends(service_of(NextTokenModels))]
CompletionService = Annotated[Completions, Depends(service_of(Completions))]

_STREAM_HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}


@router.get("/models")
async def list_models(models: Models) -> Response:
    """The models that can be used now."""
    ready = [_model_document(s.entry) for s in models.summaries() if s.state is ModelState.READY]
    return JSONResponse({"object": "list", "data": ready})


@router.get("/models/{name:path}")
async def show_model(name: str, models: Models) -> Response:
    """One model; 503 while it is not ready."""
    models.get(name)
    return JSONResponse(next(_model_document(s.entry) for s in models.summaries() if s.entry.name == name))


@router.post("/completions")
@begins_work_of(NextTokenModels)
async def complete(body: CompletionRequest, service: CompletionService, request: Request) -> Response:
    """Continue a prompt, whole or as a stream of server-sent events."""
    completion = await service.begin(body.parameters())
    answer = _Answer(completion, body)
    if not body.stream:
        return JSONResponse(await answer.whole())
    pieces = completion.pieces()
    # The first piece before the status: what goes wrong up to there is an error reply and not a broken stream.
    first = await anext(pieces)
    return StreamingResponse(
        answer.events(first, pieces, request), media_type="text/event-stream", headers=_STREAM_HEADERS
    )


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

    async def events(
        self, first: CompletionPiece, pieces: AsyncGenerator[CompletionPiece, None], request: Request
    ) -> AsyncIterator[bytes]:
        try:
            async with aclosing(pieces):
                yield _event(self._chunk(first))
                async for piece in pieces:
                    yield _event(self._chunk(piece))
        except ColdstartError as error:
            # The status is long sent; the client's library knows an error object in a stream.
            yield b"data: " + bytes(reply_to(error, request.scope).body) + b"\n\n"
            return
        if self._body.includes_usage:
            yield _event({**self._chunk(CompletionPiece("", ())), "choices": [], "usage": self._usage()})
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
            self._completion.model_name,
            pieces,
            with_logprobs=self._body.logprobs is not None,
        )

    def _usage(self) -> dict[str, int]:
        return usage_document(self._completion.prompt_token_count, self._completion.token_count)


def _event(document: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


def _model_document(entry: ModelEntry) -> dict[str, Any]:
    # The client's type wants a time; a manifest has none, for the same inputs must give the same image.
    return {"id": entry.name, "object": "model", "created": 0, "owned_by": entry.repository.partition("/")[0]}
