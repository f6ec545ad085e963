"""Store paths on disk, a Docker daemon and a registry, as the tests of the offline layers want them."""

import gzip
import hashlib
import io
import json
import socketserver
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from urllib.parse import parse_qs, urlsplit

from nix.offline.nix2container.layers.build import layer_of
from nix.offline.nix2container.layers.model import Image, Layer, StorePath, digest_of

ServerT = TypeVar("ServerT", bound=socketserver.BaseServer)


def write_tree(root: Path, files: dict[str, str]) -> Path:
    """Files by relative name; a content that starts with `-> ` makes a symbolic link, one with `#!` an executable."""
    root.mkdir(parents=True)
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content.startswith("-> "):
            path.symlink_to(content.removeprefix("-> "))
        else:
            path.write_text(content)
            path.chmod(0o755 if content.startswith("#!") else 0o644)
    return root


def make_layer(root: Path, content: str) -> Layer:
    """A layer of one store path with one file, whose history names that path."""
    path = write_tree(root, {"file": content})
    return layer_of([StorePath(str(path))], {"created_by": root.name})


def make_image(*layers: Layer) -> Image:
    """An image of `layers` that would run /bin/true."""
    return Image({"Cmd": ["/bin/true"]}, "amd64", "1970-01-01T00:00:00Z", layers)


class FakeDaemon(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """What loading asks of dockerd: it knows layers by their chain, and checks every file that it has to open.

    `archives` holds the length in bytes and the members of every archive that came; `complete_only` refuses an archive
    that lacks a layer, as daemons with containerd's image store do.
    """

    daemon_threads = False

    def __init__(self, path: Path, *, complete_only: bool = False) -> None:
        super().__init__(str(path), _DaemonHandler)
        self.complete_only = complete_only
        self.images: dict[str, dict[str, Any]] = {}
        self.archives: list[tuple[int, list[str]]] = []

    def knows(self, chain: list[str]) -> bool:
        """Whether an image begins with these layers."""
        return any(image["RootFS"]["Layers"][: len(chain)] == chain for image in self.images.values())

    def load(self, archive: bytes) -> str | None:
        """Take a docker-archive; the complaint if it cannot be taken."""
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            members = {name: tar.extractfile(name).read() for name in tar.getnames()}  # type: ignore[union-attr]
        self.archives.append((len(archive), sorted(members)))
        manifest = json.loads(members["manifest.json"])[0]
        config = members[manifest["Config"]]
        chain: list[str] = []
        for diff_id, name in zip(json.loads(config)["rootfs"]["diff_ids"], manifest["Layers"], strict=True):
            chain.append(diff_id)
            if self.knows(chain) and not self.complete_only:
                continue
            if name not in members:
                return f"no such file: {name}"
            if digest_of(members[name]) != diff_id:
                return f"invalid diffID: {name}"
        image = {"Id": digest_of(config), "RootFS": {"Layers": chain}}
        self.images |= dict.fromkeys([digest_of(config), *manifest["RepoTags"]], image)
        return None


class _Handler(BaseHTTPRequestHandler):
    """Replies in JSON, keeps connections, and says nothing."""

    protocol_version = "HTTP/1.1"

    def address_string(self) -> str:
        return "test"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass

    def reply(self, status: int, content: bytes = b"", headers: dict[str, str] | None = None) -> None:
        """Send a whole reply."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


class _DaemonHandler(_Handler):
    server: FakeDaemon

    def do_GET(self) -> None:
        if self.path == "/images/json":
            ids = {image["Id"] for image in self.server.images.values()}
            return self.reply(200, json.dumps([{"Id": name} for name in sorted(ids)]).encode())
        image = self.server.images.get(self.path.removeprefix("/images/").removesuffix("/json"))
        return self.reply(200 if image else 404, json.dumps(image or {"message": "No such image"}).encode())

    def do_POST(self) -> None:
        body = bytearray()
        while length := int(self.rfile.readline(), 16):
            body += self.rfile.read(length)
            self.rfile.readline()
        self.rfile.readline()
        complaint = self.server.load(bytes(body))
        event = {"error": complaint} if complaint else {"stream": "Loaded image"}
        self.reply(200, json.dumps(event).encode())


class FakeRegistry(HTTPServer):
    """A registry on loopback without TLS; `login` (`user:password` as base64) makes it ask for a token first.

    `requests` lists method and path of everything asked for; `upload_limit` is the number of uploads after which it
    answers 500, as one that went away in the middle would.
    """

    token: ClassVar[str] = "let-me-in"

    def __init__(self, *, login: str | None = None, upload_limit: int = 1000) -> None:
        super().__init__(("127.0.0.1", 0), _RegistryHandler)
        self.login = login
        self.upload_limit = upload_limit
        self.name = f"localhost:{self.server_port}"
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, bytes] = {}
        self.requests: list[str] = []

    def uploads(self) -> int:
        """How many blobs were sent."""
        return sum(request.startswith("PUT /v2/team/app/blobs/") for request in self.requests)

    def layers_of(self, tag: str) -> list[str]:
        """Digests of the uncompressed layers of a tag."""
        manifest = json.loads(self.manifests[tag])
        return [digest_of(gzip.decompress(self.blobs[layer["digest"]])) for layer in manifest["layers"]]


class _RegistryHandler(_Handler):
    server: FakeRegistry

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append(f"{self.command} {self.path}")
        if self.path.startswith("/token"):
            return self._give_token()
        if self.server.login and self.headers.get("Authorization") != f"Bearer {self.server.token}":
            challenge = f'Bearer realm="http://{self.server.name}/token",service="test"'
            return self.reply(401, b"{}", {"WWW-Authenticate": challenge})
        name = urlsplit(self.path).path.removeprefix("/v2/").removeprefix("team/app/")
        return self._serve(name, body)

    def do_GET(self) -> None:
        self.handle_any()

    def do_HEAD(self) -> None:
        self.handle_any()

    def do_POST(self) -> None:
        self.handle_any()

    def do_PUT(self) -> None:
        self.handle_any()

    def _give_token(self) -> None:
        if self.headers.get("Authorization") != f"Basic {self.server.login}":
            return self.reply(401, b"{}")
        return self.reply(200, json.dumps({"access_token": self.server.token}).encode())

    def _serve(self, name: str, body: bytes) -> None:
        kind, _, key = name.partition("/")
        held = {"blobs": self.server.blobs, "manifests": self.server.manifests}.get(kind, {})
        if self.command == "POST":
            return self.reply(202, headers={"Location": "/v2/team/app/blobs/uploads/1?state=x"})
        if self.command == "PUT":
            return self._keep(kind, key, body)
        if name == "tags/list":
            return self.reply(200, json.dumps({"tags": sorted(self.server.manifests)}).encode())
        content = b"{}" if not name else held.get(key)
        return self.reply(404, b"{}") if content is None else self.reply(200, content)

    def _keep(self, kind: str, key: str, body: bytes) -> None:
        if kind == "manifests":
            self.server.manifests[key] = body
            return self.reply(201)
        digest = parse_qs(urlsplit(self.path).query)["digest"][0]
        if self.server.uploads() > self.server.upload_limit:
            return self.reply(500, b"{}")
        if digest != f"sha256:{hashlib.sha256(body).hexdigest()}":
            return self.reply(400, b'{"errors": [{"code": "DIGEST_INVALID", "message": "other bytes"}]}')
        self.server.blobs[digest] = body
        return self.reply(201)


@contextmanager
def serving(server: ServerT) -> Iterator[ServerT]:
    """Run a server in a thread of its own."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
