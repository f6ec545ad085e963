"""Where two builds of one store path differ, in few lines. Reads files; changes nothing."""

import difflib
import stat
from collections.abc import Iterator
from pathlib import Path

_NAMES = 5
_LINES = 12
_LONGEST_LINE = 160
_AROUND = 24
_BLOCK_BYTES = 1 << 20
# Larger texts are shown by the bytes around the first difference.
_LARGEST_TEXT_BYTES = 256 << 10


def difference_of(first: Path, second: Path) -> str:
    """The names of what differs, and of the first of them the difference itself; empty where nothing does.

    Args:
        first: a file or a directory of one build.
        second: the same of another build.
    """
    complaints = list(_complaints(first, second))
    if not complaints:
        return ""
    first_name, first_complaint = complaints[0]
    if not first_name:
        return first_complaint.lstrip("\n")
    names = ", ".join(name for name, _ in complaints[:_NAMES])
    more = f" and {len(complaints) - _NAMES} more" if len(complaints) > _NAMES else ""
    differ = "differs" if len(complaints) == 1 else "differ"
    return f"{names}{more} {differ}; {first_name}: {first_complaint}"


def _complaints(first: Path, second: Path) -> Iterator[tuple[str, str]]:
    """Name and difference of everything that differs, in the order of names."""
    names = {""} | {str(path.relative_to(root)) for root in (first, second) for path in _below(root)}
    for name in sorted(names):
        one, other = first / name, second / name
        complaint = _complaint(one, other)
        if complaint:
            yield name, complaint


def _below(root: Path) -> Iterator[Path]:
    return root.rglob("*") if root.is_dir() and not root.is_symlink() else iter(())


def _complaint(one: Path, other: Path) -> str:
    kinds = _kind(one), _kind(other)
    if kinds[0] != kinds[1]:
        return f"{kinds[0]} in the first build, {kinds[1]} in the second"
    if one.is_symlink():
        links = one.readlink(), other.readlink()
        return "" if links[0] == links[1] else f"a link to {links[0]} in the first build, to {links[1]} in the second"
    if not one.is_file():
        return ""
    at = _first_difference(one, other)
    return "" if at is None else _shown(one, other, at)


def _kind(path: Path) -> str:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return "missing"
    if stat.S_ISLNK(mode):
        return "a link"
    if stat.S_ISDIR(mode):
        return "a directory"
    return "an executable file" if mode & stat.S_IXUSR else "a file"


def _first_difference(one: Path, other: Path) -> int | None:
    """The offset of the first byte that differs; None: all are the same."""
    at = 0
    with one.open("rb") as first, other.open("rb") as second:
        while True:
            blocks = first.read(_BLOCK_BYTES), second.read(_BLOCK_BYTES)
            if blocks[0] != blocks[1]:
                pairs = zip(*blocks, strict=False)
                return at + next((n for n, (a, b) in enumerate(pairs) if a != b), min(map(len, blocks)))
            if not blocks[0]:
                return None
            at += len(blocks[0])


def _shown(one: Path, other: Path, at: int) -> str:
    texts = _lines(one), _lines(other)
    if texts[0] is not None and texts[1] is not None:
        diff = list(difflib.unified_diff(texts[0], texts[1], "first build", "second build", n=1, lineterm=""))
        if len(diff) > _LINES:
            diff = [*diff[:_LINES], f"and {len(diff) - _LINES} more lines"]
        return "\n".join(["", *diff])
    return f"at byte {at}: {_bytes_around(one, at)!r} in the first build, {_bytes_around(other, at)!r} in the second"


def _lines(path: Path) -> list[str] | None:
    """The lines of a text that people can read; None where it is none."""
    if path.stat().st_size > _LARGEST_TEXT_BYTES:
        return None
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        return None
    readable = all(len(line) <= _LONGEST_LINE and "\0" not in line for line in lines)
    return lines if readable else None


def _bytes_around(path: Path, at: int) -> bytes:
    with path.open("rb") as file:
        start = max(0, at - _AROUND)
        file.seek(start)
        return file.read(at - start + _AROUND)
