"""Live sound, window by window, becomes segments of speech; no more of it is kept than the open segment needs."""

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from coldstart.domain.speech_spans import SpanRules, SpeechTracker, quietest

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SegmentBegan:
    """Somebody has begun to speak; a `SegmentEnded` of the same number will follow.

    Args:
        number: 0, 1, 2, …
        start_s: from the sound's start, padding included.
    """

    number: int
    start_s: float


@dataclass(frozen=True, slots=True)
class SegmentEnded:
    """A segment with its sound: float32, mono, 16 kHz, shape (n_samples,)."""

    number: int
    start_s: float
    end_s: float
    samples: Samples


SegmentEvent: TypeAlias = SegmentBegan | SegmentEnded


class LiveSegments:
    """Cuts one sound into segments where nobody speaks, or where a segment becomes too long.

    Args:
        rules: what counts as speech; a segment ends after `min_silence_s` of silence.
        window_s: how long one window is.
        max_s: the longest segment; longer speech is cut in its second half, where it is least likely to be speech.
    """

    def __init__(self, rules: SpanRules, *, window_s: float, max_s: float) -> None:
        self._tracker = SpeechTracker(rules, window_s)
        self._window_s = window_s
        self._padding = math.ceil(round(rules.padding_s / window_s, 6))
        self._most_windows = int(round(max_s / window_s, 6))
        self._number = 0
        self._has_begun = False
        self._free_from = 0  # the first window that no segment has
        self._first = 0  # the first window that is kept
        self._windows: list[Samples] = []
        self._probabilities: list[float] = []

    def push(self, window: Samples, probability: float) -> list[SegmentEvent]:
        """Take the next window and its probability of speech; what it begins and ends."""
        self._windows.append(window)
        self._probabilities.append(probability)
        ended = self._tracker.push(probability)
        events: list[SegmentEvent] = [] if ended is None else [self._ended(*ended)]
        began = self._tracker.began
        if began is not None and self._tracker.heard - self._start(began) >= self._most_windows:
            events.append(self._cut(began))
        events.extend(self._begun())
        self._drop_old()
        return events

    def finish(self) -> list[SegmentEvent]:
        """The sound is over: what that ends."""
        ended = self._tracker.finish()
        return [] if ended is None else [self._ended(*ended)]

    @property
    def has_open_segment(self) -> bool:
        """Whether a segment has begun and not ended."""
        return self._has_begun

    def open_segment(self) -> SegmentEnded:
        """The segment that has begun, as if it ended now.

        Raises:
            ValueError: there is none.
        """
        since = self._tracker.speaking_since
        if since is None:
            raise ValueError("nobody is speaking")
        return self._segment(self._start(since), self._tracker.heard)

    def _begun(self) -> list[SegmentEvent]:
        since = self._tracker.speaking_since
        if since is None or self._has_begun:
            return []
        self._has_begun = True
        return [SegmentBegan(self._number, self._start(since) * self._window_s)]

    def _ended(self, began: int, end: int) -> SegmentEnded:
        segment = self._segment(self._start(began), min(end + self._padding, self._tracker.heard))
        self._close(min(end + self._padding, self._tracker.heard))
        return segment

    def _cut(self, began: int) -> SegmentEnded:
        start = self._start(began)
        probabilities = np.array(self._probabilities[start - self._first :], np.float32)
        at = start + quietest(probabilities, len(probabilities) // 2, len(probabilities)) + 1
        self._tracker.cut(at)
        segment = self._segment(start, at)
        self._close(at)
        return segment

    def _close(self, end: int) -> None:
        self._free_from = end
        self._number += 1
        self._has_begun = False

    def _start(self, began: int) -> int:
        """With padding, as far as no other segment has it."""
        return max(began - self._padding, self._free_from)

    def _segment(self, start: int, end: int) -> SegmentEnded:
        samples = np.concatenate(self._windows[start - self._first : end - self._first])
        return SegmentEnded(self._number, start * self._window_s, end * self._window_s, samples)

    def _drop_old(self) -> None:
        began = self._tracker.began
        keep_from = self._start(self._tracker.heard if began is None else began)
        if (count := keep_from - self._first) > 0:
            del self._windows[:count], self._probabilities[:count]
            self._first = keep_from
