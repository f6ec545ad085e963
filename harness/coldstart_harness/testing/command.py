"""`test` from end to end."""

from collections.abc import Sequence
from pathlib import Path

from coldstart_harness.engine import ensure_engine
from coldstart_harness.errors import EngineUnavailable
from coldstart_harness.plan import Plan, PlannedImage
from coldstart_harness.progress import Progress
from coldstart_harness.testing.checks import run_checks
from coldstart_harness.testing.counts import Counts, Row, summary_table, total_of
from coldstart_harness.testing.host import (
    ensure_browser,
    ensure_postgres,
    load_images,
    run_with_images,
    run_with_postgres,
)


def run_tests(
    plan: Plan, images: Sequence[PlannedImage], out: Path, progress: Progress, *, thorough: bool = False
) -> bool:
    """Run everything, print a table, and as the last line `N passed, N failed, N skipped`.

    Args:
        plan: what there is to build.
        images: those that the container tests run against.
        out: directory for JUnit and coverage reports, made if it is not there.
        progress: what a person watches.
        thorough: container tests that take minutes and are skipped otherwise run, too.

    Returns:
        Whether some test ran and none failed.
    """
    out = out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    rows = run_checks(plan.checks, out, progress)
    ensure_postgres(progress)
    rows.append(run_with_postgres(out, progress))
    rows += _with_containers(images, out, progress, thorough)
    total = total_of(rows)
    progress.console.print()
    progress.console.print(summary_table(rows))
    progress.note(f"Reports: {out}")
    progress.note(str(total))
    return total.passed > 0 and total.failed == 0


def _with_containers(images: Sequence[PlannedImage], out: Path, progress: Progress, thorough: bool) -> list[Row]:
    try:
        engine = ensure_engine(progress.note)
    except EngineUnavailable as error:
        progress.note(f"{error}\n{error.details}".rstrip())
        return [Row("a container engine answers", Counts(failed=1), note=str(error))]
    rows, loaded = load_images(engine, images, progress)
    ensure_browser(progress)
    return [*rows, run_with_images(engine, loaded, out, progress, thorough)]
