"""What `test` builds and loads before the tests that need a container engine."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from coldstart_harness import nix
from coldstart_harness.engine import Engine
from coldstart_harness.plan import PlannedImage
from coldstart_harness.progress import Progress, make_console
from coldstart_harness.testing import host


def planned(name: str, changed: PlannedImage | None = None) -> PlannedImage:
    image, loader, papers = (Path(f"/{name}-{what}.drv") for what in ("image", "loader", "papers"))
    return PlannedImage(name, f"{name}:1", image, loader, loader, loader, papers, 1, (), code_changed=changed)


def test_papers_are_built_of_the_images_whose_papers_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an image is after a change of code is loaded, and its papers are nobody's."""
    built: list[str] = []

    def build(derivations: Sequence[Path], _say: Callable[[str], None]) -> list[Path]:
        built.extend(path.name for path in derivations)
        return list(derivations)

    monkeypatch.setattr(nix, "build", build)
    monkeypatch.setattr(host, "load_image", lambda *_arguments: "sha256:0")
    nobody: Any = None
    image = planned("image", planned("changed"))
    rows, loaded = host.load_images(Engine("docker", "unix:///none", nobody), [image], Progress(make_console()))
    assert (len(rows), loaded) == (2, [image])
    assert [name for name in built if name.endswith("papers.drv")] == ["image-papers.drv"]
    assert "changed-image.drv" in built
