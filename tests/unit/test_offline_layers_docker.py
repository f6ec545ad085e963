"""Images on their way into Docker: only what the daemon lacks travels, and nothing that it would have to trust."""

import contextlib
import io
import json
import stat
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from nix.offline.nix2container.layers import docker_archive
from nix.offline.nix2container.layers.docker_daemon import DockerDaemon, load_into_daemon
from nix.offline.nix2container.layers.errors import LayersError
from nix.offline.nix2container.layers.model import Image, digest_of
from nix.offline.nix2container.layers.podman import load_into_podman
from nix.offline.nix2container.layers.progress import Progress
from tests.unit.offline_layers_doubles import FakeDaemon, make_image, make_layer, serving

NAME = "app:1"


@pytest.fixture
def images(tmp_path: Path) -> tuple[Image, Image]:
    """Two images with the same two lower layers and another top."""
    low, middle, old, new = (make_layer(tmp_path / name, name * 1000) for name in ("low", "middle", "old", "new"))
    return make_image(low, middle, old), make_image(low, middle, new)


@pytest.fixture
def socket_path() -> Iterator[Path]:
    """A path short enough for a Unix socket, whose name has 107 bytes at most."""
    with tempfile.TemporaryDirectory(prefix="docker") as directory:
        yield Path(directory, "docker.sock")


def load(image: Image, daemon: FakeDaemon, name: str = NAME) -> str:
    """Load an image, and give back what a person has read meanwhile."""
    out = io.StringIO()
    environ = {"DOCKER_HOST": f"unix://{daemon.server_address!s}"}
    with contextlib.closing(DockerDaemon(environ)) as client:
        load_into_daemon(image, name, client, Progress(image.layers, out))
    return out.getvalue()


def archive_of(image: Image, included: range) -> dict[str, bytes]:
    content = b"".join(docker_archive.stream(image, NAME, included, lambda _index, _length: None))
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return {name: archive.extractfile(name).read() for name in archive.getnames()}  # type: ignore[union-attr]


def test_an_archive_holds_the_layers_asked_for(images: tuple[Image, Image]) -> None:
    """The manifest names all layers; the files of those not included are missing, and the others have their digest."""
    image = images[0]
    members = archive_of(image, range(2, 3))
    (manifest,) = json.loads(members["manifest.json"])
    assert manifest["RepoTags"] == [NAME]
    assert digest_of(members[manifest["Config"]]) == image.id
    assert [name in members for name in manifest["Layers"]] == [False, False, True]
    assert digest_of(members[manifest["Layers"][2]]) == image.diff_ids[2]
    assert set(archive_of(image, range(3))) == {*members, *manifest["Layers"]}


def test_a_changed_top_layer_travels_alone(images: tuple[Image, Image], socket_path: Path) -> None:
    """After a first load with everything, an image with another top sends that layer and nothing else."""
    old, new = images
    with serving(FakeDaemon(socket_path)) as daemon:
        assert "Sending 3 of 3 layers" in load(old, daemon)
        report = load(new, daemon)
    assert "Sending 1 of 3 layers" in report
    assert [line.rpartition(":")[2].strip() for line in report.splitlines()[:2]] == ["there already"] * 2
    assert report.splitlines()[-2].endswith("new: sent")
    assert report.splitlines()[-1] == "app:1 is loaded."
    size, names = daemon.archives[1]
    assert [name for name in names if name.endswith(".tar")] == [docker_archive.layer_name(new.layers[2])]
    assert size < new.layers[2].size + 6000
    assert daemon.images[NAME]["Id"] == new.id


def test_an_image_that_is_there_is_not_sent(images: tuple[Image, Image], socket_path: Path) -> None:
    """Under its name nothing is sent at all; under another name no layer is."""
    with serving(FakeDaemon(socket_path)) as daemon:
        load(images[0], daemon)
        assert load(images[0], daemon) == f"{NAME} is there already.\n"
        assert "Sending 0 of 3 layers" in load(images[0], daemon, "app:2")
    assert len(daemon.archives) == 2
    assert daemon.images["app:2"]["Id"] == images[0].id


def test_a_refused_part_is_followed_by_the_whole(images: tuple[Image, Image], socket_path: Path) -> None:
    """A daemon that cannot do with some layers gets all of them."""
    with serving(FakeDaemon(socket_path, complete_only=True)) as daemon:
        load(images[0], daemon)
        report = load(images[1], daemon)
    assert "The daemon wants all layers (no such file" in report
    assert "Sending 3 of 3 layers" in report
    assert daemon.images[NAME]["Id"] == images[1].id


def test_a_layer_that_changed_on_disk_is_not_loaded(
    images: tuple[Image, Image], socket_path: Path, tmp_path: Path
) -> None:
    """The request ends in the middle, so that the daemon has nothing to keep, and the sentence names the layer."""
    (tmp_path / "middle/file").write_text("MIDDLE" * 1000)
    with serving(FakeDaemon(socket_path)) as daemon:
        daemon.handle_error = lambda request, client_address: None  # type: ignore[method-assign] # the cut is wanted
        with pytest.raises(LayersError, match="The tar of the layer 'middle' is now"):
            load(images[0], daemon)
    assert daemon.images == {}


