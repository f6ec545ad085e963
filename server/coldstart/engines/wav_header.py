"""How long a WAV file says it is; ffmpeg tells only what is there."""

import struct

# A program that writes into a pipe does not know the length, and writes a number from here on instead; or 0.
# Source: ffmpeg writes 0xFFFFFFFF, arecord 0x80000000, SoX 0x7FFFFFFF less a header.
_PLACEHOLDER_BYTES = 0x7FFF_0000
# RIFF, its length, and WAVE; then chunks, each of a name and a length.
_BEGIN_BYTES, _CHUNK_BYTES = 12, 8


def stated_wav_share(data: bytes) -> float | None:
    """What the header says of the sound's length, as a share of what is there: 2.0 for a file of which half is missing.

    None where the header leaves the length open, or where there is no sound at all. Bytes are compared, for the rate of
    bytes that compressed sound has in its header is but an average.
    """
    at = _BEGIN_BYTES
    while at + _CHUNK_BYTES < len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        at += _CHUNK_BYTES
        if name == b"data":
            return size / (len(data) - at) if 0 < size < _PLACEHOLDER_BYTES else None
        at += size + size % 2
    return None
