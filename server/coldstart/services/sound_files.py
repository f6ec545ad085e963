"""Sound files as the services get them: decoded in a few threads, never in the event loop."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from coldstart.domain.audio import AudioDecoder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Decoding is a small part of what is done with a sound, and each decode may hold a whole sound of the longest length.
_THREADS = 2


class SoundFiles:
    """Decodes uploads. Those that have no thread yet wait; who may wait is bounded by the places of a scheduler.

    Args:
        decoder: what decodes.
        max_s: the longest sound.
    """

    def __init__(self, decoder: AudioDecoder, *, max_s: float) -> None:
        self._decoder = decoder
        self._max_s = max_s
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="decode")

    async def samples(self, data: bytes) -> "NDArray[np.float32]":
        """The samples of a file: as `AudioDecoder.decode` gives them, and what it raises.

        Cancelling the await takes a file that waits out of the line; one that is being decoded is decoded to its end.
        """
        decode = partial(self._decoder.decode, data, max_s=self._max_s)
        return await asyncio.get_running_loop().run_in_executor(self._threads, decode)
