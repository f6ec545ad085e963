"""Digits said aloud by espeak-ng, with the moments at which each begins and ends."""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SAMPLE_RATE_HZ = 16_000

# Source: espeak-ng's speak_lib.h.
_OUTPUT_SYNCHRONOUS = 2
_DO_NOT_EXIT = 0x8000
_RATE, _PITCH, _PITCH_RANGE = 1, 3, 4
_BY_CHARACTER, _UTF8 = 1, 1
_LIST_TERMINATED, _WORD = 0, 1
_SEED = 1
# Words a minute; espeak-ng's own pace.
NORMAL_RATE = 175
# What is quieter than this share of the loudest sample counts as silence; what is left around the voice.
_QUIET_SHARE = 0.02
_MARGIN_S = 0.02


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_int64),
    )


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@dataclass(frozen=True, slots=True)
class Manner:
    """How something is said.

    Args:
        voice: espeak-ng's name, such as `en-us+m3`.
        rate: words a minute, 80 to 450.
        pitch: 0 to 100; 50 is the voice's own.
        pitch_range: 0 to 100; 0 is a monotone.
        separator: between two digits; a comma makes a pause.
        scale: all frequencies times this, as of a smaller head; it is also said as many times faster.
    """

    voice: str
    rate: int = NORMAL_RATE
    pitch: int = 50
    pitch_range: int = 50
    separator: str = " "
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Word:
    """A digit and where it is heard: from sample `begin` to before sample `end`, at 16 kHz."""

    digit: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Utterance:
    """Digits that were said.

    Args:
        samples: int16, shape (n_samples,), mono, 16 kHz; begins and ends with the voice, but for 20 ms.
        words: in order.
    """

    samples: NDArray[np.int16]
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        return " ".join(DIGITS[word.digit] for word in self.words)


def in_silence(utterance: Utterance) -> NDArray[np.float32]:
    """Its samples in [-1, 1], with half a second of silence before and after."""
    return np.pad(utterance.samples.astype(np.float32) / 32768, SAMPLE_RATE_HZ // 2)


class Speaker:
    """espeak-ng in this process: one at a time, for one thread.

    Args:
        directory: holds libespeak-ng.so and espeak-ng-data.

    Raises:
        FileNotFoundError: one of them is not there.
    """

    def __init__(self, directory: Path) -> None:
        library = directory / "libespeak-ng.so"
        if not library.is_file():
            raise FileNotFoundError(f"{directory} holds no libespeak-ng.so")
        self._espeak = ctypes.CDLL(str(library))
        self._espeak.espeak_Synth.argtypes = (
            *(ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int),
            *(ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p),
        )
        rate = self._espeak.espeak_Initialize(_OUTPUT_SYNCHRONOUS, 0, str(directory).encode(), _DO_NOT_EXIT)
        if rate <= 0:
            raise FileNotFoundError(f"espeak-ng finds no data in {directory}")
        self._rate_hz = int(rate)
        self._voice = ""
        self._chunks: list[NDArray[np.int16]] = []
        self._begins_ms: dict[int, int] = {}
        self._callback = _CALLBACK(self._take)
        self._espeak.espeak_SetSynthCallback(self._callback)

    def say(self, digits: Sequence[int], manner: Manner) -> Utterance:
        """What the voice makes of the digits.

        Raises:
            ValueError: espeak-ng does not know the voice, or did not tell where each digit begins.
        """
        # To load a voice takes longer than to speak.
        if manner.voice != self._voice and self._espeak.espeak_SetVoiceByName(manner.voice.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {manner.voice!r}")
        self._voice = manner.voice
        for parameter, value in ((_RATE, manner.rate), (_PITCH, manner.pitch), (_PITCH_RANGE, manner.pitch_range)):
            self._espeak.espeak_SetParameter(parameter, value, 0)
        self._chunks, self._begins_ms = [], {}
        # Some voices breathe, at random.
        self._espeak.espeak_ng_SetRandSeed(ctypes.c_long(_SEED))
        text = manner.separator.join(DIGITS[digit] for digit in digits).encode()
        self._espeak.espeak_Synth(text, len(text) + 1, 0, _BY_CHARACTER, 0, _UTF8, None, None)
        begins_ms = sorted(self._begins_ms.values())
        if len(begins_ms) != len(digits):
            raise ValueError(f"espeak-ng told where {len(begins_ms)} words begin, of {len(digits)}: {text.decode()!r}")
        begins_s = [ms / (1000 * manner.scale) for ms in begins_ms]
        return _trimmed(digits, np.concatenate(self._chunks), self._rate_hz * manner.scale, begins_s)

    def _take(self, samples: "ctypes._Pointer[ctypes.c_short]", count: int, events: "ctypes._Pointer[_Event]") -> int:
        if count > 0:
            self._chunks.append(np.ctypeslib.as_array(samples, (count,)).astype(np.int16))
        index = 0
        while events[index].type != _LIST_TERMINATED:
            if events[index].type == _WORD:
                # By place in the text: a clause may tell of its first word twice.
                self._begins_ms[events[index].text_position] = events[index].audio_position
            index += 1
        return 0


def _trimmed(digits: Sequence[int], sound: NDArray[np.int16], rate_hz: float, begins_s: Sequence[float]) -> Utterance:
    """At 16 kHz, without the silence around it; each word from its beginning to the last that is heard of it."""
    scaled = resample_poly(sound.astype(np.float32), SAMPLE_RATE_HZ // 50, round(rate_hz / 50))
    samples = np.clip(scaled, -32768, 32767).astype(np.int16)
    heard = np.flatnonzero(np.abs(scaled) > _QUIET_SHARE * np.abs(scaled).max())
    margin = round(_MARGIN_S * SAMPLE_RATE_HZ)
    first, last = max(0, int(heard[0]) - margin), min(samples.size, int(heard[-1]) + margin)
    begins = [min(max(0, int(begin * SAMPLE_RATE_HZ) - first), last - first - 1) for begin in begins_s]
    words = []
    for digit, begin, limit in zip(digits, begins, [*begins[1:], last - first], strict=True):
        of_word = heard[np.searchsorted(heard, begin + first) : np.searchsorted(heard, limit + first)]
        words.append(Word(digit, begin, int(of_word[-1]) - first + 1 if of_word.size else limit))
    return Utterance(samples[first:last], tuple(words))
