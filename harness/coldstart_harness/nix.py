"""Building derivations with the classic Nix commands, which need no experimental feature."""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from coldstart_harness.errors import BuildFailed
from coldstart_harness.process import Finished, answer, follow

_FAILED_BUILDER = re.compile(r"builder for '(/nix/store/[^']+\.drv)' failed")
_LOG_LINES = 60


def realise(derivations: Sequence[Path], on_line: Callable[[str], None], *, keep_going: bool = False) -> Finished:
    """Build derivations, or find them built; both of Nix's streams and the builders' logs go to `on_line`.

    Raises:
        BuildFailed: there is no Nix.
    """
    options = ["--keep-going"] if keep_going else []
    command: list[str | Path] = ["nix-store", "--realise", *options, *derivations]
    try:
        return follow(command, on_line=on_line)
    except FileNotFoundError:
        raise BuildFailed("nix-store is not on the PATH; start the harness by ./nixw, which installs Nix") from None


def output_of(derivation: Path) -> Path:
    """The store path that the derivation makes, built or not.

    Raises:
        BuildFailed: the derivation is not in the store.
    """
    asked = answer(["nix-store", "--query", "--outputs", derivation])
    if asked.status or not asked.output.strip():
        raise BuildFailed(f"Nix knows no output of {derivation}", details=asked.tail)
    return Path(asked.output.split()[0])


def invalid_among(paths: Iterable[Path]) -> set[Path]:
    """Those of the store paths that are not built: a failed build may leave its directory behind."""
    asked = answer(["nix-store", "--check-validity", "--print-invalid", *paths])
    return {Path(line) for line in asked.output.split()}


def build(derivations: Sequence[Path], on_line: Callable[[str], None]) -> list[Path]:
    """Build derivations and return what they made, in order.

    Raises:
        BuildFailed: one of them failed; the details are its log's last lines.
    """
    done = realise(derivations, on_line)
    if done.status:
        culprits = failed_in(done.output)
        details = "\n".join(f"{name_of(c)}:\n{log_tail(c)}" for c in culprits) or done.tail
        what = ", ".join(name_of(c) for c in culprits) or ", ".join(name_of(d) for d in derivations)
        raise BuildFailed(f"Nix could not build {what} (exit status {done.status})", details=details)
    return [output_of(derivation) for derivation in derivations]


def failed_in(output: str) -> list[Path]:
    """The derivations whose builders failed, as Nix's messages name them, each once, in order."""
    return [Path(drv) for drv in dict.fromkeys(_FAILED_BUILDER.findall(output))]


def name_of(derivation: Path) -> str:
    """`tests-pass` of `/nix/store/<hash>-tests-pass.drv`."""
    return derivation.name.partition("-")[2].removesuffix(".drv")


def log_tail(derivation: Path, lines: int = _LOG_LINES) -> str:
    """The end of a build's log; a sentence when there is none."""
    asked = answer(["nix-store", "--read-log", derivation])
    if asked.status:
        return f"(no log: {asked.tail or 'nix-store said nothing'})"
    return "\n".join(asked.output.rstrip().splitlines()[-lines:])
