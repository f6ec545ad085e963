"""Stand-ins for speech models and files, deterministic and with a gate that holds them.

A fake sound file is a JSON document that says how long it is and when somebody speaks; the fake models hear just that.
"""

import itertools
import json
import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from coldstart.domain.audio import SPEECH_RATE_HZ
from coldstart.domain.errors import InvalidInput, PayloadTooLarge
from coldstart.domain.transcription import Segment, Transcription, TranscriptionRequest, Word
from coldstart.domain.voice_activity import VoiceActivityRequest

_LOUDEST = 1000


def sound_file(duration_s: float, *spoken: tuple[float, float]) -> bytes:
    """A fake file: as long as that, with somebody speaking between those seconds."""
    return json.dumps({"duration_s": duration_s, "spoken": spoken}).encode()


class FakeDecoder:
    """An `AudioDecoder` of fake files: silence is 0, and the speech that comes n-th has the value n / 1000.

    Args:
        gate: `decode` waits for it; set unless a test clears it. A test must set it again in the end.
        calls: how often `decode` was entered.
    """

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.calls = 0

    def decode(self, data: bytes, *, max_s: float) -> NDArray[np.float32]:
        self.calls += 1
        self.gate.wait()
        try:
            file = json.loads(data)
        except ValueError:
            raise InvalidInput("the file is no sound: it breaks at byte 0") from None
        if file["duration_s"] > max_s:
            raise PayloadTooLarge(f"the sound is longer than {max_s:g} s, the most allowed")
        samples = np.zeros(round(file["duration_s"] * SPEECH_RATE_HZ), np.float32)
        for number, (start_s, end_s) in enumerate(file["spoken"], 1):
            samples[round(start_s * SPEECH_RATE_HZ) : round(end_s * SPEECH_RATE_HZ)] = number / _LOUDEST
        return samples


class FakeTranscriber:
    """A `Transcriber` that hears the n-th speech of a fake file as ` say n`, and says which language it is in.

    Args:
        gate: `advance` waits for it; set unless a test clears it. A test must set it again in the end.
        entered: set whenever `advance` has been entered.
        calls: the requests of each call of `advance`.
        broken: whether `advance` raises.
    """

    languages: Sequence[str] = ("de", "en")
    device = "cpu"

    def __init__(self, *, max_batch: int = 1, language: str = "de") -> None:
        self.max_batch = max_batch
        self.language = language
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.calls: list[list[TranscriptionRequest]] = []
        self.broken = False
        self.closed = False
        self._held_after: int | None = None

    def hold_after(self, windows: int) -> None:
        """Close the gate once so many more windows have been written down."""
        self._held_after = windows

    @property
    def windows_s(self) -> list[float]:
        """How long each window was, in the order of the calls."""
        return [request.samples.size / SPEECH_RATE_HZ for call in self.calls for request in call]

    def advance(self, requests: Sequence[TranscriptionRequest]) -> list[Transcription | None]:
        self.calls.append(list(requests))
        self.entered.set()
        self.gate.wait()
        if self.broken:
            raise RuntimeError("broken")
        if self._held_after is not None:
            self._held_after -= len(requests)
            if self._held_after <= 0:
                self._held_after = None
                self.gate.clear()
        return [self._written(request) for request in requests]

    def close(self) -> None:
        self.closed = True

    def _written(self, request: TranscriptionRequest) -> Transcription:
        segments = tuple(_segment(request, *run) for run in _runs(request.samples))
        given = request.options.language
        return Transcription(segments, given or self.language, 1.0 if given else 0.9)


class FakeVoiceActivity:
    """A `VoiceActivityDetector` that is as sure of speech as a window is full of it.

    Args:
        calls: the requests of each call of `advance`.
        forgotten: the stream ids given to `forget`.
    """

    window_samples = 512

    def __init__(self, *, max_batch: int = 8) -> None:
        self.max_batch = max_batch
        self.calls: list[list[VoiceActivityRequest]] = []
        self.forgotten: list[str] = []

    @property
    def seconds(self) -> float:
        """Of all sound that was listened to."""
        return sum(request.samples.size for call in self.calls for request in call) / SPEECH_RATE_HZ

    def advance(self, requests: Sequence[VoiceActivityRequest]) -> list[NDArray[np.float32] | None]:
        self.calls.append(list(requests))
        return [
            (request.samples.reshape(-1, self.window_samples) != 0).mean(axis=1, dtype=np.float32)
            for request in requests
        ]

    def forget(self, stream_id: str) -> None:
        self.forgotten.append(stream_id)

    def close(self) -> None:
        pass


def _runs(samples: NDArray[np.float32]) -> list[tuple[int, float, float]]:
    """Number, begin and end in seconds of each stretch of equal samples that is no silence."""
    edges = [0, *(np.flatnonzero(np.diff(samples)) + 1).tolist(), samples.size]
    return [
        (round(float(samples[start]) * _LOUDEST), start / SPEECH_RATE_HZ, end / SPEECH_RATE_HZ)
        for start, end in itertools.pairwise(edges)
        if samples[start]
    ]


def _segment(request: TranscriptionRequest, number: int, start_s: float, end_s: float) -> Segment:
    middle_s = (start_s + end_s) / 2
    words = (Word(" say", start_s, middle_s, 0.9), Word(f" {number}", middle_s, end_s, 0.8))
    said = f" say {number}" if request.options.task == "transcribe" else f" speak {number}"
    return Segment(
        said,
        start_s,
        end_s,
        token_ids=(7, number),
        temperature=request.options.temperature,
        average_log_probability=-0.25,
        compression_ratio=0.75,
        no_speech_probability=0.125,
        words=words if request.options.word_timestamps else (),
    )
