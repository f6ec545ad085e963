"""Sound as the services hand it around, and what turns files into it and back."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# What speech models hear. Source: Whisper and Silero VAD are trained at this rate.
SPEECH_RATE_HZ = 16_000


class AudioDecoder(Protocol):
    """Any container and codec → speech samples. Thread-safe; `decode` blocks for milliseconds to seconds."""

    def decode(self, data: bytes, *, max_s: float) -> "NDArray[np.float32]":
        """The first sound track of a file, by its content; its name and declared type are not asked.

        Args:
            data: the file.
            max_s: the longest sound; reading stops there, whatever length the file's header claims.

        Returns:
            float32, shape (n_samples,), mono, 16 kHz, in [-1, 1], finite; n_samples is at least 1.

        Raises:
            InvalidInput: no known container, no sound track, no samples, or broken: with what was met, and at what
                second or byte it broke.
            PayloadTooLarge: it is longer than `max_s`.
        """
        ...


class SoundStreamDecoder(Protocol):
    """One sound that comes piece by piece → speech samples. For one thread; `decode` blocks below a millisecond."""

    def decode(self, data: bytes) -> "NDArray[np.float32]":
        """The samples that the next piece completes: float32, shape (n_samples,), mono, 16 kHz, in [-1, 1]; maybe none.

        Raises:
            InvalidInput: the piece is broken; the sound may go on with the next one.
        """
        ...


class AudioStream(Protocol):
    """One sound file that is being written. For one thread."""

    def write(self, samples: "NDArray[np.float32]") -> bytes:
        """Add float32 mono samples in [-1, 1], shape (n_samples,); the bytes that became final, maybe none."""
        ...

    def finish(self) -> bytes:
        """The file's last bytes."""
        ...


class AudioEncoder(Protocol):
    """Samples → a sound file, bit by bit, so that its beginning can leave before its end is made. Thread-safe."""

    @property
    def media_types(self) -> Mapping[str, str]:
        """Format → media type; the formats that `begin` takes."""
        ...

    def begin(self, format_name: str, sample_rate_hz: int) -> AudioStream:
        """A new file of one of `media_types`.

        Args:
            format_name: such as `mp3`.
            sample_rate_hz: of the samples that will come.
        """
        ...
