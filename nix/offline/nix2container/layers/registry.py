"""Push an image to a registry; blobs that are there already are neither compressed nor sent again."""

import io
import json
from collections.abc import Mapping

from . import oci, reference
from .docker_archive import layer_blocks
from .model import Image, Layer
from .progress import Progress, megabytes
from .registry_client import RegistryClient

# How many other tags, the last ones by name, are searched for layers of the image.
TAGS_SEARCHED = 5


def push(image: Image, name: str, progress: Progress, *, tls_verify: bool, environ: Mapping[str, str]) -> None:
    """Make the registry hold `image` under `name`; the manifest comes last, so no half image can ever be pulled.

    A push that was cut short goes on where it stopped.

    Raises:
        LayersError: the registry cannot be reached, wants a login, or refuses a blob.
    """
    target = reference.parse(name)
    client = RegistryClient(target, tls_verify=tls_verify, environ=environ)
    known = known_blobs(client, target.tag)
    layers = [
        _push_layer(client, index, layer, known.get(layer.diff_id), progress)
        for index, layer in enumerate(image.layers)
    ]
    config = oci.describe(oci.CONFIG_TYPE, image.config_blob)
    if not client.has_blob(config.digest):
        client.upload(config, io.BytesIO(image.config_blob))
    client.put_manifest(target.tag, oci.manifest_of(image, layers))
    progress.say(f"{name} is {oci.describe(oci.MANIFEST_TYPE, oci.manifest_of(image, layers)).digest}.")


def known_blobs(client: RegistryClient, tag: str) -> dict[str, oci.Descriptor]:
    """Compressed blobs of layers, by diff id, as far as this tag and some others tell."""
    blobs: dict[str, oci.Descriptor] = {}
    others = [other for other in client.tags() if other != tag]
    for candidate in [*others[-TAGS_SEARCHED:], tag]:
        manifest = client.manifest(candidate) or {}
        if "config" not in manifest or "layers" not in manifest:
            continue
        config = json.loads(client.blob(manifest["config"]["digest"]))
        diff_ids = (config.get("rootfs") or {}).get("diff_ids") or []
        for diff_id, layer in zip(diff_ids, manifest["layers"], strict=False):
            if layer["mediaType"].endswith("gzip"):
                blobs[diff_id] = oci.Descriptor(oci.GZIP_LAYER_TYPE, layer["digest"], layer["size"])
    return blobs


def _push_layer(
    client: RegistryClient, index: int, layer: Layer, known: oci.Descriptor | None, progress: Progress
) -> oci.Descriptor:
    if known is not None and client.has_blob(known.digest):
        progress.finish(index, "there already")
        return known
    with oci.compressed(layer_blocks(layer)) as (descriptor, file):
        if client.has_blob(descriptor.digest):
            progress.finish(index, "there already")
        else:
            client.upload(descriptor, file)
            progress.finish(index, f"sent, {megabytes(descriptor.size)} compressed")
        return descriptor
