"""Load an image into a Docker daemon through its API, sending only the layers that it lacks.

Docker 20.10 and later. The daemon knows a layer by the chain of all digests up to it, and never opens the file of a
layer whose chain it knows; so it is asked for the layers of the images that it has, and an archive without the files of
the longest common beginning is enough. Daemons that keep images in containerd refuse such an archive: they get a full
one.
"""

import http.client
import json
import os
import socket
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from . import docker_archive
from .errors import LayersError
from .model import Image
from .progress import Progress, megabytes

DEFAULT_SOCKET = "/var/run/docker.sock"
# A daemon that says nothing for this long while it unpacks is taken for dead.
TIMEOUT_S = 600


class _SocketConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("docker", timeout=TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT_S)
        self.sock.connect(self._path)


class DockerDaemon:
    """The few calls of the Docker API that loading takes; blocking, one connection, not thread-safe.

    Args:
        environ: DOCKER_HOST (`unix:///path` or `tcp://host:port`) names the daemon; otherwise the system's socket, or
            that of a rootless daemon in XDG_RUNTIME_DIR.

    Raises:
        LayersError: DOCKER_HOST has another form.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self.address = _address(environ)
        url = urlsplit(self.address)
        self._connection = (
            _SocketConnection(url.path)
            if url.scheme == "unix"
            else http.client.HTTPConnection(url.hostname or "", url.port, timeout=TIMEOUT_S)
        )

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def image(self, reference: str) -> dict[str, Any] | None:
        """What the daemon knows of an image; None where it has none of that name."""
        status, content = self._call("GET", f"/images/{quote(reference, safe='/:@')}/json")
        if status == http.client.NOT_FOUND:
            return None
        described: dict[str, Any] = self._object(status, content)
        return described

    def known_layers(self, image: Image) -> int:
        """How many of the image's lowest layers the daemon has, as a chain."""
        status, content = self._call("GET", "/images/json")
        longest = 0
        for summary in self._object(status, content):
            if longest == len(image.layers):
                break
            described = self.image(summary["Id"]) or {}
            longest = max(longest, _common(image.diff_ids, (described.get("RootFS") or {}).get("Layers") or ()))
        return longest

    def load(self, archive: Iterable[bytes], watch: Callable[[Mapping[str, Any]], None]) -> str | None:
        """Send a docker-archive; the daemon's own words if it refused, None if it took it.

        Args:
            archive: made while it is sent.
            watch: gets every event that the daemon reports while it unpacks.
        """
        headers = {"Content-Type": "application/x-tar", "Transfer-Encoding": "chunked"}
        complaints: list[str] = []

        def read(line: bytes) -> None:
            if line.strip().startswith(b"{"):
                event = json.loads(line)
                watch(event)
                complaints.extend([str(event["error"])] if "error" in event else [])

        status, content = self._call("POST", "/images/load?quiet=0", archive, headers, read)
        return _message(content) if status != http.client.OK else complaints[0] if complaints else None

    def _call(
        self,
        method: str,
        path: str,
        body: Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        read: Callable[[bytes], None] = lambda _line: None,
    ) -> tuple[int, bytes]:
        """One request; `read` gets the lines of the answer as they come, the caller its status and all of them."""
        try:
            return self._exchange(method, path, body, headers or {}, read)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise LayersError(
                f"The Docker daemon at {self.address} does not answer ({error or type(error).__name__});"
                " wanted a running daemon there or a DOCKER_HOST that names one, and the right to use it."
            ) from error
        except BaseException:
            # The archive could not be made: end the request in the middle, so that the daemon drops what it has.
            self._connection.close()
            raise

    def _exchange(
        self,
        method: str,
        path: str,
        body: Iterable[bytes] | None,
        headers: Mapping[str, str],
        read: Callable[[bytes], None],
    ) -> tuple[int, bytes]:
        cut_short = False
        try:
            self._connection.request(method, path, body, headers, encode_chunked=body is not None)
        except (BrokenPipeError, ConnectionResetError):
            # A daemon that refuses an archive answers before it has read all of it.
            if body is None:
                raise
            cut_short = True
        response = self._connection.getresponse()
        content = b""
        while line := response.readline():
            read(line)
            content += line
        # Reading by lines leaves the reply open at its end, and the connection with it.
        response.read()
        if cut_short:
            self._connection.close()
        return response.status, content

    def _object(self, status: int, content: bytes) -> Any:
        if status != http.client.OK:
            raise LayersError(
                f"The Docker daemon at {self.address} answers {status} ({_message(content)}); wanted 200."
            )
        return json.loads(content)


