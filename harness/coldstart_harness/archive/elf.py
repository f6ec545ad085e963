"""Programs and libraries of an image: what they need, and where they say it is."""

from dataclasses import dataclass
from typing import IO, Any

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.segments import InterpSegment

from coldstart_harness.archive.image import ImageAtRest

_MAGIC = b"\x7fELF"
_MACHINE_OF = {"amd64": "EM_X86_64", "arm64": "EM_AARCH64"}
_LINKED = ("ET_EXEC", "ET_DYN")


@dataclass(frozen=True, slots=True)
class Elf:
    """A program or a shared library.

    Args:
        path: its real path in the image.
        soname: the name that others need it by; empty where it has none.
        needed: names of the libraries that it needs, as the loader reads them.
        rpath: entries of DT_RPATH.
        runpath: entries of DT_RUNPATH.
        interpreter: the loader that a program names; empty for most libraries.
    """

    path: str
    soname: str
    needed: tuple[str, ...]
    rpath: tuple[str, ...]
    runpath: tuple[str, ...]
    interpreter: str

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def directory(self) -> str:
        return self.path.rpartition("/")[0] or "/"


def elves_in(image: ImageAtRest) -> list[Elf]:
    """Every program and shared library for the image's own machine, in the order of their paths.

    Other files are not opened further than their first four bytes; damaged ones and those of other machines are passed
    over: no loader of this image takes them.
    """
    machine = _MACHINE_OF.get(image.architecture)
    found = []
    for entry in image.tree.files():
        if entry.size <= len(_MAGIC) or entry.path.endswith(".debug"):
            continue
        with image.open(entry) as file:
            if file.read(len(_MAGIC)) == _MAGIC and (elf := _read(file, entry.path, machine)):
                found.append(elf)
    return sorted(found, key=lambda elf: elf.path)


def _read(file: IO[bytes], path: str, machine: str | None) -> Elf | None:
    try:
        elf = ELFFile(file)
        if elf["e_type"] not in _LINKED or (machine is not None and elf["e_machine"] != machine):
            return None
        return _described(elf, path)
    # pyelftools trusts what it reads: wrong offsets end in whatever error their use gives.
    except (ELFError, OSError, ValueError, KeyError, AttributeError, TypeError, UnicodeError, AssertionError):
        return None


def _described(elf: Any, path: str) -> Elf:
    soname, interpreter = "", ""
    needed: list[str] = []
    rpath: list[str] = []
    runpath: list[str] = []
    for segment in elf.iter_segments():
        if isinstance(segment, InterpSegment):
            interpreter = segment.get_interp_name()
        # Files of debug symbols alone keep the segment's header without its bytes.
        if not isinstance(segment, DynamicSegment) or not segment["p_filesz"]:
            continue
        for tag in segment.iter_tags():
            if tag.entry.d_tag == "DT_NEEDED":
                needed.append(tag.needed)
            elif tag.entry.d_tag == "DT_SONAME":
                soname = tag.soname
            elif tag.entry.d_tag == "DT_RPATH":
                rpath += _entries(tag.rpath)
            elif tag.entry.d_tag == "DT_RUNPATH":
                runpath += _entries(tag.runpath)
    return Elf(path, soname, tuple(needed), tuple(rpath), tuple(runpath), interpreter)


def _entries(text: str) -> list[str]:
    return [entry for entry in text.split(":") if entry]
