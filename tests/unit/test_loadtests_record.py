"""What is kept of a run: counts, percentiles, and a bounded memory."""

import json
import random

import pytest
from loadtests.record import MOST_INTERVALS, Record, percentile_of, rounded_ms

from coldstart_harness.figures import percentile


def test_times_keep_three_digits() -> None:
    """A kept time is within half a percent of the one measured."""
    assert [rounded_ms(ms) for ms in (0.012345, 1.2345, 123.45, 12345.0)] == [0.0123, 1.23, 123.0, 12300.0]


@pytest.mark.parametrize("percent", [1, 50, 90, 99, 100])
def test_percentiles_are_those_of_the_single_values(percent: float) -> None:
    """The percentile of counted values is the nearest-rank percentile of the values."""
    chance = random.Random(3)  # noqa: S311
    values = [rounded_ms(chance.lognormvariate(3, 1)) for _ in range(777)]
    record = Record()
    for value in values:
        record.add(chance.uniform(0, 60), "a", "right", value)
    assert percentile_of(record.times("right", "a"), percent) == percentile(values, percent)


def test_nothing_has_no_percentile() -> None:
    """Without a time there is none, and no zero."""
    assert percentile_of(Record().times("right"), 99) is None


def test_series_and_stretches_are_told_apart() -> None:
    """Times are found by request, by what became of them, and by when."""
    record = Record()
    record.add(0.5, "a", "right", 1)
    record.add(1.5, "a", "late", 2)
    record.add(2.5, "b", "right", 3)
    assert record.names() == ["a", "b"]
    assert record.count("right") == 2
    assert record.count("right", "late", name="a") == 2
    assert record.times("right", from_s=1, to_s=3) == {3.0: 1}


def test_memory_is_bounded_by_widening_intervals() -> None:
    """A run of a day keeps every count, in no more than the most intervals."""
    record = Record()
    day_s = 24 * 3600
    for second in range(0, day_s, 10):
        record.add(second, "a", "right", 5)
    rows = list(record.rows())
    assert len(rows) <= MOST_INTERVALS
    assert sum(count for *_, count in rows) == day_s // 10
    assert record.interval_s == 64
    assert max(from_s for from_s, *_ in rows) == pytest.approx(day_s, abs=2 * record.interval_s)


def test_workers_parts_add_up_at_their_master() -> None:
    """What workers take out, through JSON, is the same at the master as if it had been seen there; and it is gone."""
    chance = random.Random(4)  # noqa: S311
    master, whole = Record(), Record()
    for _ in range(2):
        worker = Record()
        for _ in range(200):
            seen = (chance.uniform(0, 30), chance.choice("ab"), chance.choice(["right", "wrong"]), chance.uniform(1, 9))
            worker.add(*seen)  # type: ignore[arg-type]
            whole.add(*seen)  # type: ignore[arg-type]
        worker.add_reason("a", "cut")
        master.merge(json.loads(json.dumps(worker.taken())))
        assert list(worker.rows()) == []
    assert list(master.rows()) == list(whole.rows())
    assert master.reasons == {("a", "cut"): 2}


def test_reasons_are_bounded() -> None:
    """Of very many different reasons the later ones are counted as one."""
    record = Record()
    for number in range(1000):
        record.add_reason("a", f"id {number}")
    assert len(record.reasons) <= 101
    assert record.reasons.total() == 1000
