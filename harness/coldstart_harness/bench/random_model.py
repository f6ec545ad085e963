"""A model of GPT-2's size with random weights, made here: its speed is the real one's, its answers are noise."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from coldstart_harness.bench.subjects import MODELS_INSIDE
from coldstart_harness.errors import BuildFailed
from coldstart_harness.process import follow
from coldstart_harness.progress import Progress
from coldstart_harness.testing.host import TREE

LABEL = "124M random weights"
_NAME = "random-gpt2-124m"


def random_model(directory: Path, progress: Progress) -> Path:
    """The directory with the model for both engines and its manifest; made on the first call, found afterwards.

    Raises:
        BuildFailed: a step of the conversion failed.
    """
    manifest = directory / "manifest.json"
    if manifest.is_file():
        return directory
    directory.mkdir(parents=True, exist_ok=True)
    source, converted = directory / "transformers", directory / "onnxruntime"
    with progress.phase(f"making a model of {LABEL}") as phase:
        _convert(["random-gpt2", source], phase.say)
        _convert(["gpt2", source, converted], phase.say)
        entry = directory / "entry.json"
        entry.write_text(json.dumps(_entry(source, converted)))
        draft = directory / "manifest.draft.json"
        _convert(["manifest", draft, entry], phase.say)
    document = json.loads(draft.read_text())
    for model in document["models"]:
        for name, artifact in model["artifacts"].items():
            artifact["path"] = f"{MODELS_INSIDE}/{name}"
    manifest.write_text(json.dumps(document, indent=2))
    return directory


def _entry(source: Path, converted: Path) -> dict[str, object]:
    model = {
        "name": _NAME,
        "task": "next-token",
        "architecture": "gpt2",
        "repository": "none: random weights",
        "revision": "seed 0",
        "license": "MIT",
        "required": True,
        "artifacts": {"onnxruntime": str(converted), "transformers": str(source)},
        "golden": str(converted / "golden.json"),
    }
    return {"schema_version": 1, "models": [model]}


def _convert(arguments: list[str | Path], say: Callable[[str], None]) -> None:
    done = follow(
        [sys.executable, "-m", "convert", *arguments],
        on_line=say,
        environment={"PYTHONPATH": str(TREE / "models"), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    if done.status:
        raise BuildFailed(f"`convert {arguments[0]}` ended with exit status {done.status}", details=done.tail)
