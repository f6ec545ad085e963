"""Liveness, readiness and health, in the forms that orchestrators ask for."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from coldstart import __version__
from coldstart.api.dependencies import CoreDependency, services_in
from coldstart.domain.errors import NotReady
from coldstart.runtime.core import Core
from coldstart.runtime.health import HealthReport
from coldstart.runtime.models import ModelState, ModelStatus

router = APIRouter(tags=["probes"])

# Paths that answer during shutdown too, and that nobody counts as work.
PROBE_PATHS = frozenset(
    {"/livez", "/healthz", "/readyz", "/ready", "/health", "/metrics", "/v2/health/live", "/v2/health/ready"}
)


@runtime_checkable
class Reporting(Protocol):
    """A service that depends on more than models."""

    async def health(self) -> HealthReport:
        """How it is, within a second or two and whatever is broken: it does not raise."""
        ...


@router.get("/livez")
@router.get("/healthz")
@router.get("/v2/health/live")
async def live() -> JSONResponse:
    """The process answers; no model is looked at."""
    return JSONResponse({"live": True})


@router.get("/readyz")
@router.get("/ready")
@router.get("/v2/health/ready")
async def ready(core: CoreDependency) -> JSONResponse:
    """Every required model is ready and the process is not shutting down; else 503 with the reasons."""
    _require_ready(core)
    models = {
        name: {"state": status.state, "revision": status.entry.revision, "golden": status.golden}
        for name, status in core.registry.states().items()
    }
    return JSONResponse({"ready": True, "models": models})


@router.get("/v2/models/{name:path}/versions/{revision:path}/ready")
async def model_version_ready(name: str, revision: str, core: CoreDependency) -> JSONResponse:
    """One revision of a model, as the Open Inference Protocol names it; of a revision its beginning is enough."""
    return await model_ready(f"{name}@{revision}", core)


@router.get("/v2/models/{name:path}/ready")
async def model_ready(name: str, core: CoreDependency) -> JSONResponse:
    """One model of the Open Inference Protocol: 404 where there is none, 503 until it is ready."""
    served = core.registry.get(name)
    if core.lifecycle.shutting_down:
        raise NotReady("the process is shutting down")
    return JSONResponse({"name": name, "ready": True, "golden": served.golden_digest})


@router.get("/health")
async def health(core: CoreDependency, request: Request) -> JSONResponse:
    """All that is known of the process's state; always 200, for it is a report and not a probe."""
    states = core.registry.states()
    reports = [await service.health() for service in services_in(request) if isinstance(service, Reporting)]
    return JSONResponse(
        {
            "status": _status(core, reports),
            "all_models_ready": core.registry.all_ready,
            "models_ready": {name: status.state is ModelState.READY for name, status in states.items()},
            "models": {
                name: _model_document(status, core.timeline.model_began_s(name)) for name, status in states.items()
            },
            "startup": {phase: round(seconds, 4) for phase, seconds in core.timeline.marks.items()},
            "version": __version__,
            **{name: value for report in reports for name, value in report.members.items()},
            **({"degraded": [sentence for report in reports for sentence in report.degraded]} if reports else {}),
        }
    )


def _require_ready(core: Core) -> None:
    if core.lifecycle.shutting_down:
        raise NotReady("the process is shutting down")
    readiness = core.registry.readiness()
    if not readiness.ready:
        raise NotReady("; ".join(readiness.reasons), retry_after_s=readiness.retry_after_s)


def _status(core: Core, reports: Sequence[HealthReport]) -> str:
    """failed: it will never be ready; initializing: it may be; degraded: ready, but something optional is missing."""
    states = core.registry.states().values()
    if not states or any(s.entry.required and s.state is ModelState.FAILED for s in states):
        return "failed"
    if not core.registry.readiness().ready:
        return "initializing"
    return "healthy" if core.registry.all_ready and not any(report.degraded for report in reports) else "degraded"


def _model_document(status: ModelStatus, began_s: float | None) -> Mapping[str, Any]:
    began = None if began_s is None else round(began_s, 4)
    optional: dict[str, Any] = {
        "reason": status.reason,
        "golden": status.golden,
        "device": status.device,
        "began_s": began,
    }
    if status.entry.is_one_of_several:
        optional["share"] = round(status.share, 6)
    return {
        "state": status.state,
        "revision": status.entry.revision,
        "required": status.entry.required,
        **{name: value for name, value in optional.items() if value is not None},
        "phases": {f"{phase}_s": round(seconds, 4) for phase, seconds in status.phases.items()},
    }
