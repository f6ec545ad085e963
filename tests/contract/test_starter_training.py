"""The starter's training can be done again."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.contract.engine_cases import STARTER


def _train(out: Path) -> dict[str, str]:
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", HF_HUB_OFFLINE="1")
    command = [sys.executable, str(STARTER / "train.py"), str(out), "--steps", "9"]
    subprocess.run(command, env=environment, check=True, capture_output=True)  # noqa: S603
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in out.iterdir()}


@pytest.mark.slow
def test_training_repeats_bit_for_bit(tmp_path: Path) -> None:
    """Two trainings of nine steps, with rows of all lengths, write the same files; but for weights, the shipped."""
    first, second = _train(tmp_path / "first"), _train(tmp_path / "second")
    assert set(first) == {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json"}
    assert first == second
    for name in ("config.json", "generation_config.json", "tokenizer.json"):
        assert first[name] == hashlib.sha256((STARTER / name).read_bytes()).hexdigest()
