"""The files of an image as a container sees them: its layers laid over each other."""

import posixpath
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
# As the kernel: more links than these are a circle.
_MOST_LINKS = 40

Kind = Literal["file", "directory", "symlink", "other"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of an image.

    Args:
        path: absolute.
        kind: what is there; a hard link is the file that it leads to.
        mode: permission bits.
        uid: its owner.
        gid: its group.
        size: bytes of a file.
        link: where a symlink leads, as it is written there.
        layer: the number of the layer that holds its bytes, from 0.
        member: its place in that layer.
    """

    path: str
    kind: Kind
    mode: int
    uid: int
    gid: int
    size: int
    link: str
    layer: int
    member: tarfile.TarInfo


class Tree:
    """What a container finds, after whiteouts, with links resolved inside the image."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._children: dict[str, set[str]] = {}

    def lay(self, number: int, members: Iterable[tarfile.TarInfo]) -> None:
        """Lay one more layer over those before it."""
        known = list(members)
        for member in known:
            self._hide(_path_of(member))
        for member in known:
            path = _path_of(member)
            if not posixpath.basename(path).startswith(_WHITEOUT):
                self._put(path, number, member)

    def files(self) -> Iterator[Entry]:
        """Every file, each under every name that it has."""
        return (entry for entry in self._entries.values() if entry.kind == "file")

    def symlinks(self) -> Iterator[Entry]:
        return (entry for entry in self._entries.values() if entry.kind == "symlink")

    def paths(self) -> frozenset[str]:
        """Absolute path of everything."""
        return frozenset(self._entries)

    def at(self, path: str) -> Entry | None:
        """What lies at a path, a symlink as itself; None: nothing."""
        return self._entries.get(path)

    def holds(self, path: str) -> bool:
        """Something lies at a path, if only a directory that no layer names by itself."""
        return path in self._entries or path in self._children

    def names_in(self, directory: str) -> frozenset[str]:
        """What a directory holds; its links are followed."""
        real = self.real_path(directory)
        return frozenset() if real is None else frozenset(self._children.get(real, ()))

    def resolve(self, path: str) -> Entry | None:
        """What a path leads to when every link on the way is followed, absolute ones inside the image."""
        real = self.real_path(path)
        return None if real is None else self._entries.get(real)

    def real_path(self, path: str) -> str | None:
        """The path without links; None: it leads nowhere, or in a circle."""
        left = [part for part in reversed(path.split("/")) if part]
        here, links = "/", 0
        while left:
            part = left.pop()
            if part == ".":
                continue
            if part == "..":
                here = posixpath.dirname(here)
                continue
            there = posixpath.join(here, part)
            entry = self._entries.get(there)
            if not self.holds(there):
                return None
            if entry is not None and entry.kind == "symlink":
                links += 1
                if links > _MOST_LINKS:
                    return None
                here = "/" if entry.link.startswith("/") else here
                left.extend(part for part in reversed(entry.link.split("/")) if part)
            else:
                here = there
        return here

    def _hide(self, path: str) -> None:
        directory, name = posixpath.split(path)
        if name == _OPAQUE:
            for child in list(self._children.get(directory, ())):
                self._remove(posixpath.join(directory, child))
        elif name.startswith(_WHITEOUT):
            self._remove(posixpath.join(directory, name.removeprefix(_WHITEOUT)))

    def _put(self, path: str, number: int, member: tarfile.TarInfo) -> None:
        if path == "/":
            return
        kind = _kind_of(member)
        if kind != "directory":
            self._remove(path)
        if member.islnk():
            target = self._entries.get(_absolute(member.linkname))
            if target is None:
                return
            entry = replace(target, path=path)
        else:
            entry = Entry(path, kind, member.mode, member.uid, member.gid, member.size, member.linkname, number, member)
        self._entries[path] = entry
        while path != "/":
            directory, name = posixpath.split(path)
            self._children.setdefault(directory, set()).add(name)
            path = directory

    def _remove(self, path: str) -> None:
        for child in list(self._children.pop(path, ())):
            self._remove(posixpath.join(path, child))
        self._entries.pop(path, None)
        directory, name = posixpath.split(path)
        self._children.get(directory, set()).discard(name)


def _path_of(member: tarfile.TarInfo) -> str:
    return _absolute(member.name)


def _absolute(name: str) -> str:
    return posixpath.normpath("/" + name.lstrip("/"))


def _kind_of(member: tarfile.TarInfo) -> Kind:
    if member.isdir():
        return "directory"
    if member.issym():
        return "symlink"
    return "file" if member.isreg() or member.islnk() else "other"
