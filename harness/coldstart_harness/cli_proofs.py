"""The commands of the proofs: all of them, each by itself, and what is done with their report."""

import json
from pathlib import Path
from typing import Annotated

import typer

from coldstart_harness.plan import Plan, load_plan
from coldstart_harness.progress import Progress, make_console
from coldstart_harness.proofs.proof import Effort, Proof
from coldstart_harness.proofs.table import PROOFS
from coldstart_harness.proving.command import ProveOptions, chosen_proofs
from coldstart_harness.proving.command import prove as run_proofs
from coldstart_harness.report.document import read_report, schema
from coldstart_harness.report.written import write_report
from coldstart_harness.slo.loading import load_slo

_PANEL = "Proofs"
_DEFAULT = Effort()
_DEFAULT_OUT = Path("out/prove")

ImageArgument = Annotated[
    str, typer.Argument(help="a reference that the engine has, a path to a .tar, or an image's attribute in the flake")
]
SloOption = Annotated[Path, typer.Option(help="the file of promises", metavar="FILE", envvar="COLDSTART_SLO")]
PlanOption = Annotated[
    Path | None, typer.Option(help="what there is to build, written by Nix", metavar="FILE", envvar="COLDSTART_PLAN")
]
OutOption = Annotated[Path, typer.Option(help="directory for report.json and report.html", metavar="DIR")]
RunsOption = Annotated[int, typer.Option(min=1, help="how often starts are repeated")]
SecondsOption = Annotated[float, typer.Option(min=1, help="how long each phase of load lasts")]
RequestsOption = Annotated[int, typer.Option(min=1, help="how many requests a drain is shown with, at least")]
GpuOption = Annotated[bool, typer.Option("--gpu", help="give containers all GPUs")]


def add_to(app: typer.Typer) -> None:
    """Register every command of this module."""
    app.command()(prove)
    for proof in PROOFS.values():
        if proof.scope == "flake":
            _add_proof_of_flake(app, proof)
        elif proof.name == "layers":
            _add_proof_of_two_images(app, proof)
        else:
            _add_proof_of_image(app, proof)
    app.command("report")(report)
    app.command("report-schema")(report_schema)


def prove(
    image: ImageArgument,
    slo: SloOption,
    plan: PlanOption = None,
    only: Annotated[str | None, typer.Option(help=f"proofs to run, with commas: {', '.join(PROOFS)}")] = None,
    out: OutOption = _DEFAULT_OUT,
    against: Annotated[
        str | None, typer.Option(metavar="OLD", help="an image that nodes have already, named as IMAGE is")
    ] = None,
    flake: Annotated[str | None, typer.Option(metavar="ATTR", help="what Nix calls the image: .#image")] = None,
    runs: RunsOption = _DEFAULT.runs,
    seconds: SecondsOption = _DEFAULT.seconds,
    requests: RequestsOption = _DEFAULT.requests,
    gpu: GpuOption = False,
) -> None:
    """Prove how an image starts, when it is really ready, how it answers under load, and how it stops."""
    options = ProveOptions(
        proofs=chosen_proofs(only),
        image=image,
        slo=load_slo(slo),
        plan=_plan(plan),
        out=out,
        effort=Effort(runs, seconds, requests),
        against=against,
        flake=flake,
        gpu=gpu,
    )
    _run(options)


def _add_proof_of_image(app: typer.Typer, proof: Proof) -> None:
    @app.command(proof.name, help=proof.question, rich_help_panel=_PANEL)
    def _command(
        image: ImageArgument,
        slo: SloOption,
        plan: PlanOption = None,
        out: OutOption = _DEFAULT_OUT,
        runs: RunsOption = _DEFAULT.runs,
        seconds: SecondsOption = _DEFAULT.seconds,
        requests: RequestsOption = _DEFAULT.requests,
        gpu: GpuOption = False,
    ) -> None:
        effort = Effort(runs, seconds, requests)
        _run(ProveOptions((proof,), image, load_slo(slo), _plan(plan), out, effort, gpu=gpu))


def _add_proof_of_two_images(app: typer.Typer, proof: Proof) -> None:
    @app.command(proof.name, help=proof.question, rich_help_panel=_PANEL)
    def _command(
        old: Annotated[str, typer.Argument(help="an image that nodes have already")],
        new: ImageArgument,
        slo: SloOption,
        plan: PlanOption = None,
        out: OutOption = _DEFAULT_OUT,
    ) -> None:
        _run(ProveOptions((proof,), new, load_slo(slo), _plan(plan), out, _DEFAULT, against=old))


def _add_proof_of_flake(app: typer.Typer, proof: Proof) -> None:
    @app.command(proof.name, help=proof.question, rich_help_panel=_PANEL)
    def _command(
        flake_attr: Annotated[str, typer.Argument(help="what Nix calls the image: .#image")],
        out: OutOption = _DEFAULT_OUT,
    ) -> None:
        _run(ProveOptions((proof,), None, None, None, out, _DEFAULT, flake=flake_attr))


def report(
    file: Annotated[Path, typer.Argument(help="a report.json", metavar="FILE")], out: OutOption = _DEFAULT_OUT
) -> None:
    """Draw the page of a report that was written before."""
    Progress(make_console()).note(f"written: {write_report(read_report(file), out)[-1]}")


def report_schema() -> None:
    """Print the JSON schema of report.json."""
    typer.echo(json.dumps(schema(), indent=2))


def _plan(path: Path | None) -> Plan | None:
    return None if path is None else load_plan(path)


def _run(options: ProveOptions) -> None:
    raise typer.Exit(0 if run_proofs(options, Progress(make_console())) else 1)
