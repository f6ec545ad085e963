"""Images at rest, as engines save them."""

import gzip
import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.unit.harness_image_doubles import directory, docker_save, link, oci_layout, put, tar_of

from coldstart_harness.archive import saved as saved_module
from coldstart_harness.archive.image import ImageAtRest, manifest_size, opened_image, pulled_bytes
from coldstart_harness.archive.saved import ImageUnreadable

BELOW = tar_of(
    directory("etc"),
    put("etc/old", b"old"),
    put("etc/kept", b"kept"),
    put("./opt/a/deep/file", b"deep"),
    put("opt/b", b"b"),
    put("var/first", b"first"),
)
ABOVE = tar_of(
    put("etc/.wh.old"),
    put("opt/.wh..wh..opq"),
    put("opt/new", b"new", mode=0o755),
    put("var", b"a file now"),
    link("usr/lib64", "/usr/lib"),
    put("usr/lib/real.so", b"library"),
    link("usr/lib/also.so", "usr/lib/real.so", hard=True),
    link("usr/lib/name.so", "../lib64/also.so"),
    link("circle", "circle"),
)


def saved_in(directory: Path, content: bytes) -> Path:
    path = directory / "image.tar"
    path.write_bytes(content)
    return path


def text_of(image: ImageAtRest, path: str) -> str:
    entry = image.tree.resolve(path)
    assert entry is not None, path
    with image.open(entry) as file:
        return file.read().decode()


@pytest.mark.parametrize("form", [docker_save, oci_layout])
def test_layers_are_laid_over_each_other(form: type, tmp_path: Path) -> None:
    """Whiteouts hide what is below them, a file replaces a directory, and all else stays."""
    with opened_image(saved_in(tmp_path, form([BELOW, ABOVE])), tmp_path) as image:
        paths = {entry.path for entry in image.tree.files()}
        assert paths == {"/etc/kept", "/opt/new", "/var", "/usr/lib/real.so", "/usr/lib/also.so"}
        assert image.tree.names_in("/opt") == {"new"}
        assert text_of(image, "/etc/kept") == "kept"
        assert text_of(image, "/var") == "a file now"


def test_an_opaque_directory_keeps_what_its_own_layer_brings(tmp_path: Path) -> None:
    """The whiteout hides lower layers only, also where the tar has it after the files."""
    above = tar_of(put("opt/new", b"new"), put("opt/.wh..wh..opq"))
    with opened_image(saved_in(tmp_path, docker_save([BELOW, above])), tmp_path) as image:
        assert image.tree.names_in("/opt") == {"new"}


def test_links_are_followed_inside_the_image(tmp_path: Path) -> None:
    """Absolute links lead into the image, hard links to the same bytes, circles and dead ends nowhere."""
    with opened_image(saved_in(tmp_path, docker_save([ABOVE])), tmp_path) as image:
        assert text_of(image, "/usr/lib64/name.so") == "library"
        assert image.tree.real_path("/usr/lib64/name.so") == "/usr/lib/also.so"
        assert image.tree.real_path("/../../usr/./lib64") == "/usr/lib"
        assert image.tree.resolve("/circle") is None
        assert image.tree.resolve("/usr/lib/none.so") is None


def test_names_of_the_archive_are_never_written(tmp_path: Path) -> None:
    """A path that climbs out stays inside the image, and nothing but our own files is on the disk."""
    hostile = tar_of(put("../../outside", b"x"), link("up", "../../../etc/passwd"))
    scratch = tmp_path / "in" / "side"
    scratch.mkdir(parents=True)
    with opened_image(saved_in(scratch, oci_layout([hostile])), scratch) as image:
        assert text_of(image, "/outside") == "x"
        assert image.tree.resolve("/up") is None
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["image-layer-0.tar", "image.tar"]


