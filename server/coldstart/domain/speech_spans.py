"""From probabilities of speech to when somebody speaks, and to windows that a transcriber takes.

Source of rules and defaults: `get_speech_timestamps` of Silero VAD (snakers4/silero-vad, src/silero_vad/utils_vad.py),
which faster-whisper has adapted (faster_whisper/vad.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Windows, of 32 ms with Silero, over which a probability is smoothed before a sound is cut at its lowest.
_SMOOTHED = 3


@dataclass(frozen=True, slots=True)
class SpeechSpan:
    """Somebody speaks from `start_s` to `end_s`, in seconds from the sound's start; `end_s` is the larger."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        """In seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class SpanRules:
    """What counts as speech; the defaults are Silero's.

    Args:
        threshold: in (0, 1); a window of at least this probability begins speech or goes on with it.
        min_speech_s: speech that is not longer is dropped.
        min_silence_s: a shorter silence does not end speech.
        padding_s: by which speech is widened at both ends; neighbours share the silence between them.
    """

    threshold: float = 0.5
    min_speech_s: float = 0.25
    min_silence_s: float = 0.1
    padding_s: float = 0.03

    @property
    def negative_threshold(self) -> float:
        """Below it a window is silence; between the two, it is what the one before it was."""
        return max(self.threshold - 0.15, 0.01)


# What faster-whisper takes before it transcribes: a model of speech wants the pauses between sentences, too.
TRANSCRIPTION_RULES = SpanRules(min_speech_s=0.0, min_silence_s=2.0, padding_s=0.4)


class SpeechTracker:
    """Follows the probabilities of one sound, window by window; counts in windows from the sound's start.

    Args:
        rules: all but the padding, which is the caller's.
        window_s: how long one window is.
    """

    def __init__(self, rules: SpanRules, window_s: float) -> None:
        self._threshold = rules.threshold
        self._negative_threshold = rules.negative_threshold
        # Rounded, for 0.32 s may be 10.000000000000002 windows.
        self._min_silence = round(rules.min_silence_s / window_s, 6)
        self._min_speech = round(rules.min_speech_s / window_s, 6)
        self._heard = 0
        self._began: int | None = None
        self._silent_since: int | None = None
        self._goes_on = False

    @property
    def heard(self) -> int:
        """How many windows there were."""
        return self._heard

    @property
    def began(self) -> int | None:
        """The first window of the speech that is under way, however short, so that it may yet be dropped."""
        return self._began

    @property
    def speaking_since(self) -> int | None:
        """The first window of the speech that is under way, once it is long enough that it will not be dropped."""
        if self._began is None:
            return None
        end = self._heard if self._silent_since is None else self._silent_since
        return self._began if self._is_kept(self._began, end) else None

    def push(self, probability: float) -> tuple[int, int] | None:
        """Take the next window; the speech that has ended, from its first window to the one after its last."""
        now = self._heard
        self._heard += 1
        if probability >= self._threshold:
            self._silent_since = None
            if self._began is None:
                self._began = now
            return None
        if self._began is None or probability >= self._negative_threshold:
            return None
        if self._silent_since is None:
            self._silent_since = now
        return self._end(self._silent_since) if now - self._silent_since >= self._min_silence else None

    def cut(self, at: int) -> tuple[int, int]:
        """Have the speech that is under way end before window `at`, which begins the next."""
        if self._began is None or not self._began < at <= self._heard:
            raise ValueError(f"cut at window {at}; speech goes from {self._began} to {self._heard}")
        ended = (self._began, at)
        self._began, self._goes_on = at, True
        if self._silent_since is not None:
            self._silent_since = max(self._silent_since, at)
        return ended

    def finish(self) -> tuple[int, int] | None:
        """The sound is over: the speech that was under way."""
        return self._end(self._heard if self._silent_since is None else self._silent_since)

    def _end(self, end: int) -> tuple[int, int] | None:
        began = self._began
        is_kept = began is not None and self._is_kept(began, end)
        self._began, self._silent_since, self._goes_on = None, None, False
        return (began, end) if began is not None and is_kept else None

    def _is_kept(self, began: int, end: int) -> bool:
        # What is left of a cut is speech, however short.
        return end > began if self._goes_on else end - began > self._min_speech


def padded(
    ranges: Sequence[tuple[int, int]], rules: SpanRules, *, window_s: float, duration_s: float
) -> list[SpeechSpan]:
    """Ranges of windows, in order, as spans with their padding, inside the sound.

    Args:
        ranges: first window and the one after the last.
        rules: whose padding is added.
        window_s: how long one window is.
        duration_s: of the sound; its last window may reach beyond it.
    """
    edges = [(start * window_s, min(end * window_s, duration_s)) for start, end in ranges]
    # The silence before each span, and the one after the last.
    gaps = [start - end for start, end in zip([s for s, _ in edges], [0.0, *(e for _, e in edges)], strict=False)]
    before = [min(rules.padding_s, gap if i == 0 else gap / 2) for i, gap in enumerate(gaps)]
    after = [*before[1:], min(rules.padding_s, duration_s - edges[-1][1])] if edges else []
    return [SpeechSpan(s - b, e + a) for (s, e), b, a in zip(edges, before, after, strict=True)]


def windows_of(
    spans: Sequence[SpeechSpan], probabilities: NDArray[np.float32], *, window_s: float, max_s: float
) -> list[SpeechSpan]:
    """Stretches of at most `max_s` seconds that together hold all spans, as few as go in order.

    A span that is longer is cut in the second half of what fits, where speech is least likely; a stretch never ends
    within a span otherwise.

    Args:
        spans: in order, apart.
        probabilities: of the whole sound, float32, shape (n_windows,).
        window_s: how long one window is.
        max_s: at least 8 windows.
    """
    stretches: list[SpeechSpan] = []
    for piece in (piece for span in spans for piece in _pieces(span, probabilities, window_s, max_s)):
        if stretches and piece.end_s - stretches[-1].start_s <= max_s:
            stretches[-1] = SpeechSpan(stretches[-1].start_s, piece.end_s)
        else:
            stretches.append(piece)
    return stretches


def quietest(probabilities: NDArray[np.float32], first: int, last: int) -> int:
    """The window from `first` up to but not `last` around which speech is least likely; the latest of equals."""
    padded_probabilities = np.pad(probabilities, _SMOOTHED // 2, mode="edge")
    smooth = np.convolve(padded_probabilities[first : last + _SMOOTHED - 1], np.ones(_SMOOTHED), "valid")
    return last - 1 - int(np.argmin(smooth[::-1]))


def _pieces(span: SpeechSpan, probabilities: NDArray[np.float32], window_s: float, max_s: float) -> list[SpeechSpan]:
    pieces = []
    start_s = span.start_s
    while span.end_s - start_s > max_s:
        first, last = int((start_s + max_s / 2) / window_s) + 1, int((start_s + max_s) / window_s)
        cut_s = (quietest(probabilities, first, last) + 0.5) * window_s
        pieces.append(SpeechSpan(start_s, cut_s))
        start_s = cut_s
    return [*pieces, SpeechSpan(start_s, span.end_s)]
