"""How a route gets at what apps composed: the process's core, and services by their class."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar, cast

from fastapi import Depends, FastAPI, Request

from coldstart.runtime.core import Core

ServiceT = TypeVar("ServiceT")


def install(app: FastAPI, core: Core, services: Mapping[type[Any], Any]) -> None:
    """Put the core and the services on the application, for the dependencies below."""
    app.state.core = core
    app.state.services = dict(services)


def core_of(request: Request) -> Core:
    """The process's shared parts."""
    return cast(Core, request.app.state.core)


def service_of(kind: type[ServiceT]) -> Callable[[Request], ServiceT]:
    """A dependency that gives the service registered under `kind`.

    Example:
        `Sessions = Annotated[SessionService, Depends(service_of(SessionService))]`
    """

    # async, for FastAPI would run a plain function in a thread
    async def service(request: Request) -> ServiceT:
        return cast(ServiceT, request.app.state.services[kind])

    return cast(Callable[[Request], ServiceT], service)


async def _core(request: Request) -> Core:
    return core_of(request)


CoreDependency = Annotated[Core, Depends(_core)]
