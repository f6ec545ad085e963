"""The manifest: the one file in which the build tells the server what it serves."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from coldstart.domain.errors import ConfigurationError, InvalidInput

SCHEMA_VERSION = 1

# Characters of a revision that name it where no other begins so. Source: git's default for abbreviated commits.
_SHORTEST_REVISION = 7


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of an artifact: path relative to the artifact, sha256 in hex, size in bytes."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Artifact:
    """A model in the form that one engine reads: a directory and every file in it."""

    path: Path
    files: tuple[ModelFile, ...]


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model of the manifest.

    `golden` is a request with its right answer, in the form of the model's task (golden.json); the check of that task
    reads it. The manifest may have several revisions of one name.
    """

    name: str
    task: str
    architecture: str
    repository: str
    revision: str
    license: str
    required: bool
    artifacts: Mapping[str, Artifact]
    golden: Mapping[str, Any]
    is_one_of_several: bool = False

    @property
    def label(self) -> str:
        """What names it in replies, logs and metrics: its name, as NAME@REVISION where there are several revisions."""
        return self.full_name if self.is_one_of_several else self.name

    @property
    def full_name(self) -> str:
        """NAME@REVISION."""
        return f"{self.name}@{self.revision}"


@dataclass(frozen=True, slots=True)
class Manifest:
    """All models that an image holds, in the order in which they are named; no two have one name and revision."""

    models: tuple[ModelEntry, ...]


def load_manifest(path: Path) -> Manifest:
    """Read a manifest. An artifact's directory that is not absolute is taken from the manifest's own.

    Raises:
        ConfigurationError: the file is missing, is not JSON, or is not a manifest of this schema version.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(f"MODELS_MANIFEST names {path}, which does not exist") from None
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"MODELS_MANIFEST names {path}, which cannot be read as JSON: {error}") from None
    try:
        if document["schema_version"] != SCHEMA_VERSION:
            raise ConfigurationError(
                f"{path} has schema_version {document['schema_version']!r}; this server reads {SCHEMA_VERSION}"
            )
        return Manifest(models=_labelled(path, [_model(m, path.parent) for m in document["models"]]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigurationError(f"{path} is not a model manifest: {error!r}") from None


def entries_named(wanted: str, entries: Iterable[ModelEntry]) -> tuple[ModelEntry, ...]:
    """The entries that a name means: NAME every revision of it, NAME@REVISION one; of none is the answer empty.

    Args:
        wanted: of the revision the first characters are enough, at least 7, where no other begins so.
        entries: to choose among.

    Raises:
        InvalidInput: more than one revision begins so.
    """
    entries = tuple(entries)
    if revisions := tuple(entry for entry in entries if entry.name == wanted):
        return revisions
    if exact := tuple(entry for entry in entries if entry.full_name == wanted):
        return exact
    begun = tuple(entry for entry in entries if _is_beginning(wanted, entry))
    if len(begun) > 1:
        candidates = " or ".join(entry.full_name for entry in begun)
        raise InvalidInput(f"model {wanted[:200]!r} may be {candidates}; name more of its revision")
    return begun


def _is_beginning(wanted: str, entry: ModelEntry) -> bool:
    return entry.full_name.startswith(wanted) and len(wanted) >= len(entry.name) + len("@") + _SHORTEST_REVISION


def _labelled(path: Path, models: Sequence[ModelEntry]) -> tuple[ModelEntry, ...]:
    """The models, each told whether there are other revisions of it."""
    revisions: dict[str, list[ModelEntry]] = {}
    for model in models:
        if not (model.revision.isascii() and model.revision.isprintable()):
            raise ConfigurationError(f"{path} has model {model.name!r} at {model.revision!r}; a revision is plain text")
        others = revisions.setdefault(model.name, [])
        if any(model.revision == other.revision for other in others):
            raise ConfigurationError(f"{path} has model {model.full_name!r} twice; each revision may be there once")
        if any(model.task != other.task for other in others):
            raise ConfigurationError(
                f"{path} has model {model.name!r} for the tasks {others[0].task!r} and {model.task!r}; "
                "all revisions of a name have one task"
            )
        others.append(model)
    return tuple(replace(model, is_one_of_several=len(revisions[model.name]) > 1) for model in models)


def _model(document: Mapping[str, Any], base: Path) -> ModelEntry:
    return ModelEntry(
        name=document["name"],
        task=document["task"],
        architecture=document["architecture"],
        repository=document["repository"],
        revision=document["revision"],
        license=document["license"],
        required=document["required"],
        artifacts={name: _artifact(a, base) for name, a in document["artifacts"].items()},
        golden=dict(document["golden"]),
    )


def _artifact(document: Mapping[str, Any], base: Path) -> Artifact:
    return Artifact(
        path=base / document["path"],
        files=tuple(ModelFile(f["path"], f["sha256"], f["size"]) for f in document["files"]),
    )
