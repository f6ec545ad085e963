"""Which models an image says it serves: in its manifest, or in the file of promises."""

import json
import posixpath
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, ValidationError

from coldstart_harness.archive.image import ImageAtRest
from coldstart_harness.archive.tree import Entry
from coldstart_harness.errors import ServiceFailed
from coldstart_harness.slo.document import Image

_LARGEST_MANIFEST_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file as the image names it: its absolute path, and its sha256 in hex."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class NamedModel:
    """A model as the image names it.

    Args:
        name: of the model.
        revision: what it is pinned to; empty where the image does not say.
        forms: the files of each form that it lies there in; a service reads one form.
    """

    name: str
    revision: str
    forms: tuple[tuple[NamedFile, ...], ...]

    @property
    def files(self) -> tuple[NamedFile, ...]:
        return tuple(file for form in self.forms for file in form)


class _File(BaseModel):
    model_config = ConfigDict(extra="ignore")
    path: str
    sha256: str


class _Artifact(BaseModel):
    path: str
    files: list[_File]


class _Model(BaseModel):
    name: str
    revision: str = ""
    artifacts: dict[str, _Artifact]


class _Manifest(BaseModel):
    """What is read of a manifest; it says more, which is the service's business."""

    models: list[_Model]


def named_models(image: ImageAtRest, promised: Image) -> tuple[NamedModel, ...] | None:
    """What the image says it serves; None: neither a manifest nor the file of promises says anything.

    Raises:
        ServiceFailed: the manifest that is promised is not there, or is none.
    """
    if promised.models_manifest is not None:
        return _in_manifest(image, promised.models_manifest)
    if not promised.models:
        return None
    return tuple(
        NamedModel(name, model.revision, (tuple(NamedFile(file.path, file.sha256) for file in model.files),))
        for name, model in promised.models.items()
    )


def labels_of(models: Sequence[NamedModel]) -> list[str]:
    """What tells each from the others: its name, or NAME@REVISION where there are several revisions of that name."""
    revisions = Counter(model.name for model in models)
    return [f"{model.name}@{model.revision}" if revisions[model.name] > 1 else model.name for model in models]


def wrong_files(image: ImageAtRest, models: Sequence[NamedModel]) -> list[str]:
    """A sentence on every file that is missing or has other bytes than the image says."""
    sentences = []
    for model in models:
        for file in model.files:
            entry = image.tree.resolve(file.path)
            if entry is None or entry.kind != "file":
                sentences.append(f"{model.name}: {file.path} is not in the image")
            elif (met := image.sha256(entry)) != file.sha256.lower():
                sentences.append(f"{model.name}: {file.path} has sha256 {met} instead of {file.sha256}")
    return sentences


def largest_of_each_form(image: ImageAtRest, model: NamedModel) -> list[tuple[NamedFile, Entry]]:
    """The weights, one file a form: the file as it is named, and the one that its links lead to."""
    found = []
    for form in model.forms:
        entries = [(file, entry) for file in form if (entry := image.tree.resolve(file.path)) and entry.size]
        if entries:
            found.append(max(entries, key=lambda pair: pair[1].size))
    return found


def _in_manifest(image: ImageAtRest, place: str) -> tuple[NamedModel, ...]:
    path = place if place.startswith("/") else image.environment.get(place)
    if path is None:
        raise ServiceFailed(f"the image sets no {place}, which was to name its model manifest")
    entry = image.tree.resolve(path)
    if entry is None or entry.kind != "file":
        raise ServiceFailed(f"the model manifest {path} is not in the image")
    with image.open(entry) as file:
        content = file.read(_LARGEST_MANIFEST_BYTES)
    try:
        manifest = _Manifest.model_validate(json.loads(content))
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise ServiceFailed(f"{path} in the image is not a model manifest: {where}: {problem['msg']}") from None
    except ValueError as error:
        raise ServiceFailed(f"{path} in the image is not JSON: {error}") from None
    return tuple(
        NamedModel(model.name, model.revision, tuple(_form_of(artifact) for artifact in model.artifacts.values()))
        for model in manifest.models
    )


def _form_of(artifact: _Artifact) -> tuple[NamedFile, ...]:
    return tuple(NamedFile(posixpath.join(artifact.path, file.path), file.sha256) for file in artifact.files)
