"""Pushing images: what moves, under which digest, and what is attached."""

import gzip
import json
import sys
from pathlib import Path

import httpx
import pytest
from tests.unit.harness_push_doubles import (
    CREATED,
    SBOM,
    ModernRegistry,
    make_platform_image,
    opened,
    push_to,
    write_layout,
)
from tests.unit.offline_layers_doubles import serving

from coldstart_harness import nix
from coldstart_harness.errors import BuildFailed, RegistryFailed, UsageError
from coldstart_harness.papers import command as papers
from coldstart_harness.plan import PlannedImage
from coldstart_harness.progress import Progress, make_console
from coldstart_harness.pushing.command import PushOptions, push
from coldstart_harness.pushing.documents import INDEX_TYPE, Paper, digest_of, manifest_of
from coldstart_harness.pushing.layout import image_in
from coldstart_harness.pushing.registry import referrers_tag
from coldstart_harness.pushing.replies import REPLY_BYTES, reply_to
from coldstart_harness.pushing.target import Target, target_of


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "localhost")


def test_a_pushed_image_has_the_digest_that_was_built_and_its_labels_as_annotations(tmp_path: Path) -> None:
    """The tag names the annotated manifest; layers and config are all there."""
    image = make_platform_image(tmp_path, "low", "top")
    with serving(ModernRegistry()) as server:
        digest = push_to(server, image)
    assert digest == manifest_of(image).digest == digest_of(server.manifests["1"])
    assert server.manifest("1")["annotations"] == {
        "org.opencontainers.image.created": CREATED,
        "org.opencontainers.image.revision": "cafe",
        "org.opencontainers.image.version": "1.2",
    }
    assert {blob.digest for blob in image.blobs} == set(server.blobs)


@pytest.mark.parametrize("lists_referrers", [True, False])
def test_a_second_push_sends_nothing(tmp_path: Path, lists_referrers: bool) -> None:
    """Neither a blob nor a manifest moves, and the digest is the same."""
    image = make_platform_image(tmp_path, "low", "top")
    with serving(ModernRegistry(lists_referrers=lists_referrers)) as server:
        first = push_to(server, image, papers=(SBOM,))
        sent = len(server.requests)
        assert push_to(server, image, papers=(SBOM,)) == first
    assert {request.split()[0] for request in server.requests[sent:]} == {"GET", "HEAD"}


def test_of_a_changed_image_only_the_change_moves(tmp_path: Path) -> None:
    """The top layer and the config are sent, although the tag is another one."""
    old, new = (make_platform_image(tmp_path, "low", top) for top in ("top", "other"))
    with serving(ModernRegistry()) as server:
        push_to(server, old)
        before = server.uploads()
        push_to(server, new, tag="2")
    assert server.uploads() - before == 2


def test_a_tag_is_named_when_everything_else_is_there(tmp_path: Path) -> None:
    """The last thing that is stored is the tag, after the bill of materials."""
    with serving(ModernRegistry()) as server:
        push_to(server, make_platform_image(tmp_path, "low"), papers=(SBOM,))
    stored = [request.split("/")[-1] for request in server.requests if request.startswith("PUT")]
    assert stored.index("1") == len(stored) - 1


@pytest.mark.parametrize("lists_referrers", [True, False])
def test_a_bill_of_materials_is_found_by_the_image_that_it_is_about(tmp_path: Path, lists_referrers: bool) -> None:
    """By the registry's list, or by the tag that stands for it; one step further lie its bytes."""
    image = make_platform_image(tmp_path, "low")
    with serving(ModernRegistry(lists_referrers=lists_referrers)) as server, opened(server) as registry:
        digest = push_to(server, image, papers=(SBOM,))
        [found] = registry.referrers(digest)
    assert found["artifactType"] == SBOM.media_type
    manifest = server.manifest(found["digest"])
    assert manifest["subject"]["digest"] == digest
    assert server.blobs[manifest["layers"][0]["digest"]] == SBOM.content


