"""Silero VAD on onnxruntime: which windows of a sound have speech in them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from coldstart.domain.errors import EngineFailed, InvalidInput
from coldstart.domain.voice_activity import VoiceActivityRequest

# Source: `SileroVADModel` of faster_whisper/vad.py: at 16 kHz a window of 512 samples is heard with the 64 before it.
WINDOW_SAMPLES = 512
_CONTEXT_SAMPLES = 64
_STATE_SIZE = 128

# Windows of one request that one call computes: 4 s of sound. More are no faster a window: on two busy cores one alone
# took 0.16 ms, and 512 of them 83 ms.
CHUNK_WINDOWS = 128

Samples = NDArray[np.float32]


def _zero_state() -> Samples:
    return np.zeros((1, 1, _STATE_SIZE), np.float32)


@dataclass(frozen=True, slots=True)
class _Heard:
    """What the model remembers of a sound: its recurrent state, and the samples before the next window."""

    hidden: Samples = field(default_factory=_zero_state)
    cell: Samples = field(default_factory=_zero_state)
    context: Samples = field(default_factory=lambda: np.zeros(_CONTEXT_SAMPLES, np.float32))


@dataclass(slots=True)
class _Progress:
    """A request that is under way, and the probabilities of its windows so far."""

    request: VoiceActivityRequest
    heard: _Heard
    windows: int = 0
    probabilities: list[Samples] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        return self.windows * WINDOW_SAMPLES == len(self.request.samples)


class SileroVoiceActivityDetector:
    """Silero VAD as faster-whisper ships it (`domain.voice_activity.VoiceActivityDetector`).

    The graph takes the windows of one sound one after the other in a single run, and has no dimension for several
    sounds. So the requests of a call are computed one by one, a chunk of each: a window of a live stream waits for a
    chunk of each of the others, never for the whole of a long sound.

    Args:
        path: directory with silero_vad.onnx.
        threads: compute threads.
        max_batch: the most requests of one call.

    Raises:
        EngineFailed: the file is not what this engine reads.
    """

    window_samples = WINDOW_SAMPLES

    def __init__(self, path: Path, *, threads: int, max_batch: int) -> None:
        self.max_batch = max_batch
        self._session: ort.InferenceSession | None = _load(path / "silero_vad.onnx", threads)
        self._streams: dict[str, _Heard] = {}
        self._under_way: dict[int, _Progress] = {}

    @property
    def stream_count(self) -> int:
        """Streams of which something is kept."""
        return len(self._streams)

    def advance(self, requests: Sequence[VoiceActivityRequest]) -> list[Samples | None]:
        """See `domain.voice_activity.VoiceActivityDetector`.

        Requests of one stream take their turns: all but the first get None. A stream goes on where its last answered
        request ended; a request that was cancelled or failed changes nothing.

        Raises:
            InvalidInput: a request has no samples, or not a whole number of windows; nothing was computed.
        """
        for request in requests:
            _check(request)
        # What is not asked for again was cancelled. Should a run fail, whatever is under way begins anew.
        kept, self._under_way = self._under_way, {}
        turns: dict[str | int, _Progress] = {}
        for request in requests:
            key = id(request) if request.stream_id is None else request.stream_id
            if key not in turns:
                turns[key] = kept.get(id(request)) or _Progress(request, self._heard_of(request))
        for progress in turns.values():
            self._compute_chunk(progress)
        done = {id(progress.request): self._finish(progress) for progress in turns.values() if progress.is_done}
        self._under_way = {id(p.request): p for p in turns.values() if not p.is_done}
        return [done.get(id(request)) for request in requests]

    def forget(self, stream_id: str) -> None:
        self._streams.pop(stream_id, None)

    def close(self) -> None:
        self._streams.clear()
        self._under_way.clear()
        self._session = None

    def _heard_of(self, request: VoiceActivityRequest) -> _Heard:
        heard = None if request.stream_id is None else self._streams.get(request.stream_id)
        return heard or _Heard()

    def _compute_chunk(self, progress: _Progress) -> None:
        if self._session is None:
            raise EngineFailed("the engine is closed")
        begin = progress.windows * WINDOW_SAMPLES
        samples = progress.request.samples[begin : begin + CHUNK_WINDOWS * WINDOW_SAMPLES]
        heard = progress.heard
        sound = np.concatenate([heard.context, samples], dtype=np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(sound, _CONTEXT_SAMPLES + WINDOW_SAMPLES)[::WINDOW_SAMPLES]
        feeds = {"input": np.ascontiguousarray(windows), "h": heard.hidden, "c": heard.cell}
        probabilities, hidden, cell = self._session.run(["speech_probs", "hn", "cn"], feeds)
        progress.probabilities.append(probabilities)
        progress.windows += len(probabilities)
        progress.heard = _Heard(hidden, cell, sound[-_CONTEXT_SAMPLES:].copy())

    def _finish(self, progress: _Progress) -> Samples:
        if progress.request.stream_id is not None:
            self._streams[progress.request.stream_id] = progress.heard
        return np.concatenate(progress.probabilities)


def _check(request: VoiceActivityRequest) -> None:
    samples = request.samples
    if samples.ndim != 1 or not len(samples) or len(samples) % WINDOW_SAMPLES:
        raise InvalidInput(
            f"the sound has shape {samples.shape}; wanted one dimension of one or more windows of {WINDOW_SAMPLES} "
            "samples"
        )


def _load(path: Path, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    # Between chunks nothing is left to wait for: a thread that looks for work takes the processor from the transcriber.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # An arena would keep the activations of the longest chunk for good.
    options.enable_cpu_mem_arena = False
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions share no public base
        raise EngineFailed(f"onnxruntime cannot load {path}: {error}") from error
