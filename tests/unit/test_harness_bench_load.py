"""Callers that ask at the same time."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from coldstart_harness.bench.load import Ask, Load, ask_together
from coldstart_harness.errors import ServiceFailed


def test_every_caller_gets_its_answers() -> None:
    """Each caller is entered and left once, and asks as often as it may."""
    entered, left = [], []

    @contextmanager
    def caller() -> Iterator[Ask]:
        entered.append(threading.get_ident())
        yield lambda: 0.5
        left.append(threading.get_ident())

    load = ask_together(3, caller, most=4, budget_s=10)
    assert load.times_s == (0.5,) * 12
    assert len(entered) == 3
    assert sorted(left) == sorted(entered)


def test_callers_ask_at_one_time() -> None:
    """Answers that wait for each other come."""
    together = threading.Barrier(4)

    @contextmanager
    def caller() -> Iterator[Ask]:
        yield lambda: float(together.wait(timeout=10) >= 0)

    assert len(ask_together(4, caller, most=2, budget_s=10).times_s) == 8


def test_nobody_begins_before_all_are_ready() -> None:
    """Each answer finds all callers there, though they come one after the other."""
    ready: list[int] = []
    order = itertools.count()

    @contextmanager
    def caller() -> Iterator[Ask]:
        number = next(order)
        threading.Event().wait(0.05 * number)
        ready.append(number)
        yield lambda: float(len(ready))

    assert ask_together(3, caller, most=1, budget_s=10).times_s == (3.0, 3.0, 3.0)


def test_nobody_asks_again_when_time_is_up() -> None:
    """An answer that is under way is still counted; no other is asked for."""

    @contextmanager
    def caller() -> Iterator[Ask]:
        yield lambda: float(threading.Event().wait(0.01))

    load = ask_together(2, caller, most=1_000_000, budget_s=0.05)
    assert 2 <= len(load.times_s) < 100


@pytest.mark.parametrize("where", ["entering", "asking"])
def test_a_failure_stops_all_and_is_told(where: str) -> None:
    """What went wrong first is raised, and the other callers are left."""
    left = threading.Semaphore(0)

    def refuse() -> float:
        raise ServiceFailed("it gave 500")

    number = iter(range(3))

    @contextmanager
    def caller() -> Iterator[Ask]:
        is_first = next(number) == 0
        if is_first and where == "entering":
            refuse()
        try:
            yield refuse if is_first else lambda: 0.0
        finally:
            left.release()

    with pytest.raises(ServiceFailed, match="it gave 500"):
        ask_together(3, caller, most=1_000_000, budget_s=10)
    assert all(left.acquire(timeout=0) for _ in range(2 if where == "entering" else 3))


def test_the_rate_is_of_all_callers() -> None:
    """Answers over the time from the start to the last one."""
    assert Load((1.0, 2.0, 2.0), 4.0).answers_per_s == 0.75
