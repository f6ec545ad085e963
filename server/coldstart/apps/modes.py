"""SERVICE_MODE → what the process serves."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coldstart.apps import wheel
from coldstart.domain.errors import ConfigurationError
from coldstart.runtime.core import Core
from coldstart.runtime.loading import TaskServing
from coldstart.runtime.settings import Settings

if TYPE_CHECKING:
    from fastapi import APIRouter


@dataclass(frozen=True, slots=True)
class Service:
    """One service.

    Args:
        tasks: the tasks of models it needs and how they are served; imports no web framework, for models load before.
        routers: its HTTP side.
        services: class → instance, for `create_app`.
    """

    tasks: Callable[[Settings], Mapping[str, TaskServing[Any, Any, Any]]]
    routers: "Callable[[], list[APIRouter]]"
    services: Callable[[Core], Mapping[type[Any], Any]]


SERVICES: Mapping[str, Service] = {
    "wheel": Service(wheel.tasks, wheel.routers, wheel.services),
}

ALL = "all"
MODES = (*SERVICES, ALL)


def services_of(settings: Settings) -> tuple[Service, ...]:
    """The services that SERVICE_MODE names.

    Raises:
        ConfigurationError: there is no such mode, or none is named.
    """
    if settings.service_mode == ALL:
        return tuple(SERVICES.values())
    if settings.service_mode not in SERVICES:
        met = repr(settings.service_mode) if settings.service_mode else "not set"
        raise ConfigurationError(f"SERVICE_MODE is {met}; it must be {' or '.join(map(repr, MODES))}")
    return (SERVICES[settings.service_mode],)
