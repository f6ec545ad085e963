"""Containers of the images under the harness's hands: created hardened, watched, stopped with their grace."""

import time
from dataclasses import dataclass
from typing import Any

from docker.errors import APIError, ImageNotFound, NotFound
from docker.models.containers import Container

from coldstart_harness.engine import Engine
from coldstart_harness.errors import ServiceFailed

# The image's description in the Nix store, as a label: equal paths are equal images, whatever they are named.
STORE_PATH_LABEL = "coldstart.harness.store-path"
# A little more than the service's own grace (SHUTDOWN_GRACE_S): killing is the last resort.
STOP_GRACE_S = 35
_LOG_LINES = 20


@dataclass(frozen=True, slots=True)
class Stopped:
    """How a container ended: its exit code, and the seconds from the signal to the end."""

    exit_code: int
    seconds: float


def find_container(engine: Engine, name: str) -> Container | None:
    """The container of that name, in whatever state."""
    try:
        return engine.client.containers.get(name)
    except NotFound:
        return None


def create_container(
    engine: Engine,
    reference: str,
    *,
    name: str | None,
    inner_port: int,
    host_port: int,
    labels: dict[str, str],
    **more: Any,
) -> Container:
    """Create, not start, a container with what an image needs and nothing else.

    Read-only root, a tmpfs on /tmp, no capability, no new privileges, its port on the loopback address only.

    Args:
        engine: where.
        reference: the image's name and tag.
        name: the container's name; None: the engine invents one.
        inner_port: where the service listens.
        host_port: the port on 127.0.0.1; 0: the engine takes a free one.
        labels: labels of the container.
        more: further options of the Docker SDK, which win over these.

    Raises:
        ServiceFailed: the engine has no such image, or refuses.
    """
    options: dict[str, Any] = {
        "name": name,
        "labels": labels,
        "ports": {f"{inner_port}/tcp": ("127.0.0.1", host_port or None)},
        "read_only": True,
        "tmpfs": {"/tmp": "rw,nosuid,nodev,size=64m,mode=1777"},  # noqa: S108 - inside the container
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        **more,
    }
    try:
        return engine.client.containers.create(reference, **options)
    except ImageNotFound:
        raise ServiceFailed(f"the container engine has no image {reference}; load it first") from None
    except APIError as error:
        raise ServiceFailed(f"the container engine refused to create {reference}: {error.explanation}") from None


def start_container(container: Container) -> None:
    """Start a created container.

    Raises:
        ServiceFailed: the engine refuses; the container is removed again.
    """
    try:
        container.start()
    except APIError as error:
        container.remove(force=True, v=True)
        raise ServiceFailed(f"the container engine could not start it: {error.explanation}") from None


def url_of(container: Container, inner_port: int) -> str:
    """The address of the service on this machine.

    Raises:
        ServiceFailed: the container does not publish that port, or has ended.
    """
    container.reload()
    bindings = container.attrs["NetworkSettings"]["Ports"].get(f"{inner_port}/tcp")
    if not bindings:
        raise ServiceFailed(f"{container.name} does not publish its port {inner_port}")
    return f"http://127.0.0.1:{bindings[0]['HostPort']}"


def is_running(container: Container) -> bool:
    container.reload()
    return bool(container.attrs["State"]["Running"])


def why_ended(container: Container) -> str:
    """A sentence on the end of a container that runs no more."""
    container.reload()
    state = container.attrs["State"]
    if state.get("OOMKilled"):
        return "it was killed for want of memory"
    return f"it ended with exit code {state.get('ExitCode')}"


def log_tail(container: Container) -> str:
    """The last lines of both of its streams."""
    return bytes(container.logs(tail=_LOG_LINES)).decode(errors="replace").rstrip()


def stop_container(container: Container) -> Stopped:
    """Send the image's stop signal, wait for the end within the grace, and remove the container."""
    started = time.monotonic()
    if is_running(container):
        container.stop(timeout=STOP_GRACE_S)
    seconds = time.monotonic() - started
    container.reload()
    exit_code = int(container.attrs["State"]["ExitCode"])
    container.remove(force=True, v=True)
    return Stopped(exit_code=exit_code, seconds=seconds)
