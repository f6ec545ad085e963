"""Load on a started container: the exit status says whether the file of promises held."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from loadtests.document import RunDocument, read_document
from tests.integration.subjects import Subject, ready

from coldstart_harness.ports import free_port_from
from coldstart_harness.slo.document import Request
from coldstart_harness.slo.loading import load_slo

pytestmark = [pytest.mark.docker, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
# The shortest that can be compared.
SECONDS = "30"
TIMEOUT_S = 120
WORKERS = 2
# Wide: this machine is busy, and how fast the service is, is another test's question.
# What the users of a page do beyond the requests of the file.
WHEEL_STEPS = {"page", "session: begin", "session: spin"}
GENEROUS = {"p50_ms": 5000, "p90_ms": 5000, "p99_ms": 5000, "first_token_p99_ms": 5000, "deadline_s": 10}


@dataclass(frozen=True)
class Ended:
    """One load test that is over."""

    status: int
    said: str
    document: RunDocument


@dataclass(frozen=True)
class Runs:
    """Three load tests on one service of a container, at the same time."""

    service: str
    requests: Mapping[str, Request]
    kept: Ended
    tightened: Ended
    distributed: Ended
    directory: Path


def promises_with(path: Path, **bounds: float) -> Path:
    """A copy of the project's file in which every bound of these names has another value."""
    text = (ROOT / "slo.toml").read_text(encoding="utf-8")
    for name, bound in bounds.items():
        text, changed = re.subn(rf"(?m)^((?:[\w.]+\.)?{name}) = .*$", rf"\1 = {bound}", text)
        assert changed, f"slo.toml promises no {name}"
    path.write_text(text, encoding="utf-8")
    # What its forms send lies beside it.
    shutil.copytree(ROOT / "slo", path.parent / "slo", dirs_exist_ok=True)
    return path


def begun(slo: Path, *arguments: str | Path) -> "subprocess.Popen[str]":
    path = os.pathsep.join((str(ROOT / "harness"), str(ROOT)))
    return subprocess.Popen(  # noqa: S603 - the interpreter that runs the tests
        [sys.executable, "-m", "loadtests", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path, "COLDSTART_SLO": str(slo)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(process: "subprocess.Popen[str]", document: Path) -> Ended:
    said, _ = process.communicate(timeout=TIMEOUT_S)
    assert document.exists(), said
    return Ended(process.returncode, said, read_document(document))


@pytest.fixture(scope="module")
def runs(loaded: Subject, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    directory = tmp_path_factory.mktemp("load")
    kept = promises_with(directory / "kept.toml", **GENEROUS)
    tight = promises_with(directory / "tight.toml", **{**GENEROUS, "p99_ms": 0.001})
    port = str(free_port_from(25557))
    image = loaded.reference.partition(":")[0]
    services = load_slo(ROOT / "slo.toml").target_of(loaded.reference).services
    name = "wheel" if "wheel" in services else next(iter(services))
    documents = [directory / f"{name}.json" for name in ("kept", "tightened", "distributed")]
    with ready(loaded) as (_container, service):
        flags = ("--host", service.url, "--image", image, "--service", name, "--users", "8", "--duration", SECONDS)
        master = ("--master", "--expect-workers", str(WORKERS), "--master-port", port)
        processes = [
            begun(kept, *flags, "--json", documents[0]),
            begun(tight, *flags, "--json", documents[1]),
            begun(kept, *flags, "--json", documents[2], *master),
        ]
        workers = [
            begun(kept, "--image", image, "--service", name, "--worker", "--master-port", port) for _ in range(WORKERS)
        ]
        try:
            results = [ended(process, path) for process, path in zip(processes, documents, strict=True)]
            assert [worker.wait(TIMEOUT_S) for worker in workers] == [0] * WORKERS
        finally:
            for process in (*processes, *workers):
                process.kill()
                process.communicate()
    return Runs(name, services[name].requests, *results, directory)


def test_a_run_within_the_promises_ends_with_zero(runs: Runs) -> None:
    """Every request of the file and every step of a session was answered rightly, and all bounds were kept."""
    assert runs.kept.status == 0, runs.kept.said
    assert " 0 broken" in runs.kept.said
    assert {verdict.outcome for verdict in runs.kept.document.verdicts} == {"kept"}
    seen = {interval.name for interval in runs.kept.document.intervals}
    assert runs.requests.keys() | (WHEEL_STEPS if runs.service == "wheel" else set()) <= seen
    streams = any(request.stream for request in runs.requests.values())
    series = {interval.series for interval in runs.kept.document.intervals}
    assert series == ({"right", "first token"} if streams else {"right"})


def test_a_tightened_promise_ends_with_one_and_is_named(runs: Runs) -> None:
    """The one bound below what the image does is named with what was met and what was wanted; the others are kept."""
    assert runs.tightened.status == 1, runs.tightened.said
    broken = [line for line in runs.tightened.said.splitlines() if line.startswith("broken: ")]
    assert len(broken) == 1, broken
    first = next(iter(runs.requests))
    assert re.fullmatch(rf"broken: p99_ms of {first}: met [\d.]+ ms, wanted ≤ 0.001 ms", broken[0])


def test_two_workers_make_the_load_of_one_verdict(runs: Runs) -> None:
    """The master has its workers' answers in its document, and judges them as if they were its own."""
    assert runs.distributed.status == 0, runs.distributed.said
    alone, together = answers_of(runs.kept.document), answers_of(runs.distributed.document)
    assert together > alone / 2


def test_runs_are_compared(runs: Runs) -> None:
    """A run does not differ from itself, and two runs at the same time on the same container are compared."""
    same, said = compared(runs, "kept", "kept")
    assert (same, said.strip().splitlines()[-1]) == (0, "no difference shown"), said
    other, said = compared(runs, "kept", "tightened")
    assert other == 0, said
    assert next(iter(runs.requests)) in said


def answers_of(document: RunDocument) -> int:
    return sum(count for interval in document.intervals for _, count in interval.times)


def compared(runs: Runs, a: str, b: str) -> tuple[int, str]:
    process = begun(runs.directory / "kept.toml", "compare", runs.directory / f"{a}.json", runs.directory / f"{b}.json")
    said, _ = process.communicate(timeout=TIMEOUT_S)
    return process.returncode, said
