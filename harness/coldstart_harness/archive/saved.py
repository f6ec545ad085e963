"""What engines save of an image: `docker save`'s form, and the OCI layout of newer ones. Content is never trusted."""

import gzip
import hashlib
import json
import shutil
import subprocess
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from coldstart_harness.errors import HarnessError

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
# A document larger than this is none; a layer larger than this would fill the disk that it is unpacked to.
_LARGEST_DOCUMENT_BYTES = 16 << 20
_LARGEST_LAYER_BYTES = 64 << 30
_BLOCK_BYTES = 1 << 20


class ImageUnreadable(HarnessError):
    """What the engine saved is not an image in a form that is known."""


@dataclass(frozen=True)
class Blob:
    """One layer as it was saved.

    Args:
        path: a file that holds its plain tar.
        start: where the tar begins in that file.
        size_bytes: of the plain tar.
        stored_bytes: as it was saved, where that is compressed; None: it was saved plain.
    """

    path: Path
    start: int
    size_bytes: int
    stored_bytes: int | None


@dataclass(frozen=True)
class Saved:
    """A saved image.

    Args:
        config: the OCI image config: `config`, `history`, `rootfs` and the like.
        config_bytes: its size.
        config_digest: of its bytes, by which engines know the image: `sha256:` and 64 hexadecimal digits.
        manifest_bytes: the size of its manifest, where one was saved that a registry would serve.
        blobs: its layers, from the first to the last.
    """

    config: Mapping[str, Any]
    config_bytes: int
    config_digest: str
    manifest_bytes: int | None
    blobs: tuple[Blob, ...]


def read_saved(path: Path, scratch: Path) -> Saved:
    """Read what an engine saved.

    Args:
        path: the archive.
        scratch: a directory where compressed layers are unpacked, under names of our own.

    Raises:
        ImageUnreadable: the archive is damaged, of another form, or compressed in a way that cannot be undone here.
    """
    try:
        with tarfile.open(path, mode="r:") as archive:
            return _Reader(archive, path, scratch).read()
    except (tarfile.TarError, OSError, EOFError, zlib.error, KeyError, IndexError, TypeError, ValueError) as error:
        raise ImageUnreadable(f"what the engine saved cannot be read as an image: {error!r}") from None


class _Reader:
    def __init__(self, archive: tarfile.TarFile, path: Path, scratch: Path) -> None:
        self._archive = archive
        self._path = path
        self._scratch = scratch
        self._members = {member.name.removeprefix("./"): member for member in archive}

    def read(self) -> Saved:
        if "manifest.json" in self._members:
            [manifest] = self._document("manifest.json")
            config_name, layer_names, manifest_bytes = manifest["Config"], manifest["Layers"], None
        elif "index.json" in self._members:
            name = self._chosen(self._document("index.json"))
            while "manifests" in (manifest := self._document(name)):
                name = self._chosen(manifest)
            config_name = _blob_name(manifest["config"])
            layer_names = [_blob_name(layer) for layer in manifest["layers"]]
            manifest_bytes = self._members[name].size
        else:
            raise ImageUnreadable("what the engine saved has neither a manifest.json nor an index.json")
        content = self._content(config_name)
        config = json.loads(content)
        if len(layer_names) != len(config["rootfs"]["diff_ids"]):
            wanted = len(config["rootfs"]["diff_ids"])
            raise ImageUnreadable(f"the image's config names {wanted} layers, and {len(layer_names)} were saved")
        blobs = tuple(self._blob(name, number) for number, name in enumerate(layer_names))
        return Saved(config, len(content), f"sha256:{hashlib.sha256(content).hexdigest()}", manifest_bytes, blobs)

    def _chosen(self, index: Mapping[str, Any]) -> str:
        """The one image of an index that was saved. Builders put attestations beside it, for a platform `unknown`, and
        an index names other machines' images also where they are not there.
        """
        images = [m for m in index["manifests"] if m.get("platform", {}).get("architecture") != "unknown"]
        names = [name for image in images if (name := _blob_name(image)) in self._members]
        if len(names) != 1:
            raise ImageUnreadable(f"the saved index holds {len(names)} images instead of one")
        return names[0]

    def _document(self, name: str) -> Any:
        return json.loads(self._content(name))

    def _content(self, name: str) -> bytes:
        with self._open(name) as file:
            content = file.read(_LARGEST_DOCUMENT_BYTES + 1)
        if len(content) > _LARGEST_DOCUMENT_BYTES:
            raise ImageUnreadable(f"{name} in the saved image is larger than {_LARGEST_DOCUMENT_BYTES} bytes")
        return content

    def _blob(self, name: str, number: int) -> Blob:
        with self._open(name) as file:
            magic = file.read(4)
        member = self._target(name)
        if magic.startswith(_GZIP) or magic == _ZSTD:
            plain = self._scratch / f"{self._path.stem}-layer-{number}.tar"
            if not plain.exists():
                self._unpack(name, magic, plain)
            return Blob(plain, 0, plain.stat().st_size, member.size)
        return Blob(self._path, member.offset_data, member.size, None)

    def _unpack(self, name: str, magic: bytes, plain: Path) -> None:
        part = plain.with_suffix(".part")
        with self._open(name) as packed, part.open("wb") as unpacked:
            if magic == _ZSTD:
                _through_zstd(packed, unpacked, name)
            else:
                with gzip.GzipFile(fileobj=packed) as stream:
                    _copy_bounded(stream, unpacked, name)
        part.rename(plain)

    def _open(self, name: str) -> IO[bytes]:
        file = self._archive.extractfile(self._target(name))
        if file is None:
            raise ImageUnreadable(f"{name} in the saved image is not a file")
        return file

    def _target(self, name: str) -> tarfile.TarInfo:
        """The member that holds the bytes: `docker save` writes a layer once, and links from where it comes again."""
        member = self._members[name]
        if member.issym():
            return self._members[_normal(f"{name.rpartition('/')[0]}/{member.linkname}")]
        return self._members[member.linkname] if member.islnk() else member


def _blob_name(descriptor: Mapping[str, Any]) -> str:
    return "blobs/" + str(descriptor["digest"]).replace(":", "/", 1)


def _normal(path: str) -> str:
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _copy_bounded(source: IO[bytes] | gzip.GzipFile, target: IO[bytes], name: str) -> None:
    size = 0
    while block := source.read(_BLOCK_BYTES):
        size += len(block)
        if size > _LARGEST_LAYER_BYTES:
            raise ImageUnreadable(f"the layer {name} unpacks to more than {_LARGEST_LAYER_BYTES} bytes")
        target.write(block)


def _through_zstd(packed: IO[bytes], unpacked: IO[bytes], name: str) -> None:
    """By the system's program: Python 3.11 has no zstd, and few engines save it."""
    program = shutil.which("zstd")
    if program is None:
        raise ImageUnreadable(f"the layer {name} is compressed with zstd; install the program zstd to read it")
    stored = Path(unpacked.name).with_suffix(".zst")
    with stored.open("wb") as file:
        _copy_bounded(packed, file, name)
    try:
        with subprocess.Popen([program, "-dcq", str(stored)], stdout=subprocess.PIPE) as process:  # noqa: S603
            if process.stdout is None:
                raise ImageUnreadable("zstd was started without an output")
            try:
                _copy_bounded(process.stdout, unpacked, name)
            except ImageUnreadable:
                process.kill()
                raise
        if process.returncode:
            raise ImageUnreadable(f"the layer {name} is damaged: zstd ended with status {process.returncode}")
    finally:
        stored.unlink()
