"""Unpack one wheel into a store path and compile it, so that two builds give the same bytes.

Scripts keep the wheel's placeholder (`#!python`): the environment that they end up in knows which Python to name.
"""

from __future__ import annotations

import argparse
import compileall
import csv
import io
import shutil
import struct
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path, PurePosixPath
from py_compile import PycInvalidationMode

_ELF_MAGIC = b"\x7fELF"
_PROGRAM_INTERPRETER = 3  # PT_INTERP. Source: System V ABI, "Program Header".


class WheelError(Exception):
    """A wheel that this program cannot install; the message names the file."""


def site_packages(out: Path) -> Path:
    """Return where a package's modules go below `out`."""
    return out / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"


def destination_of(member: str, distribution: str, out: Path) -> Path:
    """Return where a member of the wheel goes.

    Args:
        member: path inside the wheel.
        distribution: the project's name, which is the folder of its headers.

    Raises:
        WheelError: the member would leave `out`, or belongs to an unknown scheme of the `.data` directory.

    Source: PEP 427, "The .data directory".
    """
    path = PurePosixPath(member)
    if path.is_absolute() or ".." in path.parts:
        raise WheelError(f"{member}: leads out of the wheel")
    if not path.parts[0].endswith(".data"):
        return site_packages(out) / path
    scheme, rest = path.parts[1], PurePosixPath(*path.parts[2:])
    roots = {
        "purelib": site_packages(out),
        "platlib": site_packages(out),
        "scripts": out / "bin",
        "data": out,
        "headers": out / "include" / f"python{sysconfig.get_python_version()}" / distribution,
    }
    if scheme not in roots:
        raise WheelError(f"{member}: unknown scheme {scheme}; there are {', '.join(sorted(roots))}")
    return roots[scheme] / rest


def unpack(wheel: Path, distribution: str, out: Path) -> None:
    """Write every member of the wheel to its place, and a RECORD that tells those places.

    Raises:
        WheelError: see `destination_of`.
    """
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            if member.is_dir():
                continue
            target = destination_of(member.filename, distribution, out)
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.parent.name.endswith(".dist-info") and target.name == "RECORD":
                record = archive.read(member).decode()
                target.write_text(relocated_record(record, distribution, out), encoding="utf-8", newline="")
                continue
            with archive.open(member) as source, target.open("wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
            if (member.external_attr >> 16) & 0o111 or target.parent == out / "bin":
                target.chmod(0o755)


def relocated_record(record: str, distribution: str, out: Path) -> str:
    """Return RECORD with the members of `.data` where they are now, relative to site-packages as before."""
    site = site_packages(out)
    rows = []
    for row in csv.reader(io.StringIO(record)):
        target = destination_of(row[0], distribution, out)
        up = "" if target.is_relative_to(site) else "../" * len(site.relative_to(out).parts)
        rows.append([up + str(target.relative_to(out if up else site)), *row[1:]])
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def wants_loader(file: Path) -> bool:
    """Return whether a file is a 64-bit ELF program that names its loader."""
    with file.open("rb") as stream:
        header = stream.read(64)
        if len(header) < 64 or header[:5] != _ELF_MAGIC + b"\x02":
            return False
        (offset,) = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        stream.seek(offset)
        table = stream.read(size * count)
    return any(struct.unpack_from("<I", table, index * size)[0] == _PROGRAM_INTERPRETER for index in range(count))


def patch_programs(out: Path, patchelf: Path, loader: Path, libraries: str) -> None:
    """Let programs of the wheel run by the store's loader and libraries instead of the machine's."""

    def call(*arguments: str | Path) -> str:
        return subprocess.run([patchelf, *arguments], check=True, capture_output=True, text=True).stdout  # noqa: S603

    for file in sorted(out.rglob("*")):
        if not file.is_file() or not file.stat().st_mode & 0o111 or not wants_loader(file):
            continue
        rpath = ":".join(part for part in (call("--print-rpath", file).strip(), libraries) if part)
        # One change a call: patchelf 0.14.3 spoils a file that it changes twice in one.
        call("--set-interpreter", loader, file)
        call("--force-rpath", "--set-rpath", rpath, file)


def compile_modules(out: Path) -> None:
    """Write bytecode that Python trusts without looking at the source, in one process and in one order.

    A file that is not Python 3, such as a template, is left as it is.
    """
    site = site_packages(out)
    if site.is_dir():
        compileall.compile_dir(
            site, maxlevels=100, quiet=2, force=True, workers=1, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--distribution", required=True, help="the project's name")
    parser.add_argument("--patchelf", type=Path, required=True)
    parser.add_argument("--loader", type=Path, required=True, help="the dynamic loader that runs the wheel's programs")
    parser.add_argument("--libraries", required=True, help="directories that they find libraries in, joined by colons")
    arguments = parser.parse_args()
    try:
        unpack(arguments.wheel, arguments.distribution, arguments.out)
    except WheelError as error:
        print(f"install_wheel: {arguments.wheel.name}: {error}", file=sys.stderr)  # noqa: T201
        return 1
    patch_programs(arguments.out, arguments.patchelf, arguments.loader, arguments.libraries)
    compile_modules(arguments.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
