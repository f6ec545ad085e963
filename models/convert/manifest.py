"""The manifest of an image: what it serves, with the hash of every file."""

import hashlib
import json
from pathlib import Path
from typing import Any


class UnreadableEntry(Exception):
    """The description of the models lacks something, or names something that is not there."""


def write_manifest(out: Path, description: Path) -> None:
    """Complete `description` with the files of each artifact and each golden answer, and write it.

    Args:
        out: the manifest, as the server reads it.
        description: JSON with `schema_version` and `models`; each model has `artifacts`, engine name → directory, and
            `golden`, the path of a golden.json; all else is carried over. A directory may be named relative to the
            manifest's own, and is so in the manifest, too.

    Raises:
        UnreadableEntry: a directory or a golden answer is missing.
    """
    document = json.loads(description.read_text(encoding="utf-8"))
    models = [_completed(model, out.parent) for model in document["models"]]
    manifest = {"schema_version": document["schema_version"], "models": models}
    out.write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _completed(model: dict[str, Any], base: Path) -> dict[str, Any]:
    golden = Path(model["golden"])
    if not golden.is_file():
        raise UnreadableEntry(f"model {model['name']}: no golden answer at {golden}")
    return model | {
        "artifacts": {engine: _artifact(model["name"], base, path) for engine, path in model["artifacts"].items()},
        "golden": json.loads(golden.read_text(encoding="utf-8")),
    }


def _artifact(name: str, base: Path, path: str) -> dict[str, Any]:
    directory = base / path
    paths = sorted(file for file in directory.rglob("*") if file.is_file())
    if not paths:
        raise UnreadableEntry(f"model {name}: no files in {directory}")
    return {"path": path, "files": [_file(directory, file) for file in paths]}


def _file(directory: Path, path: Path) -> dict[str, Any]:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"path": path.relative_to(directory).as_posix(), "sha256": digest, "size": path.stat().st_size}
