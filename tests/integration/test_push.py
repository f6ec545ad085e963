"""`push` against Docker's own registry, as Debian packages it, and what is to be had from there afterwards."""

import hashlib
import json
import os
import re
import subprocess
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest
from tests.integration.subjects import subjects

from coldstart_harness.engine import find_engine
from coldstart_harness.errors import RegistryFailed
from coldstart_harness.plan import load_plan
from coldstart_harness.ports import free_port_from
from coldstart_harness.progress import Progress, make_console
from coldstart_harness.pushing.command import write_image
from coldstart_harness.pushing.documents import Blob, Paper, PlatformImage, digest_of, manifest_of
from coldstart_harness.pushing.logins import Login
from coldstart_harness.pushing.registry import Registry
from coldstart_harness.pushing.sending import push_images
from coldstart_harness.pushing.target import Target

# Written by the harness's `test` command.
PROGRAM = os.environ.get("COLDSTART_REGISTRY_PROGRAM", "")
PLAN = os.environ.get("COLDSTART_PLAN", "")
pytestmark = pytest.mark.skipif(
    not (PROGRAM and PLAN and subjects()),
    reason="no docker-registry, plan or image: `./nixw run .#test` fetches the one and builds the others",
)

START_TIMEOUT_S = 20.0
PORT = 5500
# The password `secret`, by bcrypt with the fewest rounds.
HTPASSWD = "me:$2b$05$28To7Zi0G9mkpJY9bcemMudisNayApbZNC0sZE/LNX8i/ZhHGjfuS\n"
SBOM = Paper("application/vnd.cyclonedx+json", "sbom.cdx.json", b'{"bomFormat": "CycloneDX", "specVersion": "1.6"}')
SENDING = re.compile(r'"(?:POST|PUT|PATCH) (\S+) HTTP')


@dataclass(frozen=True)
class RunningRegistry:
    """A registry process on the loopback address, without TLS."""

    name: str
    log: Path

    def target(self, tag: str = "1") -> Target:
        return Target(self.name, "team/app", tag)

    def sent(self) -> list[str]:
        """The paths of all requests so far that send something, by the registry's own log."""
        return SENDING.findall(self.log.read_text(encoding="utf-8"))


@contextmanager
def registry_running(directory: Path, **auth: Any) -> Iterator[RunningRegistry]:
    port = free_port_from(PORT)
    configuration = {
        "version": "0.1",
        "log": {"accesslog": {"disabled": False}},
        "storage": {"filesystem": {"rootdirectory": str(directory / "data")}},
        "http": {"addr": f"127.0.0.1:{port}"},
        **auth,
    }
    # JSON is YAML.
    (directory / "config.yml").write_text(json.dumps(configuration))
    running = RunningRegistry(f"localhost:{port}", directory / "log")
    with running.log.open("wb") as log:
        command = [PROGRAM, "serve", directory / "config.yml"]
        process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603 - no shell, arguments are ours
    try:
        _wait_until_it_listens(running, process)
        yield running
    finally:
        process.terminate()
        process.wait()


def _wait_until_it_listens(running: RunningRegistry, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            httpx.get(f"http://{running.name}/v2/", trust_env=False)
        except httpx.TransportError:
            assert process.poll() is None, running.log.read_text()
            assert time.monotonic() < deadline, "the registry does not listen"
            time.sleep(0.02)
        else:
            return


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    with registry_running(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="module")
def image(scratch: Path) -> PlatformImage:
    """The smallest image under test, as `push` takes it out of the store."""
    plan = load_plan(Path(PLAN))
    planned = min((plan.image(subject.attribute) for subject in subjects()), key=lambda image: len(image.layers))
    return write_image(planned, scratch / "push", Progress(make_console()))


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "localhost")


class Push(Protocol):
    def __call__(
        self,
        running: RunningRegistry,
        login: Login | None = None,
        *,
        tag: str = "1",
        also: Sequence[PlatformImage] = (),
    ) -> str: ...


@pytest.fixture
def push(image: PlatformImage) -> Push:
    def push_it(
        running: RunningRegistry, login: Login | None = None, *, tag: str = "1", also: Sequence[PlatformImage] = ()
    ) -> str:
        target = running.target(tag)
        with Registry(target, login, tls_verify=False) as client:
            return push_images([image, *also], [SBOM], client, target, Progress(make_console()))

    return push_it


