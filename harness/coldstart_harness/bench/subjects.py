"""Containers that are measured: an image, with models of its own or with others mounted into it."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docker.models.containers import Container

from coldstart_harness import container as containers
from coldstart_harness.engine import Engine
from coldstart_harness.plan import PlannedImage
from coldstart_harness.service import Service
from coldstart_harness.waiting import wait_until_ready

MODELS_INSIDE = "/models-under-test"
_READY_TIMEOUT_S = 180.0


@dataclass(frozen=True, slots=True)
class Subject:
    """What is started.

    Args:
        label: how the report calls it.
        image: the image.
        engine_name: the inference library that serves, and the name of its form of the models.
        environment: variables beside those that the image must be given.
        models: a directory with `manifest.json`, mounted read-only; None: the image's own models.
        ready_wanted_s: how soon it ought to be ready; None: nothing was promised.
    """

    label: str
    image: PlannedImage
    engine_name: str
    environment: Mapping[str, str] = field(default_factory=dict)
    models: Path | None = None
    ready_wanted_s: float | None = None

    def options(self) -> dict[str, Any]:
        """Options of the Docker SDK beside those that every container has."""
        environment = {**self.image.environment, **self.environment}
        if self.models is None:
            return {"environment": environment}
        environment["MODELS_MANIFEST"] = f"{MODELS_INSIDE}/manifest.json"
        volumes = {str(self.models.resolve()): {"bind": MODELS_INSIDE, "mode": "ro"}}
        return {"environment": environment, "volumes": volumes}


@dataclass(frozen=True, slots=True)
class Started:
    """A container that is ready.

    Args:
        container: it.
        service: where it answers.
        ready_s: seconds from asking the engine for a container to `/readyz` 200 on a fresh connection.
    """

    container: Container
    service: Service
    ready_s: float


@contextmanager
def started(engine: Engine, subject: Subject) -> Iterator[Started]:
    """Create and start a container, as `docker run` does, wait until it is ready, and remove it afterwards.

    Raises:
        ServiceFailed: it does not become ready.
    """
    begun = time.perf_counter()
    created = containers.create_container(
        engine,
        subject.image.reference,
        name=None,
        inner_port=subject.image.port,
        host_port=0,
        labels={},
        **subject.options(),
    )
    try:
        containers.start_container(created)
        service = Service(containers.url_of(created, subject.image.port))
        wait_until_ready(service, time.monotonic() + _READY_TIMEOUT_S, container=created)
        yield Started(created, service, time.perf_counter() - begun)
    finally:
        containers.stop_container(created)
