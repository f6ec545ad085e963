"""Join installed packages to one environment: a virtual environment made of symbolic links.

A directory that only one package has is one link; one that several have (namespace packages, `__pycache__`) is made
here and holds links. Scripts are written here, because only here is it known which Python they belong to.
"""

from __future__ import annotations

import argparse
import configparser
import filecmp
import sys
from pathlib import Path

_PLACEHOLDER = b"#!python"


class JoinError(Exception):
    """Two packages that cannot be in one environment, or a script that cannot be made; the message says which."""


def merge(sources: list[Path], target: Path) -> None:
    """Make the directory `target` hold what all directories of `sources` hold together.

    Raises:
        JoinError: two of them hold one file with different content.
    """
    target.mkdir(parents=True, exist_ok=True)
    origins: dict[str, list[Path]] = {}
    for source in sources:
        for entry in sorted(source.iterdir()):
            origins.setdefault(entry.name, []).append(entry)
    for name, entries in sorted(origins.items()):
        if len(entries) > 1 and all(entry.is_dir() for entry in entries):
            merge(entries, target / name)
            continue
        for other in entries[1:]:
            if other.is_dir() or entries[0].is_dir() or not filecmp.cmp(entries[0], other, shallow=False):
                raise JoinError(f"{entries[0]} and {other} want one place, with different content")
        (target / name).symlink_to(entries[0])


def entry_points(site: Path) -> dict[str, str]:
    """Return the commands that the packages below `site` declare: name → `module:attribute`.

    Raises:
        JoinError: two packages declare one command with different targets.
    """
    commands: dict[str, str] = {}
    for file in sorted(site.glob("*.dist-info/entry_points.txt")):
        parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read_string(file.read_text(encoding="utf-8"))
        for section in ("console_scripts", "gui_scripts"):
            for name, value in parser.items(section) if parser.has_section(section) else ():
                target = value.split("[")[0].strip()
                if commands.setdefault(name, target) != target:
                    raise JoinError(f"command {name}: {commands[name]} or {target}?")
    return commands


def script_of(python: Path, target: str) -> str:
    """Return the program text that runs an entry point.

    Args:
        target: `module:attribute` or `module:object.attribute`.

    Raises:
        JoinError: the target has no attribute.
    """
    module, _, attribute = target.partition(":")
    if not attribute:
        raise JoinError(f"entry point {target}: expected module:attribute")
    root = attribute.split(".")[0].strip()
    return f"#!{python}\nimport sys\n\nfrom {module.strip()} import {root}\n\nsys.exit({attribute.strip()}())\n"


def write_scripts(packages: list[Path], site: Path, bin_directory: Path) -> None:
    """Fill bin/: the packages' own scripts with this environment's Python, their programs as links, their commands."""
    python = bin_directory / "python"
    for package in packages:
        directory = package / "bin"
        for file in sorted(directory.iterdir()) if directory.is_dir() else ():
            target = bin_directory / file.name
            first, _, rest = file.read_bytes().partition(b"\n")
            if first.startswith(_PLACEHOLDER):
                target.write_bytes(b"#!" + str(python).encode() + b"\n" + rest)
                target.chmod(0o755)
            else:
                target.symlink_to(file)
    for name, entry in sorted(entry_points(site).items()):
        target = bin_directory / name
        if target.exists():
            raise JoinError(f"command {name}: {entry}, or the script {target.resolve()}?")
        target.write_text(script_of(python, entry), encoding="utf-8")
        target.chmod(0o755)


def join(out: Path, packages: list[Path], *, interpreter: Path, version: str, site_packages: str) -> None:
    """Make the environment `out`.

    Args:
        out: store path; does not exist yet.
        packages: installed packages, each with `site_packages` below it.
        interpreter: the Python that runs the environment.
        version: its full version, such as 3.11.2.
        site_packages: relative path of the modules, such as lib/python3.11/site-packages.

    Raises:
        JoinError: two packages cannot be together.
    """
    site, bin_directory = out / site_packages, out / "bin"
    merge([package / site_packages for package in packages if (package / site_packages).is_dir()], site)
    for shared in ("etc", "include", "share"):
        sources = [package / shared for package in packages if (package / shared).is_dir()]
        if sources:
            merge(sources, out / shared)
    bin_directory.mkdir()
    for name in sorted({"python", "python3", interpreter.name}):
        (bin_directory / name).symlink_to(interpreter)
    # Python looks for this file next to the link that it was started by, and takes site-packages from there.
    (out / "pyvenv.cfg").write_text(
        f"home = {interpreter.parent}\ninclude-system-site-packages = false\nversion = {version}\n", encoding="utf-8"
    )
    write_scripts(packages, site, bin_directory)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("packages", type=Path, nargs="*")
    parser.add_argument("--interpreter", type=Path, required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--site-packages", required=True)
    arguments = parser.parse_args()
    try:
        join(
            arguments.out,
            arguments.packages,
            interpreter=arguments.interpreter,
            version=arguments.version,
            site_packages=arguments.site_packages,
        )
    except JoinError as error:
        print(f"join_environment: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
