"""Stand-ins for voices and encoders, deterministic and with a gate that holds them."""

import threading
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from coldstart.domain.speech import SpeechRequest, Voice

RATE_HZ = 8000
SAMPLES_A_CHARACTER = 100
POISON = "poison"
PCM = "pcm"


class FakeSynthesizer:
    """A `SpeechSynthesizer` that hums: 100 samples a character, divided by the speed; louder the longer the text.

    A text with POISON in it makes `advance` raise.

    Args:
        gate: `advance` waits for it; set unless a test clears it. A test must set it again in the end.
        entered: set whenever `advance` has been entered.
        said: the requests in the order in which they were said.
    """

    sample_rate_hz = RATE_HZ
    max_batch = 1
    refused_voices: Sequence[str] = ()

    def __init__(self) -> None:
        self.voices = (
            Voice("ann", "en-us", "a woman's voice"),
            Voice("bob", "en-gb", "a man's voice"),
            Voice("uwe", "de", "a man's voice"),
        )
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.said: list[SpeechRequest] = []
        self.closed = False
        self._held_after: int | None = None

    def hold_after(self, sentences: int) -> None:
        """Clear the gate once so many sentences have been said."""
        self._held_after = len(self.said) + sentences

    def advance(self, requests: Sequence[SpeechRequest]) -> list[NDArray[np.float32] | None]:
        if len(self.said) == self._held_after:
            self.gate.clear()
            self._held_after = None
        self.entered.set()
        self.gate.wait()
        if any(POISON in request.text for request in requests):
            raise RuntimeError("poisoned")
        self.said.extend(requests)
        return [fake_sound(request) for request in requests]

    def close(self) -> None:
        self.closed = True


def fake_sound(request: SpeechRequest) -> NDArray[np.float32]:
    """What the fake says."""
    count = round(len(request.text) * SAMPLES_A_CHARACTER / request.speed)
    return np.full(count, min(len(request.text) / 1000, 1.0), np.float32)


class FakeEncoder:
    """An `AudioEncoder` of one format: int16 samples, with a header and a trailer.

    Args:
        threads: names of the threads in which it was called.
    """

    media_types: Mapping[str, str] = {PCM: "audio/pcm", "mp3": "audio/mpeg"}

    def __init__(self) -> None:
        self.threads: set[str] = set()

    def begin(self, format_name: str, sample_rate_hz: int) -> "FakeStream":
        return FakeStream(self, f"<{format_name} {sample_rate_hz}>".encode())


class FakeStream:
    """One file of the fake encoder."""

    def __init__(self, encoder: FakeEncoder, header: bytes) -> None:
        self._encoder = encoder
        self._header = header

    def write(self, samples: NDArray[np.float32]) -> bytes:
        self._encoder.threads.add(threading.current_thread().name)
        header, self._header = self._header, b""
        return header + fake_pcm(samples)

    def finish(self) -> bytes:
        return b"<end>"


def fake_pcm(samples: NDArray[np.float32]) -> bytes:
    """Samples as the fake encoder writes them."""
    return (samples * 2.0**15).astype("<i2").tobytes()
