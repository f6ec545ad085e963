"""Images on their way into a registry: what is there is not sent again, and a login is found and used."""

import base64
import io
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from nix.offline.nix2container.layers import oci, reference, registry, registry_auth
from nix.offline.nix2container.layers.errors import LayersError
from nix.offline.nix2container.layers.model import Image
from nix.offline.nix2container.layers.progress import Progress
from nix.offline.nix2container.layers.reference import Reference
from tests.unit.offline_layers_doubles import FakeRegistry, make_image, make_layer, serving

LOGIN = base64.b64encode(b"me:secret").decode()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "localhost")


@pytest.fixture
def images(tmp_path: Path) -> tuple[Image, Image]:
    """Two images with the same lower layer and another top."""
    low, old, new = (make_layer(tmp_path / name, name * 1000) for name in ("low", "old", "new"))
    return make_image(low, old), make_image(low, new)


def push(image: Image, server: FakeRegistry, tag: str = "1", environ: Mapping[str, str] | None = None) -> str:
    out = io.StringIO()
    name = f"{server.name}/team/app:{tag}"
    registry.push(image, name, Progress(image.layers, out), tls_verify=False, environ=environ or {})
    return out.getvalue()


def test_a_pushed_image_can_be_pulled(images: tuple[Image, Image]) -> None:
    """The tag's manifest names the config and gzip blobs whose contents have the image's diff ids."""
    image = images[0]
    with serving(FakeRegistry()) as server:
        report = push(image, server)
    manifest = json.loads(server.manifests["1"])
    assert manifest["config"]["digest"] == image.id
    assert server.blobs[image.id] == image.config_blob
    assert server.layers_of("1") == list(image.diff_ids)
    assert {layer["mediaType"] for layer in manifest["layers"]} == {oci.GZIP_LAYER_TYPE}
    assert report.splitlines()[-1].startswith(f"{server.name}/team/app:1 is sha256:")


def test_only_new_blobs_travel(images: tuple[Image, Image]) -> None:
    """Under a new tag the shared layer is found through the other tag, without being compressed or sent."""
    with serving(FakeRegistry()) as server:
        push(images[0], server)
        before = server.uploads()
        report = push(images[1], server, "2")
        assert server.uploads() == before + 2  # the top layer and the config
        assert "low: there already" in report
        push(images[1], server, "2")
        assert server.uploads() == before + 2
    assert server.layers_of("2") == list(images[1].diff_ids)


def test_a_push_that_was_cut_short_goes_on(images: tuple[Image, Image]) -> None:
    """After a failure no tag is there; the next push sends only what the first one did not."""
    with serving(FakeRegistry(upload_limit=1)) as server:
        with pytest.raises(LayersError, match=r"PUT .* was answered with 500 .*; wanted 201"):
            push(images[0], server)
        assert server.manifests == {}
        server.upload_limit = 1000
        push(images[0], server)
    assert server.uploads() == 4  # two in the first push, of which one failed; the other layer and the config
    assert server.layers_of("1") == list(images[0].diff_ids)


def test_two_pushes_make_the_same_blobs(images: tuple[Image, Image]) -> None:
    """Compression is deterministic: two registries hold the same digests."""
    contents = []
    for _ in range(2):
        with serving(FakeRegistry()) as server:
            push(images[0], server)
        contents.append((server.blobs, server.manifests))
    assert contents[0] == contents[1]


def test_a_bearer_challenge_is_answered_with_the_stored_login(images: tuple[Image, Image], tmp_path: Path) -> None:
    """The login of the registry buys a token, and the token opens it."""
    with serving(FakeRegistry(login=LOGIN)) as server:
        (tmp_path / "config.json").write_text(json.dumps({"auths": {server.name: {"auth": LOGIN}}}))
        push(images[0], server, environ={"DOCKER_CONFIG": str(tmp_path)})
    assert server.layers_of("1") == list(images[0].diff_ids)
    assert any("scope=repository%3Ateam%2Fapp%3Apull%2Cpush" in request for request in server.requests)


