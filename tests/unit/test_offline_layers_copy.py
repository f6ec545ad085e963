"""The command line that copies images: destinations, files that appear whole or not at all, sentences for mistakes."""

import gzip
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from nix.offline.nix2container import layers
from nix.offline.nix2container.layers.__main__ import main
from nix.offline.nix2container.layers.model import Image, digest_of
from tests.unit.offline_layers_doubles import make_image, make_layer, write_tree

NAME = "app:1"


@pytest.fixture
def image(tmp_path: Path) -> Image:
    """An image of two layers, whose derivation is `image.json`."""
    image = make_image(make_layer(tmp_path / "low", "low"), make_layer(tmp_path / "top", "top"))
    (tmp_path / "image.json").write_text(json.dumps(image.to_json()))
    return image


def copy(tmp_path: Path, *arguments: str) -> int:
    return main(["copy", str(tmp_path / "image.json"), NAME, *arguments], {})


@pytest.mark.usefixtures("image")
def test_an_archive_file_appears_whole_and_is_never_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A new file holds the image under the wanted name; an existing one is left as it is."""
    file = tmp_path / "image.tar"
    assert copy(tmp_path, f"docker-archive:{file}:other:2") == 0
    with tarfile.open(file) as archive:
        manifest = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
    assert manifest[0]["RepoTags"] == ["other:2"]
    before = file.read_bytes()
    assert copy(tmp_path, f"docker-archive:{file}") == 1
    assert capsys.readouterr().err.endswith(f"error: {file} exists; wanted the name of a new file.\n")
    assert file.read_bytes() == before


@pytest.mark.usefixtures("image")
def test_a_failed_copy_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A store path that changed stops archive and directory alike; no file, no index, no rest of either."""
    (tmp_path / "top/file").write_text("TOP")
    for destination in (f"docker-archive:{tmp_path}/image.tar", f"oci:{tmp_path}/directory"):
        assert copy(tmp_path, destination) == 1
        assert "error: The tar of the layer 'top' is now" in capsys.readouterr().err
    assert not [path.name for path in tmp_path.iterdir() if ".tar" in path.name]
    assert not (tmp_path / "directory/index.json").exists()


def test_a_layout_keeps_its_other_images(image: Image, tmp_path: Path) -> None:
    """Two names in one directory are two entries; the same name again replaces its own."""
    directory = tmp_path / "directory"
    for tag in ("one", "two", "one"):
        assert copy(tmp_path, f"oci:{directory}:{tag}") == 0
    entries = json.loads((directory / "index.json").read_bytes())["manifests"]
    assert [entry["annotations"]["org.opencontainers.image.ref.name"] for entry in entries] == ["two", "one"]
    blobs = directory / "blobs/sha256"
    assert all(path.name == digest_of(path.read_bytes())[7:] for path in blobs.iterdir())
    manifest = json.loads((blobs / entries[0]["digest"][7:]).read_bytes())
    layer_blobs = [(blobs / layer["digest"][7:]).read_bytes() for layer in manifest["layers"]]
    assert [digest_of(gzip.decompress(blob)) for blob in layer_blobs] == list(image.diff_ids)


@pytest.mark.usefixtures("image")
def test_a_directory_of_something_else_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A directory with other files is no place for a layout."""
    other = write_tree(tmp_path / "other", {"letter": "dear"})
    assert copy(tmp_path, f"oci:{other}") == 1
    assert "is not empty and no OCI layout; wanted a new, an empty or an OCI directory" in capsys.readouterr().err
    assert [path.name for path in other.iterdir()] == ["letter"]


@pytest.mark.usefixtures("image")
@pytest.mark.parametrize("destination", ["dir:/tmp/x", "docker:x", "docker-daemon:", "ostree:a", "image.tar"])
def test_other_destinations_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], destination: str) -> None:
    """The sentence has the destination met and all that are known."""
    assert copy(tmp_path, destination) == 1
    assert f"The destination is '{destination}'; wanted one of docker-daemon:NAME:TAG" in capsys.readouterr().err


def test_what_is_no_image_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing image file is one sentence, and the status says that it failed."""
    assert copy(tmp_path, "docker-archive:/dev/null") == 1
    assert "image.json is no image of this package" in capsys.readouterr().err


def test_a_pipe_gets_the_archive(image: Image, tmp_path: Path) -> None:
    """/dev/stdout as a file streams the archive to whoever reads; all else is said on standard error."""
    del image
    arguments = ["copy", str(tmp_path / "image.json"), NAME, "docker-archive:/dev/stdout"]
    command = [sys.executable, "-P", "-m", "layers", *arguments]
    environ = os.environ | {"PYTHONPATH": str(Path(next(iter(layers.__path__))).parent)}
    done = subprocess.run(command, capture_output=True, check=True, env=environ)  # noqa: S603 - our own Python
    copy(tmp_path, f"docker-archive:{tmp_path}/image.tar")
    assert done.stdout == (tmp_path / "image.tar").read_bytes()
    assert b"top: sent" in done.stderr


def test_a_build_reads_its_request_from_the_environment(image: Image, tmp_path: Path) -> None:
    """`image` is run as Nix runs it: the request's path and the output's in the environment."""
    request = {"config": {}, "arch": "amd64", "created": "0001-01-01T00:00:00Z", "layers": []}
    (tmp_path / "request").write_text(json.dumps(request))
    assert main(["image"], {"requestPath": str(tmp_path / "request"), "out": str(tmp_path / "out")}) == 0
    assert json.loads((tmp_path / "out").read_bytes()).keys() == image.to_json().keys()