def test_the_list_of_referrers_keeps_what_others_wrote(tmp_path: Path) -> None:
    """A second paper, such as a signature, stands beside the first."""
    image = make_platform_image(tmp_path, "low")
    other = Paper("application/x-signature", "signature", b"signed")
    with serving(ModernRegistry(lists_referrers=False)) as server, opened(server) as registry:
        digest = push_to(server, image, papers=(other,))
        push_to(server, image, papers=(SBOM,))
        assert [entry["artifactType"] for entry in registry.referrers(digest)] == [other.media_type, SBOM.media_type]


@pytest.mark.parametrize("content", [b"<html>", b"[]", b"{}", b'{"manifests": 1}', b'{"manifests": ["x"]}'])
def test_a_list_of_referrers_that_cannot_be_read_is_not_written_over(tmp_path: Path, content: bytes) -> None:
    """The push stops before the tag is moved, and the sentence says where to look."""
    image = make_platform_image(tmp_path, "low")
    tag = referrers_tag(manifest_of(image).digest)
    with serving(ModernRegistry(lists_referrers=False)) as server:
        server.manifests[tag] = content
        with pytest.raises(RegistryFailed, match=rf"something else than a list of .*; look at the tag {tag}$"):
            push_to(server, image, papers=(SBOM,))
    assert server.manifests[tag] == content
    assert "1" not in server.manifests


def test_a_manifest_without_an_end_is_refused() -> None:
    """What a manifest may have is read, and one byte more is not."""
    with serving(ModernRegistry()) as server, opened(server) as registry:
        server.manifests["1"] = bytes(REPLY_BYTES)
        assert registry.manifest("1") == bytes(REPLY_BYTES)
        server.manifests["1"] = bytes(REPLY_BYTES + 1)
        with pytest.raises(RegistryFailed, match=r"localhost answered GET /v2/team/app/manifests/1 with more than "):
            registry.manifest("1")


def test_a_packed_reply_is_read_as_what_it_holds() -> None:
    """The limit is that of the bytes that come out."""

    def answer(request: httpx.Request) -> httpx.Response:
        content = gzip.compress(bytes(REPLY_BYTES + int(request.url.path[1:])))
        return httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(content))

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        assert reply_to(client, "GET", "https://r.example/0").content == bytes(REPLY_BYTES)
        with pytest.raises(RegistryFailed, match="with more than"):
            reply_to(client, "GET", "https://r.example/1")


def test_two_platforms_are_one_name(tmp_path: Path) -> None:
    """The tag names an index with a manifest a platform, the bill of materials belongs to the first."""
    images = [make_platform_image(tmp_path / name, name, architecture=name) for name in ("amd64", "arm64")]
    with serving(ModernRegistry()) as server, opened(server) as registry:
        digest = push_to(server, *images, papers=(SBOM,))
        assert [len(registry.referrers(manifest_of(image).digest)) for image in images] == [1, 0]
    index = server.manifest("1")
    assert (digest, index["mediaType"]) == (digest_of(server.manifests["1"]), INDEX_TYPE)
    assert [entry["platform"]["architecture"] for entry in index["manifests"]] == ["amd64", "arm64"]
    assert all(entry["digest"] in server.manifests for entry in index["manifests"])
    assert index["annotations"]["org.opencontainers.image.revision"] == "cafe"


def test_two_images_for_one_platform_are_refused(tmp_path: Path) -> None:
    """Nothing is sent where nobody could tell which one to run."""
    images = [make_platform_image(tmp_path / name, name) for name in ("one", "two")]
    with (
        serving(ModernRegistry()) as server,
        pytest.raises(UsageError, match="for linux/amd64, linux/amd64; wanted one"),
    ):
        push_to(server, *images)
    assert server.blobs == {}


