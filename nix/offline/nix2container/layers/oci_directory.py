"""Write an image into a directory in the OCI image layout; an existing layout keeps its other images."""

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO, Any

from . import oci
from .docker_archive import layer_blocks
from .errors import LayersError
from .model import Image, canonical_json
from .progress import Progress

LAYOUT = {"imageLayoutVersion": "1.0.0"}
NAME_ANNOTATION = "org.opencontainers.image.ref.name"


def write(image: Image, directory: Path, name: str, progress: Progress) -> None:
    """Add `image` under `name` to the layout in `directory`, which may be missing, empty or a layout already.

    The index is replaced last and in one step, so that a failure leaves the directory's images as they were.

    Raises:
        LayersError: the directory holds something else, or cannot be written.
    """
    if directory.exists() and any(directory.iterdir()) and not (directory / "oci-layout").is_file():
        raise LayersError(f"{directory} is not empty and no OCI layout; wanted a new, an empty or an OCI directory.")
    blobs = directory / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    layers = []
    for index, layer in enumerate(image.layers):
        with oci.compressed(layer_blocks(layer)) as (descriptor, file):
            _write_blob(blobs, descriptor, file)
            layers.append(descriptor)
        progress.finish(index, "written")
    manifest = oci.manifest_of(image, layers)
    for content in (image.config_blob, manifest):
        replace(blobs / oci.describe("", content).digest.removeprefix("sha256:"), content)
    replace(directory / "oci-layout", canonical_json(LAYOUT))
    replace(directory / "index.json", canonical_json(_index(directory / "index.json", manifest, name, image)))


def replace(path: Path, content: bytes | IO[bytes]) -> None:
    """Write a file in one step: it has its old content or all of the new."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            if isinstance(content, bytes):
                file.write(content)
            else:
                shutil.copyfileobj(content, file)
            file.flush()
            Path(file.name).chmod(0o644)
            os.replace(file.name, path)  # noqa: PTH105 - file.name is text
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _write_blob(blobs: Path, descriptor: oci.Descriptor, file: IO[bytes]) -> None:
    path = blobs / descriptor.digest.removeprefix("sha256:")
    if not path.exists():
        replace(path, file)


def _index(path: Path, manifest: bytes, name: str, image: Image) -> dict[str, Any]:
    """The layout's index with this image in place of one of the same name."""
    index: dict[str, Any] = {"schemaVersion": 2, "manifests": []}
    if path.exists():
        index = json.loads(path.read_bytes())
    others = [entry for entry in index["manifests"] if (entry.get("annotations") or {}).get(NAME_ANNOTATION) != name]
    entry = oci.describe(oci.MANIFEST_TYPE, manifest).to_json() | {
        "annotations": {NAME_ANNOTATION: name},
        "platform": {"architecture": image.architecture, "os": "linux"},
    }
    return index | {"manifests": [*others, entry]}
