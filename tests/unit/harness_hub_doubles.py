"""A server on the loopback address that plays the Hub, with the starter model as a repository."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import patch

from huggingface_hub import constants

from coldstart_harness.catalogue.entries import Catalogue, Entry, Pin, Policy
from coldstart_harness.catalogue.sources import git_id_of

STARTER = Path(__file__).parents[2] / "models/starter/gpt2"
REPOSITORY = "coldstart/starter-gpt2"
COMMIT = "c0ffee" + "0" * 34
FILES = ("config.json", "model.safetensors", "tokenizer.json")
CARD = "---\nlicense: mit\ntags: [grammar]\n---\n\n# A model\n"
POLICY = Policy(open=("Apache-2.0", "GPL-3.0-or-later", "MIT"), refused=("CC-BY-NC-*", "unknown"), accepted=())


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def starter_entry(**changes: Any) -> Entry:
    """The starter model, pinned as if its repository were on the Hub."""
    contents = {file: (STARTER / file).read_bytes() for file in FILES}
    pins = {file: Pin(sha256_of(content), len(content), "computed") for file, content in contents.items()}
    said = {"name": "starter", "repository": REPOSITORY, "license": "MIT", "architecture": "gpt2", "task": "next-token"}
    return Entry(**{**said, "revision": COMMIT, "files": pins, **changes})


def catalogue_of(*entries: Entry, policy: Policy = POLICY) -> Catalogue:
    return Catalogue({entry.name: entry for entry in entries}, {"starter": ("starter",)}, policy)


def repository_at(directory: Path, card: str | None = CARD) -> Path:
    """A directory laid out as the starter model's repository."""
    directory.mkdir(parents=True)
    for file in FILES:
        (directory / file).write_bytes((STARTER / file).read_bytes())
    if card is not None:
        (directory / "README.md").write_text(card)
    return directory


@dataclass
class PlayedHub:
    """What the server has, and what it was asked for.

    Args:
        contents: file → bytes, of one repository at one commit.
        stored: files whose sha256 the API states, as the Hub does of large ones.
        asked: the paths of all requests.
    """

    contents: dict[str, bytes]
    stored: tuple[str, ...] = ("model.safetensors",)
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def reply(self, path: str) -> bytes | None:
        self.asked.append(path)
        route = path.partition("?")[0]
        if route in (f"/api/models/{REPOSITORY}", f"/api/models/{REPOSITORY}/revision/{COMMIT}"):
            return json.dumps(self._document()).encode()
        return self.contents.get(route.removeprefix(f"/{REPOSITORY}/resolve/{COMMIT}/"))

    def _document(self) -> dict[str, Any]:
        siblings = []
        for file, content in self.contents.items():
            sibling: dict[str, Any] = {"rfilename": file, "size": len(content), "blobId": git_id_of(content)}
            if file in self.stored:
                sibling["lfs"] = {"sha256": sha256_of(content), "size": len(content), "pointerSize": 134}
            siblings.append(sibling)
        return {"id": REPOSITORY, "sha": COMMIT, "siblings": siblings, "tags": [], "downloads": 0, "private": False}


@contextmanager
def played_hub(**contents: bytes) -> Iterator[PlayedHub]:
    """A server with the starter model, of which some files may be other ones: `config_json=b"{}"`."""
    whole = {file: (STARTER / file).read_bytes() for file in FILES} | {"README.md": CARD.encode()}
    others = {next(file for file in whole if file.replace(".", "_") == name): body for name, body in contents.items()}
    hub = PlayedHub(whole | others)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = hub.reply(self.path)
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_arguments: object) -> None:
            return

    # Whoever imported an engine before is offline by then (coldstart.engines).
    online = patch.object(constants, "HF_HUB_OFFLINE", new=False)
    with online, ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hub.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
