"""Models as a directory beside an image: converted, with the manifest by which the server verifies them."""

import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from coldstart_harness import nix
from coldstart_harness.catalogue.entries import Catalogue
from coldstart_harness.catalogue.verifying import MANIFEST
from coldstart_harness.errors import HarnessError, UsageError


class ExportFailed(HarnessError):
    """A volume could not be written."""


def export(catalogue: Catalogue, names: Sequence[str], directory: Path, say: Callable[[str], None]) -> Path:
    """Build models and write them with one manifest into a new directory, which a container can mount anywhere.

    Returns:
        The manifest.

    Raises:
        UsageError: a model is not in the catalogue, or the directory is not new.
        BuildFailed: Nix could not build one.
        ExportFailed: the directory could not be written; nothing is left of it.
    """
    derivations = [_derivation(catalogue, name) for name in dict.fromkeys(names)]
    if directory.is_dir() and any(directory.iterdir()):
        raise UsageError(f"{directory} is not empty; wanted is a new directory")
    volumes = nix.build(derivations, say)
    target = directory.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Beside it: half a volume is never there under its name.
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as scratch:
            _write(volumes, Path(scratch) / target.name).rename(target)
    except OSError as error:
        raise ExportFailed(f"{directory} could not be written: {error}") from None
    return directory / MANIFEST


def _write(volumes: Sequence[Path], directory: Path) -> Path:
    directory.mkdir()
    models: list[dict[str, Any]] = []
    for volume in volumes:
        manifest = json.loads((volume / MANIFEST).read_text(encoding="utf-8"))
        models += manifest["models"]
        for place in filter(Path.is_dir, volume.iterdir()):
            # Links lead into the store, which the container does not have; its modes would make it hard to remove.
            shutil.copytree(place, directory / place.name, copy_function=shutil.copyfile)
    document = json.dumps(manifest | {"models": models}, indent=2, sort_keys=True) + "\n"
    (directory / MANIFEST).write_text(document, encoding="utf-8")
    for path in (directory, *directory.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return directory


def _derivation(catalogue: Catalogue, name: str) -> Path:
    catalogue.entry(name)
    if name not in catalogue.volumes:
        raise UsageError(f"{name} cannot be built: no service has an engine for it, or its licence is not accepted")
    return catalogue.volumes[name]