def test_a_layer_says_what_it_is(tmp_path: Path) -> None:
    """History lines of empty layers are passed over; sizes are those of the tar and of its files."""
    content = docker_save([BELOW, ABOVE], ["below", "above"], Env=["A=b=c", "D="])
    with opened_image(saved_in(tmp_path, content), tmp_path) as image:
        assert [layer.created_by for layer in image.layers] == ["below", "above"]
        assert image.layers[0].diff_id == f"sha256:{hashlib.sha256(BELOW).hexdigest()}"
        assert image.layers[0].size_bytes == len(BELOW)
        assert image.layers[0].content_bytes == len(b"oldkeptdeepbfirst")
        assert image.environment == {"A": "b=c", "D": ""}


def test_history_that_does_not_count_is_not_believed(tmp_path: Path) -> None:
    """With another number of lines than layers no layer gets a line that may be another's."""
    with opened_image(saved_in(tmp_path, docker_save([BELOW, ABOVE], ["one"])), tmp_path) as image:
        assert [layer.created_by for layer in image.layers] == ["", ""]


def test_a_layer_that_comes_again_is_read_from_where_it_was_first(tmp_path: Path) -> None:
    """Docker saves equal layers once, and links to them."""
    with opened_image(saved_in(tmp_path, docker_save([BELOW, ABOVE, BELOW])), tmp_path) as image:
        assert image.layers[2].size_bytes == len(BELOW)
        assert text_of(image, "/etc/old") == "old"


def test_plain_layers_count_as_registries_compress_them(tmp_path: Path) -> None:
    """gzip at level 6; a layer that was saved compressed counts as it is."""
    with opened_image(saved_in(tmp_path, docker_save([BELOW])), tmp_path) as image:
        assert abs(pulled_bytes(image.layers[0]) - len(gzip.compress(BELOW, 6))) <= 8
    stored = gzip.compress(BELOW, 1)
    (tmp_path / "stored").mkdir()
    with opened_image(saved_in(tmp_path / "stored", oci_layout([BELOW], [stored])), tmp_path / "stored") as image:
        assert pulled_bytes(image.layers[0]) == len(stored)
        assert manifest_size(image) == image.saved.manifest_bytes


def test_a_layer_is_not_unpacked_without_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small blob that unpacks to more than a disk holds is refused."""
    monkeypatch.setattr(saved_module, "_LARGEST_LAYER_BYTES", 1000)
    with (
        pytest.raises(ImageUnreadable, match="unpacks to more than 1000 bytes"),
        opened_image(saved_in(tmp_path, oci_layout([bytes(10_000)])), tmp_path),
    ):
        pass


def test_zstd_without_its_program_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence names what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    content = oci_layout([BELOW], [b"\x28\xb5\x2f\xfd and so on"])
    with (
        pytest.raises(ImageUnreadable, match="install the program zstd"),
        opened_image(saved_in(tmp_path, content), tmp_path),
    ):
        pass


@pytest.mark.skipif(shutil.which("zstd") is None, reason="the program zstd is not installed")
def test_zstd_layers_are_read(tmp_path: Path) -> None:
    """By the system's program, where it is."""
    stored = subprocess.run(["zstd", "-cq"], input=BELOW, capture_output=True, check=True).stdout  # noqa: S607
    with opened_image(saved_in(tmp_path, oci_layout([BELOW], [stored])), tmp_path) as image:
        assert text_of(image, "/etc/kept") == "kept"
        assert pulled_bytes(image.layers[0]) == len(stored)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"not a tar", "cannot be read as an image"),
        (tar_of(put("other", b"")), "neither a manifest.json nor an index.json"),
        (tar_of(put("manifest.json", b"[]")), "cannot be read as an image"),
        (docker_save([b"a layer that is no tar"]), "a layer of the saved image cannot be read"),
        (oci_layout([BELOW], [gzip.compress(BELOW)[:-20]]), "cannot be read as an image"),
    ],
)
def test_what_is_no_image_ends_with_a_sentence(content: bytes, sentence: str, tmp_path: Path) -> None:
    """Damage is a finding, never a traceback."""
    with pytest.raises(ImageUnreadable, match=sentence), opened_image(saved_in(tmp_path, content), tmp_path):
        pass
