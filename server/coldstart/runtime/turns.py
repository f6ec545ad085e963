"""Whose turn it is at the engine: a bounded amount of work, and what has begun before what has not."""

from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

JobT = TypeVar("JobT")

# Work under way, in batches: while the event loop looks at the results of one, the engine computes the other. More at
# a time makes no more of it, but everybody's end later, and moves more keys and values in and out of the batch.
_BATCHES_UNDER_WAY = 2


@dataclass(eq=False, slots=True)
class Place:
    """Room for one piece of work, however many steps it has."""

    has_begun: bool = False


class Turns(Generic[JobT]):
    """Jobs that wait for the engine, each a step of some work. Not thread-safe.

    Args:
        queue_limit: jobs that may wait; with a full batch beside them this bounds pieces of work, too.
        max_batch: jobs that the engine takes at a time.
    """

    def __init__(self, queue_limit: int, max_batch: int) -> None:
        self._queue_limit = queue_limit
        self._places = queue_limit + max_batch
        self._most_begun = _BATCHES_UNDER_WAY * max_batch
        self._taken = 0
        self._begun = 0
        self._first_steps: deque[tuple[JobT, Place]] = deque()
        self._others: deque[JobT] = deque()

    def __len__(self) -> int:
        return len(self._first_steps) + len(self._others)

    @property
    def has_room(self) -> bool:
        """Whether more work may come in.

        By work and not only by what waits: while the event loop is behind, the steps of much work are neither here nor
        in the batch, and an emptier queue would let in ever more of it.
        """
        return len(self) < self._queue_limit and self._taken < self._places

    def enter(self) -> Place:
        """Give work its place."""
        self._taken += 1
        return Place()

    def leave(self, place: Place) -> None:
        """Take the place back: the work is over."""
        self._taken -= 1
        self._begun -= place.has_begun

    def add(self, job: JobT, place: Place | None) -> None:
        """Let a step wait; `place` is that of work of several steps."""
        if place is None or place.has_begun:
            self._others.append(job)
        else:
            self._first_steps.append((job, place))

    def take(self, *, is_idle: bool) -> JobT | None:
        """Whose turn it is, or None; when the engine would be idle otherwise, work begins in any case."""
        may_begin = self._begun < self._most_begun or (is_idle and not self._others)
        if self._first_steps and may_begin:
            job, place = self._first_steps.popleft()
            place.has_begun = True
            self._begun += 1
            return job
        return self._others.popleft() if self._others else None

    def remove(self, job: JobT) -> None:
        """Have a job wait no more, if it does."""
        self._others = deque(other for other in self._others if other is not job)
        self._first_steps = deque(pair for pair in self._first_steps if pair[0] is not job)

    def clear(self) -> list[JobT]:
        """Have nothing wait any more; what did."""
        jobs = [*(job for job, _ in self._first_steps), *self._others]
        self._first_steps.clear()
        self._others.clear()
        return jobs
