"""Containers under proof: started as `docker run` does, watched until they answer rightly, removed afterwards."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker.errors import APIError, ImageNotFound
from docker.models.containers import Container
from docker.types import DeviceRequest

from coldstart_harness import container as containers
from coldstart_harness.engine import Engine
from coldstart_harness.errors import ServiceFailed
from coldstart_harness.proofs.proof import Trial
from coldstart_harness.slo.document import Request
from coldstart_harness.traffic.client import Client, Exchange

# Its value is the session of the trial.
LABEL = "coldstart.harness.proof"
_POLL_S = 0.02
_ASK_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Running:
    """A container, and where its service answers."""

    container: Container
    url: str


def created(trial: Trial, **options: Any) -> Container:
    """A container of the image under proof, not yet started, with nothing but what `options` say.

    Unhardened on purpose: what an image needs is one proof's question (lockdown), and the others must not ask it too.

    Args:
        trial: the image and its service.
        options: options of the Docker SDK beside the service's environment and its port.

    Raises:
        ServiceFailed: the engine has no such image, or refuses.
    """
    service = trial.asked
    environment = {**service.env, **options.pop("environment", {})}
    given: dict[str, Any] = {"environment": environment, "labels": {LABEL: trial.session}, **options}
    if trial.gpu:
        given.setdefault("device_requests", [DeviceRequest(count=-1, capabilities=[["gpu"]])])
    if _bridge_of(trial.engine) is None and "network_mode" not in given:
        given.setdefault("ports", {f"{service.port}/tcp": ("127.0.0.1", None)})
    try:
        return trial.engine.client.containers.create(trial.reference, **given)
    except ImageNotFound:
        raise ServiceFailed(f"the container engine has no image {trial.reference}; load it first") from None
    except APIError as error:
        raise ServiceFailed(f"the container engine refused to create {trial.reference}: {error.explanation}") from None


def remove_leftovers(trial: Trial) -> None:
    """Remove what an interruption left of the trial's session: what was created while nobody could take it."""
    marked = {"label": f"{LABEL}={trial.session}"}
    for container in trial.engine.client.containers.list(all=True, filters=marked):
        container.remove(force=True, v=True)
    for network in trial.engine.client.networks.list(filters=marked):
        network.remove()


def url_of(trial: Trial, container: Container) -> str:
    """Where a started container's service answers.

    Its own address on the engine's bridge, where this machine has that bridge: the engine's proxy for published ports
    accepts connections that nobody listens for, and would hide when a port opens and closes.

    Raises:
        ServiceFailed: it has neither an address nor a published port, because it has ended or has no network.
    """
    port = trial.asked.port
    container.reload()
    networks = container.attrs["NetworkSettings"]["Networks"] or {}
    address = next((network["IPAddress"] for network in networks.values() if network.get("IPAddress")), None)
    if address and _bridge_of(trial.engine) is not None:
        return f"http://{address}:{port}"
    return containers.url_of(container, port)


@contextmanager
def held(trial: Trial, **options: Any) -> Iterator[Container]:
    """A created container, not yet started; it is removed afterwards, whatever became of it.

    Raises:
        ServiceFailed: it could not be created.
    """
    container = created(trial, **options)
    try:
        yield container
    finally:
        container.remove(force=True, v=True)


def start(container: Container) -> None:
    """Start a container, and return when the engine says that its first process runs.

    Raises:
        ServiceFailed: the engine could not.
    """
    try:
        container.start()
    except APIError as error:
        raise ServiceFailed(f"the container engine could not start it: {error.explanation}") from None


@contextmanager
def started(trial: Trial, **options: Any) -> Iterator[Running]:
    """A container that was just started, before it answers; it is removed afterwards.

    Raises:
        ServiceFailed: it could not be created or started, or ended at once.
    """
    with held(trial, **options) as container:
        start(container)
        yield Running(container, url_or_why(trial, container))


@contextmanager
def serving(trial: Trial, **options: Any) -> Iterator[Running]:
    """A container that says it is ready and answers rightly; it is removed afterwards.

    Raises:
        ServiceFailed: it did not within the service's `start_timeout_s`; the details are its last log lines.
    """
    with started(trial, **options) as running:
        wait_until_serving(trial, running)
        yield running


def wait_until_serving(trial: Trial, running: Running) -> None:
    """Return as soon as readiness says 200 and the service's request is answered rightly.

    Raises:
        ServiceFailed: not within the service's `start_timeout_s`, or the container ended.
    """
    service = trial.asked
    deadline = time.monotonic() + service.start_timeout_s
    readiness = Request(path=service.readiness)
    while True:
        probe = ask(running.url, readiness)
        answer = ask(running.url, service.request) if probe.outcome == "right" else probe
        if answer.outcome == "right":
            return
        if not containers.is_running(running.container):
            why = containers.why_ended(running.container)
            raise ServiceFailed(f"the container did not start: {why}", details=containers.log_tail(running.container))
        if time.monotonic() > deadline:
            path = service.request.path if probe.outcome == "right" else service.readiness
            raise ServiceFailed(
                f"{path} was not answered rightly within {service.start_timeout_s:.0f} s: {answer.reason}",
                details=containers.log_tail(running.container),
            )
        time.sleep(_POLL_S)


def ask(url: str, request: Request, timeout_s: float = _ASK_TIMEOUT_S) -> Exchange:
    """One request on a connection of its own, from code that is not asynchronous."""

    async def once() -> Exchange:
        async with Client(url, timeout_s=timeout_s) as client:
            return await client.send(request)

    return asyncio.run(once())


def url_or_why(trial: Trial, container: Container) -> str:
    """Where a container that was just started answers.

    Raises:
        ServiceFailed: it has no address; where it has ended, with its exit code, and its last log lines as details.
    """
    try:
        return url_of(trial, container)
    except ServiceFailed:
        if containers.is_running(container):
            raise
        why = containers.why_ended(container)
        raise ServiceFailed(f"the container ended at once: {why}", details=containers.log_tail(container)) from None


def _bridge_of(engine: Engine) -> str | None:
    """The interface of the engine's default network on this very machine; None: there is none to reach it by."""
    if not engine.host.startswith("unix://"):
        return None
    try:
        network = engine.client.networks.get("bridge")
    except APIError:
        return None
    name = (network.attrs.get("Options") or {}).get("com.docker.network.bridge.name")
    return name if name and Path("/sys/class/net", name).exists() else None