def test_another_digest_is_an_error(tmp_path: Path) -> None:
    """Where the registry stores other bytes than were built, both digests are named."""
    image = make_platform_image(tmp_path, "low")
    lie = f"sha256:{'0' * 64}"
    with serving(ModernRegistry(lies=lie)) as server:
        with pytest.raises(RegistryFailed, match=rf"as {lie}; built was {manifest_of(image).digest}"):
            push_to(server, image)
        assert "1" not in server.manifests


def test_a_tag_that_names_something_else_afterwards_is_an_error(tmp_path: Path) -> None:
    """What readers of the tag get is read back."""
    old, new = (make_platform_image(tmp_path / name, name) for name in ("old", "new"))
    with serving(ModernRegistry(forgets=True)) as server:
        first = push_to(server, old)
        with pytest.raises(RegistryFailed, match=rf"team/app:1 is {first} after the push; built was sha256:"):
            push_to(server, new)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ghcr.io/me/app:v1", Target("ghcr.io", "me/app", "v1")),
        ("localhost:5000/app:v1", Target("localhost:5000", "app", "v1")),
        ("[::1]:5000/app:v1", Target("[::1]:5000", "app", "v1")),
        ("localhost/a/b/c:1.2-x_y", Target("localhost", "a/b/c", "1.2-x_y")),
    ],
)
def test_a_target_names_registry_repository_and_tag(text: str, expected: Target) -> None:
    """All three parts are read, and written as they were."""
    assert target_of(text) == expected
    assert str(target_of(text)) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("app:1", "names no registry"),
        ("me/app:1", "names no registry"),
        ("ghcr.io/me/app", "has no tag"),
        ("ghcr.io/me/App:1", "the name 'me/App' is not allowed"),
        ("ghcr.io/me//app:1", "the name 'me//app' is not allowed"),
        ("ghcr.io/:1", "the name '' is not allowed"),
        ("ghcr.io/app:-1", "the tag '-1' is not allowed"),
        ("ghcr.io/app:a/b", "the tag 'a/b' is not allowed"),
        ("ghcr.io/app@sha256:0", "the name 'app@sha256' is not allowed"),
        ("me:secret@ghcr.io/app:1", "^the registry is not HOST or HOST:PORT; logins are stored"),
        ("https://ghcr.io/app:1", "^the registry is not HOST"),
        ("", "names no registry"),
    ],
)
def test_what_is_no_target_is_refused(text: str, why: str) -> None:
    """The sentence has the part that is wrong."""
    with pytest.raises(UsageError, match=why):
        target_of(text)


def test_what_is_no_layout_is_refused(tmp_path: Path) -> None:
    """An empty directory, two images in one, and a file that is not what it is called after."""
    with pytest.raises(UsageError, match="is no image that"):
        image_in(tmp_path)
    layout = write_layout(tmp_path, "low")
    index = json.loads((layout / "index.json").read_bytes())
    (layout / "index.json").write_text(json.dumps(index | {"manifests": index["manifests"] * 2}))
    with pytest.raises(UsageError, match="holds 2 images; wanted one"):
        image_in(layout)
    (layout / "index.json").write_text(json.dumps(index))
    manifest = layout / "blobs" / index["manifests"][0]["digest"].replace(":", "/")
    manifest.write_bytes(manifest.read_bytes() + b" ")
    with pytest.raises(UsageError, match="under the name sha256:"):
        image_in(layout)


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PlannedImage:
    """An image of the plan, whose copier writes a layout that lies there already."""
    source = write_layout(tmp_path / "built", "low")
    program = tmp_path / "copier" / "bin" / "copy-to"
    program.parent.mkdir(parents=True)
    copying = f"shutil.copytree({str(source)!r}, sys.argv[1].removeprefix('oci:').rpartition(':')[0])"
    program.write_text(f"#!{sys.executable}\nimport shutil, sys\n{copying}\n")
    program.chmod(0o755)
    description = tmp_path / "image.json"
    description.write_text(
        json.dumps({"layers": [{"diff_ids": name} for name in image_in(source).config["rootfs"]["diff_ids"]]})
    )
    monkeypatch.setattr(nix, "build", lambda _derivations, _say: [description, program.parents[1]])
    monkeypatch.setattr(papers, "sbom_paper", lambda _image, _progress: SBOM)
    paths = dict.fromkeys(("derivation", "to_docker", "to_podman", "to_file", "papers"), Path("/nix/store/x.drv"))
    return PlannedImage(attribute="image", reference="app:1", port=1, layers=(), **paths)


