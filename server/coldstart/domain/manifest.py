"""The manifest: the one file in which the build tells the server what it serves."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coldstart.domain.errors import ConfigurationError

SCHEMA_VERSION = 1


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
    reads it.
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


@dataclass(frozen=True, slots=True)
class Manifest:
    """All models that an image holds, in the order in which they are named."""

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
        return Manifest(models=tuple(_model(m, path.parent) for m in document["models"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigurationError(f"{path} is not a model manifest: {error!r}") from None


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
