"""The images under test and how the tests get at them: a container engine, HTTP, and nothing of the server."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docker.models.containers import Container
from testcontainers.core.container import DockerContainer

from coldstart_harness.service import Service
from coldstart_harness.waiting import wait_until_ready

# Written by the harness's `test` command after it has built and loaded the images.
VARIABLE = "COLDSTART_IMAGES_UNDER_TEST"
# Set by `nix run .#test -- --thorough`.
THOROUGH = bool(os.environ.get("COLDSTART_THOROUGH"))
START_TIMEOUT_S = 60.0
_POLL_S = 0.02


@dataclass(frozen=True)
class Subject:
    """An image in the engine.

    Args:
        attribute: its name in the flake.
        reference: its name and tag.
        port: where it listens, offering all its services.
        layers: its layers' names as declared, from the stable to the volatile.
        environment: variables that it must be given to offer all its services.
        accelerator: `cpu`, or what its engines need of the machine.
        papers: directory of what Nix tells of it; None: whoever named the image did not say.
        code_changed: the same image after a change of a line of code; None: it could not be built.
    """

    attribute: str
    reference: str
    port: int
    layers: tuple[str, ...]
    environment: dict[str, str] = field(hash=False)
    accelerator: str
    code_changed: str | None
    papers: str | None = None


def subjects() -> list[Subject]:
    """The images that the environment names; none where it names none."""
    path = os.environ.get(VARIABLE)
    if path is None:
        return []
    document = json.loads(Path(path).read_text(encoding="utf-8"))
    return [
        Subject(attribute=attribute, **{**image, "layers": tuple(image["layers"])})
        for attribute, image in document.items()
    ]


def container_of(subject: Subject, **options: Any) -> DockerContainer:
    """A container of the image as it is meant to run: hardened, and published on the loopback address only.

    Args:
        subject: the image.
        options: further options of the Docker SDK, which win over the hardening.
    """
    hardening: dict[str, Any] = {
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "tmpfs": {"/tmp": "mode=1777"},  # noqa: S108 - inside the container
    }
    tmpfs = options.pop("tmpfs", hardening.pop("tmpfs"))
    container = DockerContainer(subject.reference, **{**hardening, **options})
    container.tmpfs.update(tmpfs)
    container.env.update(subject.environment)
    if options.get("network_mode") != "none":
        container.ports[f"{subject.port}/tcp"] = ("127.0.0.1", None)
    return container


@contextmanager
def ready(subject: Subject, **options: Any) -> Iterator[tuple[DockerContainer, Service]]:
    """A container that is ready, and its service; it is removed afterwards."""
    with container_of(subject, **options) as container:
        service = service_of(subject, container)
        deadline = time.monotonic() + START_TIMEOUT_S
        wait_until_ready(service, deadline, container=container.get_wrapped_container())
        yield container, service


def service_of(subject: Subject, container: DockerContainer) -> Service:
    return Service(f"http://127.0.0.1:{container.get_exposed_port(subject.port)}")


def python_in(container: DockerContainer, code: str) -> tuple[int | None, str]:
    """Run Python code inside a running container, with the interpreter that the image starts: it has no shell.

    Returns:
        The exit code and what was printed.
    """
    inside: Container = container.get_wrapped_container()
    done = container.exec([inside.image.attrs["Config"]["Entrypoint"][0], "-c", code])
    return done.exit_code, done.output.decode(errors="replace")


def eventually(holds: Callable[[], bool], claim: str, timeout_s: float = START_TIMEOUT_S) -> None:
    """Return as soon as `holds`; fail with the claim when it does not within the time."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {timeout_s:.0f} s: {claim}"
        time.sleep(_POLL_S)
