"""Shared libraries without their debug information: smaller, and loaded as before."""

import shutil
import struct
import subprocess
import sys
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import pytest
import yaml
from elftools.elf.elffile import ELFFile
from nix.python.drop_debug import main, without_debug

PAGE = 0x1000
CODE, MOVED = b"\x90" * 100, b"strings of the dynamic section"


@dataclass
class Library:
    """An ELF file as a linker and patchelf leave it: a segment, debug information, and a segment behind it.

    Args:
        debug: size of each debug section, in bytes.
    """

    debug: tuple[int, ...]
    names: bytes = b"\0"
    body: bytearray = field(default_factory=lambda: bytearray(PAGE))
    sections: list[bytes] = field(default_factory=lambda: [bytes(64)])

    def add(self, name: str, content: bytes, *, align: int = 16) -> int:
        """A section of this content; returns where it lies."""
        self.body += bytes(-len(self.body) % align)
        place = len(self.body)
        self.sections.append(struct.pack("<IIQQQQIIQQ", len(self.names), 1, 0, 0, place, len(content), 0, 0, align, 0))
        self.names += name.encode() + b"\0"
        self.body += content
        return place

    def written(self) -> bytes:
        code = self.add(".text", CODE, align=PAGE)
        for number, size in enumerate(self.debug):
            self.add(f".debug_{number}", b"\xdb" * size)
        moved = self.add(".dynstr", MOVED, align=PAGE)
        self.add(".shstrtab", self.names + b".shstrtab\0")
        table = len(self.body)
        segments = [(0, 0, PAGE), (code, 0x10_0000, len(CODE)), (moved, 0x20_0000, len(MOVED))]
        for number, (place, address, size) in enumerate(segments):
            entry = struct.pack("<IIQQQQQQ", 1, 4, place, address, address, size, size, PAGE)
            self.body[64 + 56 * number : 120 + 56 * number] = entry
        counts = struct.pack("<HHHHHH", 64, 56, len(segments), 64, len(self.sections), len(self.sections) - 1)
        self.body[:16] = b"\x7fELF\x02\x01\x01" + bytes(9)
        self.body[16:64] = struct.pack("<HHIQQQI", 3, 62, 1, 0, 64, table, 0) + counts
        return bytes(self.body) + b"".join(self.sections)


def segments_of(content: bytes) -> list[tuple[int, int, bytes]]:
    """Address, alignment's remainder and bytes of each segment, but for the first, which holds the tables."""
    segments = list(ELFFile(BytesIO(content)).iter_segments())[1:]
    return [(s["p_vaddr"], (s["p_vaddr"] - s["p_offset"]) % PAGE, s.data()) for s in segments]


@pytest.mark.parametrize("debug", [(5 * PAGE,), (PAGE + 3, 2 * PAGE + 1, 7 * PAGE)])
def test_what_is_loaded_stays_and_debug_information_goes(debug: tuple[int, ...]) -> None:
    """Segments have their bytes at their addresses, page by page; less than a page of what went is left."""
    before = Library(debug).written()
    after = without_debug(before)
    assert segments_of(after) == segments_of(before) == [(0x10_0000, 0, CODE), (0x20_0000, 0, MOVED)]
    assert 0 <= len(after) - (len(before) - sum(debug)) < PAGE + 16 * len(debug)


def test_sections_are_still_found_by_name() -> None:
    """The table has all of them; those for debuggers hold nothing."""
    elf = ELFFile(BytesIO(without_debug(Library((3 * PAGE,)).written())))
    assert [section.name for section in elf.iter_sections()] == ["", ".text", ".debug_0", ".dynstr", ".shstrtab"]
    assert elf.get_section_by_name(".dynstr").data() == MOVED
    assert elf.get_section_by_name(".debug_0")["sh_type"] == "SHT_NOBITS"


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"no library", b"\x7fELF\x01\x01" + bytes(100)])
def test_other_files_stay_as_they_are(content: bytes) -> None:
    """Also those that only begin as a library does."""
    assert without_debug(content) == content


def test_a_library_without_debug_information_stays_as_it_is() -> None:
    """Nothing is cut, and a second time changes nothing."""
    plain = Library(()).written()
    assert without_debug(plain) == plain
    once = without_debug(Library((3 * PAGE,)).written())
    assert without_debug(once) == once


def test_every_library_below_a_directory_is_made_smaller(tmp_path: Path) -> None:
    """Read-only ones too, as the Nix store has them; links and files of other names are left alone."""
    library = Library((3 * PAGE,)).written()
    for name in ("a.so", "deep/b.so.1", "c.bin"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(library)
        (tmp_path / name).chmod(0o444)
    (tmp_path / "link.so").symlink_to("c.bin")
    main(tmp_path)
    sizes = {name: (tmp_path / name).stat().st_size for name in ("a.so", "deep/b.so.1", "c.bin")}
    assert sizes == {"a.so": len(library) - 3 * PAGE, "deep/b.so.1": len(library) - 3 * PAGE, "c.bin": len(library)}


def test_a_module_of_python_works_afterwards(tmp_path: Path) -> None:
    """PyYAML's: what the wheel brings is not half as large, and reads as before."""
    installed = Path(yaml.__file__).parent
    copy = shutil.copytree(installed, tmp_path / "yaml", ignore=shutil.ignore_patterns("__pycache__"))
    (module,) = copy.glob("_yaml.*.so")
    size = module.stat().st_size
    main(tmp_path)
    assert module.stat().st_size < size / 2
    code = "import yaml; print(yaml.__file__); print(yaml.load('[1, {a: b}]', yaml.CSafeLoader))"
    environment = {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)  # noqa: S603
    assert (done.stdout.splitlines(), done.stderr) == ([str(copy / "__init__.py"), "[1, {'a': 'b'}]"], "")
