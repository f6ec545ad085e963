"""One image at rest: saved once, then read in place however large it is."""

import hashlib
import json
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import docker
import requests
from docker.errors import DockerException, ImageNotFound

from coldstart_harness.archive.saved import Blob, ImageUnreadable, Saved, read_saved
from coldstart_harness.archive.tree import Entry, Tree
from coldstart_harness.archive.window import Window
from coldstart_harness.engine import Engine
from coldstart_harness.errors import ServiceFailed

# Docker writes the whole archive to its own disk before it sends the first byte.
_SAVE_TIMEOUT_S = 900
_BLOCK_BYTES = 1 << 20
# What skopeo and `docker push` compress layers with.
_GZIP_LEVEL = 6
_GZIP_FORM = 31


@dataclass(frozen=True)
class Layer:
    """One layer.

    Args:
        number: from 0, the lowest.
        diff_id: digest of its plain tar.
        created_by: what its history says that it is.
        size_bytes: of its plain tar.
        content_bytes: of its files, as engines count an image's size.
        paths: what it holds, in the order of its tar, whiteouts as they are written there.
        blob: where its bytes lie.
    """

    number: int
    diff_id: str
    created_by: str
    size_bytes: int
    content_bytes: int
    paths: tuple[str, ...]
    blob: Blob


class ImageAtRest:
    """An image that was saved. Nothing of it is ever written under a name of its own."""

    def __init__(self, saved: Saved, opened: ExitStack) -> None:
        self.saved = saved
        self.tree = Tree()
        self._archives: list[tarfile.TarFile] = []
        layers = []
        notes = _notes_of(saved)
        for number, blob in enumerate(saved.blobs):
            archive = opened.enter_context(_layer_archive(blob, opened))
            members = archive.getmembers()
            self._archives.append(archive)
            self.tree.lay(number, members)
            content = sum(member.size for member in members if member.isreg())
            paths = tuple("/" + member.name.removeprefix("./").strip("/") for member in members)
            diff_id = str(saved.config["rootfs"]["diff_ids"][number])
            layers.append(Layer(number, diff_id, notes[number], blob.size_bytes, content, paths, blob))
        self.layers = tuple(layers)

    @property
    def config(self) -> dict[str, Any]:
        """How it runs: User, Env, Labels and the like."""
        return dict(self.saved.config.get("config") or {})

    @property
    def environment(self) -> dict[str, str]:
        """The variables that every container of it has."""
        pairs = (str(variable).partition("=") for variable in self.config.get("Env") or ())
        return {name: value for name, _, value in pairs}

    @property
    def architecture(self) -> str:
        """As OCI names it, such as `amd64`."""
        return str(self.saved.config.get("architecture", ""))

    def open(self, entry: Entry) -> IO[bytes]:
        """A file's bytes, which can be read from any place.

        Raises:
            ImageUnreadable: the entry is no file.
        """
        file = self._archives[entry.layer].extractfile(entry.member) if entry.kind == "file" else None
        if file is None:
            raise ImageUnreadable(f"{entry.path} in the image is not a file")
        return file

    def sha256(self, entry: Entry) -> str:
        """In hex, of a file of any size."""
        with self.open(entry) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # readable is enough


def pulled_bytes(layer: Layer) -> int:
    """What a registry sends of a layer: as it was saved compressed, else as gzip at the level of skopeo and Docker."""
    if layer.blob.stored_bytes is not None:
        return layer.blob.stored_bytes
    packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_FORM)
    size = 0
    with Window(layer.blob.path, layer.blob.start, layer.blob.size_bytes) as tar:
        while block := tar.read(_BLOCK_BYTES):
            size += len(packer.compress(block))
    return size + len(packer.flush())


def manifest_size(image: ImageAtRest) -> int:
    """Bytes of the manifest that a registry serves: as it was saved, else of one with as many layers."""
    if image.saved.manifest_bytes is not None:
        return image.saved.manifest_bytes

    def described(kind: str, size: int) -> dict[str, Any]:
        media = f"application/vnd.oci.image.{kind}"
        return {"mediaType": media, "digest": f"sha256:{'0' * 64}", "size": size}

    layers = [described("layer.v1.tar+gzip", layer.size_bytes) for layer in image.layers]
    config = described("config.v1+json", image.saved.config_bytes)
    media = "application/vnd.oci.image.manifest.v1+json"
    manifest = {"schemaVersion": 2, "mediaType": media, "config": config, "layers": layers}
    return len(json.dumps(manifest, separators=(",", ":")))


@contextmanager
def image_at_rest(engine: Engine, reference: str, scratch: Path) -> Iterator[ImageAtRest]:
    """An image, as the engine saves it; a second call with the same scratch directory saves it no more.

    Args:
        engine: that has the image.
        reference: its name.
        scratch: an existing directory with room for the image; what is saved stays there.

    Raises:
        ServiceFailed: the engine has no such image, or does not save it.
        ImageUnreadable: what it saved is no image that can be read.
    """
    path = _saved_once(engine, reference, scratch)
    with opened_image(path, scratch) as image:
        yield image


@contextmanager
def opened_image(path: Path, scratch: Path) -> Iterator[ImageAtRest]:
    """An image that was saved to a file.

    Raises:
        ImageUnreadable: it cannot be read.
    """
    with ExitStack() as opened:
        saved = read_saved(path, scratch)
        try:
            image = ImageAtRest(saved, opened)
        except (tarfile.TarError, OSError, EOFError) as error:
            raise ImageUnreadable(f"a layer of the saved image cannot be read: {error!r}") from None
        yield image


def _saved_once(engine: Engine, reference: str, scratch: Path) -> Path:
    try:
        with closing(docker.DockerClient(base_url=engine.host, version="auto", timeout=_SAVE_TIMEOUT_S)) as client:
            image = client.images.get(reference)
            path = scratch / f"image-{image.id.removeprefix('sha256:')[:16]}.tar"
            if not path.exists():
                part = path.with_suffix(".part")
                with part.open("wb") as file:
                    for block in image.save(chunk_size=_BLOCK_BYTES):
                        file.write(block)
                part.rename(path)
            return path
    except ImageNotFound:
        raise ServiceFailed(f"the container engine has no image {reference}; load it first") from None
    except (DockerException, requests.RequestException) as error:
        raise ServiceFailed(f"the container engine did not save {reference}: {error}") from None


def _layer_archive(blob: Blob, opened: ExitStack) -> tarfile.TarFile:
    window = opened.enter_context(Window(blob.path, blob.start, blob.size_bytes))
    return tarfile.open(fileobj=window, mode="r:")


def _notes_of(saved: Saved) -> list[str]:
    """What the history says of each layer; empty where it says nothing, or not of each."""
    notes = [str(e.get("created_by", "")) for e in saved.config.get("history") or () if not e.get("empty_layer")]
    return notes if len(notes) == len(saved.blobs) else [""] * len(saved.blobs)
