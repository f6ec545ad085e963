"""The golden check of voice activity models: how likely each window of a short sound is speech."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coldstart.domain.errors import ModelRejected
from coldstart.domain.manifest import ModelEntry
from coldstart.domain.voice_activity import VoiceActivityDetector, VoiceActivityRequest
from coldstart.runtime.scheduler import Scheduler
from coldstart.services.golden import golden_digest, golden_sound

# A second of sound takes milliseconds; a slow machine that loads other models meanwhile takes seconds.
_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class _Golden:
    """The right answer to golden.wav, computed when the image was built.

    Args:
        probabilities: of speech, one for each window of the sound, in [0, 1].
        tolerance: the largest difference of any of them.
    """

    probabilities: NDArray[np.float32]
    tolerance: float


def check_voice_activity(
    entry: ModelEntry,
    engine_name: str,
    engine: VoiceActivityDetector,
    scheduler: Scheduler[VoiceActivityRequest, NDArray[np.float32]],
) -> str:
    """Run the golden sound through the scheduler and compare.

    Returns:
        The golden digest, which this engine has just met within its tolerance.

    Raises:
        ModelRejected: the golden answer is not one of this task, or a probability is beyond this engine's tolerance.
    """
    golden = _golden_of(entry, engine_name)
    sound = golden_sound(entry, engine_name)
    # The last window is filled up with silence.
    samples = np.pad(sound, (0, -len(sound) % engine.window_samples))
    if not len(samples) or len(samples) != len(golden.probabilities) * engine.window_samples:
        raise ModelRejected(
            f"model {entry.name!r}: the golden sound has {len(sound)} samples and {len(golden.probabilities)} "
            f"probabilities; a window has {engine.window_samples} samples"
        )
    probabilities = scheduler.submit_blocking(VoiceActivityRequest(samples), _TIMEOUT_S)
    difference = float(np.abs(probabilities - golden.probabilities).max())
    # Written so that NaN is refused too.
    if not difference <= golden.tolerance:
        raise ModelRejected(
            f"model {entry.name!r}: a golden probability of engine {engine_name!r} differs by {difference:.6f} from "
            f"the manifest's, which allows {golden.tolerance:g}"
        )
    return golden_digest(entry.golden)


def _golden_of(entry: ModelEntry, engine_name: str) -> _Golden:
    try:
        return _Golden(
            probabilities=np.array(entry.golden["probabilities"], np.float32),
            tolerance=float(entry.golden["tolerance"][engine_name]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelRejected(
            f"model {entry.name!r}: its golden answer is not one of voice activity for {engine_name!r}: {error!r}"
        ) from None
