"""What an image holds, one item a package, model or part, out of its papers and its layers."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from packageurl import PackageURL

from coldstart_harness.archive.image import ImageAtRest
from coldstart_harness.catalogue.download import HUB, Wanted
from coldstart_harness.papers.licences import Licences, of_debian_package, of_distribution
from coldstart_harness.papers.sources import (
    STORE,
    DebianPackage,
    Distribution,
    Known,
    Model,
    NixPackage,
    OwnPart,
    Papers,
)
from coldstart_harness.papers.weights import weights_of

_LARGEST_TEXT_BYTES = 4 << 20
# As Nix splits names: the version begins at the first dash that a digit follows; then comes the output, if it has one.
_STORE_NAME = re.compile(r"(?P<name>.+?)(?:-(?P<version>\d.*?))?(?:-(?:bin|lib|dev|out|man|doc|info|data|debug))?")
_POOL = re.compile(r"pool/[^/]+/[^/]+/(?P<source>[^/]+)/[^/]+_(?P<architecture>[^_/]+)\.deb")
# A rebuild of a binary package alone: its source has the version without it.
# Source: Debian Developer's Reference, 5.10.2.
_REBUILD = re.compile(r"\+b\d+$")
# The release whose packages the pins name: nix/offline/pins/debs.json, `suite`.
DEBIAN_RELEASE = "12"


@dataclass(frozen=True, slots=True)
class Source:
    """Where something was had: an address or a name, and the sha256 of what lies there, where it is known."""

    address: str
    sha256: str | None


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A file of a model in the image; its store path is another than the model's where that links to it."""

    path: str
    sha256: str
    store_path: str


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that an image holds.

    Args:
        kind: `debian`, `nixpkgs`, `python`, `model` or `own`.
        name: as its own world calls it.
        version: empty where it has none.
        store_path: that holds it, perhaps with others.
        licences: as stated.
        purl: by which scanners know it.
        cpe: the same, where there is no purl that they match.
        sha256: of the file that it was installed from.
        sources: where it was had.
        properties: what else there is to say, by name.
        files: of a model.
    """

    kind: str
    name: str
    version: str
    store_path: str
    licences: Licences
    purl: PackageURL | None = None
    cpe: str | None = None
    sha256: str | None = None
    sources: tuple[Source, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    files: tuple[HeldFile, ...] = ()

    @property
    def reference(self) -> str:
        """By which one document names it."""
        return f"{self.store_path.removeprefix(STORE)}#{self.name}"


def items_of(papers: Papers, image: ImageAtRest) -> list[Item]:
    """Everything in the image's closure; a store path that is a file of a model belongs to that model.

    Raises:
        ImageUnreadable: a file of the image cannot be read.
    """
    items = [_item_of(known, path, image) for path in sorted(papers.closure) for known in papers.known.get(path, ())]
    told = {path for item in items for path in (item.store_path, *(file.store_path for file in item.files))}
    return items + [_unknown(path) for path in sorted(papers.closure.keys() - told)]


def _item_of(known: Known, path: str, image: ImageAtRest) -> Item:
    match known:
        case DebianPackage():
            return _debian(known, path, image)
        case NixPackage():
            licences = Licences((known.license,) if known.license else (), "nixpkgs, meta.license")
            return _nixpkgs(known.name, known.version, path, licences)
        case Distribution():
            return _distribution(known, path, image)
        case Model():
            return _model(known, path, image)
        case OwnPart():
            return Item("own", known.name, known.version, path, Licences(("MIT",), "this project's LICENSE"))


def _debian(package: DebianPackage, path: str, image: ImageAtRest) -> Item:
    """Vulnerabilities are recorded of source packages: `upstream` is how scanners learn which one it is."""
    pool = _POOL.fullmatch(package.path)
    source, architecture = (pool["source"], pool["architecture"]) if pool else (package.name, image.architecture)
    source_version = _REBUILD.sub("", package.version)
    upstream = source if source_version == package.version else f"{source}@{source_version}"
    qualifiers = {"arch": architecture, "distro": f"debian-{DEBIAN_RELEASE}"}
    if upstream != package.name:
        qualifiers["upstream"] = upstream
    notice = _notice_of(package, path, image)
    licences = (
        Licences((package.license,), "the certificates in it")
        if package.license
        else of_debian_package(notice and _text(image, notice), notice or "")
    )
    return Item(
        kind="debian",
        name=package.name,
        version=package.version,
        store_path=path,
        licences=licences,
        purl=PackageURL("deb", "debian", package.name, package.version, qualifiers),
        sha256=package.sha256,
        properties=(
            ("coldstart:installed-from", package.path),
            # Trivy reads a source package's name from here alone.
            ("aquasecurity:trivy:SrcName", source),
        ),
    )


def _notice_of(package: DebianPackage, path: str, image: ImageAtRest) -> str | None:
    """Its copyright file, or one beside it: packages of one source may share theirs. Source: Debian Policy, 12.5."""
    documents = f"{path}/share/doc"
    for name in (package.name, *sorted(image.tree.names_in(documents))):
        if image.tree.holds(notice := f"{documents}/{name}/copyright"):
            return notice
    return None


def _nixpkgs(name: str, version: str, path: str, licences: Licences) -> Item:
    """No vulnerability database speaks of nixpkgs: scanners find these by CPE, whose vendor is a guess."""
    product = re.sub(r"[^a-z0-9._-]", "", name.lower())
    return Item(
        kind="nixpkgs",
        name=name,
        version=version,
        store_path=path,
        licences=licences,
        purl=PackageURL("generic", None, name, version or None),
        cpe=f"cpe:2.3:a:{product}:{product}:{version}:*:*:*:*:*:*:*" if re.fullmatch(r"[\w.]+", version) else None,
    )


def _unknown(path: str) -> Item:
    name = path.removeprefix(STORE).partition("-")[2]
    parts = _STORE_NAME.fullmatch(name)
    known, version = (parts["name"], parts["version"] or "") if parts else (name, "")
    return _nixpkgs(known, version, path, Licences((), "only its store path is known"))


def _distribution(package: Distribution, path: str, image: ImageAtRest) -> Item:
    metadata = next((text for file in _metadata_files(path, image) if (text := _text(image, file)) is not None), None)
    return Item(
        kind="python",
        name=package.name,
        version=package.version,
        store_path=path,
        licences=Licences((), "no METADATA") if metadata is None else of_distribution(metadata),
        purl=PackageURL("pypi", None, package.name, package.version),
        sha256=package.sha256,
        properties=(("coldstart:installed-from", package.file),),
    )


def _metadata_files(path: str, image: ImageAtRest) -> Iterator[str]:
    for python in sorted(image.tree.names_in(f"{path}/lib")):
        site = f"{path}/lib/{python}/site-packages"
        yield from (
            f"{site}/{name}/METADATA" for name in sorted(image.tree.names_in(site)) if name.endswith(".dist-info")
        )


def _model(model: Model, path: str, image: ImageAtRest) -> Item:
    stated = {
        "coldstart:task": model.task,
        "coldstart:architecture": model.architecture,
        "coldstart:engine": model.engine,
        "coldstart:weights": weights_of(image, path),
        "coldstart:repository": model.repository,
        "coldstart:made-with": " ".join(model.parts),
    }
    return Item(
        kind="model",
        name=model.name,
        version=model.version,
        store_path=path,
        licences=Licences((model.license,), "the catalogue of models"),
        purl=_purl_of(model),
        sources=tuple(_sources_of(model)),
        properties=tuple((name, value) for name, value in stated.items() if value),
        files=tuple(_files_below(path, image)),
    )


def _purl_of(model: Model) -> PackageURL | None:
    match model.origin:
        case "hub":
            namespace, _, name = model.repository.rpartition("/")
            return PackageURL("huggingface", namespace, name, model.version.lower())
        case "package":
            name, _, version = model.origin_name.partition(" ")
            return PackageURL("pypi", None, name, version)
        case "repository":
            return None


def _sources_of(model: Model) -> Iterator[Source]:
    if model.origin == "package":
        yield Source(str(_purl_of(model)), None)
    for name, file in sorted(model.files.items()):
        wanted = Wanted(model.repository, model.version, name)
        address = wanted.url(HUB) if model.origin == "hub" else f"{model.origin_name}/{name}"
        yield Source(address, file.sha256)


def _files_below(directory: str, image: ImageAtRest) -> Iterator[HeldFile]:
    for path in sorted(path for path in image.tree.paths() if path.startswith(f"{directory}/")):
        entry = image.tree.resolve(path)
        if entry is not None and entry.kind == "file":
            store_path = STORE + entry.path.removeprefix(STORE).partition("/")[0]
            yield HeldFile(posixpath.relpath(path, directory), image.sha256(entry), store_path)


def _text(image: ImageAtRest, path: str) -> str | None:
    entry = image.tree.resolve(path)
    if entry is None or entry.kind != "file":
        return None
    with image.open(entry) as file:
        return file.read(_LARGEST_TEXT_BYTES).decode("utf-8", errors="replace")
