"""Finding a container engine that answers: Docker, or Podman through the same API."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import docker
from docker.errors import DockerException

from coldstart_harness import engine_install
from coldstart_harness.errors import EngineUnavailable
from coldstart_harness.plan import PlannedImage

_API_TIMEOUT_S = 60


@dataclass(frozen=True)
class Engine:
    """An engine that answered.

    Args:
        kind: which command line and which storage it has.
        host: its address, in the form of DOCKER_HOST.
        client: the Docker SDK's client for it.
    """

    kind: Literal["docker", "podman"]
    host: str
    client: docker.DockerClient

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables that point child processes at the same engine."""
        return {"DOCKER_HOST": self.host}

    def loader_of(self, image: PlannedImage) -> Path:
        """The derivation of the program that loads the image into this engine."""
        return image.to_docker if self.kind == "docker" else image.to_podman


def candidate_hosts(environment: Mapping[str, str]) -> list[str]:
    """Where an engine may listen, best first. DOCKER_HOST, where it is set, is the only place."""
    if chosen := environment.get("DOCKER_HOST"):
        return [chosen]
    sockets = [Path("/var/run/docker.sock")]
    runtime = environment.get("XDG_RUNTIME_DIR")
    home = environment.get("HOME")
    if runtime:
        sockets.append(Path(runtime, "docker.sock"))
    if home:
        sockets.append(Path(home, ".docker/run/docker.sock"))
    sockets.append(Path("/run/podman/podman.sock"))
    if runtime:
        sockets.append(Path(runtime, "podman/podman.sock"))
    return [f"unix://{socket}" for socket in sockets]


def find_engine() -> Engine | None:
    """The first engine that answers; None when there is none.

    Raises:
        EngineUnavailable: an engine listens but refuses this user, or DOCKER_HOST is set and does not answer.
    """
    refusals = []
    for host in candidate_hosts(os.environ):
        path = Path(host.removeprefix("unix://"))
        if host.startswith("unix://") and not path.exists():
            continue
        try:
            return _connect(host)
        except DockerException as error:
            if "Permission denied" in str(error):
                refusals.append(f"{path} refuses this user: join the group `docker` and log in again, or be root")
    if chosen := os.environ.get("DOCKER_HOST"):
        raise EngineUnavailable(f"DOCKER_HOST is {chosen}, where no container engine answers")
    if refusals:
        raise EngineUnavailable(refusals[0])
    return None


def _connect(host: str) -> Engine:
    client = docker.DockerClient(base_url=host, version="auto", timeout=_API_TIMEOUT_S)
    components = client.version().get("Components") or []
    podman = any("podman" in str(component.get("Name", "")).lower() for component in components)
    return Engine(kind="podman" if podman else "docker", host=host, client=client)


def ensure_engine(say: Callable[[str], None]) -> Engine:
    """An engine that answers: one that is there, or, as root on Debian and its kin, one installed and started now.

    Args:
        say: called with one line for each thing that is done to the machine.

    Raises:
        EngineUnavailable: none answers and none could be started; one sentence says what to do.
    """
    found = find_engine()
    if found is not None:
        return found
    host = engine_install.provide(say)
    try:
        return _connect(host)
    except DockerException as error:
        raise EngineUnavailable(f"Docker was started but does not answer at {host}: {error}") from None
