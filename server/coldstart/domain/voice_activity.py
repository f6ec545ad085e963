"""The capability of telling speech from everything else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class VoiceActivityRequest:
    """Consecutive windows of one sound.

    Args:
        samples: float32, mono, 16 kHz, in [-1, 1]; shape (n_windows * window_samples,), at least one window.
        stream_id: names a sound that comes piece by piece, so that the engine goes on where it was. None: the sound is
            whole, and nothing is kept.
    """

    samples: "NDArray[np.float32]"
    stream_id: str | None = None


class VoiceActivityDetector(Protocol):
    """A voice activity model behind one inference library.

    Not thread-safe: `advance` and `forget` are called from one thread at a time (the scheduler's). `advance` blocks.
    """

    @property
    def window_samples(self) -> int:
        """How many samples one probability is of."""
        ...

    @property
    def max_batch(self) -> int:
        """The most requests that one call of `advance` takes."""
        ...

    def advance(self, requests: Sequence[VoiceActivityRequest]) -> "list[NDArray[np.float32] | None]":
        """For each request, in order: the probability of speech in each window, float32, shape (n_windows,), in [0, 1].

        None for a request that needs another call: a long sound is taken in bounded pieces.
        """
        ...

    def forget(self, stream_id: str) -> None:
        """Drop what is kept of a stream; unknown names are ignored."""
        ...

    def close(self) -> None:
        """Free the model. Nothing may be called afterwards."""
        ...
