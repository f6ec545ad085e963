"""From the package espeakng-loader to the artifact of the espeak-ng engine: library, data, voices, licence."""

import ctypes
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_LICENSE = Path(__file__).parent / "licenses" / "GPL-3"
# Phonemes of all languages together.
_SHARED_DATA = ("phondata", "phonindex", "phontab", "intonations")
# Beside a language's own voice, which is a man's: a variant of espeak-ng's `voices/!v`.
_WOMAN = "f2"

GOLDEN_TEXT = "The cat sat on the mat, and nobody said a word."
LEVELS = 16
# The first call of a process repeats to the last sample; the check is that of a process in use. Over 50 calls the
# distance was at most 0.01; another voice of the same language has 0.2 and more (tests/contract/test_espeak_ng.py).
_TOLERANCE = 0.05

# Source of the constants: espeak-ng 1.52, src/include/espeak-ng/speak_lib.h.
_SYNCHRONOUS = 2
_DO_NOT_EXIT = 0x8000
_FROM_CHARACTER = 1
_UTF8_WITH_END_PAUSE = 1 | 0x1000
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)

_SOURCE = """libespeak-ng.so and espeak-ng-data are espeak-ng {version}, Copyright (C) 2005-2024 Reece H. Dunn,
Jonathan Duddington and others, under the GNU General Public License, version 3 or later: see COPYING.

They are copied unchanged from the Python package espeakng-loader, and run as a program of their own.

The complete source: https://github.com/espeak-ng/espeak-ng (the tag of this version)
What builds the package: https://github.com/thewh1teagle/espeakng-loader
"""


class UnusablePackage(Exception):
    """The directory is not the package that this conversion knows."""


@dataclass(frozen=True, slots=True)
class Language:
    """One language of espeak-ng.

    Args:
        tag: BCP 47, which is espeak-ng's own name for it, too.
        file: below espeak-ng-data/lang.
        dictionary: of espeak-ng-data, without `_dict`.
        name: for people.
    """

    tag: str
    file: str
    dictionary: str
    name: str


# The first is the default voice's.
LANGUAGES = (
    Language("en-us", "gmw/en-US", "en", "American English"),
    Language("en-gb", "gmw/en", "en", "British English"),
    Language("en-gb-scotland", "gmw/en-GB-scotland", "en", "Scottish English"),
    Language("de", "gmw/de", "de", "German"),
    Language("es", "roa/es", "es", "Spanish"),
    Language("es-419", "roa/es-419", "es", "Latin American Spanish"),
    Language("fr", "roa/fr", "fr", "French"),
    Language("it", "roa/it", "it", "Italian"),
    Language("nl", "gmw/nl", "nl", "Dutch"),
    Language("pl", "zlw/pl", "pl", "Polish"),
    Language("pt", "roa/pt", "pt", "Portuguese"),
    Language("pt-br", "roa/pt-BR", "pt", "Brazilian Portuguese"),
)


def convert_espeak_ng(source: Path, out: Path) -> None:
    """Write the library, the data of LANGUAGES, voices.json, the licence, and golden.json.

    Args:
        source: directory in which packages are installed, with `espeakng_loader`.
        out: directory to write to.

    Raises:
        UnusablePackage: something is missing there.
    """
    copy_espeak_ng(source, out, LANGUAGES)
    variants = Path("espeak-ng-data") / "voices" / "!v"
    _copy(source / "espeakng_loader", out, variants / _WOMAN)
    voices = [voice for language in LANGUAGES for voice in _voices(language)]
    _write_json(out / "voices.json", voices)
    _write_json(out / "golden.json", _golden(out, voices[0]))


def copy_espeak_ng(source: Path, out: Path, languages: Sequence[Language]) -> None:
    """Write libespeak-ng.so, espeak-ng-data with these languages alone, COPYING and SOURCE.

    Args:
        source: directory in which packages are installed, with `espeakng_loader`.
        out: directory to write to.
        languages: at least one.

    Raises:
        UnusablePackage: something is missing there.
    """
    package = source / "espeakng_loader"
    data = Path("espeak-ng-data")
    _copy(package, out, Path("libespeak-ng.so"))
    for name in (*_SHARED_DATA, *{f"{language.dictionary}_dict": None for language in languages}):
        _copy(package, out, data / name)
    for language in languages:
        _copy(package, out, data / "lang" / language.file)
    shutil.copyfile(_LICENSE, out / "COPYING")
    (out / "SOURCE").write_text(_SOURCE.format(version=_version(out)), encoding="utf-8")


def _copy(package: Path, out: Path, path: Path) -> None:
    if not (package / path).is_file():
        raise UnusablePackage(f"{package} has no {path}; the package espeakng-loader was expected there")
    (out / path).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(package / path, out / path)


def _voices(language: Language) -> list[dict[str, str]]:
    tag = language.tag
    return [
        {"name": tag, "espeak": tag, "language": tag, "description": f"{language.name}, a man's voice"},
        {
            "name": f"{tag}-woman",
            "espeak": f"{tag}+{_WOMAN}",
            "language": tag,
            "description": f"{language.name}, a woman's voice",
        },
    ]


def _golden(artifact: Path, voice: dict[str, str]) -> dict[str, object]:
    """A sentence, and the length and loudness of its sound (server/coldstart/services/speech_golden.py reads it)."""
    samples, rate_hz = _said(artifact, GOLDEN_TEXT, voice["espeak"])
    return {
        "text": GOLDEN_TEXT,
        "voice": voice["name"],
        "duration_s": round(samples.size / rate_hz, 2),
        "levels": [round(float(np.sqrt(np.mean(part**2))), 3) for part in np.array_split(samples, LEVELS)],
        "tolerance": {"espeak-ng": _TOLERANCE},
    }


def _said(artifact: Path, text: str, voice: str) -> tuple[NDArray[np.float64], int]:
    """The samples of a text, in [-1, 1], and their rate; the library can start once in a process."""
    library = ctypes.CDLL(str(artifact.resolve() / "libespeak-ng.so"))
    rate_hz = library.espeak_Initialize(_SYNCHRONOUS, 0, str(artifact.resolve()).encode(), _DO_NOT_EXIT)
    sound = bytearray()

    def take(samples: int | None, count: int, _events: int | None) -> int:
        if samples and count > 0:
            sound.extend(ctypes.string_at(samples, 2 * count))
        return 0

    callback = _Callback(take)
    library.espeak_SetSynthCallback(callback)
    data = text.encode()
    size = ctypes.c_size_t(len(data) + 1)
    library.espeak_SetVoiceByName(voice.encode())
    library.espeak_Synth(data, size, 0, _FROM_CHARACTER, 0, _UTF8_WITH_END_PAUSE, None, None)
    if not sound:
        raise UnusablePackage(f"the library in {artifact} says nothing with voice {voice!r}; its rate is {rate_hz}")
    return np.frombuffer(bytes(sound), dtype="<i2") / 2.0**15, rate_hz


def _version(artifact: Path) -> str:
    library = ctypes.CDLL(str(artifact.resolve() / "libespeak-ng.so"))
    library.espeak_Info.restype = ctypes.c_char_p
    library.espeak_Info.argtypes = (ctypes.c_void_p,)
    return str(library.espeak_Info(None).decode())


def _write_json(path: Path, document: object) -> None:
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
