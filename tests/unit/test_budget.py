"""A bound on work by its amount."""

import pytest
import structlog

from coldstart.domain.errors import Overloaded
from coldstart.runtime.budget import Budget


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budget(clock: Clock) -> Budget:
    return Budget(100, unit="seconds of sound", now=clock)


def test_work_up_to_the_limit_is_let_in(budget: Budget) -> None:
    """The limit itself is within it, and what has ended counts no more."""
    with budget.take(40), budget.take(60):
        assert budget.used == 100
    assert budget.used == 0


def test_work_beyond_the_limit_is_refused_with_the_amounts(budget: Budget) -> None:
    """And is not counted."""
    with budget.take(70):
        with pytest.raises(Overloaded) as refused, budget.take(30.5):
            pass
        assert budget.used == 70
    assert str(refused.value) == (
        "70 seconds of sound wait or are under way, of 100 at most, and this request has 30.5"
    )


def test_room_is_asked_for_before_the_amount_is_known(budget: Budget) -> None:
    """Only a full budget refuses then."""
    with budget.take(99):
        budget.check_room()
        with budget.take(1), pytest.raises(Overloaded, match="100 seconds of sound wait or are under way"):
            budget.check_room()


def test_what_is_done_makes_room(budget: Budget) -> None:
    """Before the rest of the same work has ended."""
    with budget.take(100) as share:
        share.done(30)
        assert budget.used == 70
        with budget.take(30):
            assert budget.used == 100


def test_more_than_is_left_cannot_be_done(budget: Budget) -> None:
    """Another's part is not freed by a sum that is a little off."""
    with budget.take(50), budget.take(10) as share:
        share.done(11)
        assert budget.used == 50


def test_work_larger_than_the_limit_is_let_in_alone(budget: Budget) -> None:
    """With nothing else there; then others wait until less than the limit is left of it."""
    with budget.take(1), pytest.raises(Overloaded), budget.take(250):
        pass
    with budget.take(250) as share:
        with pytest.raises(Overloaded), budget.take(1):
            pass
        share.done(160)
        with budget.take(10):
            assert budget.used == 100


def test_fractions_leave_nothing_behind(budget: Budget) -> None:
    """0.1 + 0.2 − 0.3 is not 0 in floating point, and would keep large work out for good."""
    with budget.take(0.3) as share:
        for part in (0.1, 0.2):
            share.done(part)
    with budget.take(0.1), budget.take(0.2):
        pass
    assert budget.used == 0
    with budget.take(1000):
        pass


def test_work_that_fails_frees_its_part(budget: Budget) -> None:
    """However it ended."""

    def fail() -> None:
        with budget.take(80) as share:
            share.done(10)
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()
    assert budget.used == 0


def test_retry_after_is_what_the_measured_pace_says(budget: Budget, clock: Clock) -> None:
    """Ten units took two seconds, so the ninety that are left take eighteen."""
    with budget.take(100) as share:
        clock.seconds += 2
        share.done(10)
        with pytest.raises(Overloaded) as refused, budget.take(20):
            pass
    assert refused.value.retry_after_s == 18


def test_work_that_ends_is_done_and_work_that_fails_is_not(budget: Budget, clock: Clock) -> None:
    """A hundred units that broke off at once are no pace; fifty that took five seconds are."""

    def fail() -> None:
        with budget.take(100):
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()
    with budget.take(50):
        clock.seconds += 5
    with budget.take(100), pytest.raises(Overloaded) as refused:
        budget.check_room()
    assert refused.value.retry_after_s == 10


def test_idle_time_is_nobodys_pace(budget: Budget, clock: Clock) -> None:
    """A minute without work between two requests makes no work slower."""
    for _ in range(2):
        with budget.take(100) as share:
            clock.seconds += 1
            share.done(100)
        clock.seconds += 60
    with budget.take(100), pytest.raises(Overloaded) as refused:
        budget.check_room()
    assert refused.value.retry_after_s == 1


def test_a_flood_of_refusals_is_one_line(budget: Budget, clock: Clock) -> None:
    """At most one a second; the metrics count them all."""
    with structlog.testing.capture_logs() as log, budget.take(100):
        for _ in range(20):
            clock.seconds += 0.1
            with pytest.raises(Overloaded):
                budget.check_room()
    assert [line["event"] for line in log] == ["budget_full"] * 2
