"""Images in directories of the OCI image layout, as `copyTo` writes them from either kind of inputs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coldstart_harness.errors import UsageError
from coldstart_harness.pushing.documents import MANIFEST_TYPE, Blob, PlatformImage, digest_of


def image_in(directory: Path) -> PlatformImage:
    """The one image that lies in a directory.

    Raises:
        UsageError: it is no OCI layout, holds another number of images, or a file is missing or is not what it is
            called after.
    """
    try:
        index = json.loads((directory / "index.json").read_bytes())
        entries = [entry for entry in index["manifests"] if entry["mediaType"] == MANIFEST_TYPE]
        if len(entries) != 1:
            raise UsageError(f"{directory} holds {len(entries)} images; wanted one, in an empty directory")
        manifest = json.loads(_content(directory, entries[0]))
        config = json.loads(_content(directory, manifest["config"]))
        blobs = tuple(_blob(directory, descriptor) for descriptor in (manifest["config"], *manifest["layers"]))
        return PlatformImage(manifest, config, blobs)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{directory} is no image that `nix run .#image.copyTo -- oci:DIRECTORY:TAG` wrote ({error!r})"
        ) from None


def _content(directory: Path, descriptor: Mapping[str, Any]) -> bytes:
    content = _path(directory, descriptor).read_bytes()
    if digest_of(content) != descriptor["digest"]:
        raise UsageError(f"{directory} holds {digest_of(content)} under the name {descriptor['digest']}")
    return content


def _blob(directory: Path, descriptor: Mapping[str, Any]) -> Blob:
    """Of layers the length alone is looked at: the registry computes their digests."""
    path = _path(directory, descriptor)
    if path.stat().st_size != descriptor["size"]:
        raise UsageError(f"{path} has {path.stat().st_size} bytes; wanted {descriptor['size']}")
    return Blob(descriptor["mediaType"], descriptor["digest"], descriptor["size"], path)


def _path(directory: Path, descriptor: Mapping[str, Any]) -> Path:
    algorithm, _, name = str(descriptor["digest"]).partition(":")
    if algorithm != "sha256" or not name.isalnum():
        raise ValueError(f"the digest {descriptor['digest']!r}")
    return directory / "blobs" / algorithm / name
