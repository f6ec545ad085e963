"""Numbers as people read them, percentiles and spreads."""

import pytest

from coldstart_harness.errors import UsageError
from coldstart_harness.figures import (
    Spread,
    format_bytes,
    format_number,
    format_seconds,
    percentile,
    seconds_of,
    spread_of,
)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.00 kB"),
        (54_700_000, "54.7 MB"),
        (785_000_000, "785 MB"),
        (1_612_000_000, "1.61 GB"),
    ],
)
def test_sizes_are_decimal_with_three_digits(size: int, text: str) -> None:
    """Sizes are given in the decimal units of registries, to three digits."""
    assert format_bytes(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.0046, "4.60 ms"),
        (0.0994, "99.4 ms"),
        (0.1, "0.10 s"),
        (0.34, "0.34 s"),
        (59.994, "59.99 s"),
        (60.0, "1 min 0 s"),
        (125.4, "2 min 5 s"),
    ],
)
def test_times_change_unit_with_their_size(seconds: float, text: str) -> None:
    """Times are given in milliseconds, seconds or minutes, whichever reads best."""
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (1000, "1000"), (0.98361, "0.984"), (36.66, "36.7"), (1234.5, "1234")]
)
def test_counts_are_whole_and_ratios_have_three_digits(value: float, text: str) -> None:
    """A count has no decimals; a ratio or a rate has three digits."""
    assert format_number(value) == text


def test_a_percentile_is_a_value_that_was_seen() -> None:
    """The nearest-rank percentile is one of the values, whatever their order."""
    values = [30.0, 10.0, 20.0, 40.0]
    assert [percentile(values, percent) for percent in (1, 25, 26, 50, 75, 99, 100)] == [
        10.0,
        10.0,
        20.0,
        20.0,
        30.0,
        40.0,
        40.0,
    ]


def test_the_99th_of_a_hundred_leaves_one_out() -> None:
    """Of one hundred values the 99th percentile is the second largest."""
    assert percentile([float(n) for n in range(100, 0, -1)], 99) == 99.0


@pytest.mark.parametrize("percent", [0, -1, 100.1, float("nan")])
def test_a_percentage_is_in_range(percent: float) -> None:
    """A percentage outside (0, 100] is refused with the value."""
    with pytest.raises(ValueError, match="percentile"):
        percentile([1.0], percent)


def test_nothing_has_no_statistics() -> None:
    """Without a value there is neither a percentile nor a spread."""
    with pytest.raises(ValueError, match="got none"):
        percentile([], 50)
    with pytest.raises(ValueError, match="got none"):
        spread_of([])


@pytest.mark.parametrize(
    ("values", "spread"),
    [
        ([3.0, 1.0, 2.0], Spread(2.0, 1.0, 3.0, 3)),
        ([4.0, 1.0, 2.0, 3.0], Spread(2.5, 1.0, 4.0, 4)),
    ],
)
def test_a_spread_is_median_and_extremes(values: list[float], spread: Spread) -> None:
    """A spread has the median, the lowest and highest value and the number of runs."""
    assert spread_of(values) == spread


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("20m", 1200), ("1h30m", 5400), ("1h2m3s", 3723)]
)
def test_durations_are_read_as_people_write_them(text: str, seconds: float) -> None:
    """Hours, minutes and seconds, each where it is needed."""
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "0m", "-5", "1.5h", "5 minutes", "m", "9" * 400])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Nothing, zero and other forms are refused with the text met."""
    with pytest.raises(UsageError, match="duration"):
        seconds_of(text)
