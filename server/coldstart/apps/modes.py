"""SERVICE_MODE → what the process serves."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coldstart.apps import asr, tts, wheel
from coldstart.domain.errors import ConfigurationError
from coldstart.domain.manifest import Manifest, ModelEntry
from coldstart.runtime.core import Core
from coldstart.runtime.loading import TaskServing
from coldstart.runtime.settings import Settings

if TYPE_CHECKING:
    from fastapi import APIRouter


@dataclass(frozen=True, slots=True)
class Service:
    """One service.

    Args:
        needs: the tasks of models without which it cannot be offered.
        tasks: each of them and how it is served, asked of what is named or offered only; imports no web framework, for
            models load before.
        routers: its HTTP side.
        services: class → instance, for `create_app`.
    """

    needs: frozenset[str]
    tasks: Callable[[Settings], Mapping[str, TaskServing[Any, Any, Any]]]
    routers: "Callable[[], list[APIRouter]]"
    services: Callable[[Core], Mapping[type[Any], Any]]


SERVICES: Mapping[str, Service] = {
    "wheel": Service(frozenset({"next-token"}), wheel.tasks, wheel.routers, wheel.services),
    "asr": Service(frozenset({"speech-to-text", "voice-activity"}), asr.tasks, asr.routers, asr.services),
    "tts": Service(frozenset({"text-to-speech"}), tts.tasks, tts.routers, tts.services),
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
    if mode != ALL:
        # A wrong setting is told before a missing model.
        SERVICES[mode].tasks(settings)
    at_hand = {model.task for model in manifest.models}
    named = SERVICES.values() if mode == ALL else (SERVICES[mode],)
    services = tuple(service for service in named if service.needs <= at_hand)
    if not services:
        wanted = " or ".join(" and ".join(sorted(service.needs)) for service in named)
        raise ConfigurationError(
            f"SERVICE_MODE is {mode!r}, which needs models of the tasks {wanted}; "
            f"{settings.models_manifest} has models of {', '.join(sorted(at_hand)) or 'none'}"
        )
    return services


def served_models(
    settings: Settings, manifest: Manifest, tasks: Mapping[str, TaskServing[Any, Any, Any]]
) -> tuple[ModelEntry, ...]:
    """The models to load: those of the tasks, for an image may hold models of services that this process lacks.

    Raises:
        ConfigurationError: one model of a task is asked for by name, and the manifest has none of it.
    """
    for task, serving in tasks.items():
        names = [model.name for model in manifest.models if model.task == task]
        if serving.model is not None and serving.model not in names:
            raise ConfigurationError(
                f"{settings.models_manifest} has no model {serving.model!r} of task {task!r}; "
                f"it has {', '.join(names) or 'none'}"
            )
    return tuple(
        model for model in manifest.models if model.task in tasks and tasks[model.task].model in (None, model.name)
    )
