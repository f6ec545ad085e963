"""Where the harness looks for a container engine."""

import socket
from pathlib import Path

import pytest

from coldstart_harness.engine import candidate_hosts, find_engine
from coldstart_harness.errors import EngineUnavailable
from coldstart_harness.ports import LOOPBACK, free_port_from, is_free


def test_docker_host_is_the_only_place_where_it_is_set() -> None:
    """With DOCKER_HOST set no other socket is tried: a person's choice is not second-guessed."""
    assert candidate_hosts({"DOCKER_HOST": "tcp://10.0.0.1:2375", "HOME": "/home/a"}) == ["tcp://10.0.0.1:2375"]


def test_docker_comes_before_podman() -> None:
    """The system's Docker, a rootless one, Docker Desktop's, then Podman's sockets."""
    hosts = candidate_hosts({"HOME": "/home/a", "XDG_RUNTIME_DIR": "/run/user/1000"})
    assert [host.removeprefix("unix://") for host in hosts] == [
        "/var/run/docker.sock",
        "/run/user/1000/docker.sock",
        "/home/a/.docker/run/docker.sock",
        "/run/podman/podman.sock",
        "/run/user/1000/podman/podman.sock",
    ]


def test_a_silent_docker_host_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where DOCKER_HOST names a place without an engine, that is said instead of another engine being used."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(EngineUnavailable, match=r"none\.sock, where no container engine answers"):
        find_engine()


def test_a_taken_port_is_passed_over() -> None:
    """The next free port is found above one that another process listens on."""
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert not is_free(port)
        assert free_port_from(port) > port
