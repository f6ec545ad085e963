"""Every test that takes `subject` runs once for each image under test."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

# All three are read when testcontainers is imported. The reaper would be pulled from a registry, and every test removes
# what it started. Ports are published on the loopback address, also where this machine is itself a container.
os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
os.environ.setdefault("TESTCONTAINERS_CONNECTION_MODE", "docker_host")
os.environ.setdefault("TESTCONTAINERS_HOST_OVERRIDE", "127.0.0.1")

import pytest
from tests.integration.subjects import VARIABLE, Subject, subjects

from coldstart_harness.archive.image import ImageAtRest, image_at_rest
from coldstart_harness.engine import find_engine


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "subject" not in metafunc.fixturenames:
        return
    found = subjects()
    reason = f"{VARIABLE} names no images: `./nixw run .#test` builds and loads them, and sets it"
    absent = [pytest.param(None, id="no-image", marks=pytest.mark.skip(reason=reason))]
    parameters = [pytest.param(subject, id=subject.attribute) for subject in found] or absent
    metafunc.parametrize("subject", parameters, scope="session")


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """Room for whole images, saved once for all who read them, which pytest's own directories would keep for days."""
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)


@pytest.fixture(scope="session")
def contents(subject: Subject, scratch: Path) -> Iterator[ImageAtRest]:
    """What is in the image: read once, for it is large."""
    engine = find_engine()
    assert engine is not None, "the images under test are in an engine that does not answer any more"
    with image_at_rest(engine, subject.reference, scratch) as image:
        yield image
    engine.client.close()
