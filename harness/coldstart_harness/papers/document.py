"""The SBOM: a CycloneDX document that is the same bytes for the same image."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, License, LicenseAcknowledgement
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.spdx import is_supported_id

from coldstart_harness.archive.image import ImageAtRest
from coldstart_harness.papers.items import DEBIAN_RELEASE, HeldFile, Item
from coldstart_harness.papers.licences import Licences

MEDIA_TYPE = "application/vnd.cyclonedx+json"
STORE_PATH = "coldstart:store-path"

# Whose names the serial numbers are; any UUID would do that never changes.
_SERIALS = uuid.UUID("6e1c9a52-6b1f-4a7e-9a3f-2f4b1c0d8e57")
# Of an image that does not say when it was made, which OCI leaves to it.
_UNDATED = "1970-01-01T00:00:00Z"
_TYPES = {
    "debian": ComponentType.LIBRARY,
    "nixpkgs": ComponentType.LIBRARY,
    "python": ComponentType.LIBRARY,
    "model": ComponentType.MACHINE_LEARNING_MODEL,
    "own": ComponentType.APPLICATION,
}
_LICENSES = LicenseFactory()


@dataclass(frozen=True, slots=True)
class Named:
    """The image that a document is about: its name, its tag, when it was made (RFC 3339), and its config's digest."""

    name: str
    tag: str
    created: str
    digest: str


def named(reference: str, image: ImageAtRest) -> Named:
    """An image under the name that it is loaded by."""
    name, _, tag = reference.rpartition(":")
    return Named(name, tag, str(image.saved.config.get("created") or _UNDATED), image.saved.config_digest)


def sbom_of(about: Named, items: Sequence[Item], references: Mapping[str, frozenset[str]]) -> bytes:
    """The document.

    Args:
        about: the image.
        items: what it holds.
        references: each store path → those that it refers to; what is said to depend on what follows from it.

    Returns:
        CycloneDX 1.6 as JSON, media type MEDIA_TYPE; no clock and no chance decide any byte of it.
    """
    image = _image_component(about)
    components = {item.reference: _component_of(item) for item in items}
    bom = Bom(
        components=[*components.values(), *_operating_system(items)],
        serial_number=uuid.uuid5(_SERIALS, about.digest),
        metadata=BomMetaData(component=image, timestamp=datetime.fromisoformat(about.created)),
    )
    by_path: dict[str, list[Component]] = {}
    for item in items:
        by_path.setdefault(item.store_path, []).append(components[item.reference])
    referred = {path for paths in references.values() for path in paths}
    for path, held in by_path.items():
        needed = [component for other in references.get(path, ()) for component in by_path.get(other, ())]
        for component in held:
            bom.register_dependency(component, needed)
    bom.register_dependency(image, [c for path, held in by_path.items() if path not in referred for c in held])
    return (JsonV1Dot6(bom).output_as_string(indent=2) + "\n").encode()


def _image_component(about: Named) -> Component:
    return Component(
        name=about.name,
        version=about.tag,
        type=ComponentType.CONTAINER,
        bom_ref="image",
        properties=[Property(name="coldstart:image-id", value=about.digest)],
    )


def _operating_system(items: Iterable[Item]) -> list[Component]:
    """By which scanners know whose security tracker is asked about the packages."""
    if not any(item.kind == "debian" for item in items):
        return []
    return [
        Component(
            name="debian",
            version=DEBIAN_RELEASE,
            type=ComponentType.OPERATING_SYSTEM,
            bom_ref="debian",
            description="the distribution that packages are taken from; it is not installed",
        )
    ]


def _component_of(item: Item) -> Component:
    properties = [(STORE_PATH, item.store_path), ("coldstart:licence-from", item.licences.source), *item.properties]
    return Component(
        name=item.name,
        version=item.version or None,
        type=_TYPES[item.kind],
        bom_ref=item.reference,
        purl=item.purl,
        cpe=item.cpe,
        hashes=_hashes(item.sha256),
        licenses=_licenses_of(item.licences),
        external_references=[
            ExternalReference(
                type=ExternalReferenceType.DISTRIBUTION, url=XsUri(source.address), hashes=_hashes(source.sha256)
            )
            for source in item.sources
        ],
        properties=[Property(name=name, value=value) for name, value in properties],
        components=[_file_of(item, file) for file in item.files],
    )


def _file_of(item: Item, file: HeldFile) -> Component:
    elsewhere = [] if file.store_path == item.store_path else [Property(name=STORE_PATH, value=file.store_path)]
    return Component(
        name=file.path,
        type=ComponentType.FILE,
        bom_ref=f"{item.reference}/{file.path}",
        hashes=_hashes(file.sha256),
        properties=elsewhere,
    )


def _hashes(sha256: str | None) -> list[HashType]:
    return [] if sha256 is None else [HashType(alg=HashAlgorithm.SHA_256, content=sha256)]


def _licenses_of(licences: Licences) -> list[License]:
    """One expression, or any number of identifiers and names: CycloneDX has no mixture of both."""
    declared = LicenseAcknowledgement.DECLARED
    if len(licences.names) == 1:
        return [_LICENSES.make_from_string(licences.names[0], license_acknowledgement=declared)]
    return [
        DisjunctiveLicense(id=name, acknowledgement=declared)
        if is_supported_id(name)
        else DisjunctiveLicense(name=name, acknowledgement=declared)
        for name in licences.names
    ]
