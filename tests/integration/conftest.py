"""Every test that takes `subject` runs once for each image under test.

One that takes `loaded` runs for the smallest image of each service only, where that is the token wheel or the run is
thorough: load takes most of a minute, and the wheel's users do most. One that takes `listening` or `speaking` for
each image that offers speech to text, or text to speech, and with `_alone` for the smallest of these; one that takes
`interviewing` for each image that offers interviews.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

# All three are read when testcontainers is imported. The reaper would be pulled from a registry, and every test removes
# what it started. Ports are published on the loopback address, also where this machine is itself a container.
os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
os.environ.setdefault("TESTCONTAINERS_CONNECTION_MODE", "docker_host")
os.environ.setdefault("TESTCONTAINERS_HOST_OVERRIDE", "127.0.0.1")

import pytest
from tests.integration.cases import offering, smallest
from tests.integration.subjects import THOROUGH, VARIABLE, Subject, subjects

from coldstart_harness.archive.image import ImageAtRest, image_at_rest
from coldstart_harness.engine import find_engine
from coldstart_harness.slo.loading import load_slo

SLO = load_slo(Path(__file__).parents[2] / "slo.toml")
# What a test may take → the service that an image must offer for it.
OFFERING = {"listening": "asr", "speaking": "tts", "interviewing": "interview"}
ALONE = "_alone"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    under_test = subjects()
    reason = f"{VARIABLE} names no images: `./nixw run .#test` builds and loads them, and sets it"
    if "subject" in metafunc.fixturenames:
        metafunc.parametrize("subject", parameters_of(under_test, reason), scope="session")
    if "loaded" in metafunc.fixturenames:
        parameters = parameters_of(smallest(under_test, SLO), reason, why_not=_why_not_loaded)
        metafunc.parametrize("loaded", parameters, scope="module")
    for name, service in OFFERING.items():
        why_none = f"no image under test offers {service}" if under_test else reason
        for fixture, images in ((name, under_test), (name + ALONE, smallest(under_test, SLO))):
            if fixture in metafunc.fixturenames:
                metafunc.parametrize(fixture, parameters_of(offering(service, images, SLO), why_none), scope="module")


def parameters_of(
    found: Sequence[Subject], why_none: str, why_not: Callable[[Subject], str | None] = lambda _: None
) -> list[object]:
    """One for each image; where there is none, one that is skipped and says why."""
    absent: list[object] = [pytest.param(None, id="no-image", marks=pytest.mark.skip(reason=why_none))]
    return [
        pytest.param(
            subject, id=subject.attribute, marks=[pytest.mark.skip(reason=why)] if (why := why_not(subject)) else []
        )
        for subject in found
    ] or absent


def _why_not_loaded(subject: Subject) -> str | None:
    if THOROUGH or "wheel" in SLO.target_of(subject.reference).services:
        return None
    return "not shown: it takes most of a minute, as for the token wheel; `./nixw run .#test -- --thorough` shows it"


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
