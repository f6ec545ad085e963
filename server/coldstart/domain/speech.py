"""The capability of saying a text aloud."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Voice:
    """One voice of a model.

    Args:
        name: by which it is asked for.
        language: BCP 47 tag, such as `en-us`.
        description: a few words for people.
    """

    name: str
    language: str
    description: str


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """One sentence to be said.

    Args:
        text: written out: words and punctuation, no digits or abbreviations; 1 to a few hundred characters.
        voice: name of one of the engine's voices.
        speed: in [0.25, 4]; 1 is the voice's own.
    """

    text: str
    voice: str
    speed: float = 1.0


class SpeechSynthesizer(Protocol):
    """A text-to-speech model behind one library.

    Not thread-safe: `advance` is called from one thread at a time (the scheduler's), and blocks.
    """

    @property
    def sample_rate_hz(self) -> int: ...

    @property
    def voices(self) -> Sequence[Voice]:
        """At least one; the first answers to `default`."""
        ...

    @property
    def refused_voices(self) -> Sequence[str]:
        """One sentence for each voice that somebody added and that is not offered."""
        ...

    @property
    def max_batch(self) -> int:
        """The most requests that one call of `advance` takes."""
        ...

    def advance(self, requests: Sequence[SpeechRequest]) -> "list[NDArray[np.float32] | None]":
        """For each request, in order: its sound, float32, shape (n_samples,), mono, in [-1, 1]; n_samples may be 0.

        None for a request that needs another call.
        """
        ...

    def close(self) -> None:
        """Free the model. Nothing may be called afterwards."""
        ...
