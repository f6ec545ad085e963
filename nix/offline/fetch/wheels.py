"""Wheels by pip: which pip, which wheels in one call, and with which arguments."""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import FetchError
from .pins import Pin

# The interpreter that the wheels are for, not the one that runs pip.
PYTHON_VERSION = "3.11.2"
_BATCH_WHEELS = 8


@dataclass(frozen=True)
class Tags:
    """The compatibility tags in a wheel's name, each maybe several joined by dots.

    Source: PyPA specification "Binary distribution format", file name convention.
    """

    python: str
    abi: str
    platform: str


def tags_of(name: str) -> Tags:
    """Return a wheel's tags.

    Raises:
        FetchError: the name is not a wheel's.
    """
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 (a name, not a path)
    parts = stem.split("-")
    if suffix != ".whl" or len(parts) not in (5, 6):
        raise FetchError(f"{name} is not a wheel's name; wanted: NAME-VERSION[-BUILD]-PYTHON-ABI-PLATFORM.whl")
    return Tags(*parts[-3:])


def batches(pins: Iterable[Pin]) -> list[list[Pin]]:
    """Return the wheels in groups for one pip call each.

    One group has one set of tags: pip then cannot take another wheel of the same version for the better fit. A wheel
    with an index of its own is alone, so that this index is asked for nothing else.
    """

    def key(pin: Pin) -> tuple[str, str, str, str]:
        tags = tags_of(pin.name)
        return (tags.abi, tags.platform, pin.extra_index, pin.name if pin.extra_index else "")

    found: list[list[Pin]] = []
    for _tags, group in itertools.groupby(sorted(pins, key=key), key=key):
        members = list(group)
        found += [members[at : at + _BATCH_WHEELS] for at in range(0, len(members), _BATCH_WHEELS)]
    # Those with an index of their own are the large ones: they start first.
    return sorted(found, key=lambda batch: not batch[0].extra_index)


def pip_command() -> list[str]:
    """Return how to call pip on this machine.

    Raises:
        FetchError: there is none.
    """
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    program = shutil.which("pip3") or shutil.which("pip")
    if program is None:
        raise FetchError("pip is not here, and wheels come through it: install python3-pip")
    return [program]


def arguments(batch: Sequence[Pin], requirements: Path, target: Path, extra_index: str = "") -> list[str]:
    """Return pip's arguments for one batch; indexes, find-links, proxies and CAs are left to pip's configuration."""
    tags = tags_of(batch[0].name)
    flags = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--progress-bar=off", "--no-input"]
    flags += ["--disable-pip-version-check", "--implementation=cp", f"--python-version={PYTHON_VERSION}"]
    flags += [f"--abi={abi}" for abi in tags.abi.split(".")]
    flags += [f"--platform={platform}" for platform in tags.platform.split(".")]
    if extra_index:
        # Where that index cannot be reached, the answer is to come in seconds, whatever patience pip is configured for.
        flags += [f"--extra-index-url={extra_index}", "--retries=1", "--timeout=15"]
    return ["download", *flags, "--dest", str(target), "--requirement", str(requirements)]


def requirements_text(batch: Sequence[Pin]) -> str:
    """Return a requirements file: pip takes hashes from nowhere else."""
    return "".join(f"{pin.requirement} --hash=sha256:{pin.sha256}\n" for pin in batch)


def fetch(
    batch: Sequence[Pin],
    folder: Path,
    environ: Mapping[str, str],
    run: Callable[..., subprocess.CompletedProcess[bytes]] = subprocess.run,
) -> Path:
    """Download one batch into `folder`.

    The machine's own indexes are asked first, also for a wheel with an index of its own: a find-links folder or a
    company's mirror may have it where that index cannot be reached.

    Returns:
        The folder with the wheels.

    Raises:
        FetchError: pip could not have one of them.
    """
    target = folder / "wheels"
    requirements = folder / "requirements.txt"
    requirements.write_text(requirements_text(batch), encoding="utf-8")
    # pip unpacks in TMPDIR; there the progress bar sees the bytes come in.
    environment = {**environ, "TMPDIR": str(folder)}
    complaint = ""
    for extra_index in dict.fromkeys(["", batch[0].extra_index]):
        command = [*pip_command(), *arguments(batch, requirements, target, extra_index)]
        done = run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, check=False)
        if done.returncode == 0:
            return target
        lines = done.stderr.decode(errors="replace").splitlines()
        complaint = " ".join(line for line in lines if line.startswith("ERROR:")) or " ".join(lines[-3:])
    names = ", ".join(pin.requirement for pin in batch)
    raise FetchError(f"pip could not bring {names}: {complaint}")
