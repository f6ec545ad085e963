"""The golden sentence of a Kokoro: how long it takes, and how loud each part of it is."""

from collections.abc import Iterable, Mapping
from itertools import pairwise

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from convert.espeak_ng import GOLDEN_TEXT, LEVELS

PAD = "$"
SAMPLE_RATE_HZ = 24_000  # source: hexgrad/Kokoro-82M
# What the engine makes of GOLDEN_TEXT in American English (tests/contract/test_kokoro.py). Written here, so that an
# espeak-ng that reads it otherwise is noticed.
GOLDEN_SYMBOLS = "ðə kˈæt sˈæt ɔnðə mˈæt, ænd nˈObɑdi sˈɛd ə wˈɜɹd."
_DEFAULT_VOICE = "af_heart"

# Each run draws its own noise. A model is allowed the smallest of these that is twice the distance between runs.
_RUNS = 5
_TOLERANCES = (0.05, 0.1, 0.2)


class UnsupportedKokoro(ValueError):
    """The files are not the model that this conversion understands: one sentence, what was met and what is wanted."""


def golden_of(
    session: ort.InferenceSession, vocabulary: Mapping[str, int], styles: Mapping[str, NDArray[np.float32]]
) -> dict[str, object]:
    """A sentence, and the length and loudness of its sound (server/coldstart/services/speech_golden.py reads it).

    Raises:
        UnsupportedKokoro: there is no American voice, or the sound is silent or never twice the same.
    """
    voice = _american_voice(styles)
    ids = [vocabulary[symbol] for symbol in (PAD, *GOLDEN_SYMBOLS, PAD)]
    feeds = {
        "input_ids": np.array([ids], dtype=np.int64),
        "style": styles[voice][len(GOLDEN_SYMBOLS) - 1],
        "speed": np.ones(1, dtype=np.float32),
    }
    sounds = [np.asarray(session.run(["waveform"], feeds)[0]).reshape(-1).astype(np.float64) for _ in range(_RUNS)]
    return {
        "text": GOLDEN_TEXT,
        "voice": voice,
        "duration_s": round(sounds[0].size / SAMPLE_RATE_HZ, 3),
        "levels": [round(float(level), 3) for level in _levels(sounds[0])],
        "tolerance": {"kokoro": _tolerance(max(_distance(one, other) for one, other in pairwise(sounds)))},
    }


def _american_voice(names: Iterable[str]) -> str:
    american = sorted((name for name in names if name.startswith("a")), key=lambda name: (name != _DEFAULT_VOICE, name))
    if not american:
        raise UnsupportedKokoro(f"the voices are {sorted(names)}; at least one American voice, a…, is wanted")
    return american[0]


def _tolerance(distance: float) -> float:
    for tolerance in _TOLERANCES:
        if distance <= tolerance / 2:
            return tolerance
    raise UnsupportedKokoro(
        f"two sounds of the golden sentence differ by {distance:.3f}; at most {_TOLERANCES[-1] / 2:g} is accepted"
    )


def _distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """As the server's check: the share by which durations or levels differ."""
    levels = _levels(other)
    by_level = np.abs(_levels(one) - levels).sum() / levels.sum()
    return float(np.maximum(abs(one.size - other.size) / other.size, by_level))


def _levels(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    """Root mean square of equal parts: float64, shape (LEVELS,).

    Raises:
        UnsupportedKokoro: there is no sound.
    """
    if sound.size < LEVELS or not np.abs(sound).max() > 0:
        raise UnsupportedKokoro(f"the model makes {sound.size} samples of the golden sentence, or nothing but silence")
    return np.array([np.sqrt(np.mean(part**2)) for part in np.array_split(sound, LEVELS)])
