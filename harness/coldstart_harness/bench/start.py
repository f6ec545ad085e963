"""Row `start`: from `docker run` to the first 200 of `/readyz`."""

from coldstart_harness.bench.report import Measurement, Wanted, measured
from coldstart_harness.bench.rows import Bench
from coldstart_harness.bench.subjects import Subject, started

_STARTER_WANTED_S = 1.5
_LARGE_WANTED_S = 2.0


def measure_start(bench: Bench) -> list[Measurement]:
    """Start each subject several times, the first uncounted: it reads the image into the page cache."""
    measurements = []
    for subject in [*bench.starter_subjects(), *bench.large_subjects()]:
        with bench.progress.phase(f"start: {subject.label}") as phase:
            outer, inner = [], []
            for run in range(bench.runs + 1):
                phase.say(f"run {run} of {bench.runs}")
                with started(bench.engine, subject) as subject_started:
                    ready = subject_started.service.health().get("startup", {}).get("ready")
                if run:
                    outer.append(subject_started.ready_s)
                    inner += [ready] if isinstance(ready, float) else []
        name = f"docker run → /readyz 200: {subject.label}"
        measurements.append(
            measured("start", name, "s", outer, wanted=_wanted(subject), note="create and start, warm page cache")
        )
        if inner:
            measurements.append(measured("start", f"  of it, process start → ready: {subject.label}", "s", inner))
    return measurements


def _wanted(subject: Subject) -> Wanted | None:
    if subject.engine_name != "onnxruntime":
        return None
    return Wanted("at most", _STARTER_WANTED_S if subject.models is None else _LARGE_WANTED_S)
