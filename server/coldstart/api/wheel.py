"""The token wheel's routes: models, and sessions whose text grows by a token at a time."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from coldstart.api.admission import begins_work_of
from coldstart.api.answering import answered_by
from coldstart.api.dependencies import service_of
from coldstart.api.wheel_schemas import (
    ModelsDocument,
    NewSession,
    SessionChanges,
    SessionDocument,
    Step,
    model_document,
    session_document,
)
from coldstart.domain.errors import InvalidInput
from coldstart.services.next_token_models import NextTokenModels
from coldstart.services.token_wheel import SessionView, TokenWheel

router = APIRouter(tags=["wheel"])

Models = Annotated[NextTokenModels, Depends(service_of(NextTokenModels))]
Wheel = Annotated[TokenWheel, Depends(service_of(TokenWheel))]


@router.get("/api/models")
async def list_models(models: Models) -> ModelsDocument:
    """The models, whether ready or not, in the manifest's order; the first one is the default."""
    return ModelsDocument(models=[model_document(summary) for summary in models.summaries()])


@router.post("/api/v1/sessions", status_code=201, response_model=SessionDocument)
@begins_work_of(NextTokenModels)
async def create_session(body: NewSession, wheel: Wheel, request: Request) -> Response:
    """Begin a session: the prompt's next-token distribution."""
    view = await wheel.create(body.prompt, body.model, temperature=body.temperature, top_k=body.top_k, seed=body.seed)
    return _reply(request, view, status=201)


@router.get("/api/v1/sessions/{session_id}", response_model=SessionDocument)
async def show_session(session_id: str, wheel: Wheel, request: Request) -> Response:
    """A session as it is."""
    return _reply(request, await wheel.show(session_id))


@router.patch("/api/v1/sessions/{session_id}", response_model=SessionDocument)
async def change_session(session_id: str, body: SessionChanges, wheel: Wheel, request: Request) -> Response:
    """Another temperature, number of slices or seed; the text stays."""
    return _reply(request, await wheel.change(session_id, body.changes()))


@router.delete("/api/v1/sessions/{session_id}", status_code=204)
async def end_session(session_id: str, wheel: Wheel) -> Response:
    """End a session."""
    await wheel.end(session_id)
    return Response(status_code=204)


@router.post("/api/v1/sessions/{session_id}/tokens", response_model=SessionDocument)
async def add_token(session_id: str, body: Step, wheel: Wheel, request: Request) -> Response:
    """Add a token: a picked one, or one that the wheel is spun for."""
    if body.spin == (body.token_id is not None):
        met = "both" if body.spin else "neither"
        raise InvalidInput(f'the body has {met} of "token_id" and "spin": true; it must have one of them')
    return _reply(request, await wheel.step(session_id, body.token_id, body.changes()))


@router.delete("/api/v1/sessions/{session_id}/tokens/last", response_model=SessionDocument)
async def take_back_token(session_id: str, wheel: Wheel, request: Request) -> Response:
    """Take the newest chosen token back."""
    return _reply(request, await wheel.undo(session_id))


def _reply(request: Request, view: SessionView, status: int = 200) -> Response:
    answered_by(request, view.model)
    return JSONResponse(session_document(view), status)
