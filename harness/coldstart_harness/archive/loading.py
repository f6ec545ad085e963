"""How a loader finds libraries in an image, computed without running anything.

Source: ld.so(8), and `_dl_map_object` in glibc's elf/dl-load.c for how DT_RPATH is inherited and DT_RUNPATH is not.
"""

import posixpath
import re
from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from coldstart_harness.archive.elf import Elf
from coldstart_harness.archive.image import ImageAtRest
from coldstart_harness.archive.loader_cache import libraries_in_cache

_STORE = "/nix/store/"
_ORIGIN = re.compile(r"\$(ORIGIN\b|\{ORIGIN\})")
_LIB = re.compile(r"\$(LIB\b|\{LIB\})")
_MULTIARCH = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}
_PYTHON_PACKAGES = re.compile(r"/(site|dist)-packages/")
# `java` finds it beside itself and opens it by path; the other libraries of a JDK need it by name.
_OPENED_BY_THEIR_PROGRAM = {"libjvm.so"}
# A file may be reached over many links; more than these would only cost time.
_MOST_ALIASES = 16


@dataclass
class Loaded:
    """What one start or one `dlopen` brings into a process.

    Args:
        names: by which the loader knows what is loaded.
        missing: path of a file → names of libraries that it needs and that were not found.
        complete: paths of files whose needed libraries were all found.
    """

    names: set[str] = field(default_factory=set)
    missing: dict[str, list[str]] = field(default_factory=dict)
    complete: set[str] = field(default_factory=set)


