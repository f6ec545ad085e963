"""Brings absent pins into the store: downloads in parallel, adds each file by its hash, keeps all by roots."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import TextIO

from . import archive, download, store, wheels
from .errors import FetchError
from .pins import Pin
from .progress import Progress

_WORKERS = 6

Task = Callable[[Path, Progress], None]


def folder_bytes(folder: Path) -> int:
    """Return how many bytes lie below a folder now; files may vanish meanwhile."""
    total = 0
    for place, _folders, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(place) / name).lstat().st_size
            except OSError:
                continue
    return total


def add(pin: Pin, file: Path, progress: Progress) -> None:
    """Put one downloaded file into the store and remove it here."""
    size_bytes = file.stat().st_size
    if pin.kind == "member":
        tree = file.parent / pin.name
        program = tree / "bin" / pin.name
        program.parent.mkdir(parents=True)
        program.write_bytes(archive.file_in_deb(file, pin.member))
        program.chmod(0o755)
        store.add(tree, pin.store_path, recursive=True)
    else:
        store.add(file, pin.store_path)
    file.unlink()
    progress.add(size_bytes)


def wheel_task(batch: Sequence[Pin], environ: Mapping[str, str]) -> Task:
    """Return the task that brings one batch of wheels."""

    def task(folder: Path, progress: Progress) -> None:
        fetched = wheels.fetch(batch, folder, environ)
        for pin in batch:
            file = fetched / pin.name
            if not file.exists():
                brought = sorted(path.name for path in fetched.iterdir())
                raise FetchError(f"pip brought {brought}; wanted {pin.name} among them")
            download.verify(file, pin.sha256, "pip")
            add(pin, file, progress)

    return task


def file_task(pin: Pin, environ: Mapping[str, str]) -> Task:
    """Return the task that brings one Debian package, or one file by its address."""

    def task(folder: Path, progress: Progress) -> None:
        name = Path(pin.path).name if pin.kind == "member" else pin.name
        file = folder / name
        if pin.kind == "url":
            download.url(pin.path, pin.sha256, file)
        else:
            download.deb(environ, pin.path, pin.sha256, pin.suite, pin.component, file)
        add(pin, file, progress)

    return task


def tasks_of(pins: Sequence[Pin], environ: Mapping[str, str]) -> list[Task]:
    """Return what there is to do, the slow parts first."""
    by_pip = wheels.batches(pin for pin in pins if pin.kind == "wheel")
    if by_pip:
        wheels.pip_command()
    return [wheel_task(batch, environ) for batch in by_pip] + [
        file_task(pin, environ) for pin in pins if pin.kind != "wheel"
    ]


def run_all(tasks: Sequence[Task], folder: Path, progress: Progress) -> None:
    """Run the tasks, several at once; the first failure cancels those that have not begun.

    Raises:
        FetchError: one sentence for each task that failed.
    """

    def run(index: int, task: Task) -> None:
        place = folder / str(index)
        place.mkdir()
        task(place, progress)

    with ThreadPoolExecutor(_WORKERS) as pool:
        futures: list[Future[None]] = [pool.submit(run, index, task) for index, task in enumerate(tasks)]
        _done, waiting = wait(futures, return_when=FIRST_EXCEPTION)
        for future in waiting:
            future.cancel()
    failures = [error for future in futures if not future.cancelled() and (error := future.exception())]
    for failure in failures:
        if not isinstance(failure, FetchError):
            raise failure
    if failures:
        raise FetchError("\n".join(str(failure) for failure in failures))


def bring(pins: Sequence[Pin], roots: Path, stream: TextIO, environ: Mapping[str, str] = os.environ) -> int:
    """Bring every pin that the store lacks, and keep all of them from garbage collection.

    Args:
        roots: folder of links in the checkout; it is made to match the pins.
        stream: where progress goes.

    Returns:
        How many were brought.

    Raises:
        FetchError: a file could not be had, or is not what its pin says.
    """
    paths = {pin.store_path: pin for pin in pins}
    absent = [paths[path] for path in store.absent(list(paths))]
    if absent:
        stream.write(f"fetch: {len(absent)} of {len(paths)} locked files are not in the Nix store yet\n")
        with tempfile.TemporaryDirectory(prefix="coldstart-fetch-") as name:
            folder = Path(name)
            with Progress(len(absent), stream, arriving=lambda: folder_bytes(folder)) as progress:
                run_all(tasks_of(absent, environ), folder, progress)
    store.keep(roots, list(paths))
    return len(absent)
