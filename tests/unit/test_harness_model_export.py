"""Models as a directory beside an image: one volume of several, whole or not at all."""

import errno
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.harness_hub_doubles import catalogue_of, starter_entry

from coldstart_harness import nix
from coldstart_harness.catalogue.entries import Catalogue
from coldstart_harness.catalogue.exporting import ExportFailed, export

NAMES = ("first", "second")


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    """Two models that Nix has built, with links into its store."""
    store = tmp_path / "store"
    for name in NAMES:
        (store / f"{name}-converted").mkdir(parents=True)
        (store / f"{name}-converted" / "model.bin").write_text(name)
        (store / f"volume-{name}" / name).mkdir(parents=True)
        (store / f"volume-{name}" / name / "engine").symlink_to(store / f"{name}-converted")
        manifest = {"schema_version": 1, "models": [{"name": name}]}
        (store / f"volume-{name}" / "models.json").write_text(json.dumps(manifest))

    def built(derivations: Sequence[Path], _say: Callable[[str], None]) -> list[Path]:
        return [store / derivation.stem for derivation in derivations]

    monkeypatch.setattr(nix, "build", built)
    entries = catalogue_of(*(starter_entry(name=name) for name in NAMES))
    return replace(entries, volumes={name: Path(f"volume-{name}.drv") for name in NAMES})


def test_a_volume_has_each_model_once(tmp_path: Path, catalogue: Catalogue) -> None:
    """Also one that is named twice; files instead of links, which everybody can read."""
    out = tmp_path / "new" / "volume"
    manifest = export(catalogue, ["first", "second", "first"], out, lambda _line: None)
    assert manifest == out / "models.json"
    assert [model["name"] for model in json.loads(manifest.read_text())["models"]] == ["first", "second"]
    for name in NAMES:
        file = out / name / "engine" / "model.bin"
        assert file.read_text() == name
        assert not file.parent.is_symlink()
    assert {path.stat().st_mode & 0o777 for path in (out, *out.rglob("*"))} == {0o755, 0o644}
    assert list(out.parent.iterdir()) == [out]


def test_a_volume_may_have_two_revisions_of_a_model(tmp_path: Path, catalogue: Catalogue) -> None:
    """Each in the directory of its entry, whatever name both are served by."""
    for name in NAMES:
        manifest = {"schema_version": 1, "models": [{"name": "served", "revision": name}]}
        (tmp_path / "store" / f"volume-{name}" / "models.json").write_text(json.dumps(manifest))
    written = export(catalogue, NAMES, tmp_path / "volume", lambda _line: None)
    assert [model["revision"] for model in json.loads(written.read_text())["models"]] == [*NAMES]
    assert {path.name for path in written.parent.iterdir()} == {"models.json", *NAMES}


def test_an_empty_directory_is_filled(tmp_path: Path, catalogue: Catalogue) -> None:
    """It is as good as a new one."""
    (tmp_path / "volume").mkdir()
    assert export(catalogue, ["first"], tmp_path / "volume", lambda _line: None).is_file()


def test_a_full_disk_leaves_nothing_behind(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is one sentence."""

    def copy(source: Path, target: Path) -> Path:
        if Path(source).read_text() == "second":
            raise OSError(errno.ENOSPC, "No space left on device")
        return Path(target)

    monkeypatch.setattr(shutil, "copyfile", copy)
    with pytest.raises(ExportFailed, match=r"volume could not be written: .*No space left on device"):
        export(catalogue, NAMES, tmp_path / "new" / "volume", lambda _line: None)
    assert list((tmp_path / "new").iterdir()) == []
