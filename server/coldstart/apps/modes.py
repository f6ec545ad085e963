"""SERVICE_MODE → what the process serves."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from coldstart.domain.errors import ConfigurationError, InvalidInput
from coldstart.domain.manifest import Manifest, ModelEntry, entries_named
from coldstart.runtime.core import Core
from coldstart.runtime.loading import TaskServing
from coldstart.runtime.settings import Settings

if TYPE_CHECKING:
    from fastapi import APIRouter


class Composition(Protocol):
    """What composes one service: a module of this package."""

    def tasks(self, settings: Settings, /) -> Mapping[str, TaskServing[Any, Any, Any]]:
        """Each task of models that it needs, and how it is served; imports no web framework, for models load before."""

    def routers(self) -> "list[APIRouter]":
        """Its HTTP side."""

    def services(self, core: Core, /) -> Mapping[type[Any], Any]:
        """Class → instance, for `create_app`."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service.

    Args:
        needs: the tasks of models without which it cannot be offered.
        composition: imports what composes it; asked of what is offered only, for an image holds no code of the others.
        part_of_all: SERVICE_MODE=all offers it, too.
    """

    needs: Callable[[Settings], frozenset[str]]
    composition: Callable[[], Composition]
    part_of_all: bool = True


def _wheel() -> Composition:
    from coldstart.apps import wheel

    return wheel


def _asr() -> Composition:
    from coldstart.apps import asr

    return asr


def _tts() -> Composition:
    from coldstart.apps import tts

    return tts


def _interview() -> Composition:
    from coldstart.apps import interview

    return interview


SERVICES: Mapping[str, Service] = {
    "wheel": Service(lambda _: frozenset({"next-token"}), _wheel),
    "asr": Service(lambda _: frozenset({"speech-to-text", "voice-activity"}), _asr),
    "tts": Service(lambda _: frozenset({"text-to-speech"}), _tts),
    # It keeps what it is told, which wants volumes.
    "interview": Service(lambda settings: settings.interview_required_tasks, _interview, part_of_all=False),
}

ALL = "all"
# The interview in one container, and each of its two processes by itself.
INTERVIEW = "interview"
INTERVIEW_API = "interview-api"
INTERVIEW_WORKER = "interview-worker"
MODES = (*SERVICES, INTERVIEW_API, INTERVIEW_WORKER, ALL)


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
    named = _services_named(mode)
    services = tuple(service for service in named if service.needs(settings) <= at_hand)
    if not services:
        wanted = " or ".join(" and ".join(sorted(service.needs(settings))) for service in named)
        raise ConfigurationError(
            f"SERVICE_MODE is {mode!r}, which needs models of the tasks {wanted}; "
            f"{settings.models_manifest} has models of {', '.join(sorted(at_hand)) or 'none'}"
        )
    return services


def _services_named(mode: str) -> tuple[Service, ...]:
    if mode == ALL:
        return tuple(service for service in SERVICES.values() if service.part_of_all)
    return (SERVICES[INTERVIEW if mode in (INTERVIEW_API, INTERVIEW_WORKER) else mode],)


@contextmanager
def held_by_image() -> Iterator[None]:
    """For imports of a service's own modules: an image holds those of the services that it was built for.

    Raises:
        ConfigurationError: it was built for others.
    """
    try:
        yield
    except ImportError as error:
        if error.name != "coldstart.apps":
            raise
        raise ConfigurationError(
            f"SERVICE_MODE asks for a service that this image was not built for: {error}"
        ) from None


def compositions_of(services: Sequence[Service]) -> tuple[Composition, ...]:
    """What composes each of them.

    Raises:
        ConfigurationError: the image was built for other services, and is given models of these.
    """
    with held_by_image():
        return tuple(service.composition() for service in services)


def served_models(
    settings: Settings, manifest: Manifest, tasks: Mapping[str, TaskServing[Any, Any, Any]]
) -> tuple[ModelEntry, ...]:
    """The models to load: those of the tasks, for an image may hold models of services that this process lacks.

    Raises:
        ConfigurationError: one model of a task is asked for by name, and the manifest has none of it, or several
            revisions that begin so.
    """
    served: set[str] = set()
    for task, serving in tasks.items():
        at_hand = [model for model in manifest.models if model.task == task]
        try:
            chosen = at_hand if serving.model is None else entries_named(serving.model, at_hand)
        except InvalidInput as error:
            raise ConfigurationError(f"{settings.models_manifest}: {error}") from None
        if serving.model is not None and not chosen:
            raise ConfigurationError(
                f"{settings.models_manifest} has no model {serving.model!r} of task {task!r}; "
                f"it has {', '.join(model.label for model in at_hand) or 'none'}"
            )
        served |= {model.full_name for model in chosen}
    return tuple(tasks[model.task].entry_of(model) for model in manifest.models if model.full_name in served)
