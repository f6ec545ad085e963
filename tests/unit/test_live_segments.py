"""Live sound becomes segments, and no more of it is kept than the open one needs."""

import numpy as np
from numpy.typing import NDArray

from coldstart.domain.speech_spans import SpanRules
from coldstart.services.live_segments import LiveSegments, SegmentBegan, SegmentEnded, SegmentEvent

WINDOW_S = 0.032
RULES = SpanRules(min_speech_s=3 * WINDOW_S, min_silence_s=5 * WINDOW_S, padding_s=2 * WINDOW_S)


def segments(most_windows: int = 100) -> LiveSegments:
    return LiveSegments(RULES, window_s=WINDOW_S, max_s=most_windows * WINDOW_S)


def window(number: int) -> NDArray[np.float32]:
    """Two samples that tell which window it is."""
    return np.full(2, number, np.float32)


def heard(live: LiveSegments, *stretches: tuple[float, int]) -> list[SegmentEvent]:
    """What windows of these probabilities begin and end; each value for so many windows."""
    probabilities = [value for value, count in stretches for _ in range(count)]
    return [event for n, p in enumerate(probabilities) for event in live.push(window(n), p)]


def told(events: list[SegmentEvent]) -> list[tuple[int, int, int | None]]:
    """Number, first window, and the one after the last where it has ended."""
    return [
        (e.number, round(e.start_s / WINDOW_S), round(e.end_s / WINDOW_S) if isinstance(e, SegmentEnded) else None)
        for e in events
    ]


def test_a_segment_begins_and_ends_with_its_padding_and_its_sound() -> None:
    """Two windows before the speech and two after it belong to it."""
    events = heard(segments(), (0.0, 10), (0.9, 10), (0.0, 10))
    assert told(events) == [(0, 8, None), (0, 8, 22)]
    assert isinstance(events[1], SegmentEnded)
    assert events[1].samples[::2].tolist() == list(range(8, 22))


def test_a_click_begins_nothing() -> None:
    """What was told to have begun will have a text."""
    live = segments()
    assert heard(live, (0.0, 10), (0.9, 3), (0.0, 20)) == []
    assert live.finish() == []


def test_the_sounds_end_ends_the_segment() -> None:
    """Nothing is lost for want of silence."""
    live = segments()
    assert told(heard(live, (0.0, 10), (0.9, 10))) == [(0, 8, None)]
    assert told(live.finish()) == [(0, 8, 20)]
    assert live.finish() == []


def test_segments_do_not_share_sound() -> None:
    """The padding of the second begins where that of the first ended."""
    rules = SpanRules(min_speech_s=0.0, min_silence_s=WINDOW_S, padding_s=20 * WINDOW_S)
    live = LiveSegments(rules, window_s=WINDOW_S, max_s=10.0)
    events = heard(live, (0.9, 5), (0.0, 10), (0.9, 5), (0.0, 30))
    ended = [event for event in told(events) if event[2] is not None]
    assert ended == [(0, 0, 7), (1, 7, 22)]


def test_long_speech_is_cut_where_it_is_quietest_and_goes_on() -> None:
    """In the second half; the next segment begins where the last one ended, and both are told."""
    events = heard(segments(), (0.9, 70), (0.5, 3), (0.9, 60), (0.0, 20))
    assert told(events) == [(0, 0, None), (0, 0, 72), (1, 72, None), (1, 72, 135)]


def test_no_segment_is_longer_than_the_limit() -> None:
    """However long somebody speaks; padding included, and all of it is in some segment."""
    events = heard(segments(), (0.0, 10), (0.9, 1000), (0.0, 20))
    ended = [event for event in events if isinstance(event, SegmentEnded)]
    assert all(len(event.samples) // 2 <= 100 for event in ended)
    assert np.concatenate([event.samples for event in ended])[::2].tolist() == list(range(8, 1012))
    assert [e.number for e in events if isinstance(e, SegmentBegan)] == [e.number for e in ended]


def test_while_nobody_speaks_only_the_padding_is_kept() -> None:
    """An hour of silence takes no memory."""
    live = segments()
    heard(live, (0.0, 1000))
    assert len(live._windows) == 2
    heard(live, (0.9, 50), (0.0, 1000))
    assert len(live._windows) == 2


def test_the_open_segment_is_as_if_it_ended_now() -> None:
    """For a partial text."""
    live = segments()
    heard(live, (0.0, 10), (0.9, 6))
    assert live.has_open_segment
    assert told([live.open_segment()]) == [(0, 8, 16)]
    heard(live, (0.0, 20))
    assert not live.has_open_segment
