"""Refusing early: a request that a full queue would refuse is answered before its body is read."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

_MARK = "begins_work_of"

EndpointT = TypeVar("EndpointT", bound=Callable[..., Any])


class Bounded(Protocol):
    """A service whose work waits in a bounded queue."""

    def check_room(self) -> None:
        """Raises: Overloaded: what begins now would be refused."""
        ...


def begins_work_of(service: type[Bounded]) -> Callable[[EndpointT], EndpointT]:
    """Marks an endpoint that cannot do without room in that service's queue; its path has no parameters."""

    def mark(endpoint: EndpointT) -> EndpointT:
        setattr(endpoint, _MARK, service)
        return endpoint

    return mark


class AdmissionGate:
    """Asks for room before a marked endpoint is reached.

    A refusal must cost a small part of what an answer costs, or refusing takes the processor from those let in:
    routing, reading and validating were more than half of it.

    Args:
        app: the application inside.
        routers: whose endpoints may be marked.
        services: class → instance.
    """

    def __init__(self, app: ASGIApp, routers: Sequence[APIRouter], services: Mapping[type[Any], Any]) -> None:
        self._app = app
        self._gates: dict[tuple[str, str], tuple[APIRoute, Bounded]] = {
            (method, route.path): (route, services[getattr(route.endpoint, _MARK)])
            for router in routers
            for route in router.routes
            if isinstance(route, APIRoute) and hasattr(route.endpoint, _MARK)
            for method in route.methods or ()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (gate := self._gates.get((scope["method"], scope["path"]))):
            # For logs and metrics, which name the route; a request that is let in gets the same one again.
            scope["route"], service = gate
            service.check_room()
        await self._app(scope, receive, send)
