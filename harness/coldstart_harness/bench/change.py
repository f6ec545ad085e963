"""Row `change`: from a changed line of the server to a new container that is ready."""

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from docker.errors import APIError

from coldstart_harness.bench.report import Measurement, Wanted, measured
from coldstart_harness.bench.rows import WHEEL, Bench
from coldstart_harness.bench.subjects import Subject, started
from coldstart_harness.engine import Engine
from coldstart_harness.errors import BuildFailed
from coldstart_harness.images import build_image, load_image
from coldstart_harness.process import answer

_WANTED_S = 5.0
_CHANGED_FILE = Path("server/coldstart/__init__.py")


def measure_change(bench: Bench) -> list[Measurement]:
    """In a copy of the last commit: change a line, then evaluate, build, load, start, and wait until it is ready."""
    image = bench.plan.image(WHEEL)
    subject = Subject("image-wheel after a change", image, "onnxruntime")
    parts: dict[str, list[float]] = {"evaluate and build": [], "load": [], "start until ready": []}
    left_behind: set[str] = set()
    with _copy_of_checkout() as copy, bench.progress.phase("change: a line of the server") as phase:
        try:
            for run in range(bench.runs + 1):
                phase.say(f"run {run} of {bench.runs}")
                image_id, *taken = _one_change(bench.engine, subject, copy, phase.say)
                left_behind.add(image_id)
                # The first run is uncounted: it also builds what the copy's last commit has of its own.
                for values, seconds in zip(parts.values(), taken, strict=True):
                    values += [seconds] if run else []
        finally:
            # The changed image took the name of the one that was there.
            _description, loader = build_image(bench.engine, image, phase.say)
            left_behind.discard(load_image(bench.engine, image, loader, phase.say))
            for image_id in left_behind:
                with suppress(APIError):  # one that somebody has started meanwhile stays
                    bench.engine.client.images.remove(image_id)
    totals = [sum(run) for run in zip(*parts.values(), strict=True)]
    name = "code change → new container ready: image-wheel"
    note = "one line of one server file; the copy's own evaluation included"
    whole = measured("change", name, "s", totals, wanted=Wanted("at most", _WANTED_S), note=note)
    return [whole, *(measured("change", f"  of it, {part}", "s", values) for part, values in parts.items())]


def _one_change(
    engine: Engine, subject: Subject, copy: Path, say: Callable[[str], None]
) -> tuple[str, float, float, float]:
    with (copy / _CHANGED_FILE).open("a", encoding="utf-8") as file:
        file.write(f"# bench {time.time_ns()}\n")
    begun = time.perf_counter()
    loader = _build(copy, f"{subject.image.attribute}.copyTo{'DockerDaemon' if engine.kind == 'docker' else 'Podman'}")
    built = time.perf_counter()
    image_id = load_image(engine, subject.image, loader, say)
    loaded = time.perf_counter()
    with started(engine, subject) as running:
        return image_id, built - begun, loaded - built, running.ready_s


def _build(copy: Path, attribute: str) -> Path:
    """Evaluate the copy's flake, by the same inputs that this command came from, and build one attribute of it."""
    # nixw says by this variable which inputs it chose.
    folder = "nix/offline" if os.environ.get("COLDSTART_INPUTS") == "offline" else "."
    flake = f"git+file://{copy}?dir={folder}&shallow=1#{attribute}"
    features = ["--extra-experimental-features", "nix-command flakes"]
    done = answer(["nix", *features, "build", "--no-link", "--json", flake])
    if done.status:
        raise BuildFailed(f"nix build {flake} ended with exit status {done.status}", details=done.tail)
    return Path(json.loads(done.output)[0]["outputs"]["out"])


@contextmanager
def _copy_of_checkout() -> Iterator[Path]:
    """A clone of the last commit of the checkout that this command was called in; nothing of that one is touched."""
    top = answer(["git", "rev-parse", "--show-toplevel"])
    if top.status:
        raise BuildFailed("the row `change` copies a git checkout: call it inside one", details=top.tail)
    with tempfile.TemporaryDirectory(prefix="coldstart-bench-") as directory:
        copy = Path(directory) / "copy"
        cloned = answer(["git", "clone", "--quiet", "--shared", top.output.strip(), copy])
        if cloned.status:
            raise BuildFailed("git could not clone the checkout", details=cloned.tail)
        yield copy
