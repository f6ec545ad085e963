"""espeak-ng as a text-to-speech model: rules and formants, no network of neurons; clear, quick and like a robot."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from coldstart.domain.errors import EngineFailed, InvalidInput
from coldstart.domain.speech import SpeechRequest, Voice
from coldstart.engines.espeak_process import EspeakProcess

# Source: espeakRATE's normal value in espeak-ng's speak_lib.h.
_NORMAL_WPM = 175
_INT16 = 2.0**15


class EspeakSynthesizer:
    """espeak-ng as laid out by `convert espeak-ng` (`domain.speech.SpeechSynthesizer`).

    Two calls for the same text differ in some samples, for the voices' breath and flutter are drawn anew.

    Args:
        path: directory with libespeak-ng.so, espeak-ng-data and voices.json, a list of `{"name", "espeak", "language",
            "description"}`, where `espeak` is the voice as `EspeakProcess.speak` takes it; it may be read-only.

    Raises:
        EngineFailed: the files are not what this engine reads.
    """

    # One process speaks one sentence at a time, at about a thousandth of its length.
    max_batch = 1
    # None can be added.
    refused_voices: Sequence[str] = ()

    def __init__(self, path: Path) -> None:
        self._names: dict[str, str] = {}
        self._voices: list[Voice] = []
        try:
            for voice in json.loads((path / "voices.json").read_bytes()):
                self._names[voice["name"]] = voice["espeak"]
                self._voices.append(Voice(voice["name"], voice["language"], voice["description"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise EngineFailed(f"{path / 'voices.json'} is no list of voices: {error!r}") from error
        self._process = EspeakProcess(path)

    @property
    def sample_rate_hz(self) -> int:
        return self._process.sample_rate_hz

    @property
    def voices(self) -> Sequence[Voice]:
        return self._voices

    def advance(self, requests: Sequence[SpeechRequest]) -> list[NDArray[np.float32] | None]:
        """See `domain.speech.SpeechSynthesizer`.

        Raises:
            InvalidInput: there is no such voice.
            EngineFailed: espeak-ng died or hangs; the next call has a new process.
        """
        return [self._say(request) for request in requests]

    def close(self) -> None:
        self._process.close()

    def _say(self, request: SpeechRequest) -> NDArray[np.float32]:
        name = self._names.get(request.voice)
        if name is None:
            raise InvalidInput(f"there is no voice {request.voice!r}; there are: {', '.join(self._names)}")
        sound = self._process.speak(request.text, name, round(_NORMAL_WPM * request.speed))
        return np.frombuffer(sound, dtype="<i2").astype(np.float32) / np.float32(_INT16)
