"""The models of the process in OpenAI's form, whatever their task."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from coldstart.api.dependencies import CoreDependency
from coldstart.domain.manifest import ModelEntry

router = APIRouter(prefix="/v1", tags=["openai"])


@router.get("/models")
async def list_models(core: CoreDependency) -> Response:
    """The models that can be used now."""
    ready = [_model_document(served.entry) for served in core.registry.ready()]
    return JSONResponse({"object": "list", "data": ready})


@router.get("/models/{name:path}")
async def show_model(name: str, core: CoreDependency) -> Response:
    """One model; 503 while it is not ready."""
    return JSONResponse(_model_document(core.registry.get(name).entry))


def _model_document(entry: ModelEntry) -> dict[str, Any]:
    return {
        "id": entry.label,
        "object": "model",
        # The client's type wants a time; a manifest has none, for the same inputs must give the same image.
        "created": 0,
        "owned_by": entry.repository.partition("/")[0],
        # OpenAI's form has no such field, and its client keeps it: of many models, which one is for what.
        "task": entry.task,
    }
