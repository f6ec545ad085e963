"""SERVICE_MODE → what the process serves."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coldstart.apps import wheel
from coldstart.domain.errors import ConfigurationError
from coldstart.domain.manifest import Manifest
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


def services_of(settings: Settings, manifest: Manifest) -> tuple[Service, ...]:
    """The services that SERVICE_MODE names; `all` means each whose models are at hand.

    Raises:
        ConfigurationError: there is no such mode, none is named, or the manifest lacks the models.
    """
    mode = settings.service_mode
    if mode not in MODES:
        met = repr(mode) if mode else "not set"
        raise ConfigurationError(f"SERVICE_MODE is {met}; it must be {' or '.join(map(repr, MODES))}")
    at_hand = {model.task for model in manifest.models}
    named = SERVICES.values() if mode == ALL else (SERVICES[mode],)
    services = tuple(service for service in named if service.tasks(settings).keys() <= at_hand)
    if not services:
        wanted = " or ".join(" and ".join(sorted(service.tasks(settings))) for service in named)
        raise ConfigurationError(
            f"SERVICE_MODE is {mode!r}, which needs models of the tasks {wanted}; "
            f"{settings.models_manifest} has models of {', '.join(sorted(at_hand)) or 'none'}"
        )
    return services
