"""What `ldconfig` wrote down of an image's libraries."""

import struct

from coldstart_harness.archive.image import ImageAtRest

_PATH = "/etc/ld.so.cache"
_MAGIC = b"glibc-ld.so.cache1.1"
_HEADER_BYTES = 48
_ENTRY = struct.Struct("=iIIIQ")
_LARGEST_CACHE_BYTES = 16 << 20


def libraries_in_cache(image: ImageAtRest) -> dict[str, list[str]]:
    """Name of a library → its paths, best first; empty without a cache, or with one of another form.

    Source: `struct cache_file_new` in glibc's sysdeps/generic/dl-cache.h.
    """
    entry = image.tree.resolve(_PATH)
    if entry is None or entry.kind != "file" or entry.size > _LARGEST_CACHE_BYTES:
        return {}
    with image.open(entry) as file:
        content = file.read()
    # Older ones put the cache of an older form in front of it.
    content = content[max(0, content.find(_MAGIC)) :]
    if not content.startswith(_MAGIC) or len(content) < _HEADER_BYTES:
        return {}
    (count,) = struct.unpack_from("=I", content, len(_MAGIC))
    found: dict[str, list[str]] = {}
    for number in range(min(count, (len(content) - _HEADER_BYTES) // _ENTRY.size)):
        _flags, key, value, _version, _capabilities = _ENTRY.unpack_from(content, _HEADER_BYTES + number * _ENTRY.size)
        found.setdefault(_text_at(content, key), []).append(_text_at(content, value))
    return found


def _text_at(content: bytes, offset: int) -> str:
    return content[offset : max(offset, content.find(b"\0", offset))].decode(errors="replace")
