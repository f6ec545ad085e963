"""Tests that need what a build does not have: pytest on this machine.

A container engine, with images just built and loaded; a browser; Postgres.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from coldstart_harness import apt, nix
from coldstart_harness.engine import Engine
from coldstart_harness.errors import BuildFailed
from coldstart_harness.images import build_image, load_image
from coldstart_harness.plan import PlannedImage
from coldstart_harness.process import follow
from coldstart_harness.progress import Progress
from coldstart_harness.testing.counts import Counts, Row, junit_result

# The sources that the harness was started from: in a checkout or in the Nix store.
TREE = Path(__file__).resolve().parents[3]
IMAGES_VARIABLE = "COLDSTART_IMAGES_UNDER_TEST"
THOROUGH_VARIABLE = "COLDSTART_THOROUGH"
REGISTRY_VARIABLE = "COLDSTART_REGISTRY_PROGRAM"
_REGISTRY = "docker-registry"
_POSTGRES = Path("/usr/lib/postgresql")
_NO_BYTECODE = {"PYTHONDONTWRITEBYTECODE": "1"}


def load_images(
    engine: Engine, images: Sequence[PlannedImage], progress: Progress
) -> tuple[list[Row], list[PlannedImage]]:
    """Build and load each image, and what it is after a change of code: one test each, and those that are there now."""
    rows, loaded = [], []
    for image in images:
        row = _load(engine, image, f"{image.attribute} builds and loads", progress, papers=True)
        rows.append(row)
        if row.counts.failed:
            continue
        changed = image.code_changed
        if changed is not None:
            row = _load(engine, changed, f"{image.attribute} with a line of code changed builds and loads", progress)
            rows.append(row)
        loaded.append(image if not row.counts.failed else replace(image, code_changed=None))
    return rows, loaded


def _load(engine: Engine, image: PlannedImage, name: str, progress: Progress, *, papers: bool = False) -> Row:
    try:
        with progress.phase(name) as phase:
            _description, loader = build_image(engine, image, phase.say)
            if papers:
                nix.build([image.papers], phase.say)
            load_image(engine, image, loader, phase.say)
    except BuildFailed as error:
        progress.note(f"{error}\n{error.details}")
        return Row(name, Counts(failed=1), phase.seconds)
    return Row(name, Counts(passed=1), phase.seconds)


def ensure_browser(progress: Progress) -> None:
    """Chromium and its driver, as root on Debian from the system's packages; else the tests say why they skip."""
    if not (apt.system_program("chromium") and apt.system_program("chromedriver")):
        _install(["chromium", "chromium-driver"], progress, "browser tests")


def ensure_postgres(progress: Progress) -> None:
    """Postgres's programs, likewise; Debian keeps them where no PATH finds them."""
    if not any(_POSTGRES.glob("*/bin/initdb")):
        _install(["postgresql"], progress, "tests with Postgres")


def _install(packages: Sequence[str], progress: Progress, tests: str) -> None:
    name = packages[0]
    if not apt.can_install():
        progress.note(f"no {' and '.join(packages)} here, and no right to install them: {tests} are skipped")
        return
    with progress.phase(f"installing {name}"):
        # Tests start servers of their own.
        done = apt.install(packages, progress.note, start=False)
    if done.status:
        progress.note(f"apt-get could not install {name}: {tests} are skipped\n{done.tail}")


def registry_program(out: Path, progress: Progress) -> Path | None:
    """Docker's registry for the tests of pushing: the system's, or out of its package; else they say why they skip."""
    if found := apt.system_program(_REGISTRY):
        return Path(found)
    directory = out / _REGISTRY
    program = directory / "usr" / "bin" / _REGISTRY
    if not program.exists() and apt.system_program("apt-get"):
        with progress.phase(f"fetching {_REGISTRY}"):
            done = apt.unpack(_REGISTRY, directory, progress.note)
        if done.status:
            progress.note(f"no {_REGISTRY}: tests of pushing are skipped\n{done.tail}")
    return program if program.exists() else None


def run_with_images(
    engine: Engine, images: Sequence[PlannedImage], out: Path, progress: Progress, thorough: bool
) -> Row:
    """Run tests/integration and tests/browser and print what pytest prints."""
    subjects = out / "images-under-test.json"
    subjects.write_text(json.dumps({image.attribute: _subject(image) for image in images}, indent=2) + "\n")
    environment = _environment(engine, subjects, registry_program(out, progress))
    if thorough:
        environment[THOROUGH_VARIABLE] = "1"
    name = "tests with containers and a browser"
    return _run_pytest(name, ["integration", "browser"], "not gpu", out / "junit-host.xml", environment, progress)


def run_with_postgres(out: Path, progress: Progress) -> Row:
    """Run what of tests/contract wants Postgres and print what pytest prints."""
    name = "tests with Postgres"
    return _run_pytest(name, ["contract"], "postgres", out / "junit-postgres.xml", _NO_BYTECODE, progress)


def _run_pytest(
    name: str, suites: Sequence[str], markers: str, report: Path, environment: Mapping[str, str], progress: Progress
) -> Row:
    report.unlink(missing_ok=True)
    options = ["-v", "-m", markers, "-p", "no:cacheprovider", "--color", "no", "--junitxml", str(report)]
    paths = [str(TREE / "tests" / suite) for suite in suites]
    command = [
        sys.executable,
        "-m",
        "pytest",
        *options,
        "--rootdir",
        str(TREE),
        "-c",
        str(TREE / "pyproject.toml"),
        *paths,
    ]
    with progress.phase(name) as phase:

        def show(line: str) -> None:
            phase.say(line)
            progress.note(line.rstrip())

        # Not in the Nix store: Nix 2.8 takes every reference with a slash for a store path there.
        done = follow(command, on_line=show, directory=report.parent, environment=environment)
    if not report.is_file():
        return Row(name, Counts(failed=1), phase.seconds, f"pytest wrote no report (exit status {done.status})")
    counts, _seconds = junit_result(report.read_text(encoding="utf-8"))
    if done.status not in (0, 1) or not counts.total:
        return Row(name, counts + Counts(failed=1), phase.seconds, f"pytest ended with exit status {done.status}")
    return Row(name, counts, phase.seconds)


def _subject(image: PlannedImage) -> dict[str, object]:
    return {
        "reference": image.reference,
        "port": image.port,
        "layers": list(image.layers),
        "environment": dict(image.environment),
        "accelerator": image.accelerator,
        "papers": str(nix.output_of(image.papers)),
        "code_changed": None if image.code_changed is None else image.code_changed.reference,
    }


def _environment(engine: Engine, subjects: Path, registry: Path | None) -> dict[str, str]:
    return {
        **engine.environment,
        **({REGISTRY_VARIABLE: str(registry)} if registry else {}),
        IMAGES_VARIABLE: str(subjects),
        **_NO_BYTECODE,
        # The reaper is an image of its own that would have to be pulled; every test removes what it started.
        "TESTCONTAINERS_RYUK_DISABLED": "true",
    }
