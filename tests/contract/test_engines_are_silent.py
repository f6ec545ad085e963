"""An engine's library leaves no trace of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.contract.transcriber_cases import Whispers

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "module",
    [
        "coldstart.engines.kokoro_synthesizer",
        "coldstart.engines.onnxruntime_next_token",
        "coldstart.engines.silero_voice_activity",
        "convert.kokoro",
        "convert.self_check",
        "convert.silero_vad",
    ],
)
def test_importing_onnxruntime_leaves_no_device_id(tmp_path: Path, module: str) -> None:
    """onnxruntime's telemetry, which begins with a file in the home directory, is off wherever we import it."""
    assert _home_after(tmp_path, f"import sys, {module}; sys.exit('onnxruntime' not in sys.modules)") == []


def test_a_transcriber_leaves_nothing_and_asks_nobody(tmp_path: Path, whispers: Whispers) -> None:
    """It is made and used without a file in the home directory, without onnxruntime, and with the Hub switched off."""
    program = (
        "import sys, numpy, pathlib, coldstart.engines.ctranslate2_transcriber as engine;"
        "import huggingface_hub.constants as hub;"
        "from coldstart.domain.transcription import TranscriptionRequest;"
        f"made = engine.CTranslate2Transcriber(pathlib.Path({str(whispers.english)!r}), threads=1);"
        "made.advance([TranscriptionRequest(numpy.zeros(16000, numpy.float32))]);"
        "sys.exit('onnxruntime' in sys.modules or not hub.HF_HUB_OFFLINE)"
    )
    assert _home_after(tmp_path, program) == []


def _home_after(directory: Path, program: str) -> list[Path]:
    """What a program that ends well has left in its home directory, which was empty."""
    home = directory / "home"
    home.mkdir()
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "HF_"))}
    # onnxruntime keeps silent in a CI of its own accord; that must not be what this test sees.
    environ.pop("CI", None)
    environ |= {"HOME": str(home), "PYTHONPATH": f"{ROOT / 'server'}:{ROOT / 'models'}"}
    subprocess.run([sys.executable, "-B", "-c", program], env=environ, check=True, timeout=60)  # noqa: S603
    return sorted(home.rglob("*"))
