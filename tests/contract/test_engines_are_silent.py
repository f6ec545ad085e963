"""An engine's library leaves no trace of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("module", ["coldstart.engines.onnxruntime_next_token", "convert.self_check"])
def test_importing_onnxruntime_leaves_no_device_id(tmp_path: Path, module: str) -> None:
    """onnxruntime's telemetry, which begins with a file in the home directory, is off wherever we import it."""
    home = tmp_path / "home"
    home.mkdir()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ORT_")}
    # onnxruntime keeps silent in a CI of its own accord; that must not be what this test sees.
    environ.pop("CI", None)
    environ |= {"HOME": str(home), "PYTHONPATH": f"{ROOT / 'server'}:{ROOT / 'models'}"}
    program = f"import sys, {module}; sys.exit('onnxruntime' not in sys.modules)"
    subprocess.run([sys.executable, "-B", "-c", program], env=environ, check=True, timeout=60)  # noqa: S603
    assert sorted(home.rglob("*")) == []
