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
    "to_file": "/nix/store/c-copy.drv",
    "papers": "/nix/store/c-papers.drv",
    "port": 8000,
    "layers": ["runtime", "code"],
    "environment": {},
    "accelerator": "cpu",
    "tested": True,
    "code_changed": {
        "name": "coldstart-wheel-code-changed:0.1.0",
        "image": "/nix/store/e-image.drv",
        "to_docker": "/nix/store/f-docker.drv",
        "to_podman": "/nix/store/g-podman.drv",
        "to_file": "/nix/store/g-copy.drv",
        "papers": "/nix/store/g-papers.drv",
    },
}
FROM_A_HUB = {
    **IMAGE,
    "name": "coldstart-standard:0.1.0",
    "environment": {"SERVICE_MODE": "all"},
    "tested": False,
    "code_changed": None,
}
PLAN = {
    "images": {"image-wheel": IMAGE, "image-standard": FROM_A_HUB},
    "checks": {"tests-pass": "/nix/store/d-tests-pass.drv"},
}


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
    assert (image.environment, plan.image("image-standard").environment) == ({}, {"SERVICE_MODE": "all"})
    assert plan.checks == {"tests-pass": Path("/nix/store/d-tests-pass.drv")}


def test_an_unknown_image_is_refused_with_those_that_there_are(plan_file: Path) -> None:
    """The sentence has the name met and the names allowed."""
    with pytest.raises(UsageError, match=r"no image 'image-whel'; there are: image-standard, image-wheel"):
        load_plan(plan_file).image("image-whel")


def test_images_are_tested_where_nix_says_that_they_can_be(plan_file: Path) -> None:
    """An image whose model comes from a hub is planned and not tested."""
    plan = load_plan(plan_file)
    assert [image.attribute for image in plan.tested] == ["image-wheel"]


def test_an_image_has_its_double_with_a_line_of_code_changed(plan_file: Path) -> None:
    """The double is built and named on its own; an image without one says so."""
    plan = load_plan(plan_file)
    changed = plan.image("image-wheel").code_changed
    assert changed is not None
    assert (changed.reference, changed.to_docker) == (
        "coldstart-wheel-code-changed:0.1.0",
        Path("/nix/store/f-docker.drv"),
    )
    assert plan.image("image-standard").code_changed is None


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
