"""Building again what a store has already: beside it, to compare the bytes, and anew after deleting it."""

import re
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from coldstart_harness import nix
from coldstart_harness.derivations import Derivation, StorePath, store_paths
from coldstart_harness.errors import BuildFailed
from coldstart_harness.process import Finished, answer, follow
from coldstart_harness.proofs.repeat.difference import difference_of

Sandbox = Literal["true", "false"]
Say = Callable[[str], None]

_DIFFERS = re.compile(r"output '(/[^']+)' differs")
_KEPT = re.compile(r"keeping build directory '(/[^']+)'")
_IGNORED = re.compile(r"ignoring the \S+ setting 'sandbox'")
# Nix keeps a build that differs beside the one in the store, under this name.
_CHECK = ".check"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is built again.

    Args:
        derivations: each after those that it needs.
        before: what the store has of each of their outputs.
        downloads: how many of the closure are left out, for their bytes are fixed by a hash.
        from_elsewhere: how many are left out, for the store has no output of theirs, or from a binary cache.
    """

    derivations: tuple[Derivation, ...]
    before: Mapping[Path, StorePath]
    downloads: int
    from_elsewhere: int


def chosen_of(closure: Sequence[Derivation]) -> Chosen:
    """Those that this store built, and the last one, which everything is about.

    Args:
        closure: each derivation after those that it needs; the last one's outputs are there.
    """
    built = [derivation for derivation in closure if not derivation.is_download]
    paths = [path for derivation in built for path in derivation.outputs]
    missing = nix.invalid_among(paths)
    known = store_paths(path for path in paths if path not in missing)
    chosen = tuple(
        derivation
        for derivation in built
        if derivation is closure[-1]
        or (derivation.outputs and all(path in known and known[path].built_here for path in derivation.outputs))
    )
    before = {path: known[path] for derivation in chosen for path in derivation.outputs if path in known}
    return Chosen(chosen, before, len(closure) - len(built), len(built) - len(chosen))


@dataclass(frozen=True, slots=True)
class Checked:
    """What building again beside the store's own came to.

    Args:
        sandbox: the setting.
        differing: output → how it differs, in the order of the derivations.
        seconds: how long it took.
        setting_ignored: Nix does not let this user choose the sandbox's setting.
        left: what could not be removed again.
    """

    sandbox: Sandbox
    differing: Mapping[Path, str]
    seconds: float
    setting_ignored: bool
    left: tuple[Path, ...]


def check(chosen: Chosen, sandbox: Sandbox, say: Say) -> Checked:
    """Build every one again and compare all bytes with the store's, which stays as it is.

    Raises:
        BuildFailed: one of them does not build at all under this setting.
    """
    done, seconds = _realise(chosen.derivations, sandbox, say, ["--check", "--keep-failed", "--keep-going"])
    found = set(map(Path, _DIFFERS.findall(done.output)))
    differing = {path: _difference(path) for path in chosen.before if path in found}
    left = _removed([*(_beside(path) for path in differing), *map(Path, _KEPT.findall(done.output))])
    if done.status and not differing:
        raise _failure(done, sandbox)
    return Checked(sandbox, differing, seconds, _IGNORED.search(done.output) is not None, left)


def build(derivations: Sequence[Derivation], sandbox: Sandbox, say: Say, *, fetch: bool) -> float:
    """Make what is not there; how many seconds that took.

    Args:
        derivations: what is wanted.
        sandbox: the setting.
        say: called with every line of the builders.
        fetch: what a binary cache has need not be built.

    Raises:
        BuildFailed: one of them does not build.
    """
    done, seconds = _realise(derivations, sandbox, say, [] if fetch else ["--option", "substitute", "false"])
    if done.status:
        raise _failure(done, sandbox)
    return seconds


def delete(chosen: Chosen) -> set[Path]:
    """Delete those outputs that nothing holds alive and nobody else in the store refers to; which these were."""
    dead = set(map(Path, answer(["nix-store", "--gc", "--print-dead"]).output.split())) & chosen.before.keys()
    referrers = {path: _referrers(path) for path in dead}
    while held := {path for path in dead if referrers[path] - dead - {path}}:
        dead -= held
    if dead:
        answer(["nix-store", "--delete", *dead])
    return nix.invalid_among(dead) if dead else set()


def _referrers(path: Path) -> set[Path]:
    return set(map(Path, answer(["nix-store", "--query", "--referrers", path]).output.split()))


def _realise(
    derivations: Sequence[Derivation], sandbox: Sandbox, say: Say, options: Sequence[str]
) -> tuple[Finished, float]:
    begun = time.monotonic()
    paths = [derivation.path for derivation in derivations]
    done = follow(["nix-store", "--realise", *options, "--option", "sandbox", sandbox, *paths], on_line=say)
    return done, time.monotonic() - begun


def _failure(done: Finished, sandbox: Sandbox) -> BuildFailed:
    culprits = nix.failed_in(done.output)
    what = ", ".join(map(nix.name_of, culprits)) or "what was asked for"
    details = "\n".join(nix.log_tail(culprit) for culprit in culprits) or done.tail
    return BuildFailed(f"Nix could not build {what} under sandbox = {sandbox}", details=details)


def _beside(path: Path) -> Path:
    return path.with_name(path.name + _CHECK)


def _difference(path: Path) -> str:
    other = _beside(path)
    if not other.exists() and not other.is_symlink():
        return "Nix did not keep the build that differs"
    return difference_of(path, other) or "its bytes are the same, its references are not"


def _removed(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Remove what Nix kept; what this user may not remove, the next garbage collection will, or the next start."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            try:
                path.unlink(missing_ok=True)
            except OSError:
                continue
    return tuple(path for path in paths if path.exists())
