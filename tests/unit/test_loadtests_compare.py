"""Whether two runs differ: found where they do, and not where they do not."""

import json
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from loadtests.compare import Difference, differences
from loadtests.document import RunDocument, document_of, read_document
from loadtests.record import Record

from coldstart_harness.errors import UsageError

DURATION_S = 60
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def run(
    seed: int, *, slower: float = 1.0, rate: int = 20, failing: float = 0.0, duration_s: float = DURATION_S
) -> RunDocument:
    """A run whose times are log-normal about 10 ms, with a weather that each second shares."""
    chance = random.Random(seed)  # noqa: S311
    record = Record()
    for second in range(int(duration_s)):
        weather = chance.gauss(0, 0.1)
        for _ in range(rate):
            series = "wrong" if chance.random() < failing else "right"
            milliseconds = slower * 10 * chance.lognormvariate(weather, 0.3)
            record.add(second + 0.5, "a", series, milliseconds)  # type: ignore[arg-type]
    return document_of(record, [], host="h", service="s", profile="p", users=1, began=BEGAN, duration_s=duration_s)


def shown(found: list[Difference]) -> dict[str, Difference]:
    return {difference.quantity: difference for difference in found if difference.is_shown}


def test_a_run_does_not_differ_from_itself() -> None:
    """Every quantity is compared, and no difference is shown."""
    found = differences(run(1), run(1))
    assert {difference.quantity for difference in found} == {
        "p50",
        "p99",
        "right answers/s",
        "share not answered rightly",
    }
    assert shown(found) == {}


def test_runs_of_one_distribution_show_no_difference() -> None:
    """Of ten pairs that differ by chance alone, at most one shows something: the intervals hold with 95%."""
    false_alarms = sum(bool(shown(differences(run(seed), run(1000 + seed)))) for seed in range(10))
    assert false_alarms <= 1


def test_a_slower_run_is_found_with_an_interval_that_holds_the_truth() -> None:
    """Half as slow again is shown in the median, with 50% inside its interval, and nothing else is."""
    found = shown(differences(run(1), run(2, slower=1.5)))
    assert {"p50"} <= set(found) <= {"p50", "p99"}
    assert found["p50"].low <= 0.5 <= found["p50"].high
    assert found["p50"].low > 0


def test_a_faster_run_is_found_as_such() -> None:
    """The sign of a change is B's."""
    found = shown(differences(run(1, slower=1.5), run(2)))
    assert found["p50"].high < 0


def test_less_throughput_is_found() -> None:
    """Half the answers in a second are shown as a change about −50%."""
    found = shown(differences(run(1), run(2, rate=10)))
    assert found["right answers/s"].low <= -0.5 <= found["right answers/s"].high


def test_more_failures_are_found() -> None:
    """A tenth of wrong answers is shown as a share, although the other run has none at all."""
    found = shown(differences(run(1), run(2, failing=0.1)))
    change = found["share not answered rightly"]
    assert (change.a, change.low > 0) == (0, True)
    assert change.low <= 0.1 <= change.high


def test_the_same_runs_give_the_same_intervals() -> None:
    """Resampling has a fixed seed."""
    assert differences(run(1), run(2)) == differences(run(1), run(2))


def test_a_percentile_of_too_few_answers_is_left_out() -> None:
    """Of 60 answers there is a median, and no 99th percentile that is more than the slowest."""
    quantities = {difference.quantity for difference in differences(run(1, rate=1), run(2, rate=1))}
    assert "p50" in quantities
    assert "p99" not in quantities


def test_runs_that_are_too_short_are_refused() -> None:
    """The sentence has how long the run took and how long it had to."""
    with pytest.raises(UsageError, match=r"took 20\.00 s; a comparison takes at least 30\.00 s"):
        differences(run(1, duration_s=20), run(2))


def test_runs_with_nothing_in_common_are_refused() -> None:
    """Without a request that both answered there is nothing to compare."""
    with pytest.raises(UsageError, match="no request in common"):
        differences(run(1), run(2, failing=1.0))


def test_a_document_is_read_as_it_was_written(tmp_path: Path) -> None:
    """What --json writes is what compare reads."""
    path = tmp_path / "run.json"
    document = run(1)
    path.write_text(json.dumps(document.model_dump(mode="json")))
    assert read_document(path) == document


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema_version": 2}'])
def test_what_is_no_document_of_a_run_is_refused(tmp_path: Path, content: str) -> None:
    """A file of another kind is refused by its name."""
    path = tmp_path / "other.json"
    path.write_text(content)
    with pytest.raises(UsageError, match=r"other\.json is no document of a load test"):
        read_document(path)


def test_a_missing_document_is_refused(tmp_path: Path) -> None:
    """So is one that is not there."""
    with pytest.raises(UsageError, match="cannot be read"):
        read_document(tmp_path / "absent.json")
