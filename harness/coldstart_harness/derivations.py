"""Derivations as Nix keeps them in its store: what each makes, and whether that is built or fetched."""

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from coldstart_harness.errors import BuildFailed
from coldstart_harness.process import Finished, answer

# A .drv is one term in ATerm's notation; its first list holds (name, path, hash algorithm, hash) of each output.
_OUTPUT = re.compile(r'\("([^"]*)","([^"]*)","([^"]*)","([^"]*)"\)')
_OUTPUTS = re.compile(rf'\A\w+\((?:"[^"]*",)?\[((?:{_OUTPUT.pattern},?)*)\]')
_FLAKES = ("--extra-experimental-features", "nix-command flakes")


@dataclass(frozen=True, slots=True)
class Derivation:
    """One derivation.

    Args:
        path: its .drv.
        outputs: the store paths that it makes; those that only their content will name are left out.
        is_download: its output is fixed by a hash: it is fetched, not built.
    """

    path: Path
    outputs: tuple[Path, ...]
    is_download: bool


@dataclass(frozen=True, slots=True)
class StorePath:
    """A store path that is there.

    Args:
        digest: of its NAR, so of all its bytes, names and modes, as Nix writes it.
        built_here: this store built it; else it came from a binary cache.
    """

    digest: str
    built_here: bool


def derivation_of(installable: str) -> Path:
    """The derivation that Nix calls so, evaluated now.

    Args:
        installable: such as `.#image`, `git+file:///…#image`, `path:/…#x`, or the path of a .drv.

    Raises:
        BuildFailed: Nix knows nothing of that name, or there is no Nix.
    """
    if installable.startswith("/") and installable.endswith(".drv"):
        return Path(installable)
    # A checkout may bring `nixw`, which knows what inputs `.` stands for on a machine without the genuine ones.
    wrapped = installable.startswith(".") and "COLDSTART_INPUTS" in os.environ and Path("nixw").is_file()
    asked = _answer("./nixw" if wrapped else "nix", "path-info", "--derivation", installable)
    if asked.status or not asked.output.strip():
        raise BuildFailed(f"Nix does not know {installable}", details=asked.tail)
    return Path(asked.output.split()[0])


def closure_of(derivation: Path) -> list[Derivation]:
    """All derivations that it is built from and itself, each after those that it needs.

    Raises:
        BuildFailed: Nix does not know the derivation.
    """
    asked = answer(["nix-store", "--query", "--requisites", derivation])
    if asked.status:
        raise BuildFailed(f"Nix does not know {derivation}", details=asked.tail)
    return [read_derivation(Path(line)) for line in asked.output.split() if line.endswith(".drv")]


def read_derivation(path: Path) -> Derivation:
    """What a .drv says.

    Raises:
        BuildFailed: it is none.
    """
    term = path.read_text(encoding="utf-8", errors="replace")
    found = _OUTPUTS.match(term)
    if found is None:
        raise BuildFailed(f"{path} is not a derivation in a form that is known")
    outputs = _OUTPUT.findall(found[1])
    paths = tuple(Path(path) for _, path, _, _ in outputs if path)
    return Derivation(path, paths, is_download=any(digest for *_, digest in outputs))


def store_paths(paths: Iterable[Path]) -> dict[Path, StorePath]:
    """What Nix knows of those of the paths that are there.

    Raises:
        BuildFailed: Nix does not say.
    """
    asked_for = list(paths)
    if not asked_for:
        return {}
    asked = _answer("nix", "path-info", "--json", *map(str, asked_for))
    if asked.status:
        raise BuildFailed("Nix does not say what it knows of its store's paths", details=asked.tail)
    told = _by_name(json.loads(asked.output))
    known = {path: told[path.name] for path in asked_for if told.get(path.name, {}).get("narHash")}
    return {path: StorePath(str(info["narHash"]), bool(info.get("ultimate"))) for path, info in known.items()}


def _by_name(document: object) -> dict[str, dict[str, object]]:
    """A list up to Nix 2.18, a table by path since then, a table of tables by name in the newest."""
    if isinstance(document, list):
        return {Path(info["path"]).name: info for info in document}
    table = document if isinstance(document, dict) else {}
    table = table.get("info", table)
    return {Path(path).name: info for path, info in table.items() if isinstance(info, dict)}


def _answer(program: str, *arguments: str) -> Finished:
    try:
        return answer([program, *arguments, *_FLAKES])
    except FileNotFoundError:
        raise BuildFailed("nix is not on the PATH; start the harness by ./nixw, which installs Nix") from None
