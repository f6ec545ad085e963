"""Take debug information out of the shared libraries below a directory, and leave every loaded byte as it is.

Some wheels are mostly that: of CTranslate2's extension module it is 65 of 68 MB. binutils' strip is not used, because
it spoils libraries that patchelf has changed, as those of wheels are: their last segments lie behind the debug
information, and lose their alignment.
"""

import struct
import sys
from pathlib import Path

_ELF_64_LITTLE = b"\x7fELF\x02\x01"
_HEADER_BYTES = 64
# Places of fields, and sizes of table entries: System V ABI, ELF-64 object file format.
_PHOFF, _SHOFF, _PHNUM, _SHNUM, _SHSTRNDX = 32, 40, 56, 60, 62
_PHENT, _SHENT = 56, 64
_P_OFFSET, _P_ALIGN = 8, 48
_SH_TYPE, _SH_OFFSET, _SH_SIZE = 4, 24, 32
_NOBITS = 8


def main(root: Path) -> None:
    for path in sorted(root.rglob("*.so*")):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            smaller = without_debug(content)
            if len(smaller) < len(content):
                path.chmod(path.stat().st_mode | 0o200)
                path.write_bytes(smaller)


def without_debug(content: bytes) -> bytes:
    """The library without what its debug sections hold; the sections stay, and are said to hold no bytes.

    What lies behind them moves up by whole pages, so that each segment can still be mapped where it belongs.

    Args:
        content: of any file; what is no 64-bit little-endian ELF file comes back as it is.
    """
    if len(content) < _HEADER_BYTES or not content.startswith(_ELF_64_LITTLE):
        return content
    found = bytearray(content)
    for start, size in reversed(_runs(_debug_sections(found))):
        _cut(found, start, size)
    return bytes(found)


def _entries(content: bytearray, offset_at: int, count_at: int, size: int) -> list[int]:
    """Where each entry of a table begins."""
    (offset,), (count,) = struct.unpack_from("<Q", content, offset_at), struct.unpack_from("<H", content, count_at)
    return [offset + size * number for number in range(count)]


def _debug_sections(content: bytearray) -> list[tuple[int, int]]:
    """Offset and size of each debug section, which is emptied on the way."""
    sections = _entries(content, _SHOFF, _SHNUM, _SHENT)
    if not sections:
        return []
    (names_at,) = struct.unpack_from("<H", content, _SHSTRNDX)
    (names,) = struct.unpack_from("<Q", content, sections[names_at] + _SH_OFFSET)
    found = []
    for section in sections:
        name, kind = struct.unpack_from("<II", content, section)
        if kind != _NOBITS and content.startswith(b".debug_", names + name):
            found.append(struct.unpack_from("<QQ", content, section + _SH_OFFSET))
            struct.pack_into("<I", content, section + _SH_TYPE, _NOBITS)
    return found


def _runs(pieces: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Pieces that follow each other as one, from the first to the last."""
    runs: list[tuple[int, int]] = []
    for start, size in sorted(pieces):
        # Sections are aligned: up to 15 bytes of nothing lie between two.
        if runs and start - sum(runs[-1]) < 16:
            runs[-1] = (runs[-1][0], start + size - runs[-1][0])
        else:
            runs.append((start, size))
    return runs


def _cut(content: bytearray, start: int, size: int) -> None:
    """Take out as many whole pages as the run has, and correct every offset behind it."""
    segments = _entries(content, _PHOFF, _PHNUM, _PHENT)
    page = max((struct.unpack_from("<Q", content, segment + _P_ALIGN)[0] for segment in segments), default=1)
    cut = size - size % max(page, 1)
    sections = _entries(content, _SHOFF, _SHNUM, _SHENT)
    places = [_PHOFF, _SHOFF]
    places += [segment + _P_OFFSET for segment in segments]
    places += [section + _SH_OFFSET for section in sections]
    for place in places:
        (offset,) = struct.unpack_from("<Q", content, place)
        if offset >= start + size:
            struct.pack_into("<Q", content, place, offset - cut)
    del content[start : start + cut]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
