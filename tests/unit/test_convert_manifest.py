"""The manifest that the build writes is the one that the server reads."""

import hashlib
import json
from pathlib import Path

import pytest

from coldstart.domain.manifest import load_manifest
from convert.manifest import UnreadableEntry, write_manifest

GOLDEN = {
    "prompt": "The cat",
    "token_ids": [3, 1],
    "probabilities": {"2": 0.75, "0": 0.2},
    "tolerance": {"onnxruntime": 0.05},
}


def _description(directory: Path, artifact: Path, golden: Path) -> Path:
    model = {
        "name": "tiny",
        "task": "next-token",
        "architecture": "gpt2",
        "repository": "example/tiny",
        "revision": "1",
        "license": "MIT",
        "required": True,
        "artifacts": {"onnxruntime": str(artifact)},
        "golden": str(golden),
    }
    path = directory / "models.in.json"
    path.write_text(json.dumps({"schema_version": 1, "models": [model]}))
    return path


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    path = tmp_path / "golden.json"
    path.write_text(json.dumps(GOLDEN))
    return path


def test_the_server_reads_what_the_build_writes(tmp_path: Path, golden: Path) -> None:
    """Every file of an artifact, in directories too, arrives with its path, sha256 and size, and so does the golden."""
    artifact = tmp_path / "artifact"
    (artifact / "nested").mkdir(parents=True)
    (artifact / "model.onnx").write_bytes(b"weights")
    (artifact / "nested" / "extra").write_bytes(b"")
    out = tmp_path / "models.json"

    write_manifest(out, _description(tmp_path, artifact, golden))

    (model,) = load_manifest(out).models
    files = {f.path: (f.sha256, f.size) for f in model.artifacts["onnxruntime"].files}
    assert files == {
        "model.onnx": (hashlib.sha256(b"weights").hexdigest(), 7),
        "nested/extra": (hashlib.sha256(b"").hexdigest(), 0),
    }
    assert model.artifacts["onnxruntime"].path == artifact


def test_a_directory_beside_the_manifest_is_found_where_both_are_moved_to(tmp_path: Path, golden: Path) -> None:
    """An artifact that is named relative to the manifest is so in the manifest, and is read from beside it."""
    volume = tmp_path / "built"
    (volume / "tiny").mkdir(parents=True)
    (volume / "tiny" / "model.onnx").write_bytes(b"weights")
    write_manifest(volume / "models.json", _description(tmp_path, Path("tiny"), golden))

    moved = volume.rename(tmp_path / "mounted")

    (model,) = load_manifest(moved / "models.json").models
    artifact = model.artifacts["onnxruntime"]
    assert artifact.path == moved / "tiny"
    assert [file.path for file in artifact.files] == ["model.onnx"]
    assert model.golden == json.loads(golden.read_text())


def test_an_artifact_without_files_is_refused(tmp_path: Path, golden: Path) -> None:
    """An empty directory is named, and no manifest is written."""
    (tmp_path / "artifact").mkdir()
    with pytest.raises(UnreadableEntry, match=r"no files in .*artifact"):
        write_manifest(tmp_path / "models.json", _description(tmp_path, tmp_path / "artifact", golden))
    assert not (tmp_path / "models.json").exists()


def test_a_model_without_a_golden_answer_is_refused(tmp_path: Path) -> None:
    """A missing golden answer is named, and no manifest is written."""
    artifact = tmp_path / "artifact"
    artifact.mkdir()
    (artifact / "model.onnx").write_bytes(b"weights")
    with pytest.raises(UnreadableEntry, match=r"no golden answer at .*missing\.json"):
        write_manifest(tmp_path / "models.json", _description(tmp_path, artifact, tmp_path / "missing.json"))
    assert not (tmp_path / "models.json").exists()