def test_a_second_push_moves_nothing(push: Push, registry: RunningRegistry, image: PlatformImage) -> None:
    """The registry's log has every layer once, and the digest is the one that was built, both times."""
    first = push(registry)
    sent = registry.sent()
    # The first request for a blob asks for a place, the second one fills it.
    assert len(sent) >= 2 * len(image.blobs)
    assert push(registry) == first == manifest_of(image).digest
    assert registry.sent() == sent


def test_another_tag_moves_no_layer(push: Push, registry: RunningRegistry) -> None:
    """What is named anew is the manifest alone."""
    push(registry)
    sent = registry.sent()
    push(registry, tag="another")
    assert registry.sent()[len(sent) :] == ["/v2/team/app/manifests/another"]


def test_the_bill_of_materials_is_found_by_the_image(push: Push, registry: RunningRegistry) -> None:
    """This registry has no list of referrers: the tag that stands for it names the paper, whose bytes are there."""
    subject = push(registry)
    api = f"http://{registry.name}/v2/team/app"
    accept = {"Accept": "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json"}
    [found] = httpx.get(f"{api}/manifests/{subject.replace(':', '-')}", headers=accept).json()["manifests"]
    assert found["artifactType"] == SBOM.media_type
    manifest = httpx.get(f"{api}/manifests/{found['digest']}", headers=accept).json()
    assert manifest["subject"]["digest"] == subject
    assert httpx.get(f"{api}/blobs/{manifest['layers'][0]['digest']}").content == SBOM.content


@pytest.mark.docker
def test_what_the_registry_serves_is_what_the_engine_was_given(push: Push, registry: RunningRegistry) -> None:
    """The config is that of the image that was loaded out of the store, and each layer has the bytes that it names."""
    api = f"http://{registry.name}/v2/team/app"
    accept = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
    manifest = httpx.get(f"{api}/manifests/{push(registry)}", headers=accept).json()
    assert manifest["config"]["digest"] in loaded_images()
    config = httpx.get(f"{api}/blobs/{manifest['config']['digest']}").json()
    assert [diff_id_at(f"{api}/blobs/{layer['digest']}") for layer in manifest["layers"]] == config["rootfs"][
        "diff_ids"
    ]


@pytest.mark.docker
def test_the_engine_finds_its_platform_in_an_index(push: Push, registry: RunningRegistry, image: PlatformImage) -> None:
    """Of an index of two platforms the engine takes the image that it was given out of the store."""
    engine = find_engine()
    assert engine is not None
    if engine.kind == "podman":
        pytest.skip("Podman pulls from a registry without TLS only if it is configured so")
    name = registry.target().by(push(registry, tag="index", also=[for_another_platform(image)]))
    pulled = engine.client.images.pull(name)
    try:
        assert pulled.id in loaded_images()
    finally:
        engine.client.images.remove(name)
        engine.client.close()


def loaded_images() -> set[str | None]:
    """The ids of the images under test, which are their configs' digests."""
    engine = find_engine()
    assert engine is not None
    with closing(engine.client):
        return {engine.client.images.get(subject.reference).id for subject in subjects()}


def diff_id_at(url: str) -> str:
    """The digest of a gzip layer's plain bytes."""
    sha256 = hashlib.sha256()
    plain = zlib.decompressobj(16 + zlib.MAX_WBITS)
    with httpx.stream("GET", url) as reply:
        for block in reply.iter_raw():
            sha256.update(plain.decompress(block))
    sha256.update(plain.flush())
    return f"sha256:{sha256.hexdigest()}"


def for_another_platform(image: PlatformImage) -> PlatformImage:
    """The same layers, said to be for a machine that this is not."""
    config = {**image.config, "architecture": "s390x"}
    content = json.dumps(config).encode()
    blob = Blob(image.blobs[0].media_type, digest_of(content), len(content), content)
    return PlatformImage({**image.manifest, "config": blob.descriptor}, config, (blob, *image.blobs[1:]))


def test_a_wrong_password_is_one_sentence(push: Push, tmp_path: Path) -> None:
    """Nothing is sent before the registry has let one in; the right password does."""
    (tmp_path / "htpasswd").write_text(HTPASSWD)
    htpasswd = {"realm": "here", "path": str(tmp_path / "htpasswd")}
    with registry_running(tmp_path, auth={"htpasswd": htpasswd}) as running:
        with pytest.raises(RegistryFailed, match="asks for a login and none is stored; run `docker login localhost:"):
            push(running)
        with pytest.raises(RegistryFailed, match=r"does not let the login of 'me' write to team/app$"):
            push(running, Login("me", "wrong"))
        assert running.sent() == []
        push(running, Login("me", "secret"))
        assert running.sent() != []
