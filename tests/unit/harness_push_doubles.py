"""Images on disk and registries on loopback, as the tests of `push` want them."""

import io
import json
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nix.offline.nix2container.layers import oci_directory
from nix.offline.nix2container.layers.build import layer_of
from nix.offline.nix2container.layers.model import Image, Layer, StorePath, digest_of
from nix.offline.nix2container.layers.progress import Progress as LayersProgress
from rich.console import Console
from tests.unit.offline_layers_doubles import FakeRegistry, _RegistryHandler, make_layer

from coldstart_harness.progress import Progress
from coldstart_harness.pushing.documents import Paper, PlatformImage
from coldstart_harness.pushing.layout import image_in
from coldstart_harness.pushing.logins import Login
from coldstart_harness.pushing.registry import Registry
from coldstart_harness.pushing.sending import push_images
from coldstart_harness.pushing.target import Target

LABELS = {
    "org.opencontainers.image.version": "1.2",
    "org.opencontainers.image.revision": "cafe",
    "other.label": "is no annotation",
}
CREATED = "2024-05-06T07:08:09Z"
SBOM = Paper("application/vnd.cyclonedx+json", "sbom.cdx.json", b'{"bomFormat":"CycloneDX"}')


def write_layout(directory: Path, *contents: str, architecture: str = "amd64") -> Path:
    """An image whose layers have these contents, in the OCI layout."""
    layers = tuple(_layer(directory / "store" / content, content * 1000) for content in contents)
    image = Image({"Labels": LABELS}, architecture, CREATED, layers)
    layout = directory / "-".join(("oci", *contents))
    oci_directory.write(image, layout, "1", LayersProgress(layers, io.StringIO()))
    return layout


def _layer(root: Path, content: str) -> Layer:
    if not root.exists():
        return make_layer(root, content)
    return layer_of([StorePath(str(root))], {"created_by": root.name})


def make_platform_image(directory: Path, *contents: str, architecture: str = "amd64") -> PlatformImage:
    return image_in(write_layout(directory, *contents, architecture=architecture))


class ModernRegistry(socketserver.ThreadingMixIn, FakeRegistry):
    """Knows manifests by their digests too, says so, and lists who refers to what.

    Args:
        lies: the digest that it claims of whatever is stored; None: the right one.
        forgets: keeps of a tag what it named first.
        lists_referrers: whether it has the referrers API.
        refusing: status and body of its answer to every upload; None: uploads are taken.
        store: the address of another server that blobs are to be sent to; empty: itself.
    """

    def __init__(
        self,
        *,
        login: str | None = None,
        lies: str | None = None,
        forgets: bool = False,
        lists_referrers: bool = True,
        refusing: tuple[int, bytes] | None = None,
        store: str = "",
    ) -> None:
        super().__init__(login=login)
        self.RequestHandlerClass = _ModernHandler
        self.lies = lies
        self.forgets = forgets
        self.lists_referrers = lists_referrers
        self.refusing = refusing
        self.store = store
        self.authorizations: list[str] = []

    def target(self, tag: str = "1") -> Target:
        return Target(self.name, "team/app", tag)

    def manifest(self, reference: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.manifests[reference])
        return document


class _ModernHandler(_RegistryHandler):
    server: ModernRegistry

    def handle_any(self) -> None:
        self.server.authorizations.append(self.headers.get("Authorization", ""))
        super().handle_any()

    def _serve(self, name: str, body: bytes) -> None:
        kind, _, key = name.partition("/")
        if self.command == "POST" and self.server.refusing:
            return self.reply(*self.server.refusing)
        if self.command == "POST" and self.server.store:
            return self.reply(202, headers={"Location": f"{self.server.store}/v2/team/app/blobs/uploads/1"})
        if kind == "referrers" and self.server.lists_referrers:
            return self.reply(200, json.dumps({"manifests": self._about(key)}).encode())
        return super()._serve(name, body)

    def _give_token(self) -> None:
        """A refresh token is as good as the password."""
        if self.command == "POST":
            return self.reply(200, json.dumps({"access_token": self.server.token}).encode())
        return super()._give_token()

    def _about(self, digest: str) -> list[dict[str, object]]:
        documents = {content: json.loads(content) for content in self.server.manifests.values()}
        return [
            {"digest": digest_of(content), "artifactType": document["artifactType"]}
            for content, document in documents.items()
            if document.get("subject", {}).get("digest") == digest
        ]

    def _keep(self, kind: str, key: str, body: bytes) -> None:
        if kind != "manifests":
            return super()._keep(kind, key, body)
        if not (self.server.forgets and key in self.server.manifests):
            self.server.manifests[key] = body
        headers = {"Docker-Content-Digest": self.server.lies or digest_of(body)}
        if self.server.lists_referrers and (subject := json.loads(body).get("subject")):
            headers["OCI-Subject"] = subject["digest"]
        return self.reply(201, headers=headers)


@contextmanager
def opened(server: ModernRegistry, login: Login | None = None, *, tls_verify: bool = False) -> Iterator[Registry]:
    """A client of a registry double."""
    with Registry(server.target(), login, tls_verify=tls_verify) as registry:
        yield registry


def push_to(
    server: ModernRegistry,
    *images: PlatformImage,
    papers: tuple[Paper, ...] = (),
    tag: str = "1",
    login: Login | None = None,
) -> str:
    """Push to a registry double and return the digest."""
    with opened(server, login) as registry:
        return push_images(images, papers, registry, server.target(tag), Progress(Console(file=io.StringIO())))
