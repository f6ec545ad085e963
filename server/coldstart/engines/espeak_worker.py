"""The program that alone loads espeak-ng: texts come in by standard input, sound goes out by standard output.

It is a process of its own because espeak-ng is GPL-3.0-or-later, is not thread-safe, and must not take the server with
it when it crashes. `espeak_process.EspeakProcess` starts it, as a file, with nothing but the standard library.

A message is its length, uint32 little endian, and so many bytes. To this program: a JSON object, `{"call": "speak",
"text", "voice", "rate_wpm"}` or `{"call": "phonemes", "text", "language"}`. Back: one byte, DONE or FAILED, and the
sound (int16 little endian, mono), or the phonemes or the reason in UTF-8. One message comes back unasked, at the start:
the sample rate in decimal. The program ends at the end of its input.
"""

import ctypes
import json
import os
import re
import struct
import sys
from pathlib import Path
from typing import Any, BinaryIO

LENGTH = struct.Struct("<I")
DONE = b"\x00"
FAILED = b"\x01"

# One text's sound. 300 Chinese characters in an English voice, the longest known, take 355 s at a quarter of the speed.
LONGEST_S = 600

# espeak-ng speaks no slower than this. Source: espeakRATE_MINIMUM in espeak-ng's speak_lib.h.
_SLOWEST_WPM = 80

# Source of all that follows: espeak-ng 1.52, src/include/espeak-ng/speak_lib.h.
_SYNCHRONOUS = 2
_DO_NOT_EXIT = 0x8000
_RATE = 1
_FROM_CHARACTER = 1
_UTF8 = 1
_END_PAUSE = 0x1000
# Phonemes in IPA; several letters of one are joined by U+0361.
_TIED_IPA = 0x02 | 0x80 | 0x0361 << 8

# espeak-ng finds a voice by the name of its file, and these two files bear another than their first language's.
_FILES = {"en-gb": "en", "fr-fr": "fr"}

# Told where the language changes within a text, "(en)wˈiːkɛnd(fr)", with the letters joined as if they were spoken.
_LANGUAGE_CHANGE = re.compile(rb"\([^()]*\)")

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


class Failed(Exception):
    """What the server is told instead of a result."""


class Espeak:
    """The library, for one thread.

    Args:
        directory: with `libespeak-ng.so` and `espeak-ng-data`.

    Raises:
        Failed: it does not start with that directory.
    """

    def __init__(self, directory: Path) -> None:
        # The library takes paths of up to 160 characters, so it is given a short one.
        os.chdir(directory)
        library = self._library = ctypes.CDLL(str(Path("libespeak-ng.so").resolve()))
        self.sample_rate_hz = int(library.espeak_Initialize(_SYNCHRONOUS, 0, b".", _DO_NOT_EXIT))
        if self.sample_rate_hz <= 0:
            raise Failed(f"espeak-ng does not start with the data in {directory / 'espeak-ng-data'}")
        library.espeak_Synth.argtypes = (
            *(ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int),
            *(ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p),
        )
        library.espeak_TextToPhonemes.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_int)
        library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        library.sonicChangeShortSpeed.argtypes = (
            *(ctypes.c_void_p, ctypes.c_int, ctypes.c_float, ctypes.c_float, ctypes.c_float),
            *(ctypes.c_float, ctypes.c_int, ctypes.c_int, ctypes.c_int),
        )
        self._sound = bytearray()
        self._callback = _Callback(self._take)  # the library keeps only its address
        library.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str, voice: str, rate_wpm: int) -> bytes:
        """The sound of a text: int16, mono."""
        self._choose(voice)
        self._library.espeak_SetParameter(_RATE, max(rate_wpm, _SLOWEST_WPM), 0)
        self._sound.clear()
        data = text.encode()
        status = self._library.espeak_Synth(data, len(data) + 1, 0, _FROM_CHARACTER, 0, _UTF8 | _END_PAUSE, None, None)
        if status != 0:
            raise Failed(f"espeak_Synth gave status {status}")
        speed = min(rate_wpm / _SLOWEST_WPM, 1.0)
        if self._seconds() / speed > LONGEST_S:
            raise Failed(f"the text's sound is longer than {LONGEST_S} s")
        return bytes(self._sound) if speed == 1.0 else self._slowed(speed)

    def phonemes(self, text: str, language: str) -> bytes:
        """The text in the International Phonetic Alphabet, UTF-8; punctuation is not in it."""
        self._choose(language)
        data = ctypes.create_string_buffer(text.encode())
        rest = ctypes.c_void_p(ctypes.addressof(data))
        clauses = []
        while rest.value:
            clauses.append(self._library.espeak_TextToPhonemes(ctypes.byref(rest), _UTF8, _TIED_IPA) or b"")
        return _LANGUAGE_CHANGE.sub(b"", b" ".join(b" ".join(clauses).split()))

    def _choose(self, voice: str) -> None:
        language, plus, variant = voice.partition("+")
        name = f"{_FILES.get(language, language)}{plus}{variant}"
        # A voice that is not there would leave the one before.
        if self._library.espeak_SetVoiceByName(name.encode()) != 0:
            raise Failed(f"espeak-ng has no voice {voice!r}")

    def _take(self, samples: int | None, count: int, _events: int | None) -> int:
        if samples and count > 0:
            self._sound += ctypes.string_at(samples, 2 * count)
        return int(self._seconds() > LONGEST_S)  # 1 ends the synthesis

    def _seconds(self) -> float:
        return len(self._sound) / 2 / self.sample_rate_hz

    def _slowed(self, speed: float) -> bytes:
        """The sound at a lower speed and the same pitch, by what espeak-ng itself uses for high ones (libsonic)."""
        count = len(self._sound) // 2
        # Done in place, so there must be room for the longer sound; a second more than is ever used.
        samples = (ctypes.c_short * (int(count / speed) + self.sample_rate_hz))()
        ctypes.memmove(samples, bytes(self._sound), 2 * count)
        made = self._library.sonicChangeShortSpeed(samples, count, speed, 1.0, 1.0, 1.0, 0, self.sample_rate_hz, 1)
        return ctypes.string_at(samples, 2 * made)


def main(directory: Path) -> None:
    """Answer until the input ends."""
    # Whatever the library may print must not get between the messages.
    messages, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        espeak = Espeak(directory)
    except (OSError, Failed) as error:
        _write(answers, FAILED + str(error).encode())
        return
    _write(answers, DONE + str(espeak.sample_rate_hz).encode())
    while (message := _read(messages)) is not None:
        try:
            _write(answers, DONE + _answer(espeak, json.loads(message)))
        except Failed as error:
            _write(answers, FAILED + str(error).encode())


def _answer(espeak: Espeak, request: dict[str, Any]) -> bytes:
    text = request["text"].replace("\0", " ")  # would be the end of a text in C
    if request["call"] == "phonemes":
        return espeak.phonemes(text, request["language"])
    return espeak.speak(text, request["voice"], request["rate_wpm"])


def _read(stream: BinaryIO) -> bytes | None:
    head = stream.read(LENGTH.size)
    return stream.read(LENGTH.unpack(head)[0]) if len(head) == LENGTH.size else None


def _write(stream: BinaryIO, message: bytes) -> None:
    stream.write(LENGTH.pack(len(message)))
    stream.write(message)
    stream.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
