"""The commands on the catalogue of models."""

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from coldstart_harness.archive.image import image_at_rest
from coldstart_harness.catalogue import fetching, shown, verifying
from coldstart_harness.catalogue.adding import Chosen, changes_between, new_entry, reference_of, renewed_entry
from coldstart_harness.catalogue.download import DownloadFailed, bases_of
from coldstart_harness.catalogue.entries import Catalogue, Entry, load_catalogue, read_entry, write_entry
from coldstart_harness.catalogue.exporting import export as export_models
from coldstart_harness.catalogue.sources import HubSource, Source, directory_source
from coldstart_harness.engine import ensure_engine
from coldstart_harness.errors import ServiceFailed, UsageError
from coldstart_harness.plan import load_plan
from coldstart_harness.process import answer
from coldstart_harness.progress import Progress, make_console
from coldstart_harness.proving.subject import in_engine

app = typer.Typer(no_args_is_help=True, help="The catalogue of models: what it says, and whether models are so.")

CatalogueOption = Annotated[
    Path, typer.Option(help="the catalogue, written by Nix", metavar="FILE", envvar="COLDSTART_CATALOGUE")
]
PlanOption = Annotated[
    Path | None, typer.Option(help="what there is to build, written by Nix", metavar="FILE", envvar="COLDSTART_PLAN")
]
FromOption = Annotated[
    Path | None,
    typer.Option("--from", help="a directory laid out as the repository, instead of the Hub", metavar="DIR"),
]
LicenseOption = Annotated[
    str | None,
    typer.Option("--license", help="an SPDX expression, where the card states none or another", metavar="SPDX"),
]
NamesArgument = Annotated[list[str], typer.Argument(help="models of the catalogue", metavar="NAME...")]


@app.command("list")
def list_models(catalogue: CatalogueOption) -> None:
    """All models, with their sizes and licences."""
    make_console().print(shown.list_table(load_catalogue(catalogue)), soft_wrap=True)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="a model of the catalogue")],
    catalogue: CatalogueOption,
) -> None:
    """One model, with its files."""
    known = load_catalogue(catalogue)
    entry = known.entry(name)
    for line in (*shown.entry_lines(known, entry), *shown.addresses(entry)):
        typer.echo(line)
    if entry.files:
        make_console().print(shown.file_table(entry), soft_wrap=True)


@app.command()
def verify(
    target: Annotated[str, typer.Argument(help="a directory, an image (as `prove` names one), or a server's URL")],
    catalogue: CatalogueOption,
    plan: PlanOption = None,
    model: Annotated[
        str | None, typer.Option(help="the model as whose repository the directory is laid out", metavar="NAME")
    ] = None,
) -> None:
    """Compare a directory, an image or a running server with the catalogue."""
    known = load_catalogue(catalogue)
    if target.startswith(("http://", "https://")):
        verdicts = verifying.verify_server(known, target)
    elif Path(target).is_dir():
        verdicts = verifying.verify_directory(known, Path(target), model)
    else:
        verdicts = _verify_image(known, target, plan)
    if not verdicts:
        raise ServiceFailed(f"{target} names no models: there is nothing to compare with the catalogue")
    for line in shown.verdict_lines(verdicts):
        typer.echo(line)
    raise typer.Exit(1 if any(verdict.problems for verdict in verdicts) else 0)


@app.command()
def add(
    reference: Annotated[str, typer.Argument(help="the repository: hf:REPO or hf:REPO@REV")],
    catalogue: CatalogueOption,
    source: FromOption = None,
    name: Annotated[str | None, typer.Option(help="the entry's name; default: the repository's")] = None,
    license_: LicenseOption = None,
    architecture: Annotated[str | None, typer.Option(help="where config.json does not say it")] = None,
) -> None:
    """Write the entry of a new model: its files' hashes, and the licence that its card states."""
    top, known = Path.cwd(), load_catalogue(catalogue)
    wanted = reference_of(reference)
    inside = "" if source is None else _inside(top, source)
    opened = _source(wanted.repository, wanted.revision, source, "made here" if inside else "computed")
    chosen = Chosen(name, license_, architecture, inside)
    entry = new_entry(top, known, wanted, opened, chosen)
    path = write_entry(top, entry)
    _tell_git(path)
    typer.echo(f"written: {path.relative_to(top)}")
    for line in shown.entry_lines(known, entry):
        typer.echo(f"  {line}")
    _into_store(entry, source)
    typer.echo(f"to put it into an image, name {entry.name} in a model set of nix/variants.nix")