def test_a_refusal_is_one_sentence(images: tuple[Image, Image], socket_path: Path) -> None:
    """What the daemon says about an archive that it does not take reaches the caller."""
    with serving(FakeDaemon(socket_path)) as daemon:
        daemon.load = lambda archive: "no space left on device"  # type: ignore[method-assign]
        with pytest.raises(LayersError, match=r"refused app:1 \(no space left on device\); wanted it loaded"):
            load(images[0], daemon)


@pytest.mark.parametrize("address", ["ssh://host", "unix://", "tcp://host", "npipe:////./pipe/docker"])
def test_addresses_of_other_kinds_are_refused(address: str) -> None:
    """DOCKER_HOST names a Unix socket or a TCP port, or the sentence says so."""
    with pytest.raises(LayersError, match=r"DOCKER_HOST is .*; wanted unix:///path/to/socket or tcp://host:port"):
        DockerDaemon({"DOCKER_HOST": address})


def test_a_missing_daemon_is_one_sentence(images: tuple[Image, Image], tmp_path: Path) -> None:
    """No socket: the address met and what is wanted."""
    client = DockerDaemon({"DOCKER_HOST": f"unix://{tmp_path}/none.sock"})
    with pytest.raises(LayersError, match=r"none\.sock does not answer \(.*\); wanted a running daemon"):
        load_into_daemon(images[0], NAME, client, Progress(images[0].layers, io.StringIO()))


def test_a_rootless_daemon_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without DOCKER_HOST and without the system's socket, the one in XDG_RUNTIME_DIR is taken."""
    monkeypatch.setattr("nix.offline.nix2container.layers.docker_daemon.DEFAULT_SOCKET", str(tmp_path / "none"))
    assert DockerDaemon({"XDG_RUNTIME_DIR": str(tmp_path)}).address == f"unix://{tmp_path}/none"
    (tmp_path / "docker.sock").touch()
    assert DockerDaemon({"XDG_RUNTIME_DIR": str(tmp_path)}).address == f"unix://{tmp_path}/docker.sock"


def fake_podman(tmp_path: Path, script: str) -> str:
    program = tmp_path / "podman"
    # A sandbox may have no shell, but it has this Python.
    program.write_text(f"#!{sys.executable} -S\nimport pathlib, sys\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(program)


def test_podman_gets_the_whole_archive_unless_it_has_it(images: tuple[Image, Image], tmp_path: Path) -> None:
    """All layers reach `podman load`; an image of that id under that name is left alone."""
    image, out = images[0], io.StringIO()
    kept = tmp_path / "kept.tar"
    script = f"""
kept = pathlib.Path({str(kept)!r})
if sys.argv[1] == "load":
    kept.write_bytes(sys.stdin.buffer.read())
elif kept.exists():
    print("{image.id[7:]}")
"""
    program = fake_podman(tmp_path, script)
    load_into_podman(image, NAME, Progress(image.layers, out), program)
    assert kept.read_bytes() == b"".join(docker_archive.stream(image, NAME, range(3), lambda _index, _length: None))
    kept.write_bytes(b"")
    load_into_podman(image, NAME, Progress(image.layers, out), program)
    assert kept.read_bytes() == b""
    assert out.getvalue().endswith(f"{NAME} is there already.\n")


def test_podman_missing_or_unwilling_is_one_sentence(images: tuple[Image, Image], tmp_path: Path) -> None:
    """The program that is not there, or its last complaint, is named."""
    image = images[0]
    with pytest.raises(LayersError, match="none is not installed; wanted Podman on the PATH"):
        load_into_podman(image, NAME, Progress(image.layers, io.StringIO()), str(tmp_path / "none"))
    program = fake_podman(tmp_path, "sys.exit('oh\\nError: no space')")
    with pytest.raises(LayersError, match=r"Podman refused app:1 \(Error: no space\)"):
        load_into_podman(image, NAME, Progress(image.layers, io.StringIO()), program)


class Terminal(io.StringIO):
    """A stream that redraws."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_how_far_a_layer_is(images: tuple[Image, Image]) -> None:
    """On a terminal a layer's line is redrawn with a percentage before it is closed; elsewhere it is one line."""
    layers = images[0].layers
    for out, lines in ((Terminal(), 2), (io.StringIO(), 1)):
        progress = Progress(layers, out)
        progress.advance(0, layers[0].size // 2)
        progress.advance(0, layers[0].size - layers[0].size // 2)
        progress.unpack("abc", 1, 4)
        assert ("50 %" in out.getvalue()) == (lines == 2)
        assert "low: sent\n" in out.getvalue()