class Loading:
    """The loader of an image.

    Args:
        image: at rest.
        elves: its programs and libraries.
        ignored: names of libraries that need not be there, such as the driver's.

    Its search paths are `library_path` (of LD_LIBRARY_PATH), `default_directories`, and `cache` (name → paths, as
    `ldconfig` wrote them down), beside those of each file.
    """

    def __init__(self, image: ImageAtRest, elves: Iterable[Elf], ignored: re.Pattern[str]) -> None:
        self._tree = image.tree
        self._elves = {elf.path: elf for elf in elves}
        self._ignored = ignored
        self._multiarch = _MULTIARCH.get(image.architecture, "")
        self.library_path = tuple(e for e in image.environment.get("LD_LIBRARY_PATH", "").split(":") if e)
        self.default_directories, self.cache = self._defaults(image)
        self._aliases = self._aliases_of_links()

    def unresolved(self) -> dict[str, list[str]]:
        """Path of a file → libraries that it needs and that no way of loading it finds; empty where all is well."""
        programs = [elf for elf in self._elves.values() if elf.interpreter]
        inherited = tuple(d for elf in programs if not elf.runpath for d in self.directories_of(elf, elf.rpath))
        seen = [self._load(elf, (), set()) for elf in programs]
        base = {name for loaded in seen for name in loaded.names}
        base |= {posixpath.basename(elf.interpreter) for elf in programs}
        wanted = {name for elf in self._elves.values() for name in elf.needed}
        # Libraries that others need are judged as those load them; by themselves only where nobody does.
        for alone in (False, True):
            reached = {path for loaded in seen for path in (*loaded.missing, *loaded.complete)}
            for elf in self._elves.values():
                is_part = bool(wanted & {elf.name, elf.soname})
                if elf.path not in reached and is_part is alone:
                    seen.append(self._load(elf, inherited, base))
        complete = {path for loaded in seen for path in loaded.complete}
        missing = {path: names for loaded in seen for path, names in loaded.missing.items() if path not in complete}
        return self._without_preloaded(missing)

    def directories_of(self, elf: Elf, entries: Iterable[str]) -> list[str]:
        """Entries of a search path as directories, with `$ORIGIN` for each path that leads to the file."""
        found: list[str] = []
        for entry in entries:
            libraries = ("lib", "lib64", f"lib/{self._multiarch}") if _LIB.search(entry) else ("",)
            origins = self._origins_of(elf) if _ORIGIN.search(entry) else ("",)
            for library in libraries:
                for origin in origins:
                    text = _LIB.sub(lambda _, library=library: library, entry)  # type: ignore[misc]
                    found.append(_ORIGIN.sub(lambda _, origin=origin: origin, text))  # type: ignore[misc]
        return [directory for directory in found if directory.startswith("/")]

    def _load(self, root: Elf, inherited: tuple[str, ...], base: Collection[str]) -> Loaded:
        """Breadth first, as loaders do: what a file needs is there before what those need is looked for."""
        loaded = Loaded(names={root.name, root.soname})
        queue, seen = deque([(root, inherited)]), {root.path}
        while queue:
            elf, chain = queue.popleft()
            chain = chain if elf.runpath else (*self.directories_of(elf, elf.rpath), *chain)
            missing = []
            for name in elf.needed:
                if name in loaded.names or name in base or self._ignored.fullmatch(name):
                    continue
                found = self._find(name, elf, chain)
                if found is None:
                    missing.append(name)
                    continue
                loaded.names |= {name, found.name, found.soname}
                if found.path not in seen:
                    seen.add(found.path)
                    queue.append((found, chain))
            if missing:
                loaded.missing[elf.path] = missing
            else:
                loaded.complete.add(elf.path)
        return loaded

    def _find(self, name: str, elf: Elf, chain: tuple[str, ...]) -> Elf | None:
        if "/" in name:
            return next((e for path in self.directories_of(elf, [name]) if (e := self._elf_at(path))), None)
        directories = [
            *(() if elf.runpath else chain),
            *self.library_path,
            *self.directories_of(elf, elf.runpath),
        ]
        paths = [posixpath.join(directory, name) for directory in directories]
        paths += self.cache.get(name, [])
        paths += [posixpath.join(directory, name) for directory in self.default_directories]
        return next((e for path in paths if (e := self._elf_at(path))), None)

    def _elf_at(self, path: str) -> Elf | None:
        real = self._tree.real_path(path)
        return None if real is None else self._elves.get(real)

    def _defaults(self, image: ImageAtRest) -> tuple[tuple[str, ...], dict[str, list[str]]]:
        """Where loaders look of themselves: one from the Nix store beside itself only, others as the system says."""
        loaders = {self._tree.real_path(elf.interpreter) for elf in self._elves.values() if elf.interpreter} - {None}
        directories = [posixpath.dirname(path) for path in loaders if path and path.startswith(_STORE)]
        if directories and all(path and path.startswith(_STORE) for path in loaders):
            return tuple(directories), {}
        roots = ("/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/local/lib")
        directories += [f"{root}/{self._multiarch}" for root in roots if self._multiarch] + list(roots)
        return tuple(directories), libraries_in_cache(image)

    def _aliases_of_links(self) -> dict[str, list[str]]:
        """Real path → links that lead there."""
        aliases: dict[str, list[str]] = {}
        for link in self._tree.symlinks():
            real = self._tree.real_path(link.path)
            if real is not None:
                aliases.setdefault(real, []).append(link.path)
        return aliases

    def _origins_of(self, elf: Elf) -> list[str]:
        """Directories of a file: the real one, then those by which links lead to it. `$ORIGIN` is any of them."""
        origins = [elf.directory]
        path, rest = elf.path, ""
        while path != "/":
            links = self._aliases.get(path, ())
            origins += [posixpath.dirname(posixpath.join(link, rest) if rest else link) for link in links]
            path, name = posixpath.split(path)
            rest = posixpath.join(name, rest) if rest else name
        return origins[:_MOST_ALIASES]

    def _without_preloaded(self, missing: dict[str, list[str]]) -> dict[str, list[str]]:
        """Python packages open libraries of other packages by path before they import what needs them by name."""
        inside = {name for e in self._elves.values() if _PYTHON_PACKAGES.search(e.path) for name in (e.name, e.soname)}
        launched = {elf.name for elf in self._elves.values()} & _OPENED_BY_THEIR_PROGRAM
        left = {
            path: [n for n in names if n not in launched and not (_PYTHON_PACKAGES.search(path) and n in inside)]
            for path, names in missing.items()
        }
        return {path: names for path, names in left.items() if names}
