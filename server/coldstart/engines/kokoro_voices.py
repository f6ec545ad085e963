"""Kokoro's voices: one file each, a style for every length of what is said."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from coldstart.domain.errors import EngineFailed
from coldstart.domain.speech import Voice

# Source: https://huggingface.co/onnx-community/Kokoro-82M-v1.0-ONNX, whose voices are (510, 1, 256), little-endian.
MAX_SYMBOLS = 510
STYLE_WIDTH = 256
VOICE_BYTES = MAX_SYMBOLS * STYLE_WIDTH * 4

DEFAULT = "af_heart"  # Kokoro's own
MOST_ADDED = 100  # 52 MB

# Styles of a voice: float32, shape (510, 256); row n − 1 is for n symbols.
Styles: TypeAlias = NDArray[np.float32]

# First letter of a voice's name → language, as BCP 47 and espeak-ng call it, and for people.
# Source: the model's own pipeline (https://github.com/hexgrad/kokoro).
_LANGUAGES = {
    "a": ("en-us", "American English"),
    "b": ("en-gb", "British English"),
    "e": ("es", "Spanish"),
    "f": ("fr", "French"),
    "h": ("hi", "Hindi"),
    "i": ("it", "Italian"),
    "p": ("pt-br", "Brazilian Portuguese"),
}
# Kokoro was trained on another text analysis of these, which espeak-ng's phonemes do not fit.
_WITHOUT_PHONEMES = {"j": "Japanese", "z": "Mandarin Chinese"}
_GENDERS = {"f": "female", "m": "male"}
_NAME = re.compile(r"[a-z][fm]_[a-z0-9_]{1,40}")


@dataclass(frozen=True, slots=True)
class KokoroVoices:
    """The voices of an engine.

    Args:
        voices: the default first.
        styles: voice → its styles.
        refused: file name → one sentence why the voice in it is not offered.
    """

    voices: tuple[Voice, ...]
    styles: Mapping[str, Styles]
    refused: Mapping[str, str]


def read_voices(artifact: Path, added: Path | None = None) -> KokoroVoices:
    """The voices of a model and those of a directory.

    Args:
        artifact: directory with the model's own, `*.bin`; each must be right.
        added: directory with more; those that are not right are refused, not raised, and a name that the model has
            is refused too. It may be missing.

    Raises:
        EngineFailed: the model's own are not what this engine reads, or there are none.
    """
    styles: dict[str, Styles] = {}
    for path in _files(artifact):
        try:
            styles[path.stem] = _read(path)
        except ValueError as error:
            raise EngineFailed(f"{path}: {error}") from None
    if not styles:
        raise EngineFailed(f"{artifact} has no voices: it must hold *.bin files")
    own = frozenset(styles)
    refused = _add(styles, _files(added)) if added is not None else {}
    names = sorted(own, key=lambda name: (name != DEFAULT, name)) + [name for name in styles if name not in own]
    return KokoroVoices(tuple(map(_voice, names)), styles, refused)


def _add(styles: dict[str, Styles], paths: list[Path]) -> dict[str, str]:
    """Read more voices into `styles`; returns the refused, file name → sentence."""
    refused = {}
    for number, path in enumerate(paths):
        try:
            _check_room(path.stem, number, styles)
            styles[path.stem] = _read(path)
        except (ValueError, OSError) as error:
            refused[path.name] = f"voice file {path.name!r} is not used: {error}"
    return refused


def _check_room(name: str, number: int, styles: Mapping[str, Styles]) -> None:
    if name in styles:
        raise ValueError(f"there is a voice {name!r} already")
    if number >= MOST_ADDED:
        raise ValueError(f"at most {MOST_ADDED} voices can be added")


def _files(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.bin"))


def _read(path: Path) -> Styles:
    """The styles in a file.

    Raises:
        ValueError: its name or content is not a voice's: one clause, with what was met and what is wanted.
    """
    _check_name(path.stem)
    size = path.stat().st_size
    if size != VOICE_BYTES:
        raise ValueError(f"it has {size} bytes; a voice has {VOICE_BYTES}")
    styles = np.fromfile(path, dtype="<f4").reshape(MAX_SYMBOLS, STYLE_WIDTH)
    if not np.isfinite(styles).all():
        raise ValueError("it holds numbers that are not finite")
    return styles.astype(np.float32, copy=False)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"its name is {name!r}; wanted is a letter for the language, f or m, an underscore, and small letters or "
            "digits, such as 'af_heart'"
        )
    if name[0] not in _LANGUAGES:
        met = _WITHOUT_PHONEMES.get(name[0], f"a language {name[0]!r}")
        offered = ", ".join(f"{letter} ({words})" for letter, (_, words) in _LANGUAGES.items())
        raise ValueError(f"{met} cannot be spoken here; the first letter must be one of {offered}")


def _voice(name: str) -> Voice:
    language, words = _LANGUAGES[name[0]]
    return Voice(name, language, f"{words}, {_GENDERS[name[1]]}")
