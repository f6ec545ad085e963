"""The sounds of golden requests, as files of 16 bits, mono, 16 kHz; the server reads them in this form only."""

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 16_000
NAME = "golden.wav"
# A check that runs at each start is not to hear more.
_LONGEST_S = 10.0

_SYLLABLE_S = 0.25
# Formants of [a], [i] and [u] in Hz, spoken by an adult. Source: Peterson and Barney, "Control methods used in a study
# of the vowels", JASA 24 (1952), table II, rounded.
_VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240))
_BANDWIDTH_HZ = 90.0
_HIGHEST_HZ = 4000.0


class UnfitSound(ValueError):
    """A golden sound has another form than the server reads."""


def voice_like_sound() -> NDArray[np.float32]:
    """Four phrases of eight syllables, with silence before each: float32, shape (160000,), 10 s, in [-1, 1].

    Nobody says anything in it, but it has what speech has: a pitch that falls, formants, syllables, pauses. Always the
    same.
    """
    phrase = [_syllable(_VOWELS[i % len(_VOWELS)], pitch_hz=140.0 - 5.0 * i) for i in range(8)]
    sound = np.tile(np.concatenate([np.zeros(RATE_HZ // 2), *phrase]), 4)
    return _rounded(0.5 * sound / np.abs(sound).max())


def _syllable(formants_hz: tuple[int, ...], pitch_hz: float) -> NDArray[np.float64]:
    """The harmonics of a pitch, each as loud as the formants near it let it be, swelling and fading."""
    time_s = np.arange(int(_SYLLABLE_S * RATE_HZ)) / RATE_HZ
    harmonics_hz = np.arange(1, int(_HIGHEST_HZ / pitch_hz)) * pitch_hz
    resonance = sum(1 / (1 + ((harmonics_hz - formant) / _BANDWIDTH_HZ) ** 2) for formant in formants_hz)
    waves = np.sin(2 * np.pi * harmonics_hz[:, None] * time_s)
    envelope = np.sin(np.pi * time_s / _SYLLABLE_S) ** 0.5
    return np.asarray(envelope * (resonance / np.sqrt(harmonics_hz) @ waves))


def read_sound(path: Path) -> NDArray[np.float32]:
    """The samples of a file of this form: float32, shape (n_samples,), in [-1, 1].

    Raises:
        UnfitSound: it has another form, is empty or too long.
    """
    with wave.open(str(path), "rb") as file:
        form = (file.getnchannels(), file.getsampwidth(), file.getframerate())
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2") if form == (1, 2, RATE_HZ) else None
    if samples is None:
        raise UnfitSound(f"{path} has channels, bytes a sample and rate {form}; wanted are (1, 2, {RATE_HZ})")
    if not 0 < len(samples) <= _LONGEST_S * RATE_HZ:
        raise UnfitSound(f"{path} has {len(samples) / RATE_HZ:g} s; wanted are up to {_LONGEST_S:g}")
    return samples.astype(np.float32) / np.float32(2**15)


def write_sound(samples: NDArray[np.float32], directory: Path) -> None:
    """Write golden.wav into an artifact; reading it gives the same samples."""
    with wave.open(str(directory / NAME), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.round(samples * 2**15).astype("<i2").tobytes())


def _rounded(sound: NDArray[np.float64]) -> NDArray[np.float32]:
    """The samples as the file will have them, so that the reference hears what the engine will hear."""
    return (np.round(sound * 2**15) / 2**15).astype(np.float32)
