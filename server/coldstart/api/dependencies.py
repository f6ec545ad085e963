"""How a route gets at what apps composed: the process's core, and services by their class."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar, cast

from fastapi import Depends, FastAPI
from starlette.requests import HTTPConnection

from coldstart.runtime.core import Core

ServiceT = TypeVar("ServiceT")


def install(app: FastAPI, core: Core, services: Mapping[type[Any], Any]) -> None:
    """Put the core and the services on the application, for the dependencies below."""
    app.state.core = core
    app.state.services = dict(services)


def core_of(connection: HTTPConnection) -> Core:
    """The process's shared parts; a connection is a request or a WebSocket."""
    return cast(Core, connection.app.state.core)


def services_in(connection: HTTPConnection) -> tuple[Any, ...]:
    """Every service, whatever its class."""
    return tuple(connection.app.state.services.values())


def service_of(kind: type[ServiceT]) -> Callable[[HTTPConnection], ServiceT]:
    """A dependency that gives the service registered under `kind`.

    Example:
        `Sessions = Annotated[SessionService, Depends(service_of(SessionService))]`
    """

    # async, for FastAPI would run a plain function in a thread
    async def service(connection: HTTPConnection) -> ServiceT:
        return cast(ServiceT, connection.app.state.services[kind])

    return cast(Callable[[HTTPConnection], ServiceT], service)


async def _core(connection: HTTPConnection) -> Core:
    return core_of(connection)


CoreDependency = Annotated[Core, Depends(_core)]
