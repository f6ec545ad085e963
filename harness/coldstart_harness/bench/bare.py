"""Row `bare`: the engines without a server around them, in the same run, so that HTTP's own cost can be seen."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coldstart_harness.bench.report import Measurement, Unit, rate_name, step_name
from coldstart_harness.bench.rows import Bench
from coldstart_harness.bench.subjects import Subject
from coldstart_harness.errors import BuildFailed
from coldstart_harness.process import answer
from coldstart_harness.testing.host import TREE

_PROGRAM = TREE / "bench" / "bare_engine.py"


def measure_bare(bench: Bench) -> list[Measurement]:
    """Each engine in a process of its own on this machine, on the model and the thread count that the server takes."""
    measurements = []
    for subject in bench.gpt2_124m():
        with bench.progress.phase(f"bare engine: {subject.label}"):
            figures = _figures(subject, bench.runs)
        measurements += measurements_in(figures, subject.label)
    return measurements


def _figures(subject: Subject, runs: int) -> Mapping[str, Any]:
    assert subject.models is not None  # noqa: S101 - the 124M-sized subjects have models of their own
    threads = len(os.sched_getaffinity(0))
    artifact = subject.models / subject.engine_name
    options = ["--threads", str(threads), "--runs", str(runs)]
    command: list[str | Path] = [sys.executable, _PROGRAM, subject.engine_name, artifact, *options]
    done = answer(command, environment={"PYTHONPATH": str(TREE / "server")})
    if done.status:
        raise BuildFailed(f"{_PROGRAM.name} ended with exit status {done.status}", details=done.tail)
    figures: dict[str, Any] = json.loads(done.output)
    return figures


def measurements_in(figures: Mapping[str, Any], label: str) -> list[Measurement]:
    """The lines of the report that one run of the program makes. It tells no ranges."""
    start = figures["start_to_first_distribution"]
    lines = [_line(f"bare, process start → first distribution: {label}", "s", start["median_s"], start["runs"])]
    for context, step in figures["step"].items():
        for which in ("p50", "p99"):
            name = step_name("bare", int(context), which, label)
            lines.append(_line(name, "s", step[f"{which}_ms"] / 1000, step["runs"]))
    for count, rate in figures["throughput"].items():
        lines.append(_line(rate_name("bare", int(count), label), "tok/s", rate["tokens_per_s"], rate["runs"]))
    return lines


def _line(name: str, unit: Unit, value: float, runs: int) -> Measurement:
    return Measurement("bare", name, unit, value, None, None, runs)
