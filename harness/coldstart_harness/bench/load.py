"""Callers that ask at the same time, each as soon as it has its answer."""

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass

# What a caller does again and again: the seconds that one answer took.
Ask = Callable[[], float]
# Gets a caller ready, such as its connection and its session, and puts it away.
Caller = Callable[[], AbstractContextManager[Ask]]


@dataclass(frozen=True, slots=True)
class Load:
    """What became of it.

    Args:
        times_s: of each answer.
        seconds: from the moment that all callers were ready to the last answer.
    """

    times_s: tuple[float, ...]
    seconds: float

    @property
    def answers_per_s(self) -> float:
        """Of all callers together."""
        return len(self.times_s) / self.seconds


def ask_together(callers: int, caller: Caller, *, most: int, budget_s: float) -> Load:
    """Let that many callers ask.

    Args:
        callers: threads, each with a `caller` of its own.
        caller: entered before the clock starts; all begin at one moment.
        most: answers that each gets.
        budget_s: nobody asks again after so many seconds.

    Raises:
        Exception: whatever was first raised in a caller; the others stop.
    """
    begun: list[float] = []
    # The clock starts before anybody is let go.
    barrier = threading.Barrier(callers + 1, action=lambda: begun.append(time.perf_counter()))
    over = threading.Event()
    answers: list[tuple[float, float]] = []
    failures: list[Exception] = []

    def run() -> None:
        try:
            with caller() as ask:
                barrier.wait()
                for _ in range(most):
                    if over.is_set():
                        break
                    answers.append((ask(), time.perf_counter()))
        except Exception as error:  # handed to this function's caller, which raises it
            failures.append(error)
            over.set()
            barrier.abort()

    threads = [threading.Thread(target=run, daemon=True) for _ in range(callers)]
    for thread in threads:
        thread.start()
    with suppress(threading.BrokenBarrierError):
        barrier.wait()
    deadline = time.perf_counter() + budget_s
    for thread in threads:
        thread.join(max(0.0, deadline - time.perf_counter()))
    over.set()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return Load(tuple(seconds for seconds, _ended in answers), max(ended for _seconds, ended in answers) - begun[0])
