"""The commands on an image's papers."""

from pathlib import Path
from typing import Annotated

import typer

from coldstart_harness.catalogue.entries import load_catalogue
from coldstart_harness.plan import load_plan
from coldstart_harness.progress import Progress, make_console

_ImageArgument = Annotated[str, typer.Argument(help="the image's attribute in the flake", metavar="IMAGE")]
_PlanOption = Annotated[
    Path, typer.Option(help="what there is to build, written by Nix", metavar="FILE", envvar="COLDSTART_PLAN")
]
_CatalogueOption = Annotated[
    Path, typer.Option(help="the catalogue, written by Nix", metavar="FILE", envvar="COLDSTART_CATALOGUE")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands to a command line."""
    app.command()(sbom)
    app.command()(licenses)


def sbom(
    image: _ImageArgument,
    plan: _PlanOption,
    out: Annotated[Path | None, typer.Option(help="file to write to; default: standard output", metavar="FILE")] = None,
) -> None:
    """Write an image's bill of materials, and fail where it is not what the image holds."""
    # A third of a second to import, which every command of the harness would wait for.
    from coldstart_harness.papers.command import write_sbom

    agrees = write_sbom(load_plan(plan).image(image), out, Progress(make_console(stderr=True)))
    raise typer.Exit(0 if agrees else 1)


def licenses(image: _ImageArgument, plan: _PlanOption, catalogue: _CatalogueOption) -> None:
    """List the licences of all that an image holds, and fail where the policy refuses one."""
    from coldstart_harness.papers.command import show_licenses

    policy = load_catalogue(catalogue).policy
    allowed = show_licenses(load_plan(plan).image(image), policy, Progress(make_console()))
    raise typer.Exit(0 if allowed else 1)
