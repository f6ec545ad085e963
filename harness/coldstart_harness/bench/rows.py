"""What one run of `bench` has at hand: images, subjects, and the machine's models."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from coldstart_harness.bench.random_model import GPT2_124M, SILERO_VAD, WHISPER_BASE, models_directory
from coldstart_harness.bench.report import Measurement
from coldstart_harness.bench.subjects import Subject
from coldstart_harness.engine import Engine
from coldstart_harness.plan import Plan
from coldstart_harness.progress import Progress

WHEEL, ASR, TTS, INTERVIEW, EVERYTHING = "image-wheel", "image-asr", "image-tts", "image-interview", "image"
_ENGINES = {
    WHEEL: "onnxruntime",
    ASR: "ctranslate2",
    TTS: "espeak-ng",
    INTERVIEW: "ctranslate2",
    EVERYTHING: "onnxruntime",
}
IMAGES = tuple(_ENGINES)

_STARTER_READY_S = 1.5
_GPT2_READY_S = 2.0
_WHISPER_READY_S = 2.5


@dataclass(frozen=True)
class Bench:
    """What every row may use.

    Args:
        plan: what there is to build.
        engine: where containers run.
        progress: what a person watches.
        out: directory for what is made on the way.
        runs: how often starts and changes are repeated.
    """

    plan: Plan
    engine: Engine
    progress: Progress
    out: Path
    runs: int

    def starter(self, attribute: str) -> Subject:
        """An image with the models that it holds."""
        image, engine_name = self.plan.image(attribute), _ENGINES[attribute]
        wanted_s = None if attribute in (TTS, INTERVIEW) else _STARTER_READY_S
        return Subject(f"{attribute}, starter", image, engine_name, ready_wanted_s=wanted_s)

    def gpt2_124m(self) -> list[Subject]:
        """The 124M-sized model on the engine of the wheel image, and beside it on torch + transformers."""
        models = models_directory(self.made / GPT2_124M.name, [GPT2_124M], self.progress)
        wheel, everything = self.plan.image(WHEEL), self.plan.image(EVERYTHING)
        return [
            Subject("124M onnxruntime int8", wheel, "onnxruntime", models=models, ready_wanted_s=_GPT2_READY_S),
            Subject("124M torch + transformers", everything, "transformers", {"WHEEL_ENGINE": "transformers"}, models),
        ]

    def whisper_base(self) -> Subject:
        """The base-sized Whisper in the image of speech recognition."""
        models = models_directory(self.made / WHISPER_BASE.name, [WHISPER_BASE, SILERO_VAD], self.progress)
        image = self.plan.image(ASR)
        return Subject("Whisper base int8", image, _ENGINES[ASR], models=models, ready_wanted_s=_WHISPER_READY_S)

    @property
    def made(self) -> Path:
        """The directory for models and sounds, which are kept for the next run."""
        return self.out / "bench"


@dataclass(frozen=True, slots=True)
class Row:
    """A group of measurements that `--only` names.

    Args:
        images: what it measures, of IMAGES.
        measure: measures them.
    """

    images: tuple[str, ...]
    measure: Callable[[Bench], list[Measurement]]
