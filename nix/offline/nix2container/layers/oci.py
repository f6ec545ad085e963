"""What registries and OCI directories share: descriptors, the manifest, and layers as deterministic gzip."""

import hashlib
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from .model import Image, canonical_json, digest_of

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
GZIP_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
# zlib's own default: a middle way between time and size.
COMPRESSION_LEVEL = 6
# Tells zlib to write gzip, whose header then holds no name and no time.
GZIP_WINDOW = 16 + zlib.MAX_WBITS


@dataclass(frozen=True)
class Descriptor:
    """A blob's media type, digest (`sha256:…`) and length in bytes."""

    media_type: str
    digest: str
    size: int

    def to_json(self) -> dict[str, object]:
        """The descriptor as the OCI specification writes it."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


def describe(media_type: str, content: bytes) -> Descriptor:
    """Descriptor of a blob that is held in memory."""
    return Descriptor(media_type, digest_of(content), len(content))


def manifest_of(image: Image, layers: Sequence[Descriptor]) -> bytes:
    """The OCI manifest of `image`, whose layers are the blobs `layers` in the same order."""
    return canonical_json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": describe(CONFIG_TYPE, image.config_blob).to_json(),
            "layers": [layer.to_json() for layer in layers],
        }
    )


@contextmanager
def compressed(blocks: Iterable[bytes]) -> Iterator[tuple[Descriptor, IO[bytes]]]:
    """Gzip `blocks` into a file on disk that is gone afterwards; gives what it is, and the file at its start."""
    with tempfile.TemporaryFile() as file:
        sha256 = hashlib.sha256()
        for block in _gzip(blocks):
            sha256.update(block)
            file.write(block)
        descriptor = Descriptor(GZIP_LAYER_TYPE, f"sha256:{sha256.hexdigest()}", file.tell())
        file.seek(0)
        yield descriptor, file


def _gzip(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes for the same input and the same zlib."""
    compressor = zlib.compressobj(COMPRESSION_LEVEL, zlib.DEFLATED, GZIP_WINDOW)
    for block in blocks:
        yield compressor.compress(block)
    yield compressor.flush()
