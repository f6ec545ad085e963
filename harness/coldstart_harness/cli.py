"""The commands, as `nix run` calls them: flags in, exit status out."""

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from coldstart_harness import cli_models, cli_papers, cli_proofs
from coldstart_harness.bench.command import ROWS, chosen_rows, run_bench
from coldstart_harness.bench.rows import Bench
from coldstart_harness.engine import ensure_engine
from coldstart_harness.errors import HarnessError, TimedOut, UsageError
from coldstart_harness.figures import seconds_of
from coldstart_harness.plan import load_plan
from coldstart_harness.progress import Progress, make_console
from coldstart_harness.pushing.command import PushOptions, push
from coldstart_harness.pushing.target import target_of
from coldstart_harness.slo.derived import write_derived
from coldstart_harness.slo.loading import load_slo
from coldstart_harness.testing.command import run_tests
from coldstart_harness.up import DEFAULT_NAME, DEFAULT_PORT, UpOptions
from coldstart_harness.up import down as run_down
from coldstart_harness.up import up as run_up
from coldstart_harness.waiting import wait as wait_for

# As shells report them: 128 and the signal's number.
_STATUS_INTERRUPTED = 130
# As `timeout` of GNU coreutils reports it.
_STATUS_TIMED_OUT = 124
_STATUS_TERMINATED = 143

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
slo_app = typer.Typer(no_args_is_help=True, help="What follows from the file of promises.")
app.add_typer(slo_app, name="slo")
app.add_typer(cli_models.app, name="models")

PlanOption = Annotated[
    Path, typer.Option(help="what there is to build, written by Nix", metavar="FILE", envvar="COLDSTART_PLAN")
]


@app.command()
def up(
    plan: PlanOption,
    slo: cli_proofs.SloOption,
    image: Annotated[str, typer.Option(help="the image's attribute in the flake")] = "image",
    name: Annotated[str, typer.Option(help="the container's name")] = DEFAULT_NAME,
    port: Annotated[
        int | None, typer.Option(help=f"the port on 127.0.0.1; default: {DEFAULT_PORT} or the next free one")
    ] = None,
    timeout: Annotated[float, typer.Option(help="seconds to become ready in")] = 180.0,
) -> None:
    """Build an image, load it, start it, and wait until it really answers."""
    planned = load_plan(plan).image(image)
    promised = load_slo(slo).target_of(planned.reference).services
    options = UpOptions(image=planned, promised=promised, name=name, port=port, timeout_s=timeout)
    run_up(options, Progress(make_console()))


@app.command()
def down(
    name: Annotated[str, typer.Option(help="the container's name")] = DEFAULT_NAME,
) -> None:
    """Stop what `up` started, with its grace, and remove it."""
    run_down(name, Progress(make_console()))


@app.command()
def wait(
    url: Annotated[str, typer.Argument(help="the service's address, such as http://127.0.0.1:8000", metavar="URL")],
    timeout: Annotated[str, typer.Argument(help="seconds, or as 2m or 1h30m", metavar="TIMEOUT")] = "60",
) -> None:
    """Wait until a running service is ready, with a line for each state of each model.

    Exit status: 0 it is ready, 1 it never will be, 124 it was not in time, 2 wrong use.
    """
    wait_for(url, seconds_of(timeout), Progress(make_console()))


@app.command("test")
def run_every_test(
    plan: PlanOption,
    image: Annotated[list[str] | None, typer.Option(help="an image to test; repeat it for several")] = None,
    out: Annotated[Path, typer.Option(help="directory for JUnit and coverage reports")] = Path("out"),
    thorough: Annotated[bool, typer.Option("--thorough", help="also what is skipped because it takes minutes")] = False,
) -> None:
    """Run every test there is, in the Nix sandbox and with containers, and end with one summary."""
    planned = load_plan(plan)
    images = [planned.image(attribute) for attribute in image] if image else planned.tested
    raise typer.Exit(0 if run_tests(planned, images, out, Progress(make_console()), thorough=thorough) else 1)


@app.command("bench")
def bench_command(
    plan: PlanOption,
    only: Annotated[str | None, typer.Option(help=f"rows to measure, with commas: {', '.join(ROWS)}")] = None,
    json: Annotated[Path | None, typer.Option(help="file to write the measurements to", metavar="FILE")] = None,
    out: Annotated[Path, typer.Option(help="directory for what is made on the way")] = Path("out"),
    runs: Annotated[int, typer.Option(min=1, help="how often starts and changes are repeated")] = 5,
) -> None:
    """Measure how fast images are built, loaded and started, and how fast they answer."""
    progress = Progress(make_console())
    rows = chosen_rows(only)
    planned = load_plan(plan)
    bench = Bench(plan=planned, engine=ensure_engine(progress.note), progress=progress, out=out.resolve(), runs=runs)
    run_bench(bench, rows, json)


@app.command("push")
def push_command(
    target: Annotated[
        str, typer.Argument(help="where to, such as ghcr.io/you/coldstart:1.0", metavar="REGISTRY/NAME:TAG")
    ],
    plan: PlanOption,
    image: Annotated[str, typer.Option(help="the image's attribute in the flake")] = "image",
    also: Annotated[
        list[Path] | None,
        typer.Option(help="the same image for another platform, as `copyTo -- oci:DIR:TAG` wrote it", metavar="DIR"),
    ] = None,
    authfile: Annotated[
        Path | None, typer.Option(help="where logins are; default: as Podman, skopeo and Docker keep them")
    ] = None,
    tls_verify: Annotated[bool, typer.Option(help="take a registry only with TLS and a good certificate")] = True,
    digestfile: Annotated[Path | None, typer.Option(help="file to write the digest to")] = None,
    sbom: Annotated[bool, typer.Option(help="attach the image's bill of materials")] = True,
) -> None:
    """Push an image and its papers to a registry: only what is missing there, under one digest."""
    options = PushOptions(
        image=load_plan(plan).image(image),
        target=target_of(target),
        also=tuple(also or ()),
        auth_file=authfile,
        tls_verify=tls_verify,
        digest_file=digestfile,
        sbom=sbom,
    )
    push(options, Progress(make_console()))


@slo_app.command("derive")
def derive(
    slo: cli_proofs.SloOption,
    out: Annotated[Path, typer.Option(help="directory to write to")] = Path("deploy"),
) -> None:
    """Write Kubernetes objects and Prometheus rules that follow from the promises."""
    for path in write_derived(load_slo(slo), out):
        make_console().print(str(path), soft_wrap=True)


cli_papers.add_to(app)
cli_proofs.add_to(app)


def main() -> None:
    """Run the command line: exit status 1 after a failure, 2 after a wrong flag, 124 late; each with one sentence."""
    # As after Ctrl-C, what was started is stopped on the way out.
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(_STATUS_TERMINATED))
    try:
        app()
    except HarnessError as error:
        console = make_console(stderr=True)
        if error.details:
            console.print(Text(error.details), style="dim")
        console.print(Text(f"coldstart: {error}"), style="bold red", soft_wrap=True)
        sys.exit(_status_of(error))
    except KeyboardInterrupt:
        sys.exit(_STATUS_INTERRUPTED)


def _status_of(error: HarnessError) -> int:
    if isinstance(error, UsageError):
        return 2
    return _STATUS_TIMED_OUT if isinstance(error, TimedOut) else 1
