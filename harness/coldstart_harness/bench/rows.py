"""What one run of `bench` has at hand, and the names of the rows that it can measure."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from coldstart_harness.bench.random_model import random_model
from coldstart_harness.bench.report import Measurement
from coldstart_harness.bench.subjects import Subject
from coldstart_harness.engine import Engine
from coldstart_harness.plan import Plan
from coldstart_harness.progress import Progress

WHEEL, EVERYTHING = "image-wheel", "image"


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

    def starter_subjects(self) -> list[Subject]:
        """Both images with the models that they hold."""
        return [
            Subject("image-wheel, starter", self.plan.image(WHEEL), "onnxruntime"),
            Subject("image, starter", self.plan.image(EVERYTHING), "onnxruntime"),
        ]

    def large_subjects(self) -> list[Subject]:
        """The 124M-sized model on the engine of the wheel image, and beside it on torch + transformers."""
        models = random_model(self.out / "bench" / "random-gpt2-124m", self.progress)
        return [
            Subject("124M onnxruntime int8", self.plan.image(WHEEL), "onnxruntime", models),
            Subject("124M torch + transformers", self.plan.image(EVERYTHING), "transformers", models),
        ]


Row = Callable[[Bench], list[Measurement]]
