"""Whether models are the ones that the catalogue names: in a directory, in an image, in a running server."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coldstart_harness.archive.image import ImageAtRest
from coldstart_harness.catalogue.entries import Catalogue, Entry
from coldstart_harness.errors import ServiceFailed, UsageError
from coldstart_harness.proofs.identity.models import NamedFile, NamedModel, labels_of, named_models, wrong_files
from coldstart_harness.service import Service
from coldstart_harness.slo.document import Image

MANIFEST = "models.json"
_MANIFEST_VARIABLE = "MODELS_MANIFEST"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One model: what was compared, and a sentence on everything that is not as the catalogue says.

    Args:
        model: its name, or NAME@REVISION where there are several revisions of it.
    """

    model: str
    compared: str
    problems: tuple[str, ...]


def verify_directory(catalogue: Catalogue, directory: Path, name: str | None) -> list[Verdict]:
    """Compare a directory with the catalogue: a volume with its manifest, a mirror, or one model's repository.

    Args:
        catalogue: what is wanted.
        directory: what is met.
        name: of the model whose repository it is laid out as; None: it is a volume or a mirror.

    Raises:
        UsageError: nothing in it says which models it holds.
    """
    if name is not None:
        return [_repository(catalogue.entry(name), directory)]
    if (directory / MANIFEST).is_file():
        return _volume(catalogue, directory)
    pinned = [entry for entry in catalogue.entries.values() if entry.files]
    places = [(entry, directory / entry.repository / "resolve" / entry.revision) for entry in pinned]
    found = [_repository(entry, place) for entry, place in places if place.is_dir()]
    if not found:
        raise UsageError(
            f"{directory} has neither {MANIFEST} nor REPO/resolve/REV of a model in the catalogue; if it is laid out "
            "as one model's repository, say whose with --model"
        )
    return found


def verify_image(catalogue: Catalogue, image: ImageAtRest) -> list[Verdict]:
    """Compare an image with the catalogue: what its manifest says, and the bytes in its layers.

    Raises:
        ServiceFailed: it has no manifest.
    """
    models = named_models(image, Image(models_manifest=_MANIFEST_VARIABLE)) or ()
    verdicts = []
    for label, model in zip(labels_of(models), models, strict=True):
        problems = [*_manifest_problems(catalogue, model), *wrong_files(image, [model])]
        verdicts.append(Verdict(label, f"revision and {len(model.files)} files in its layers", tuple(problems)))
    return verdicts


def verify_server(catalogue: Catalogue, url: str) -> list[Verdict]:
    """Compare a running server with the catalogue: which models it has at which revision, and that they are ready.

    A model of the server is ready when it has found every file to have the sha256 of its manifest, and its golden
    request to be answered right.

    Raises:
        ServiceFailed: nobody answers, or it is no server of this project.
    """
    service = Service(url.rstrip("/"))
    models = service.health().get("models")
    if not isinstance(models, Mapping) or not all(isinstance(model, Mapping) for model in models.values()):
        raise ServiceFailed(f"{url}/health does not answer with the models of a server")
    return [_served(catalogue, label, model) for label, model in models.items()]


def _served(catalogue: Catalogue, label: str, model: Mapping[str, Any]) -> Verdict:
    revision = str(model.get("revision", ""))
    problems = _revision_problem(catalogue, label.removesuffix(f"@{revision}"), revision)
    if model.get("state") != "ready":
        problems.append(f"{label} is {model.get('state')}: {model.get('reason', 'no reason is given')}")
    return Verdict(label, "revision; ready, so files as its manifest says and the golden answer right", tuple(problems))


def _repository(entry: Entry, directory: Path) -> Verdict:
    if not entry.files:
        raise UsageError(f"{entry.name} comes from the package {entry.package}: the catalogue pins no files of it")
    wanted = [(file, pin.sha256, pin.size) for file, pin in entry.files.items()]
    return Verdict(entry.name, f"{len(wanted)} files", tuple(_file_problems(directory, wanted)))


def _volume(catalogue: Catalogue, directory: Path) -> list[Verdict]:
    path = directory / MANIFEST
    try:
        models: Sequence[Mapping[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["models"]
        named = [NamedModel(model["name"], model["revision"], ()) for model in models]
        pairs = zip(labels_of(named), models, strict=True)
        return [_in_volume(catalogue, directory, label, model) for label, model in pairs]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} is not a model manifest: {error!r}") from None


def _in_volume(catalogue: Catalogue, directory: Path, label: str, model: Mapping[str, Any]) -> Verdict:
    problems: list[str] = []
    forms: list[tuple[NamedFile, ...]] = []
    for artifact in model["artifacts"].values():
        place = directory / artifact["path"]
        wanted = [(file["path"], file["sha256"], file["size"]) for file in artifact["files"]]
        problems += _file_problems(place, wanted)
        forms.append(tuple(NamedFile(f"{place}/{file}", sha256) for file, sha256, _size in wanted))
    named = NamedModel(model["name"], model["revision"], tuple(forms))
    compared = f"revision and {len(named.files)} files of its manifest"
    return Verdict(label, compared, (*_manifest_problems(catalogue, named), *problems))


def _file_problems(directory: Path, wanted: Iterable[tuple[str, str, int]]) -> list[str]:
    problems = []
    for file, sha256, size in wanted:
        path = directory / file
        if not path.is_file():
            problems.append(f"{path} is missing")
            continue
        with path.open("rb") as stream:
            met = hashlib.file_digest(stream, "sha256").hexdigest()
        if met != sha256:
            problems.append(f"{path} has sha256 {met} and {path.stat().st_size} bytes; wanted {sha256}, {size} bytes")
    return problems


def _revision_problem(catalogue: Catalogue, name: str, revision: str) -> list[str]:
    pinned = [entry.revision for entry in _revisions(catalogue, name)]
    if not pinned:
        return [f"{name} is not in the catalogue"]
    if revision not in pinned:
        return [f"{name} is at revision {revision}; the catalogue has {' and '.join(pinned)}"]
    return []


def _revisions(catalogue: Catalogue, name: str) -> list[Entry]:
    """The entries that are served by that name."""
    return [entry for entry in catalogue.entries.values() if entry.served_name == name]


def _manifest_problems(catalogue: Catalogue, model: NamedModel) -> list[str]:
    """What a manifest says of a model against the catalogue; the bytes are another question."""
    problems = _revision_problem(catalogue, model.name, model.revision)
    if not model.files:
        problems.append(f"{model.name} has no files in the manifest")
    # At a revision that nobody pinned it is compared with those that somebody did.
    revisions = _revisions(catalogue, model.name)
    entries = [entry for entry in revisions if entry.revision == model.revision] or revisions
    return [*problems, *(problem for entry in entries for problem in _published_problems(entry, model))]


def _published_problems(entry: Entry, model: NamedModel) -> list[str]:
    """A form that has every file of the entry is the published one: its hashes are the catalogue's too."""
    problems = []
    for form in model.forms:
        by_file = {file: named for file in entry.files for named in form if named.path.endswith(f"/{file}")}
        if len(by_file) == len(entry.files):
            problems += [
                f"{named.path} has sha256 {named.sha256}; the catalogue has {entry.files[file].sha256}"
                for file, named in by_file.items()
                if named.sha256.lower() != entry.files[file].sha256
            ]
    return problems
