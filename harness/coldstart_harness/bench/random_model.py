"""Models of real sizes with random weights, made here: their speed is the real one's, their answers are noise."""

import json
import sys
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from coldstart_harness.bench.subjects import MODELS_INSIDE
from coldstart_harness.errors import BuildFailed
from coldstart_harness.process import follow
from coldstart_harness.progress import Progress
from coldstart_harness.testing.host import TREE


@dataclass(frozen=True, slots=True)
class RandomModel:
    """One model and how it is made.

    Args:
        name: in the manifest.
        task: likewise.
        architecture: likewise.
        steps: arguments of `python -m convert`, one after the other, run in the directory that the model is made in.
        artifacts: engine → folder; the first holds golden.json.
    """

    name: str
    task: str
    architecture: str
    steps: Sequence[Sequence[str]]
    artifacts: Mapping[str, str]

    @property
    def entry(self) -> dict[str, object]:
        """What `convert manifest` is told of it."""
        return {
            "name": self.name,
            "task": self.task,
            "architecture": self.architecture,
            "repository": "none: made for a measurement",
            "revision": "seed 0",
            "license": "MIT",
            "required": True,
            "artifacts": dict(self.artifacts),
            "golden": f"{next(iter(self.artifacts.values()))}/golden.json",
        }


GPT2_124M = RandomModel(
    "random-gpt2-124m",
    "next-token",
    "gpt2",
    [["random-gpt2", "transformers"], ["gpt2", "transformers", "onnxruntime"]],
    {"onnxruntime": "onnxruntime", "transformers": "transformers"},
)
WHISPER_BASE = RandomModel(
    "random-whisper-base",
    "speech-to-text",
    "whisper",
    [["random-whisper", "--size", "base", "published"], ["whisper", "published", "ctranslate2"]],
    {"ctranslate2": "ctranslate2"},
)
# Not random, but a part of every image that recognises speech.
SILERO_VAD = RandomModel(
    "silero-vad",
    "voice-activity",
    "silero-vad",
    [["silero-vad", sysconfig.get_path("purelib"), "silero-vad"]],
    {"onnxruntime": "silero-vad"},
)


def models_directory(directory: Path, models: Sequence[RandomModel], progress: Progress) -> Path:
    """The directory with the models and their manifest; made on the first call, found afterwards.

    Raises:
        BuildFailed: a step of a conversion failed.
    """
    manifest = directory / "manifest.json"
    if manifest.is_file():
        return directory
    directory.mkdir(parents=True, exist_ok=True)
    with progress.phase(f"making {' and '.join(model.name for model in models)}") as phase:
        for step in [step for model in models for step in model.steps]:
            _convert(directory, step, phase.say)
        description = {"schema_version": 1, "models": [model.entry for model in models]}
        (directory / "description.json").write_text(json.dumps(description))
        _convert(directory, ["manifest", "draft.json", "description.json"], phase.say)
    document = json.loads((directory / "draft.json").read_text())
    for model in document["models"]:
        for artifact in model["artifacts"].values():
            artifact["path"] = f"{MODELS_INSIDE}/{artifact['path']}"
    manifest.write_text(json.dumps(document, indent=2))
    return directory


def _convert(directory: Path, arguments: Sequence[str], say: Callable[[str], None]) -> None:
    done = follow(
        [sys.executable, "-m", "convert", *arguments],
        on_line=say,
        environment={"PYTHONPATH": str(TREE / "models"), "PYTHONDONTWRITEBYTECODE": "1"},
        directory=directory,
    )
    if done.status:
        raise BuildFailed(f"`convert {arguments[0]}` ended with exit status {done.status}", details=done.tail)