def test_a_wrong_login_is_one_sentence(images: tuple[Image, Image]) -> None:
    """Without a login that the token service accepts nothing is sent."""
    refusal = pytest.raises(LayersError, match=r"The login at localhost:\d+ failed \(401\); wanted a valid")
    with serving(FakeRegistry(login=LOGIN)) as server, refusal:
        push(images[0], server)
    assert server.blobs == {}


def test_tls_is_wanted_unless_it_is_waived(images: tuple[Image, Image]) -> None:
    """A registry without TLS is refused by default."""
    with serving(FakeRegistry()) as server:
        name = f"{server.name}/team/app:1"
        with pytest.raises(LayersError, match=r"localhost:\d+ does not answer \(.*\); wanted a registry there"):
            registry.push(images[0], name, Progress((), io.StringIO()), tls_verify=True, environ={})
    assert server.manifests == {}


def test_a_basic_challenge_takes_the_login_or_asks_for_one() -> None:
    """The stored login is sent as it is; without one the sentence says what to do."""
    target = Reference("r.example", "a", "1")

    def fetch(url: str, headers: Mapping[str, str]) -> bytes:
        raise AssertionError(url)

    assert registry_auth.authorization('Basic realm="r"', target, LOGIN, fetch) == f"Basic {LOGIN}"
    with pytest.raises(LayersError, match="asks for a login and none is stored; wanted `docker login` first"):
        registry_auth.authorization('Basic realm="r"', target, None, fetch)
    with pytest.raises(LayersError, match="asks for 'Negotiate'; wanted the scheme Basic or Bearer"):
        registry_auth.authorization("Negotiate", target, None, fetch)


@pytest.mark.parametrize(
    ("auths", "registry_name", "login"),
    [
        ({"r.example": {"auth": LOGIN}}, "r.example", LOGIN),
        ({"https://r.example": {"username": "me", "password": "secret"}}, "r.example", LOGIN),
        ({"https://index.docker.io/v1/": {"auth": LOGIN}}, "docker.io", LOGIN),
        ({"https://index.docker.io/v1/": {"auth": LOGIN}}, "r.example", None),
        ({"r.example": {}}, "r.example", None),
    ],
)
def test_logins_are_found_where_docker_keeps_them(
    tmp_path: Path, auths: dict[str, object], registry_name: str, login: str | None
) -> None:
    """The names of `docker login`, with and without scheme, lead to the login; others do not."""
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker/config.json").write_text(json.dumps({"auths": auths}))
    assert registry_auth.basic_login(registry_name, {"HOME": str(tmp_path)}) == login


def test_a_broken_login_file_is_one_sentence(tmp_path: Path) -> None:
    """A file that is no JSON is named."""
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(LayersError, match=r"config.json cannot be read as logins"):
        registry_auth.basic_login("r.example", {"DOCKER_CONFIG": str(tmp_path)})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("coldstart:0.1", Reference("docker.io", "library/coldstart", "0.1")),
        ("me/app", Reference("docker.io", "me/app", "latest")),
        ("ghcr.io/me/app:v1", Reference("ghcr.io", "me/app", "v1")),
        ("localhost:5000/app:v1", Reference("localhost:5000", "app", "v1")),
        ("localhost/app", Reference("localhost", "app", "latest")),
    ],
)
def test_names_are_read_as_docker_reads_them(text: str, expected: Reference) -> None:
    """A first part with a dot, a colon or the name localhost is a registry; anything else belongs to Docker's."""
    assert reference.parse(text) == expected


@pytest.mark.parametrize("text", ["App:1", "app:", "app:a b", "ghcr.io/:1", "app@sha256:00", ""])
def test_names_of_no_image_are_refused(text: str) -> None:
    """Upper case, blanks, digests and nothing at all are no names to push to; an empty tag is the latest."""
    if text == "app:":
        assert reference.parse(text).tag == "latest"
        return
    with pytest.raises(LayersError, match="is no image name; wanted"):
        reference.parse(text)
