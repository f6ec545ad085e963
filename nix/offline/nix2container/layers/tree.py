"""From store paths to the sorted list of files that a layer's tar holds."""

import filecmp
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .errors import LayersError
from .model import Rule, StorePath

# The modes that the Nix store itself knows; whatever the disk says beyond them depends on who wrote it.
DIRECTORY_MODE = 0o555
EXECUTABLE_MODE = 0o555
FILE_MODE = 0o444
SYMLINK_MODE = 0o777
# Directories such as /nix and /nix/store, which no store path brings along.
PARENT_MODE = 0o755


@dataclass(frozen=True)
class Entry:
    """One file of a tar.

    `name` is relative, without a slash at the end; `kind` is the tar type flag (0 file, 2 symbolic link, 5 directory);
    `source` is where the content of a file lies, `size` its length in bytes.
    """

    name: str
    kind: bytes
    mode: int
    source: str = ""
    size: int = 0
    link: str = ""
    uid: int = 0
    gid: int = 0
    uname: str = ""
    gname: str = ""


@dataclass
class _Node:
    """A name in the image while paths are being merged; `entry` is None for a directory that nothing named yet."""

    entry: Entry | None = None
    children: dict[str, "_Node"] = field(default_factory=dict)


def entries_of(paths: Iterable[StorePath]) -> list[Entry]:
    """All files of a layer, every directory before its content, siblings sorted by name.

    Hard links become files of their own; time stamps, owners and modes beyond "executable" are not looked at, so the
    same contents give the same list on every disk.

    Raises:
        LayersError: two paths disagree about a name, or a file is neither regular, directory nor symbolic link.
    """
    root = _Node()
    for path in paths:
        try:
            _merge(root, path)
        except OSError as error:
            raise LayersError(
                f"{error.filename} cannot be read ({error.strerror}); wanted all of {path.path}, which a layer holds."
            ) from error
    return list(_flatten("", root))


def _merge(root: _Node, path: StorePath) -> None:
    rules = [(re.compile(rule.regex), rule) for rule in path.rules]
    prefix = "" if path.to_root else path.path.strip("/")
    if path.to_root and not stat.S_ISDIR(os.lstat(path.path).st_mode):
        raise LayersError(f"copyToRoot holds {path.path}, which is no directory; wanted one to merge into /.")
    for name, source, status in _walk(prefix, path.path):
        _insert(root, _with_rules(_entry(name, source, status), source, rules))


def _walk(name: str, source: str) -> Iterator[tuple[str, str, os.stat_result]]:
    """Name in the image, path on disk and status of `source` and all below it; nothing for the image's root itself."""
    status = os.lstat(source)
    if name:
        yield name, source, status
    if not stat.S_ISDIR(status.st_mode):
        return
    pending = [(name, source)]
    while pending:
        directory, path = pending.pop()
        with os.scandir(path) as children:
            for child in children:
                child_name = f"{directory}/{child.name}" if directory else child.name
                yield child_name, child.path, child.stat(follow_symlinks=False)
                if child.is_dir(follow_symlinks=False):
                    pending.append((child_name, child.path))


def _entry(name: str, source: str, status: os.stat_result) -> Entry:
    if stat.S_ISDIR(status.st_mode):
        return Entry(name, b"5", DIRECTORY_MODE, source)
    if stat.S_ISLNK(status.st_mode):
        return Entry(name, b"2", SYMLINK_MODE, source, link=os.readlink(source))  # noqa: PTH115 - Path tidies the text up
    if stat.S_ISREG(status.st_mode):
        mode = EXECUTABLE_MODE if status.st_mode & stat.S_IXUSR else FILE_MODE
        return Entry(name, b"0", mode, source, status.st_size)
    raise LayersError(f"{source} has file type {stat.filemode(status.st_mode)[0]}; wanted a file, directory or link.")


def _with_rules(entry: Entry, source: str, rules: list[tuple[re.Pattern[str], Rule]]) -> Entry:
    """Apply every matching rule in order: the last one wins."""
    for pattern, rule in rules:
        if pattern.search(source):
            mode = int(rule.mode, 8) if rule.mode else entry.mode
            entry = Entry(
                entry.name, entry.kind, mode, source, entry.size, entry.link, rule.uid, rule.gid, rule.uname, rule.gname
            )
    return entry


def _insert(root: _Node, entry: Entry) -> None:
    node = root
    for part in entry.name.split("/"):
        node = node.children.setdefault(part, _Node())
    if node.entry is not None and not _same(node.entry, entry):
        raise LayersError(
            f"/{entry.name} comes from {node.entry.source} and, with other content or permissions, from {entry.source};"
            " wanted one source for each file of a layer."
        )
    node.entry = entry


def _same(one: Entry, other: Entry) -> bool:
    """Whether two sources of one name agree in everything that reaches the tar."""
    if (one.kind, one.mode, one.link, one.size) != (other.kind, other.mode, other.link, other.size):
        return False
    if (one.uid, one.gid, one.uname, one.gname) != (other.uid, other.gid, other.uname, other.gname):
        return False
    return one.kind != b"0" or filecmp.cmp(one.source, other.source, shallow=False)


def _flatten(name: str, node: _Node) -> Iterator[Entry]:
    for part in sorted(node.children):
        child = node.children[part]
        child_name = f"{name}/{part}" if name else part
        entry = child.entry or Entry(child_name, b"5", PARENT_MODE)
        if child.children and entry.kind != b"5":
            raise LayersError(
                f"/{child_name} is a file in {entry.source} and a directory in another path of the layer."
            )
        yield entry
        yield from _flatten(child_name, child)
