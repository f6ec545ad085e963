"""Load on a running service, judged by its file of promises.

Without a command it runs: `load --host URL --profile smoke`. `load compare A.json B.json` compares two runs.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from coldstart_harness.errors import HarnessError, UsageError
from coldstart_harness.figures import seconds_of
from coldstart_harness.progress import make_console
from coldstart_harness.service import checked_url
from loadtests.compare import CONFIDENCE, Difference, differences
from loadtests.document import RunDocument, read_document
from loadtests.preflight import check_answer
from loadtests.profiles import PROFILES, profile_named
from loadtests.settings import Settings, settings_in, token_from

USER_FILES = {"interview": "interview.py", "wheel": "wheel.py"}
ANY_SERVICE = "any_service.py"
_WAIT_FOR_WORKERS_S = 60

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.callback(invoke_without_command=True)
def run(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="what is put under load", metavar="URL")] = None,
    profile: Annotated[str, typer.Option(help=f"shape of the load: {', '.join(PROFILES)}")] = "smoke",
    users: Annotated[int | None, typer.Option(min=1, help="the most at one time; default: the profile's")] = None,
    duration: Annotated[str | None, typer.Option(help="90, 20m, 1h30m; default: the profile's")] = None,
    slo: Annotated[Path | None, typer.Option(help="file of promises", metavar="FILE")] = None,
    service: Annotated[str | None, typer.Option(help="which of its services; default: the only one")] = None,
    image: Annotated[str | None, typer.Option(help="judge by what the file says of this image, too")] = None,
    token: Annotated[str | None, typer.Option(help="sent as bearer token; better by LOAD_TOKEN")] = None,
    token_file: Annotated[Path | None, typer.Option(help="the same from a file", metavar="FILE")] = None,
    ca: Annotated[Path | None, typer.Option(help="certificates to trust as well", metavar="FILE")] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="trust any certificate")] = False,
    csv: Annotated[str | None, typer.Option(help="write locust's tables", metavar="PREFIX")] = None,
    html: Annotated[Path | None, typer.Option(help="write locust's report", metavar="FILE")] = None,
    json: Annotated[Path | None, typer.Option(help="write what `compare` reads", metavar="FILE")] = None,
    master: Annotated[bool, typer.Option("--master", help="let workers make the load")] = False,
    expect_workers: Annotated[int, typer.Option(min=1, help="begin when so many have come")] = 1,
    worker: Annotated[bool, typer.Option("--worker", help="make load for a master")] = False,
    master_host: Annotated[str, typer.Option(help="where a worker finds its master")] = "127.0.0.1",
    master_port: Annotated[int, typer.Option(help="where a master listens")] = 5557,
) -> None:
    """Load on a running service, judged by its file of promises.

    Exit status: 0 every promise was kept, 1 one was broken or the service does not answer, 2 wrong use.
    """
    if context.invoked_subcommand is not None:
        return
    settings = _settings(slo, service, image, token, token_file, ca, insecure, json)
    name, asked = settings.asked()
    command = [sys.executable, "-m", "locust", "-f", str(Path(__file__).parent / USER_FILES.get(name, ANY_SERVICE))]
    command += ["--only-summary", "--loglevel", "WARNING"]
    if master and worker:
        raise UsageError("a process is a master or a worker, not both")
    if worker:
        command += ["--worker", "--master-host", master_host, "--master-port", str(master_port)]
        _become(command, settings)
    if host is None:
        raise UsageError("--host URL is missing: what is to be put under load?")
    host = checked_url(host, "--host")
    chosen = profile_named(profile)
    seconds = chosen.duration_s if duration is None else seconds_of(duration)
    command += ["--headless", "--host", host, "--profile", chosen.name]
    command += ["--users", str(users or chosen.users), "--run-time", f"{seconds:.0f}"]
    if master:
        command += ["--master", "--master-bind-port", str(master_port), "--expect-workers", str(expect_workers)]
        command += ["--expect-workers-max-wait", str(_WAIT_FOR_WORKERS_S)]
    for flag, path in (("--csv", csv), ("--html", html)):
        command += [flag, str(_writable(Path(path)))] if path else []
    if json is not None:
        _writable(json)
    check_answer(host, asked, settings)
    _become(command, settings)


@app.command()
def compare(
    a: Annotated[Path, typer.Argument(help="a run's document, written by --json", metavar="A.json")],
    b: Annotated[Path, typer.Argument(help="another one", metavar="B.json")],
) -> None:
    """Whether two runs differ: what changed from A to B, with confidence intervals.

    Exit status: 0 whether or not they differ, 2 wrong use.
    """
    first, second = read_document(a), read_document(b)
    found = differences(first, second)
    console = make_console()
    for sentence in _unlike(first, second):
        console.print(Text(sentence, style="yellow"))
    table = Table("request", "quantity", "A", "B", "change", f"interval, all together {CONFIDENCE:.0%}", "finding")
    for difference in found:
        table.add_row(*map(escape, _row(difference)))
    console.print(table)
    shown = sum(difference.is_shown for difference in found)
    console.print(Text(f"{shown} differences shown among {len(found)}" if shown else "no difference shown"))


def main() -> None:
    """Run the command line: a failure is one sentence, with exit status 2 after a wrong use and 1 otherwise."""
    try:
        app(prog_name="load")
    except HarnessError as error:
        make_console(stderr=True).print(Text(f"load: {error}"), style="bold red", soft_wrap=True)
        sys.exit(2 if isinstance(error, UsageError) else 1)


def _settings(
    slo: Path | None,
    service: str | None,
    image: str | None,
    token: str | None,
    token_file: Path | None,
    ca: Path | None,
    insecure: bool,
    json: Path | None,
) -> Settings:
    """Flags before the environment."""
    if token and token_file:
        raise UsageError("both --token and --token-file are given; one of them is wanted")
    found = settings_in(os.environ)
    return Settings(
        slo=slo or found.slo,
        service=service or found.service,
        image=image or found.image,
        token=token_from(token_file) if token_file else token or found.token,
        ca=ca or found.ca,
        insecure=insecure or found.insecure,
        json=json.absolute() if json else found.json,
    )


def _become(command: list[str], settings: Settings) -> NoReturn:
    """Locust in place of this process: its exit status, its signals; and it patches the library before all imports."""
    sys.stdout.flush()
    others = {name: value for name, value in os.environ.items() if name != "LOAD_TOKEN_FILE"}
    os.execve(command[0], command, {**others, **settings.environment()})  # noqa: S606 - no shell is wanted


def _writable(path: Path) -> Path:
    """The path, with its directory made; not after an hour of load."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise UsageError(f"{path} cannot be written: {'it is a directory' if path.is_dir() else 'no permission'}")
    return path


def _unlike(a: RunDocument, b: RunDocument) -> Iterator[str]:
    for what in ("host", "service", "profile", "users"):
        met = getattr(a, what), getattr(b, what)
        if met[0] != met[1]:
            yield f"the runs had not the same {what}: {met[0]} and {met[1]}; a difference may come of that"


def _row(difference: Difference) -> tuple[str, ...]:
    share = difference.quantity == "share not answered rightly"
    form = "{:+.4f}" if share else "{:+.1%}"
    change = difference.b - difference.a if share else difference.b / difference.a - 1
    return (
        difference.request,
        difference.quantity,
        f"{difference.a:.4g}",
        f"{difference.b:.4g}",
        form.format(change),
        f"{form.format(difference.low)} to {form.format(difference.high)}",
        ("B is higher" if difference.low > 0 else "B is lower") if difference.is_shown else "no difference shown",
    )


if __name__ == "__main__":
    main()
