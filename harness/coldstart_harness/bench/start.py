"""Row `start`: from `docker run` to the first 200 of `/readyz`."""

from coldstart_harness.bench.report import Measurement, Wanted, measured
from coldstart_harness.bench.rows import IMAGES, Bench
from coldstart_harness.bench.subjects import Subject, started


def measure_start(bench: Bench) -> list[Measurement]:
    """Start each subject several times, the first uncounted: it reads the image into the page cache."""
    measurements = []
    for subject in _subjects(bench):
        with bench.progress.phase(f"start: {subject.label}") as phase:
            outer, inner = [], []
            for run in range(bench.runs + 1):
                phase.say(f"run {run} of {bench.runs}")
                with started(bench.engine, subject) as subject_started:
                    ready = subject_started.service.health().get("startup", {}).get("ready")
                if run:
                    outer.append(subject_started.ready_s)
                    inner += [ready] if isinstance(ready, float) else []
        wanted = None if subject.ready_wanted_s is None else Wanted("at most", subject.ready_wanted_s)
        name = f"docker run → /readyz 200: {subject.label}"
        measurements.append(
            measured("start", name, "s", outer, wanted=wanted, note="create and start, warm page cache")
        )
        if inner:
            measurements.append(measured("start", f"  of it, process start → ready: {subject.label}", "s", inner))
    return measurements


def _subjects(bench: Bench) -> list[Subject]:
    """Each image with its own models, then models of real sizes."""
    return [*(bench.starter(attribute) for attribute in IMAGES), *bench.gpt2_124m(), bench.whisper_base()]
