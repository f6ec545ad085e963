"""Spans of a whole sound from its probabilities, as the service finds them piece by piece."""

import numpy as np
from numpy.typing import NDArray

from coldstart.domain.speech_spans import SpanRules, SpeechSpan, SpeechTracker, padded


def spans_of(
    probabilities: NDArray[np.float32], rules: SpanRules, *, window_s: float, duration_s: float
) -> list[SpeechSpan]:
    """When somebody speaks in a whole sound.

    Args:
        probabilities: float32, shape (n_windows,), in [0, 1].
        rules: what counts as speech.
        window_s: how long one window is.
        duration_s: of the sound, at most `n_windows * window_s`.
    """
    tracker = SpeechTracker(rules, window_s)
    ended = [*map(tracker.push, probabilities.tolist()), tracker.finish()]
    return padded([r for r in ended if r is not None], rules, window_s=window_s, duration_s=duration_s)
