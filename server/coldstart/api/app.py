"""The web application: probes, metrics, error replies and middlewares around the routers that apps chose."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Protocol, runtime_checkable

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIWebSocketRoute
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import Response

from coldstart import __version__
from coldstart.api import dependencies, metrics, openai_models, probes
from coldstart.api.admission import AdmissionGate
from coldstart.api.bodies import BoundedRequest, uploads_of
from coldstart.api.middleware import ErrorBoundary, RequestContext, ShutdownGate
from coldstart.api.problems import reply_to
from coldstart.domain.errors import ColdstartError
from coldstart.runtime.core import Core


@runtime_checkable
class Lasting(Protocol):
    """A service that holds something open, or works beside requests, as long as the process serves."""

    def lifespan(self) -> AbstractAsyncContextManager[None]:
        """Left when no request is in flight any more and the models are freed."""
        ...


def create_app(
    core: Core, *, routers: Sequence[APIRouter] = (), services: Mapping[type[Any], Any] | None = None
) -> FastAPI:
    """The application of one process.

    Its lifespan starts the registry's loading (unless that has begun) and frees the models at the end; then it ends
    what services hold open.

    Args:
        core: settings, registry, timeline and lifecycle of the process.
        routers: what the service mode offers; included without a prefix, so each names its own.
        services: class → instance, which routes get by `dependencies.service_of(class)`.
    """
    docs = core.settings.docs_exposed
    http_metrics = metrics.HttpMetrics(core, services or {})
    app = FastAPI(
        title="Coldstart",
        version=__version__,
        lifespan=_lifespan_of(core, services or {}),
        docs_url="/docs" if docs else None,
        openapi_url="/openapi.json" if docs else None,
        redoc_url=None,
        middleware=[  # the outermost first
            Middleware(RequestContext, http_metrics),
            Middleware(ErrorBoundary),
            Middleware(ShutdownGate, core.lifecycle),
            Middleware(AdmissionGate, routers, services or {}),
            Middleware(BoundedRequest, core.settings.max_body_bytes, uploads_of(routers, core.settings)),
        ],
        # Nothing but our own settings may switch behaviour, not even variables that FastAPI reads.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    dependencies.install(app, core, services or {})
    app.state.metrics = http_metrics
    app.state.takes_websockets = any(
        isinstance(route, APIWebSocketRoute) for router in routers for route in router.routes
    )
    for error in (ColdstartError, HTTPException, RequestValidationError):
        app.add_exception_handler(error, _reply)
    for router in (probes.router, metrics.router, openai_models.router, *routers):
        app.include_router(router)
    return app


async def _reply(request: Request, error: Exception) -> Response:
    return reply_to(error, request.scope)


def _lifespan_of(core: Core, services: Mapping[type[Any], Any]) -> Any:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        core.registry.start()
        async with AsyncExitStack() as lasting:
            for service in services.values():
                if isinstance(service, Lasting):
                    await lasting.enter_async_context(service.lifespan())
            yield
            core.lifecycle.begin_shutdown()
            await asyncio.to_thread(core.registry.close, core.settings.shutdown_grace_s)

    return lifespan
