"""What an image is, before it is ever started."""

import posixpath
import re

import pytest
from tests.integration.subjects import Subject

from coldstart_harness.archive.image import ImageAtRest

pytestmark = pytest.mark.docker

SHELLS = {"sh", "bash", "dash", "ash", "ksh", "zsh", "fish", "busybox"}
LABELS = ("title", "description", "version", "revision", "source", "licenses")
# From what never changes to what always does; the first word of a layer's name is its kind.
KINDS = ("runtime", "volumes", "wheel", "wheels", "model", "code")


def test_runs_as_a_user_without_privileges(contents: ImageAtRest) -> None:
    """The image's user is 1000 of group 1000."""
    assert contents.config["User"] == "1000:1000"


def test_holds_no_shell(contents: ImageAtRest) -> None:
    """No file of the image is named as a shell is."""
    assert any(posixpath.basename(path).startswith("python3") for path in contents.tree.paths()), "the listing is empty"
    assert [path for path in contents.tree.paths() if posixpath.basename(path) in SHELLS] == []


@pytest.mark.parametrize("label", LABELS)
def test_says_what_it_is(contents: ImageAtRest, label: str) -> None:
    """Every OCI label is there and says something."""
    assert contents.config["Labels"][f"org.opencontainers.image.{label}"].strip()


def test_labels_agree_with_the_reference(subject: Subject, contents: ImageAtRest) -> None:
    """Title and version are the image's name and tag, and the revision is a commit or says that it is none."""
    labels = contents.config["Labels"]
    name, _, tag = subject.reference.rpartition(":")
    assert labels["org.opencontainers.image.title"] == name
    assert labels["org.opencontainers.image.version"] == tag
    assert re.fullmatch(r"[0-9a-f]{40}|dirty", labels["org.opencontainers.image.revision"])


def test_layers_are_the_declared_ones(subject: Subject, contents: ImageAtRest) -> None:
    """The layers in the engine are those that the flake declares, in that order."""
    assert [layer.created_by for layer in contents.layers] == [f"coldstart: {name}" for name in subject.layers]


def test_layers_go_from_stable_to_volatile(contents: ImageAtRest) -> None:
    """No layer lies above one that changes more often."""
    kinds = [layer.created_by.removeprefix("coldstart: ").split()[0] for layer in contents.layers]
    assert set(kinds) >= {"runtime", "wheels", "model", "code"}
    assert kinds == sorted(kinds, key=KINDS.index)


def test_an_image_of_one_service_holds_no_reference_engine(subject: Subject, contents: ImageAtRest) -> None:
    """torch and transformers are in the image of all services and in no other."""
    packages = {
        name
        for path in contents.tree.paths()
        if posixpath.basename(posixpath.dirname(path)) == "site-packages"
        for name in [posixpath.basename(path)]
    }
    assert "onnxruntime" in packages
    expected = {"torch", "transformers"} if subject.environment else set()
    assert packages & {"torch", "transformers"} == expected


def test_never_asks_a_hub(contents: ImageAtRest) -> None:
    """The environment forbids the model libraries to download."""
    assert contents.environment["HF_HUB_OFFLINE"] == "1"
