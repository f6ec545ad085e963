"""Models as a directory beside an image: converted, with the manifest by which the server verifies them."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from coldstart_harness import nix
from coldstart_harness.catalogue.entries import Catalogue
from coldstart_harness.catalogue.verifying import MANIFEST
from coldstart_harness.errors import UsageError


def export(catalogue: Catalogue, names: Sequence[str], directory: Path, say: Callable[[str], None]) -> Path:
    """Build models and write them with one manifest into a new directory, which a container can mount anywhere.

    Returns:
        The manifest.

    Raises:
        UsageError: a model is not in the catalogue, or the directory is not new.
        BuildFailed: Nix could not build one.
    """
    derivations = [_derivation(catalogue, name) for name in names]
    if directory.exists() and any(directory.iterdir()):
        raise UsageError(f"{directory} is not empty; wanted is a new directory")
    models: list[dict[str, Any]] = []
    for volume in nix.build(derivations, say):
        manifest = json.loads((volume / MANIFEST).read_text(encoding="utf-8"))
        models += manifest["models"]
        for model in manifest["models"]:
            # Links lead into the store, which the container does not have; its modes would make it hard to remove.
            shutil.copytree(volume / model["name"], directory / model["name"], copy_function=shutil.copyfile)
    for path in (directory, *directory.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    path = directory / MANIFEST
    path.write_text(json.dumps(manifest | {"models": models}, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return path


def _derivation(catalogue: Catalogue, name: str) -> Path:
    catalogue.entry(name)
    if name not in catalogue.volumes:
        raise UsageError(f"{name} cannot be built: no service has an engine for it, or its licence is not accepted")
    return catalogue.volumes[name]
