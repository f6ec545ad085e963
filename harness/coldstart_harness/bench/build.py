"""Row `build`: everything of the image that is not a download, built again."""

import time

from coldstart_harness import nix
from coldstart_harness.bench.report import Measurement, Wanted, measured
from coldstart_harness.bench.rows import EVERYTHING, Bench
from coldstart_harness.derivations import closure_of
from coldstart_harness.errors import BuildFailed
from coldstart_harness.process import follow

_WANTED_S = 60.0
# With the genuine inputs the closure goes down to the compilers, which a binary cache provides.
_MOST_DERIVATIONS = 400


def measure_build(bench: Bench) -> list[Measurement]:
    """Build again every derivation of `image`, leaving the store's own results alone, and compare the bytes.

    Nix's `--check` builds into a place of its own and fails where the result differs; so this row also proves that the
    build repeats. It is what a first build costs once the downloads are in the store.
    """
    image = bench.plan.image(EVERYTHING)
    with bench.progress.phase("build: everything but the downloads") as phase:
        derivations = [drv.path for drv in closure_of(image.derivation) if not drv.is_download]
        if len(derivations) > _MOST_DERIVATIONS:
            bench.progress.note(f"build: {len(derivations)} derivations are not all this project's own; row left out")
            return []
        nix.build(derivations, phase.say)
        begun = time.perf_counter()
        done = follow(["nix-store", "--realise", "--check", *derivations], on_line=phase.say)
        seconds = time.perf_counter() - begun
    if done.status:
        raise BuildFailed("a derivation did not build to the same bytes again", details=done.tail)
    note = f"{len(derivations)} derivations, by nix-store --realise --check"
    wanted = Wanted("at most", _WANTED_S)
    return [measured("build", "build with warm downloads: image", "s", [seconds], wanted=wanted, note=note)]
