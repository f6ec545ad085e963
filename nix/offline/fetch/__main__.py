"""Command line: `python -m fetch bring …` is what nixw calls, `python -m fetch refresh …` what pins/refresh calls."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import bring, pins, refresh
from .errors import FetchError


def parser() -> argparse.ArgumentParser:
    """Return the command line's grammar."""
    commands = argparse.ArgumentParser(prog="fetch", description=__doc__)
    command = commands.add_subparsers(dest="command", required=True)
    bringing = command.add_parser("bring", help="bring what the locks name and the store lacks")
    bringing.add_argument("--top", type=Path, required=True, help="the checkout")
    bringing.add_argument("--flake", required=True, help="reference of its offline flake")
    bringing.add_argument("--roots", type=Path, required=True, help="folder for the links that keep the files")
    bringing.add_argument("images", nargs="*", metavar="IMAGE", help="bring the wheels of these images too")
    bringing.add_argument("--verbose", action="store_true", help="say so, too, when nothing is missing")
    refreshing = command.add_parser("refresh", help="bring the pinned packages to the suite's present versions")
    refreshing.add_argument("file", type=Path, help="debs.json")
    refreshing.add_argument("packages", nargs="*", help="packages to add")
    return commands


def main() -> int:
    """Run one command; a failure is its sentence on stderr and exit code 1."""
    options = parser().parse_args()
    try:
        if options.command == "refresh":
            changes = refresh.refresh(options.file, options.packages)
            print("\n".join(changes) or "every package is at the suite's version")  # noqa: T201
        else:
            wanted = {options.roots: pins.listed(options.top, options.flake)}
            for image in options.images:
                # Roots of their own, which a fetch of the rest leaves alone.
                wanted[options.roots.with_name(f"{options.roots.name}-{image}")] = pins.of_image(options.flake, image)
            brought = sum(bring.bring(known, roots, sys.stderr) for roots, known in wanted.items())
            if options.verbose and not brought:
                sys.stderr.write(f"fetch: all {sum(map(len, wanted.values()))} locked files are in the Nix store\n")
    except FetchError as error:
        sys.stderr.write("".join(f"fetch: {line}\n" for line in str(error).splitlines()))
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


sys.exit(main())
