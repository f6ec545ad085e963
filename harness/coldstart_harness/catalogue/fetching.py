"""Model files brought ahead of a build: into the Nix store, or into a directory that serves as a mirror."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from coldstart_harness import nix
from coldstart_harness.catalogue.download import DownloadFailed, Wanted, bases_of, download
from coldstart_harness.catalogue.entries import Entry
from coldstart_harness.errors import HarnessError, UsageError
from coldstart_harness.process import answer
from coldstart_harness.progress import make_console


class FetchFailed(HarnessError):
    """A file of a model could not be had, or is not the one that the catalogue names."""


def wanted_of(entry: Entry) -> list[Wanted]:
    """The files of an entry that come from a hub, the largest first.

    Raises:
        UsageError: none does.
    """
    if entry.origin != "hub":
        raise UsageError(f"{entry.name} comes from the {entry.origin}: there is nothing to fetch")
    files = sorted(entry.files.items(), key=lambda item: -item[1].size)
    return [Wanted(entry.repository, entry.revision, file, pin.sha256, pin.size) for file, pin in files]


def fetch_into_directory(entries: Sequence[Entry], directory: Path, environ: Mapping[str, str] = os.environ) -> int:
    """Fill a directory as a mirror lays files out, `REPO/resolve/REV/FILE`: what is there already is not fetched.

    Returns:
        How many files were brought.

    Raises:
        FetchFailed: a file could not be had, or has other bytes.
    """
    missing = []
    for wanted in (wanted for entry in entries for wanted in wanted_of(entry)):
        target = directory / wanted.repository / "resolve" / wanted.revision / wanted.file
        if not _is_there(wanted, target):
            missing.append((wanted, target))
    with _bars() as bar:
        for wanted, target in missing:
            target.parent.mkdir(parents=True, exist_ok=True)
            _bring(wanted, target, environ, bar(wanted))
    return len(missing)


def fetch_into_store(
    entries: Sequence[Entry], roots: Path, source: Path | None = None, environ: Mapping[str, str] = os.environ
) -> int:
    """Put files into the Nix store where their builds look for them, and keep them from garbage collection.

    Args:
        entries: of the models.
        roots: directory for the links that keep the files.
        source: a directory laid out as the repository, which is read instead of mirrors and the Hub.
        environ: names the mirrors.

    Returns:
        How many files were brought.

    Raises:
        FetchFailed: a file could not be had, or has other bytes; or Nix does not take it.
    """
    places = [(wanted, _store_path(wanted)) for entry in entries for wanted in wanted_of(entry)]
    absent = nix.invalid_among(path for _, path in places)
    brought = 0
    with _bars() as bar, tempfile.TemporaryDirectory(prefix="coldstart-models-") as scratch:
        for wanted, path in places:
            if path in absent:
                # The store takes a file by its own name.
                file = Path(scratch) / Path(wanted.file).name
                if source is None:
                    _bring(wanted, file, environ, bar(wanted))
                else:
                    _copy(wanted, source / wanted.file, file)
                _add(wanted, file, path)
                file.unlink()
                brought += 1
            _keep(roots / f"{wanted.repository.replace('/', '--')}-{wanted.sha256[:16]}", path)
    return brought


def _is_there(wanted: Wanted, path: Path) -> bool:
    return path.is_file() and path.stat().st_size == wanted.size and _sha256(path) == wanted.sha256


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _bring(wanted: Wanted, target: Path, environ: Mapping[str, str], on_bytes: Callable[[int], None]) -> None:
    try:
        download(wanted, target, bases_of(environ), on_bytes)
    except DownloadFailed as error:
        raise FetchFailed(str(error)) from None


def _copy(wanted: Wanted, source: Path, target: Path) -> None:
    if not source.is_file():
        raise FetchFailed(f"{source} is not there; the catalogue has {wanted.name}")
    shutil.copyfile(source, target)
    met = _sha256(target)
    if met != wanted.sha256:
        raise FetchFailed(f"{source} has sha256 {met}; the catalogue wants {wanted.sha256} of {wanted.name}")


def _store_path(wanted: Wanted) -> Path:
    name = Path(wanted.file).name
    return Path(_nix_store("--print-fixed-path", "sha256", wanted.sha256, name))


def _add(wanted: Wanted, file: Path, expected: Path) -> None:
    landed = Path(_nix_store("--add-fixed", "sha256", str(file)))
    if landed != expected:
        raise FetchFailed(f"{wanted.name} landed at {landed}; its build looks at {expected}")


def _keep(root: Path, path: Path) -> None:
    if root.is_symlink() and root.readlink() == path:
        return
    root.parent.mkdir(parents=True, exist_ok=True)
    _nix_store("--realise", str(path), "--add-root", str(root), "--indirect")


def _nix_store(*arguments: str) -> str:
    try:
        done = answer(["nix-store", *arguments])
    except FileNotFoundError:
        raise FetchFailed("nix-store is not on the PATH; start this by ./nixw, which installs Nix") from None
    if done.status:
        raise FetchFailed(f"nix-store {arguments[0]} failed: {done.tail}")
    return done.output.strip()


@contextmanager
def _bars() -> Iterator[Callable[[Wanted], Callable[[int], None]]]:
    """A bar for each file on a terminal, and a line for each elsewhere."""
    console = make_console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:

        def bar(wanted: Wanted) -> Callable[[int], None]:
            if not console.is_terminal:
                console.print(f"fetching {wanted.name}", soft_wrap=True)
            task = progress.add_task(f"{wanted.repository}/{wanted.file}", total=wanted.size)
            return lambda count: progress.advance(task, count)

        yield bar
