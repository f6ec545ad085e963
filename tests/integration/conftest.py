"""Every test that takes `subject` runs once for each image under test."""

import os
from collections.abc import Iterator

# All three are read when testcontainers is imported. The reaper would be pulled from a registry, and every test removes
# what it started. Ports are published on the loopback address, also where this machine is itself a container.
os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
os.environ.setdefault("TESTCONTAINERS_CONNECTION_MODE", "docker_host")
os.environ.setdefault("TESTCONTAINERS_HOST_OVERRIDE", "127.0.0.1")

import docker
import pytest
from tests.integration.contents import Contents, contents_of
from tests.integration.subjects import VARIABLE, Subject, subjects


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "subject" not in metafunc.fixturenames:
        return
    found = subjects()
    reason = f"{VARIABLE} names no images: `./nixw run .#test` builds and loads them, and sets it"
    absent = [pytest.param(None, id="no-image", marks=pytest.mark.skip(reason=reason))]
    parameters = [pytest.param(subject, id=subject.attribute) for subject in found] or absent
    metafunc.parametrize("subject", parameters, scope="session")


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture(scope="session")
def contents(engine: docker.DockerClient, subject: Subject) -> Contents:
    """What is in the image: read once, for it is large."""
    return contents_of(engine, subject.reference)
