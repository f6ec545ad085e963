"""Silero's model out of the package, with its golden answer."""

import json
from pathlib import Path

import faster_whisper
import numpy as np
import pytest
from faster_whisper.vad import SileroVADModel
from tests.contract.engine_cases import convert

from convert.golden_sound import read_sound
from convert.silero_vad import UnfitPackage, convert_silero_vad

PACKAGES = Path(faster_whisper.__file__).parents[1]


def test_the_golden_answer_is_what_faster_whisper_hears(tmp_path: Path) -> None:
    """A probability for each whole window of the sound, as the package's own code computes it."""
    convert("silero-vad", PACKAGES, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["golden.json", "golden.wav", "silero_vad.onnx"]
    golden = json.loads((tmp_path / "golden.json").read_text())
    samples = read_sound(tmp_path / "golden.wav")
    assert len(samples) == 512 * len(golden["probabilities"])
    wanted = SileroVADModel(str(tmp_path / "silero_vad.onnx"))(samples).ravel()
    # The last window is left out: the package's code overwrites the end of its samples with zeros.
    assert np.abs(wanted - golden["probabilities"])[:-1].max() < 1e-4
    assert golden["tolerance"] == {"onnxruntime": 0.01}


def test_the_golden_sound_has_speech_and_silence(tmp_path: Path) -> None:
    """A model that always says the same would not pass."""
    convert_silero_vad(PACKAGES, tmp_path)
    probabilities = json.loads((tmp_path / "golden.json").read_text())["probabilities"]
    assert min(probabilities) < 0.1
    assert max(probabilities) > 0.5


def test_a_directory_without_the_package_is_refused(tmp_path: Path) -> None:
    """The sentence says what was looked for."""
    with pytest.raises(UnfitPackage, match=r"0 files faster_whisper/assets/silero_vad_v"):
        convert_silero_vad(tmp_path, tmp_path / "out")