@app.command()
def update(
    name: Annotated[str, typer.Argument(help="a model of the catalogue, NAME or NAME@REV")],
    catalogue: CatalogueOption,
    source: FromOption = None,
    license_: LicenseOption = None,
) -> None:
    """Write the pins of another revision into an entry; without one those of what the main branch is now."""
    top = Path.cwd()
    name, _, revision = name.partition("@")
    old = read_entry(top, name)
    if old.origin == "package":
        raise UsageError(f"{name} is what the package {old.package} installs: poetry.lock pins it")
    if old.origin == "checkout" and source is None:
        source, revision = top / old.directory, revision or old.revision
    opened = _source(old.repository, revision or None, source, "made here" if old.directory else "computed")
    entry = renewed_entry(top, load_catalogue(catalogue), name, opened, license_)
    changes = changes_between(old, entry)
    if changes:
        path = write_entry(top, entry)
        changes.append(f"written: {path.relative_to(top)}")
        _into_store(entry, source)
    for line in changes or [f"{name} is as the catalogue says"]:
        typer.echo(line)


@app.command()
def fetch(
    names: NamesArgument,
    catalogue: CatalogueOption,
    source: FromOption = None,
    to: Annotated[
        Path | None, typer.Option(help="fill a directory that serves as a mirror, instead of the store", metavar="DIR")
    ] = None,
) -> None:
    """Bring models' files ahead of a build, from COLDSTART_MODEL_MIRROR and the Hub, into the Nix store."""
    known = load_catalogue(catalogue)
    entries = [known.entry(name) for name in names]
    if to is not None and source is not None:
        raise UsageError("--from and --to together copy nothing that `cp` would not")
    if source is not None and len(entries) != 1:
        raise UsageError(f"--from is one model's repository; {len(entries)} models are named")
    if to is None:
        brought = fetching.fetch_into_store(entries, _roots(), source)
    else:
        brought = fetching.fetch_into_directory(entries, to)
    files = sum(len(entry.files) for entry in entries)
    typer.echo(f"{brought} of {files} files brought, {files - brought} were there")


@app.command()
def export(
    names: NamesArgument,
    catalogue: CatalogueOption,
    out: Annotated[Path, typer.Option(help="a new directory", metavar="DIR")],
) -> None:
    """Write converted models and their manifest into a directory, for a volume beside an image."""
    progress = Progress(make_console(stderr=True))
    with progress.phase(f"building {', '.join(names)}") as phase:
        manifest = export_models(load_catalogue(catalogue), names, out, phase.say)
    typer.echo(f"written: {manifest}; mount {out} read-only and set MODELS_MANIFEST to its {manifest.name}")


def _verify_image(catalogue: Catalogue, target: str, plan: Path | None) -> list[verifying.Verdict]:
    progress = Progress(make_console(stderr=True))
    engine = ensure_engine(progress.note)
    reference = in_engine(target, engine, None if plan is None else load_plan(plan), progress)
    with (
        tempfile.TemporaryDirectory(prefix="coldstart-models-") as scratch,
        image_at_rest(engine, reference, Path(scratch)) as image,
    ):
        return verifying.verify_image(catalogue, image)


def _source(repository: str, revision: str | None, directory: Path | None, known: str) -> Source:
    if directory is not None:
        return directory_source(directory, revision, known=known)
    return HubSource(repository, revision, _bases())


def _bases() -> list[str]:
    try:
        return bases_of(os.environ)
    except DownloadFailed as error:
        raise UsageError(str(error)) from None


def _inside(top: Path, directory: Path) -> str:
    """A directory of the checkout by its path there; empty: it lies elsewhere."""
    resolved = directory.resolve()
    return resolved.relative_to(top.resolve()).as_posix() if resolved.is_relative_to(top.resolve()) else ""


def _into_store(entry: Entry, source: Path | None) -> None:
    """What was given as a directory is built from that, without a hub."""
    if source is not None and entry.origin == "hub":
        fetching.fetch_into_store([entry], _roots(), source)
        typer.echo("its files are in the Nix store, where a build finds them")


def _tell_git(path: Path) -> None:
    """Nix sees no file of a checkout that git does not know of."""
    asked = answer(["git", "add", "--intent-to-add", path])
    if asked.status:
        raise UsageError(f"git does not take {path}: {asked.tail}")


def _roots() -> Path:
    asked = answer(["git", "rev-parse", "--absolute-git-dir"])
    if asked.status:
        raise UsageError(f"run it in the checkout: {asked.tail}")
    return Path(asked.output.strip()) / "coldstart-models"
