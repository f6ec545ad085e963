"""What Nix hands to the harness, and what the harness reads in Nix's messages."""

import json
from pathlib import Path

import pytest

from coldstart_harness import nix
from coldstart_harness.errors import UsageError
from coldstart_harness.plan import load_plan
from coldstart_harness.process import without_escapes

IMAGE = {
    "name": "coldstart-wheel:0.1.0",
    "image": "/nix/store/a-image.drv",
    "to_docker": "/nix/store/b-docker.drv",
    "to_podman": "/nix/store/c-podman.drv",
    "port": 8000,
    "layers": ["runtime", "code"],
}
PLAN = {"images": {"image-wheel": IMAGE}, "checks": {"tests-pass": "/nix/store/d-tests-pass.drv"}}


@pytest.fixture
def plan_file(tmp_path: Path) -> Path:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(PLAN))
    return path


def test_a_plan_names_images_and_checks(plan_file: Path) -> None:
    """An image is found by its attribute, with its loaders, port and layers; a check by its name."""
    plan = load_plan(plan_file)
    image = plan.image("image-wheel")
    assert (image.reference, image.port, image.layers) == ("coldstart-wheel:0.1.0", 8000, ("runtime", "code"))
    assert image.to_docker == Path("/nix/store/b-docker.drv")
    assert plan.checks == {"tests-pass": Path("/nix/store/d-tests-pass.drv")}


def test_an_unknown_image_is_refused_with_those_that_there_are(plan_file: Path) -> None:
    """The sentence has the name met and the names allowed."""
    with pytest.raises(UsageError, match=r"no image 'image-whel'; there are: image-wheel"):
        load_plan(plan_file).image("image-whel")


@pytest.mark.parametrize("content", ["", "[]", '{"images": {}}', '{"images": {"a": {}}, "checks": {}}'])
def test_what_is_no_plan_is_refused(tmp_path: Path, content: str) -> None:
    """A file of another kind is refused by its name."""
    path = tmp_path / "other.json"
    path.write_text(content)
    with pytest.raises(UsageError, match=r"other\.json is not a plan"):
        load_plan(path)


def test_failed_builders_are_found_in_nix_messages() -> None:
    """Each derivation whose builder failed is named once, in the order of the failures."""
    output = (
        "error: builder for '/nix/store/x-types.drv' failed with exit code 1;\n"
        "error: builder for '/nix/store/y-tests.drv' failed with exit code 2\n"
        "error: 1 dependencies of derivation '/nix/store/z-all.drv' failed to build\n"
        "error: builder for '/nix/store/x-types.drv' failed with exit code 1\n"
    )
    assert nix.failed_in(output) == [Path("/nix/store/x-types.drv"), Path("/nix/store/y-tests.drv")]
    assert nix.name_of(Path("/nix/store/q7w-tests-pass.drv")) == "tests-pass"


def test_colours_are_taken_out_of_logs() -> None:
    """A builder's log is plain text, so that pytest's summary in it can be read."""
    coloured = (
        "\x1b[31m=== \x1b[31m\x1b[1m2 failed\x1b[0m, \x1b[32m867 passed\x1b[0m in 93.34s\x1b[0m\x1b[31m ===\x1b[0m"
    )
    assert without_escapes(coloured) == "=== 2 failed, 867 passed in 93.34s ==="
    assert without_escapes("a[0m b") == "a[0m b"