def load_into_daemon(image: Image, reference: str, daemon: DockerDaemon, progress: Progress) -> None:
    """Make the daemon hold `image` under the name `reference`; nothing is sent if it does so already.

    Raises:
        LayersError: the daemon cannot be reached, or has refused the image, full archive included.
    """
    present = daemon.image(reference)
    if present is not None and present["Id"] == image.id:
        progress.say(f"{reference} is there already.")
        return
    known = daemon.known_layers(image)
    for index in range(known):
        progress.finish(index, "there already")
    refusal = _send(image, reference, range(known, len(image.layers)), daemon, progress)
    if refusal is not None and known:
        progress.say(f"The daemon wants all layers ({refusal}).")
        progress.restart()
        refusal = _send(image, reference, range(len(image.layers)), daemon, progress)
    if refusal is not None:
        raise LayersError(f"The Docker daemon at {daemon.address} refused {reference} ({refusal}); wanted it loaded.")
    found = ((daemon.image(reference) or {}).get("RootFS") or {}).get("Layers")
    if found != list(image.diff_ids):
        raise LayersError(f"After loading, {reference} has the layers {found}; wanted {list(image.diff_ids)}.")
    progress.say(f"{reference} is loaded.")


def _send(
    image: Image, reference: str, included: Collection[int], daemon: DockerDaemon, progress: Progress
) -> str | None:
    size = sum(image.layers[index].size for index in included)
    progress.say(f"Sending {len(included)} of {len(image.layers)} layers of {reference}, {megabytes(size)}.")
    archive = docker_archive.stream(image, reference, included, progress.advance)
    return daemon.load(archive, lambda event: _report(event, progress))


def _report(event: Mapping[str, Any], progress: Progress) -> None:
    """Show what a daemon says about a layer that it unpacks."""
    detail = event.get("progressDetail") or {}
    if detail.get("total"):
        progress.unpack(str(event.get("id", "")), detail.get("current", 0), detail["total"])


def _address(environ: Mapping[str, str]) -> str:
    address = environ.get("DOCKER_HOST", "")
    if not address:
        rootless = Path(environ.get("XDG_RUNTIME_DIR") or "/nonexistent", "docker.sock")
        return f"unix://{DEFAULT_SOCKET if Path(DEFAULT_SOCKET).exists() or not rootless.exists() else rootless}"
    url = urlsplit(address)
    if (url.scheme == "unix" and url.path) or (url.scheme == "tcp" and url.hostname and url.port):
        if url.scheme == "tcp" and environ.get("DOCKER_TLS_VERIFY"):
            raise LayersError("DOCKER_TLS_VERIFY is set; wanted a daemon at a Unix socket or at tcp:// without TLS.")
        return address
    raise LayersError(f"DOCKER_HOST is {address}; wanted unix:///path/to/socket or tcp://host:port.")


def _common(one: Iterable[str], other: Iterable[str]) -> int:
    """Length of the common beginning."""
    count = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        count += 1
    return count


def _message(content: bytes) -> str:
    try:
        return str(json.loads(content)["message"])
    except (ValueError, KeyError, TypeError):
        return content.decode(errors="replace").strip()[:200] or "no reason given"
