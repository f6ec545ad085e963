"""A model's files are compared with the manifest, and what differs is named."""

import hashlib
from pathlib import Path

import pytest

from coldstart.domain.errors import ModelRejected
from coldstart.domain.manifest import Artifact, ModelFile
from coldstart.runtime.verification import verify_artifact

CONTENTS = {"weights.bin": b"w" * 100_000, "nested/tokenizer.json": b"{}", "empty": b""}


@pytest.fixture
def artifact(tmp_path: Path) -> Artifact:
    for name, content in CONTENTS.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    files = [ModelFile(name, hashlib.sha256(content).hexdigest(), len(content)) for name, content in CONTENTS.items()]
    return Artifact(tmp_path, tuple(files))


def test_the_very_bytes_pass(artifact: Artifact) -> None:
    """Files as the manifest names them are no problem."""
    verify_artifact(artifact)


def test_files_behind_links_pass(artifact: Artifact, tmp_path: Path) -> None:
    """Stores make trees of links to files."""
    (tmp_path / "weights.bin").rename(tmp_path.parent / "weights-elsewhere")
    (tmp_path / "weights.bin").symlink_to(tmp_path.parent / "weights-elsewhere")
    verify_artifact(artifact)


def test_a_flipped_byte_names_the_file_and_both_hashes(artifact: Artifact, tmp_path: Path) -> None:
    """One byte of 100,000 is enough."""
    flipped = bytearray(CONTENTS["weights.bin"])
    flipped[5000] ^= 1
    (tmp_path / "weights.bin").write_bytes(flipped)
    with pytest.raises(ModelRejected) as raised:
        verify_artifact(artifact)
    message = str(raised.value)
    assert str(tmp_path / "weights.bin") in message
    assert hashlib.sha256(flipped).hexdigest() in message
    assert hashlib.sha256(CONTENTS["weights.bin"]).hexdigest() in message


def test_another_size_is_told_without_hashing(artifact: Artifact, tmp_path: Path) -> None:
    """A cut-off file is told by its size."""
    (tmp_path / "weights.bin").write_bytes(b"w")
    with pytest.raises(ModelRejected, match=r"weights\.bin has 1 bytes, the manifest says 100000"):
        verify_artifact(artifact)


def test_missing_and_extra_files_are_named(artifact: Artifact, tmp_path: Path) -> None:
    """Both are in one sentence, also for a linked directory that nobody named."""
    (tmp_path / "empty").unlink()
    (tmp_path / "nested" / "extra.py").write_text("print()")
    (tmp_path / "linked").symlink_to(tmp_path.parent, target_is_directory=True)
    with pytest.raises(ModelRejected) as raised:
        verify_artifact(artifact)
    assert str(raised.value).split("; ") == [
        f"{tmp_path}/empty is missing",
        f"{tmp_path}/linked is not in the manifest",
        f"{tmp_path}/nested/extra.py is not in the manifest",
    ]


def test_a_missing_directory_is_all_files_missing(artifact: Artifact) -> None:
    """An artifact that is not there at all is told like one that is incomplete."""
    with pytest.raises(ModelRejected, match=r"weights\.bin is missing"):
        verify_artifact(Artifact(artifact.path / "nowhere", artifact.files))
