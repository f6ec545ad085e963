"""A docker-archive (what `docker save` writes and `docker load` reads), streamed, with all layers or only some."""

from collections.abc import Callable, Collection, Iterator

from . import tar, tree
from .model import Image, Layer, canonical_json

# Called with the index of the layer and the bytes of it that were just passed on.
Advance = Callable[[int, int], None]


def stream(image: Image, reference: str, included: Collection[int], advance: Advance) -> Iterator[bytes]:
    """The archive of `image`, named `reference`, block by block; layers are made from the store as they are reached.

    Args:
        included: indices of the layers to hold. The others are named all the same: Docker opens a layer's file only if
            it does not know the chain of layers up to it.
        advance: told of every block of a layer.

    Raises:
        LayersError: a store path is not what it was when the layer was built.
    """
    blob = image.config_blob
    config_name = f"{image.id.removeprefix('sha256:')}.json"
    names = [layer_name(layer) for layer in image.layers]
    manifest = canonical_json([{"Config": config_name, "RepoTags": [reference], "Layers": names}])
    yield _small_file(config_name, blob) + _small_file("manifest.json", manifest)
    for index, layer in enumerate(image.layers):
        if index in included:
            yield tar.file_header(names[index], layer.size)
            for block in layer_blocks(layer):
                yield block
                advance(index, len(block))
            if filler := tar.padding(layer.size):
                yield filler
    yield tar.END


def layer_name(layer: Layer) -> str:
    """Where a layer's tar lies in the archive."""
    return f"{layer.diff_id.removeprefix('sha256:')}/layer.tar"


def layer_blocks(layer: Layer) -> Iterator[bytes]:
    """The layer's tar, made again from the store, and checked against the layer's digest while it passes."""
    entries = tree.entries_of(layer.paths)
    created_by = layer.history.get("created_by", layer.diff_id)
    return tar.verified(tar.stream(entries), layer.diff_id, layer.size, f"the layer '{created_by}'")


def _small_file(name: str, content: bytes) -> bytes:
    return tar.file_header(name, len(content)) + content + tar.padding(len(content))
