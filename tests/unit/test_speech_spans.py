"""From probabilities of speech to spans and windows."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.spans import spans_of

from coldstart.domain.speech_spans import (
    TRANSCRIPTION_RULES,
    SpanRules,
    SpeechSpan,
    SpeechTracker,
    quietest,
    windows_of,
)

WINDOW_S = 0.032
BARE = SpanRules(min_speech_s=0.0, min_silence_s=WINDOW_S, padding_s=0.0)


def sound(*stretches: tuple[float, int]) -> NDArray[np.float32]:
    """Probabilities: each value for so many windows."""
    return np.concatenate([np.full(count, value, np.float32) for value, count in stretches])


def spans(probabilities: NDArray[np.float32], rules: SpanRules) -> list[tuple[float, float]]:
    """In windows, which are easier to count."""
    found = spans_of(probabilities, rules, window_s=WINDOW_S, duration_s=len(probabilities) * WINDOW_S)
    return [(round(span.start_s / WINDOW_S, 3), round(span.end_s / WINDOW_S, 3)) for span in found]


@pytest.mark.parametrize("probabilities", [sound((0.0, 100)), sound((0.49, 100)), sound((0.0, 0))])
def test_without_a_window_above_the_threshold_nobody_speaks(probabilities: NDArray[np.float32]) -> None:
    """Whatever the level below it, and in a sound without any window."""
    assert spans(probabilities, BARE) == []


def test_speech_ends_below_the_negative_threshold_only() -> None:
    """Between the two thresholds a window is what the one before it was."""
    assert spans(sound((0.4, 5), (0.9, 5), (0.4, 5), (0.3, 5), (0.4, 5)), BARE) == [(5, 15)]


def test_a_silence_that_is_too_short_does_not_end_speech() -> None:
    """Of 9 windows, where 10 are wanted; one of 11 does."""
    rules = SpanRules(min_speech_s=0.0, min_silence_s=10 * WINDOW_S, padding_s=0.0)
    assert spans(sound((0.9, 5), (0.0, 9), (0.9, 5), (0.0, 20)), rules) == [(0, 19)]
    assert spans(sound((0.9, 5), (0.0, 11), (0.9, 5), (0.0, 20)), rules) == [(0, 5), (16, 21)]


def test_speech_that_is_too_short_is_dropped() -> None:
    """A click is no speech."""
    rules = SpanRules(min_speech_s=8 * WINDOW_S, min_silence_s=WINDOW_S, padding_s=0.0)
    assert spans(sound((0.0, 3), (0.9, 8), (0.0, 9), (0.9, 9), (0.0, 9)), rules) == [(20, 29)]


def test_speech_may_go_on_to_the_sounds_end() -> None:
    """Its end is then the sound's, which may lie inside the last window."""
    assert spans_of(sound((0.0, 2), (0.9, 8)), BARE, window_s=WINDOW_S, duration_s=0.3) == [SpeechSpan(0.064, 0.3)]


def test_padding_stays_inside_the_sound_and_neighbours_share_their_silence() -> None:
    """Neither before the start nor after the end, and no two spans overlap."""
    rules = SpanRules(min_speech_s=0.0, min_silence_s=WINDOW_S, padding_s=4 * WINDOW_S)
    probabilities = sound((0.0, 2), (0.9, 10), (0.0, 6), (0.9, 10), (0.0, 20), (0.9, 10), (0.0, 1))
    assert spans(probabilities, rules) == [(0, 15), (15, 32), (44, 59)]


def test_a_tracker_tells_of_speech_once_it_will_not_be_dropped() -> None:
    """So whatever was told to have begun will end, too."""
    tracker = SpeechTracker(SpanRules(min_speech_s=3 * WINDOW_S, min_silence_s=WINDOW_S), WINDOW_S)
    told = []
    for probability in (0.9, 0.9, 0.9, 0.9, 0.0):
        assert tracker.push(probability) is None
        told.append(tracker.speaking_since)
    assert told == [None, None, None, 0, 0]
    assert tracker.push(0.0) == (0, 4)
    assert tracker.speaking_since is None


def test_a_cut_ends_speech_and_goes_on_with_the_rest() -> None:
    """The rest is kept however short it is, for it is not a click."""
    tracker = SpeechTracker(SpanRules(), WINDOW_S)
    for _ in range(20):
        tracker.push(0.9)
    assert tracker.cut(18) == (0, 18)
    assert tracker.speaking_since == 18
    assert tracker.finish() == (18, 20)
    with pytest.raises(ValueError, match="cut at window 5"):
        tracker.cut(5)


def test_nothing_is_left_of_a_cut_that_nothing_followed() -> None:
    """Speech of no length is none."""
    tracker = SpeechTracker(SpanRules(), WINDOW_S)
    for _ in range(20):
        tracker.push(0.9)
    tracker.cut(20)
    assert tracker.finish() is None


def test_the_quietest_place_is_that_of_a_pause_and_not_of_one_odd_window() -> None:
    """A single low window inside speech weighs less than three that are lower together."""
    probabilities = sound((0.9, 10), (0.2, 1), (0.9, 9), (0.3, 3), (0.9, 7))
    assert quietest(probabilities, 0, 30) == 21
    assert quietest(probabilities, 0, 20) == 11
    assert quietest(sound((0.9, 30)), 5, 25) == 24


def test_windows_hold_as_many_spans_as_fit() -> None:
    """Each costs a transcriber a call, so there are few of them."""
    found = [SpeechSpan(0.5, 9.0), SpeechSpan(12.0, 30.0), SpeechSpan(31.0, 40.0)]
    probabilities = sound((0.9, 1300))
    assert windows_of(found, probabilities, window_s=WINDOW_S, max_s=30.0) == [
        SpeechSpan(0.5, 30.0),
        SpeechSpan(31.0, 40.0),
    ]
    assert windows_of([], probabilities, window_s=WINDOW_S, max_s=30.0) == []


def test_a_span_that_is_too_long_is_cut_at_a_pause() -> None:
    """In the second half of what fits, and the next window begins where the last one ended."""
    probabilities = sound((0.9, 600), (0.1, 4), (0.9, 1000))
    span = SpeechSpan(0.0, len(probabilities) * WINDOW_S)
    first, second, *rest = windows_of([span], probabilities, window_s=WINDOW_S, max_s=30.0)
    assert 600 * WINDOW_S < first.end_s < 604 * WINDOW_S
    assert (first.start_s, second.start_s) == (0.0, first.end_s)
    assert rest[-1].end_s == span.end_s


@pytest.mark.parametrize("seed", range(20))
def test_windows_are_bounded_in_order_and_hold_all_speech(seed: int) -> None:
    """Whatever the probabilities are."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 400, 60)
    probabilities = np.repeat(rng.random(60), lengths).astype(np.float32)
    duration_s = len(probabilities) * WINDOW_S - rng.random() * WINDOW_S
    found = spans_of(probabilities, TRANSCRIPTION_RULES, window_s=WINDOW_S, duration_s=duration_s)
    windows = windows_of(found, probabilities, window_s=WINDOW_S, max_s=10.0)
    assert all(0 < window.duration_s <= 10.0 for window in windows)
    assert all(left.end_s <= right.start_s for left, right in itertools.pairwise(windows))
    assert windows[0].start_s >= 0.0
    assert windows[-1].end_s <= duration_s
    covered = [
        sum(max(0.0, min(w.end_s, span.end_s) - max(w.start_s, span.start_s)) for w in windows) for span in found
    ]
    assert covered == pytest.approx([span.duration_s for span in found])