def test_push_writes_where_the_image_is_to_be_had(planned: PlannedImage, tmp_path: Path) -> None:
    """The digest goes to a file, and the name with it is the last line; the bill of materials is attached."""
    console = make_console()
    with serving(ModernRegistry()) as server, console.capture() as shown:
        options = PushOptions(planned, server.target(), tls_verify=False, digest_file=tmp_path / "digest")
        digest = push(options, Progress(console))
        assert digest_of(SBOM.content) in server.blobs
    assert (tmp_path / "digest").read_text() == f"{digest}\n"
    assert shown.get().splitlines()[-1] == f"{server.name}/team/app@{digest}"
    assert digest == digest_of(server.manifests["1"])


def test_a_directory_adds_another_platform(planned: PlannedImage, tmp_path: Path) -> None:
    """The tag names an index of the image that was built and the one that was brought over."""
    also = (write_layout(tmp_path / "other", "low", architecture="arm64"),)
    with serving(ModernRegistry()) as server:
        push(PushOptions(planned, server.target(), also=also, tls_verify=False), Progress(make_console()))
    platforms = [entry["platform"] for entry in server.manifest("1")["manifests"]]
    assert platforms == [{"os": "linux", "architecture": name} for name in ("amd64", "arm64")]


def test_the_bill_of_materials_can_be_left_out(planned: PlannedImage) -> None:
    """Only the image is sent."""
    with serving(ModernRegistry()) as server:
        push(PushOptions(planned, server.target(), tls_verify=False, sbom=False), Progress(make_console()))
    assert not any("subject" in json.loads(content) for content in server.manifests.values())


def test_other_layers_than_were_built_are_not_pushed(planned: PlannedImage, tmp_path: Path) -> None:
    """What Nix knows of the layers is compared with what came out of the store."""
    (tmp_path / "image.json").write_text('{"layers": [{"diff_ids": "sha256:0"}]}')
    failure = pytest.raises(BuildFailed, match=r"with the layers \['sha256:\w+'\]; built were \['sha256:0'\]")
    with serving(ModernRegistry()) as server, failure:
        push(PushOptions(planned, server.target(), tls_verify=False), Progress(make_console()))
    assert server.blobs == {}


def test_a_digest_that_cannot_be_written_is_one_sentence(planned: PlannedImage, tmp_path: Path) -> None:
    """It says that the image is pushed all the same."""
    failure = pytest.raises(UsageError, match=r"the image is pushed, and .* cannot be written: ")
    with serving(ModernRegistry()) as server, failure:
        push(PushOptions(planned, server.target(), tls_verify=False, digest_file=tmp_path), Progress(make_console()))
    assert "1" in server.manifests


def test_an_image_that_cannot_be_written_is_not_pushed(planned: PlannedImage, tmp_path: Path) -> None:
    """The copier's failure is one sentence, its last lines the details."""
    (tmp_path / "copier/bin/copy-to").write_text(f"#!{sys.executable}\nprint('no room')\nraise SystemExit(3)\n")
    failure = pytest.raises(BuildFailed, match=r"writing image failed \(exit status 3\)")
    with serving(ModernRegistry()) as server, failure as raised:
        push(PushOptions(planned, server.target(), tls_verify=False), Progress(make_console()))
    assert raised.value.details == "no room"
    assert server.blobs == {}
