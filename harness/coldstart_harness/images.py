"""Building an image and loading it into the engine."""

import os
from collections.abc import Callable
from pathlib import Path

from docker.errors import ImageNotFound

from coldstart_harness import nix
from coldstart_harness.engine import Engine
from coldstart_harness.errors import BuildFailed
from coldstart_harness.plan import PlannedImage
from coldstart_harness.process import follow


def build_image(engine: Engine, image: PlannedImage, say: Callable[[str], None]) -> tuple[Path, Path]:
    """The image's description in the store, and the program that loads it.

    Raises:
        BuildFailed: Nix could not build it.
    """
    description, loader = nix.build([image.derivation, engine.loader_of(image)], say)
    return description, loader


def load_image(engine: Engine, image: PlannedImage, loader: Path, say: Callable[[str], None]) -> str:
    """Load the image and return its id in the engine.

    Raises:
        BuildFailed: the loader failed, or the engine does not have the image afterwards.
    """
    done = follow([program_in(loader)], on_line=say, environment=engine.environment)
    if done.status:
        raise BuildFailed(f"loading {image.reference} failed (exit status {done.status})", details=done.tail)
    try:
        return str(engine.client.images.get(image.reference).id)
    except ImageNotFound:
        raise BuildFailed(f"the engine at {engine.host} has no {image.reference} after loading it") from None


def program_in(package: Path) -> Path:
    """The one program of a package that brings an image out of the store."""
    programs = [path for path in (package / "bin").iterdir() if os.access(path, os.X_OK)]
    if len(programs) != 1:
        raise BuildFailed(f"{package}/bin holds {len(programs)} programs; a loader holds one")
    return programs[0]
