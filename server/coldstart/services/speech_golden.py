"""The golden check of text-to-speech models: how long a sentence takes, and how loud each part of it is.

No digest of samples: engines draw breath and flutter anew at each call, and floating point differs between machines.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coldstart.domain.errors import ModelRejected
from coldstart.domain.manifest import ModelEntry
from coldstart.domain.speech import SpeechRequest, SpeechSynthesizer
from coldstart.runtime.scheduler import Scheduler
from coldstart.services.golden import golden_digest

# The first answer of a large model on a slow machine takes seconds, never minutes.
_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class _Golden:
    """A sentence and its sound, as they were when the image was built.

    Args:
        text: the sentence, written out.
        voice: that says it, at speed 1.
        duration_s: of the sound, above 0.
        levels: root mean square of each of so many equal parts of the sound, full scale being 1; not all 0.
        tolerance: engine name → the largest `distance`.
    """

    text: str
    voice: str
    duration_s: float
    levels: NDArray[np.float64]
    tolerance: Mapping[str, float]


def check_speech(
    entry: ModelEntry,
    engine_name: str,
    engine: SpeechSynthesizer,
    scheduler: Scheduler[SpeechRequest, NDArray[np.float32]],
) -> str:
    """Have the golden sentence said through the scheduler, and compare.

    Returns:
        The golden digest, which this engine has just met within its tolerance.

    Raises:
        ModelRejected: there is no such voice, or the sound differs by more than this engine's tolerance.
    """
    golden = _golden_of(entry)
    tolerance = golden.tolerance.get(engine_name)
    if tolerance is None:
        raise ModelRejected(f"model {entry.name!r}: the manifest has no tolerance for engine {engine_name!r}")
    if golden.voice not in {voice.name for voice in engine.voices}:
        raise ModelRejected(f"model {entry.name!r}: the manifest's golden voice {golden.voice!r} is not in the model")
    samples = scheduler.submit_blocking(SpeechRequest(golden.text, golden.voice), _TIMEOUT_S)
    duration_s = samples.size / engine.sample_rate_hz
    difference = distance(samples, duration_s, golden.levels, golden.duration_s)
    # Written so that NaN is refused too.
    if not difference <= tolerance:
        raise ModelRejected(
            f"model {entry.name!r}: the golden sentence of engine {engine_name!r} takes {duration_s:.2f} s, the "
            f"manifest's {golden.duration_s:.2f} s; the sound differs by {difference:.3f}, and {tolerance:g} is allowed"
        )
    return golden_digest(entry.golden)


def distance(
    samples: NDArray[np.float32], duration_s: float, expected: NDArray[np.float64], expected_duration_s: float
) -> float:
    """How far a sound is from another in length and loudness: 0 for the same, 1 for silence or nothing.

    The larger of two shares: that by which the durations differ, and that by which the levels do, summed over equal
    parts of either sound, of the expected sum.

    Args:
        samples: float32, shape (n_samples,).
        duration_s: of `samples`.
        expected: the levels expected, shape (n_parts,); not all 0.
        expected_duration_s: above 0.
    """
    parts = np.array_split(samples.astype(np.float64), expected.size)
    levels = np.array([np.sqrt(np.mean(part**2)) if part.size else 0.0 for part in parts])
    by_duration = abs(duration_s - expected_duration_s) / expected_duration_s
    # Unlike Python's own, NumPy's maximum of NaN and anything is NaN.
    return float(np.maximum(by_duration, np.abs(levels - expected).sum() / expected.sum()))


def _golden_of(entry: ModelEntry) -> _Golden:
    try:
        golden = _Golden(
            text=str(entry.golden["text"]),
            voice=str(entry.golden["voice"]),
            duration_s=float(entry.golden["duration_s"]),
            levels=np.array(entry.golden["levels"], dtype=np.float64),
            tolerance=dict(entry.golden["tolerance"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelRejected(f"model {entry.name!r}: its golden answer is not one of speech: {error!r}") from None
    if golden.duration_s <= 0 or golden.levels.ndim != 1 or not golden.levels.sum() > 0:
        raise ModelRejected(f"model {entry.name!r}: its golden answer has no sound")
    return golden
