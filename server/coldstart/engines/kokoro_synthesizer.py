"""Kokoro-82M on onnxruntime, with phonemes by espeak-ng."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort
import structlog
from numpy.typing import NDArray

from coldstart.domain.errors import EngineFailed, InvalidInput
from coldstart.domain.speech import SpeechRequest, Voice
from coldstart.engines.cuda_device import Device
from coldstart.engines.espeak_process import EspeakProcess
from coldstart.engines.kokoro_text import pieces_of, symbols_of
from coldstart.engines.kokoro_voices import MAX_SYMBOLS, Styles, read_voices
from coldstart.engines.onnxruntime_device import session_on

_PAD = "$"  # before and after the symbols
_LEAST_SYMBOLS = 64
# As the next-token engine's: compute threads that look for work for longer take the cores from the event loop.
_SPIN_US = 50

Sound = NDArray[np.float32]


class KokoroSynthesizer:
    """Kokoro as laid out by `convert kokoro` (`domain.speech.SpeechSynthesizer`).

    Two runs of the published weights differ in their samples, for the breath in a voice is noise drawn anew.

    Args:
        path: directory with model.onnx, tokenizer.json, voices/ and espeak-ng/.
        threads: compute threads.
        device: where it computes.
        added_voices: directory with more voices; files in it that are none are told in the log and in
            `refused_voices`.

    Raises:
        EngineFailed: the files are not what this engine reads.
    """

    sample_rate_hz = 24_000
    # A run takes one text: its sound's length is part of the graph. Source: the published graph's inputs.
    max_batch = 1

    def __init__(self, path: Path, *, threads: int, device: Device = "cpu", added_voices: Path | None = None) -> None:
        self._log = structlog.get_logger("coldstart.kokoro")
        self._ids = _vocabulary(path / "tokenizer.json")
        self._pad = self._ids.pop(_PAD)
        self._voices = read_voices(path / "voices", added_voices)
        self._languages = {voice.name: voice.language for voice in self._voices.voices}
        self._dropped: Counter[str] = Counter()
        self.device: str = device
        self._session: ort.InferenceSession | None = _load(path / "model.onnx", threads, device)
        for name, sentence in self._voices.refused.items():
            self._log.warning("voice_refused", file=name, reason=sentence)
        self._espeak = EspeakProcess(path / "espeak-ng")

    @property
    def voices(self) -> Sequence[Voice]:
        return self._voices.voices

    @property
    def refused_voices(self) -> Sequence[str]:
        """One sentence for each file of the added voices that is not offered."""
        return tuple(self._voices.refused.values())

    @property
    def dropped_symbols(self) -> Mapping[str, int]:
        """Signs that the model has none of → how many were left out since the start."""
        return dict(self._dropped)

    def advance(self, requests: Sequence[SpeechRequest]) -> list[Sound | None]:
        """See `domain.speech.SpeechSynthesizer`.

        Raises:
            InvalidInput: there is no such voice.
            EngineFailed: the model or espeak-ng broke.
        """
        return [self._say(request) for request in requests]

    def close(self) -> None:
        self._session = None
        self._espeak.close()

    def _say(self, request: SpeechRequest) -> Sound:
        # Before anything else: the espeak-ng process would start again.
        session = self._session
        if session is None:
            raise EngineFailed("the engine is closed")
        styles = self._voices.styles.get(request.voice)
        if styles is None:
            raise InvalidInput(f"there is no voice {request.voice!r}; there are: {', '.join(self._languages)}")
        language = self._languages[request.voice]
        symbols = self._known(symbols_of(request.text, language, self._espeak.phonemes))
        # A slow run has fewer symbols, so that none makes much more sound, and takes more memory, than one at speed 1.
        limit = max(_LEAST_SYMBOLS, int(MAX_SYMBOLS * min(request.speed, 1.0)))
        sounds = [self._run(session, piece, styles, request.speed) for piece in pieces_of(symbols, limit)]
        return np.concatenate(sounds) if sounds else np.zeros(0, dtype=np.float32)

    def _known(self, symbols: str) -> str:
        """Without the signs that the model has none of; each is told once in the log, and counted."""
        unknown = Counter(symbol for symbol in symbols if symbol not in self._ids)
        for symbol in unknown.keys() - self._dropped.keys():
            self._log.warning("symbol_dropped", symbol=f"U+{ord(symbol):04X}")
        self._dropped = self._dropped + unknown  # another thread may be reading the one before
        return "".join(symbol for symbol in symbols if symbol in self._ids)

    def _run(self, session: ort.InferenceSession, symbols: str, styles: Styles, speed: float) -> Sound:
        ids = [self._pad, *(self._ids[symbol] for symbol in symbols), self._pad]
        feeds = {
            "input_ids": np.array([ids], dtype=np.int64),
            "style": styles[len(symbols) - 1][np.newaxis],
            "speed": np.array([speed], dtype=np.float32),
        }
        try:
            waveform = session.run(["waveform"], feeds)[0]
        except Exception as error:  # onnxruntime's own exceptions share no public base
            raise EngineFailed(f"onnxruntime cannot run {len(symbols)} symbols: {error}") from error
        sound = np.asarray(waveform, dtype=np.float32).reshape(-1)
        if not np.isfinite(sound).all():
            raise EngineFailed(f"the model made a sound that is not finite of {len(symbols)} symbols")
        return np.clip(sound, -1.0, 1.0)


def _vocabulary(path: Path) -> dict[str, int]:
    """Symbol → number, from a tokenizer.json. One letter is one token: that needs no library."""
    try:
        ids = {str(symbol): int(number) for symbol, number in json.loads(path.read_bytes())["model"]["vocab"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineFailed(f"{path} is no tokenizer of Kokoro: {error!r}") from error
    if _PAD not in ids:
        raise EngineFailed(f"{path} is no tokenizer of Kokoro: it lacks {_PAD!r}")
    return ids


def _load(path: Path, threads: int, device: Device) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.spin_duration_us", str(_SPIN_US))
    return session_on(device, path, options, {})
