"""Writing sound files beside the event loop."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from coldstart.domain.audio import AudioEncoder, AudioStream

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Encoders release the GIL and need a small part of an engine's time.
_THREADS = 2


class SoundWriting:
    """An encoder whose work is done in a few threads of its own."""

    def __init__(self, encoder: AudioEncoder) -> None:
        self._encoder = encoder
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="encode")

    @property
    def media_types(self) -> Mapping[str, str]:
        """Format → media type."""
        return self._encoder.media_types

    async def begin(self, format_name: str, sample_rate_hz: int) -> "SoundFile":
        """A new file; see `AudioEncoder.begin`."""
        loop = asyncio.get_running_loop()
        stream = await loop.run_in_executor(self._threads, self._encoder.begin, format_name, sample_rate_hz)
        return SoundFile(stream, self._threads)


class SoundFile:
    """One file that is being written. One call at a time; after a cancelled one there must be no other."""

    def __init__(self, stream: AudioStream, threads: ThreadPoolExecutor) -> None:
        self._stream = stream
        self._threads = threads

    async def write(self, samples: "NDArray[np.float32]") -> bytes:
        """See `AudioStream.write`."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._stream.write, samples)

    async def finish(self) -> bytes:
        """See `AudioStream.finish`."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._stream.finish)
