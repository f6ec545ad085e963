"""What a registry holds: blobs, and the manifests and indexes that name them.

Source: OCI image specification 1.1, "Image Manifest", "Image Index" and "Annotations".
"""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
ANNOTATIONS = "org.opencontainers.image."
_CREATED = f"{ANNOTATIONS}created"
_TITLE = f"{ANNOTATIONS}title"


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes under their digest.

    Args:
        media_type: what they are.
        digest: `sha256:…`.
        size: in bytes.
        source: a file that holds them, or they themselves.
    """

    media_type: str
    digest: str
    size: int
    source: Path | bytes = field(repr=False)

    @property
    def descriptor(self) -> dict[str, Any]:
        """How manifests name the blob."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}

    def open(self) -> IO[bytes]:
        """A file to read, at its start."""
        return io.BytesIO(self.source) if isinstance(self.source, bytes) else self.source.open("rb")


@dataclass(frozen=True, slots=True)
class Document:
    """A manifest or an index, as the exact bytes that its digest is made of."""

    media_type: str
    content: bytes

    @property
    def digest(self) -> str:
        return digest_of(self.content)

    @property
    def descriptor(self) -> dict[str, Any]:
        """How others name the document."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.content)}

    @property
    def annotations(self) -> dict[str, str]:
        return dict(json.loads(self.content).get("annotations") or {})


@dataclass(frozen=True, slots=True)
class PlatformImage:
    """An image for one platform, with all its blobs at hand.

    Args:
        manifest: its OCI manifest.
        config: its OCI config.
        blobs: config and layers, the lowest layer first.
    """

    manifest: Mapping[str, Any]
    config: Mapping[str, Any]
    blobs: tuple[Blob, ...]

    @property
    def platform(self) -> dict[str, str]:
        """`os`, `architecture`, and `variant` where there is one."""
        return {name: self.config[name] for name in ("os", "architecture", "variant") if self.config.get(name)}

    @property
    def platform_name(self) -> str:
        """Such as `linux/amd64`."""
        return "/".join(self.platform.values())

    @property
    def annotations(self) -> dict[str, str]:
        """What its labels say of it in OCI's own words, and when it was made."""
        labels = (self.config.get("config") or {}).get("Labels") or {}
        known = {name: str(value) for name, value in labels.items() if name.startswith(ANNOTATIONS)}
        return {_CREATED: str(self.config["created"]), **known} if self.config.get("created") else known


@dataclass(frozen=True, slots=True)
class Paper:
    """A document about an image, such as its bill of materials.

    Args:
        media_type: what it is; registries and scanners find it by this.
        name: the file's name for whoever fetches it.
        content: the file.
    """

    media_type: str
    name: str
    content: bytes = field(repr=False)

    @property
    def blob(self) -> Blob:
        return Blob(self.media_type, digest_of(self.content), len(self.content), self.content)


EMPTY = Blob(EMPTY_TYPE, "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", 2, b"{}")


def manifest_of(image: PlatformImage) -> Document:
    """The image's manifest, annotated with what its labels say of it."""
    annotations = {**(image.manifest.get("annotations") or {}), **image.annotations}
    return Document(
        MANIFEST_TYPE, _canonical({**image.manifest, "mediaType": MANIFEST_TYPE, "annotations": annotations})
    )


def index_of(images: Sequence[PlatformImage]) -> Document:
    """One name for several platforms' images, annotated with what is true of all of them."""
    manifests = [{**manifest_of(image).descriptor, "platform": image.platform} for image in images]
    common = set.intersection(*(set(image.annotations.items()) for image in images))
    document = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": manifests, "annotations": dict(common)}
    return Document(INDEX_TYPE, _canonical(document))


def paper_manifest_of(paper: Paper, subject: Document, annotations: Mapping[str, str]) -> Document:
    """A manifest that attaches a paper to the document that it is about.

    Source: OCI image specification 1.1, "Guidelines for Artifact Usage".
    """
    layer = {**paper.blob.descriptor, "annotations": {_TITLE: paper.name}}
    created = {_CREATED: annotations[_CREATED]} if _CREATED in annotations else {}
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": paper.media_type,
        "config": EMPTY.descriptor,
        "layers": [layer],
        "subject": subject.descriptor,
        "annotations": created,
    }
    return Document(MANIFEST_TYPE, _canonical(document))


def referrers_index_of(descriptors: Sequence[Mapping[str, Any]]) -> Document:
    """What stands under the tag that lists who refers to a manifest."""
    document = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": list(descriptors)}
    return Document(INDEX_TYPE, _canonical(document))


def digest_of(content: bytes) -> str:
    """As registries name bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _canonical(document: Mapping[str, Any]) -> bytes:
    """The same bytes for the same document."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
