"""Raw samples that come in pieces of any size."""

import numpy as np
from numpy.typing import NDArray

# From 16-bit samples to [-1, 1].
_FULL_SCALE = np.float32(32768)


class PcmStream:
    """16-bit little-endian samples, mono, 16 kHz (`domain.audio.SoundStreamDecoder`)."""

    def __init__(self) -> None:
        self._half = b""

    def decode(self, data: bytes) -> NDArray[np.float32]:
        """The samples that are complete; half a sample waits for the next piece."""
        data = self._half + data
        whole = len(data) // 2 * 2
        self._half = data[whole:]
        return np.frombuffer(data[:whole], "<i2").astype(np.float32) / _FULL_SCALE
