"""Images that no layer of is in the engine yet, made from one that is, so that its load can be timed."""

import hashlib
import io
import json
import secrets
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import docker
import requests
from docker.errors import DockerException, ImageNotFound

from coldstart_harness.archive.image import image_at_rest
from coldstart_harness.archive.saved import Saved
from coldstart_harness.archive.window import Window
from coldstart_harness.engine import Engine
from coldstart_harness.errors import HarnessError
from coldstart_harness.figures import format_bytes
from coldstart_harness.proofs.proof import Trial

# A host name in front keeps Podman from looking for it among its registries.
_REPOSITORY = "localhost/coldstart-harness/ledger"
_BLOCK_BYTES = 1 << 20
_TAR_BLOCK_BYTES = 512
_LOAD_TIMEOUT_S = 900


class NoCopy(HarnessError):
    """The engine did not save the image, or did not take a copy of it."""


@dataclass(frozen=True)
class FreshCopy:
    """An image that differs from the one under proof by one more layer, the lowest, with one empty file.

    An engine knows a layer by itself and all those below it. With another lowest one, it has none of them.

    Args:
        engine: where it is to be.
        saved: the image under proof.
        token: what no other copy has.
    """

    engine: Engine
    saved: Saved
    token: str

    @property
    def reference(self) -> str:
        return f"{_REPOSITORY}:{self.token}"

    def load(self) -> None:
        """Stream it to the engine, and return when the engine says that it has it.

        Raises:
            NoCopy: the engine does not want it.
        """
        archive = archive_of(self.saved, self.reference, self.token)
        try:
            with closing(_client(self.engine)) as client:
                for event in client.api.load_image(archive, quiet=False):
                    if "error" in event:
                        raise NoCopy(f"the container engine did not load a copy of the image: {event['error']}")
        except (DockerException, requests.RequestException) as error:
            raise NoCopy(f"the container engine did not load a copy of the image: {error}") from None

    def remove(self) -> None:
        with closing(_client(self.engine)) as client:
            try:
                client.images.remove(self.reference, force=True)
            except ImageNotFound:
                return


def _client(engine: Engine) -> docker.DockerClient:
    return docker.DockerClient(base_url=engine.host, version="auto", timeout=_LOAD_TIMEOUT_S)


@contextmanager
def saved_image(trial: Trial) -> Iterator[Saved]:
    """The image under proof, saved in the scratch directory.

    Raises:
        NoCopy: it cannot be saved, or there is no room for it.
    """
    size = int(trial.engine.client.images.get(trial.reference).attrs["Size"])
    free = shutil.disk_usage(trial.scratch).free
    if free < 2 * size:
        raise NoCopy(f"{trial.scratch} has {format_bytes(free)} free, and {format_bytes(2 * size)} are wanted")
    try:
        with image_at_rest(trial.engine, trial.reference, trial.scratch) as image:
            yield image.saved
    except OSError as error:
        raise NoCopy(f"the image could not be saved: {error}") from None


@contextmanager
def fresh_copy(engine: Engine, saved: Saved) -> Iterator[FreshCopy]:
    """A copy that is not loaded yet; it is removed afterwards."""
    copy = FreshCopy(engine, saved, secrets.token_hex(8))
    try:
        yield copy
    finally:
        copy.remove()


def archive_of(saved: Saved, reference: str, token: str) -> Iterator[bytes]:
    """The tar that an engine loads, as `docker save` writes it, piece by piece: layers are read as they are sent.

    Args:
        saved: the image; all its layers are sent, plain.
        reference: what the copy is called.
        token: names the empty file of the layer that is laid below the others.
    """
    lowest = _layer_with(f".coldstart-harness-{token}")
    diff_ids = [f"sha256:{hashlib.sha256(lowest).hexdigest()}", *saved.config["rootfs"]["diff_ids"]]
    history = [{"created_by": "the harness: makes all layers above new to the engine"}]
    config = {
        **saved.config,
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": [*history, *(saved.config.get("history") or ())],
    }
    names = [f"{number}/layer.tar" for number in range(len(diff_ids))]
    manifest = [{"Config": "config.json", "RepoTags": [reference], "Layers": names}]
    yield from _member("manifest.json", json.dumps(manifest).encode())
    yield from _member("config.json", json.dumps(config).encode())
    yield from _member(names[0], lowest)
    for name, blob in zip(names[1:], saved.blobs, strict=True):
        with Window(blob.path, blob.start, blob.size_bytes) as layer:
            yield from _stretch(name, blob.size_bytes, _blocks_of(layer))
    yield bytes(2 * _TAR_BLOCK_BYTES)


def _layer_with(name: str) -> bytes:
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(name))
    return layer.getvalue()


def _blocks_of(file: Window) -> Iterator[bytes]:
    while block := file.read(_BLOCK_BYTES):
        yield block


def _member(name: str, content: bytes) -> Iterator[bytes]:
    return _stretch(name, len(content), [content])


def _stretch(name: str, size: int, blocks: Iterable[bytes]) -> Iterator[bytes]:
    header = tarfile.TarInfo(name)
    header.size = size
    yield header.tobuf(tarfile.GNU_FORMAT)
    yield from blocks
    yield bytes(-size % _TAR_BLOCK_BYTES)
