"""Child processes whose output is followed while they run."""

import os
import re
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TAIL_LINES = 40
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Finished:
    """A process that ended: its status, all of its standard output, and the last lines of both streams."""

    status: int
    output: str
    tail: str


def _ignore(_line: str) -> None:
    return


def follow(
    command: Sequence[str | Path],
    *,
    on_line: Callable[[str], None] = _ignore,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Finished:
    """Run a command without standard input and call `on_line` with every line of both of its streams.

    Args:
        command: program and arguments; no shell.
        environment: variables set on top of this process's own.
        directory: where it runs.

    Raises:
        FileNotFoundError: there is no such program.
    """
    process = subprocess.Popen(  # noqa: S603 - no shell, arguments are ours
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=directory,
        env={**os.environ, **(environment or {})},
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    assert process.stdout is not None  # noqa: S101 - asked for above
    lines: list[str] = []
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    with process:
        for line in map(without_escapes, process.stdout):
            lines.append(line)
            if line.strip():
                tail.append(line.rstrip())
                on_line(line)
    return Finished(status=process.returncode, output="".join(lines), tail="\n".join(tail))


def answer(command: Sequence[str | Path], *, environment: Mapping[str, str] | None = None) -> Finished:
    """Run a command and keep its two streams apart: `output` holds standard output alone, `tail` standard error."""
    done = subprocess.run(  # noqa: S603 - no shell, arguments are ours
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**os.environ, **(environment or {})},
        text=True,
        check=False,
    )
    return Finished(status=done.returncode, output=without_escapes(done.stdout), tail=done.stderr.strip())


def without_escapes(text: str) -> str:
    """The text without colours and cursor movements: Nix runs builders on a terminal, whatever reads their logs."""
    return _ESCAPE.sub("", text)
