"""The decode batch: one contiguous copy of the pasts that step together.

Rows stay where they are from step to step, and each step appends one position to each, so that nothing is gathered
again while the same sequences go on. Sequences that step by turns in groups end up side by side, each group a
contiguous range of rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coldstart.engines.kv_cache import CachedSequence, CacheShape, Past

# A row computed in vain costs about as much as copying this many positions. Source: a batch of 8 of a 124M GPT-2 takes
# 6 ms more than a single step, and 128 float16 positions of it are 4.7 MB, copied at about 5 GB/s.
_IDLE_ROW_TOKENS = 100

# Steps in a row that could have done with half the capacity before the batch is made smaller: groups of short and long
# sequences that step by turns must not have everything copied at each turn.
_STEPS_BEFORE_SHRINKING = 32


@dataclass(frozen=True, slots=True)
class Placement:
    """A range of rows, and which of them is each sequence's, counted within the range.

    `sequences` are the owners of all rows of the range, asked for or not.
    """

    first: int
    sequences: tuple[CachedSequence, ...]
    rows: tuple[int, ...]

    @property
    def stop(self) -> int:
        return self.first + len(self.sequences)


class DecodeBatch:
    """Rows of pasts of one capacity, shape (tensors, rows, heads, capacity, head_size). Not thread-safe.

    Args:
        max_rows: the most rows.
        room: asked for bytes, returns how many the batch may have.
        report: told the bytes that the batch takes.
    """

    def __init__(
        self, shape: CacheShape, max_rows: int, room: Callable[[int], int], report: Callable[[int], None]
    ) -> None:
        self._shape = shape
        self._max_rows = max_rows
        self._room = room
        self._report = report
        # One stretch of memory for every shape that the batch takes: fresh pages cost ten times what the copying does.
        self._memory: Past | None = None
        self._past: Past | None = None
        self._owners: list[CachedSequence | None] = []
        self._roomy_steps = 0

    @property
    def capacity(self) -> int:
        return 0 if self._past is None else int(self._past.shape[3])

    def release(self) -> None:
        """Give the memory back."""
        self._take_shape(0, 0)
        self._memory = None
        self._report(0)

    def place(self, sequences: Sequence[CachedSequence]) -> Placement | None:
        """Give the sequences rows that hold their whole pasts: the first of them, as many as there is room for.

        Returns:
            None when there is no room for two.
        """
        needed = max(sequence.capacity for sequence in sequences)
        self._roomy_steps = self._roomy_steps + 1 if self.capacity >= 2 * needed else 0
        is_too_roomy = self._roomy_steps > _STEPS_BEFORE_SHRINKING
        if needed > self.capacity or is_too_roomy or len(sequences) > len(self._owners):
            self._reshape(needed)
        sequences = sequences[: len(self._owners)]
        if len(sequences) < 2:
            return None
        first, stop = self._range_of(sequences) or min(
            self._ranges(len(sequences)), key=lambda bounds: self._cost(bounds, sequences)
        )
        rows = self._settle(first, stop, sequences)
        # A row is either asked for or was found alive by `_cost`.
        owners = tuple(owner for owner in self._owners[first:stop] if owner is not None)
        return Placement(first, owners, rows)

    def past(self, placement: Placement) -> list[Past]:
        """For each tensor the rows of the placement, (rows, heads, capacity, head_size), contiguous, not copied."""
        assert self._past is not None  # noqa: S101  a placement exists
        return [tensor[placement.first : placement.stop] for tensor in self._past]

    def append(self, placement: Placement, new: Past) -> None:
        """Append one position to the rows asked for; `new`: (tensors, rows of the range, heads, 1, head_size)."""
        assert self._past is not None  # noqa: S101  a placement exists
        for row in placement.rows:
            owner = placement.sequences[row]
            if owner.mirrored < self.capacity:
                self._past[:, placement.first + row, :, owner.mirrored] = new[:, row, :, 0]
                owner.mirrored += 1

    def _reshape(self, capacity: int) -> None:
        """Make the batch anew, unless it has this capacity already and there is no room for more rows."""
        row_bytes = self._shape.nbytes(1, capacity)
        room = self._room(self._max_rows * row_bytes)
        rows = min(self._max_rows, room // row_bytes)
        if capacity == self.capacity and rows <= len(self._owners):
            return
        if rows < 2:
            self.release()
        else:
            self._take_shape(rows, capacity, room)

    def _take_shape(self, rows: int, capacity: int, room: int = 0) -> None:
        """Empty rows of this shape, in the memory there is or, if room allows, in twice what they need."""
        for owner in self._owners:
            if owner is not None:
                owner.mirrored = 0
        self._owners = [None] * rows
        self._roomy_steps = 0
        self._past = None
        size = self._shape.nbytes(rows, capacity)
        if size == 0:
            return
        if self._memory is None or self._memory.nbytes < size:
            self._memory = None
            self._memory = self._shape.flat(max(size, min(2 * size, room // 2)))
            self._report(self._memory.nbytes)
        self._past = self._shape.view(self._memory, rows, capacity)

    def _range_of(self, sequences: Sequence[CachedSequence]) -> tuple[int, int] | None:
        """The rows of the sequences, if they have them already, side by side."""
        wanted = {id(sequence) for sequence in sequences}
        rows = [row for row, owner in enumerate(self._owners) if id(owner) in wanted]
        is_range = len(rows) == len(sequences) == rows[-1] - rows[0] + 1
        return (rows[0], rows[-1] + 1) if is_range else None

    def _ranges(self, count: int) -> list[tuple[int, int]]:
        """Every range of rows with room for `count`, and for half as many computed in vain at most."""
        total = len(self._owners)
        return [
            (first, stop)
            for first in range(total)
            for stop in range(first + count, min(first + count + count // 2, total) + 1)
        ]

    def _cost(self, bounds: tuple[int, int], sequences: Sequence[CachedSequence]) -> tuple[float, int]:
        """Positions to copy for settling in a range of rows, idle rows counted as such; ties go to the first range."""
        first, stop = bounds
        inside = {id(owner) for owner in self._owners[first:stop]}
        alive = sum(owner is not None and owner.mirrored > 0 for owner in self._owners[first:stop])
        outsiders = [sequence for sequence in sequences if id(sequence) not in inside]
        idle = stop - first - len(sequences)
        strangers_alive = alive - sum(s.mirrored > 0 for s in sequences if id(s) in inside)
        if idle > strangers_alive:
            return float("inf"), first
        copied = sum(s.length for s in outsiders) + sum(s.length - s.mirrored for s in sequences if id(s) in inside)
        return copied + idle * _IDLE_ROW_TOKENS, first

    def _settle(self, first: int, stop: int, sequences: Sequence[CachedSequence]) -> tuple[int, ...]:
        """Give rows of the range to the sequences that have none there, dead rows first, and copy what is missing."""
        assert self._past is not None  # noqa: S101  the caller has made it
        wanted = {id(sequence) for sequence in sequences}
        row_of = {id(owner): row for row, owner in enumerate(self._owners) if first <= row < stop and owner is not None}
        free = [row for row in range(first, stop) if id(self._owners[row]) not in wanted]
        free.sort(key=lambda row: 0 if (owner := self._owners[row]) is None else owner.mirrored)
        for sequence in sequences:
            if id(sequence) not in row_of:
                self._take(free.pop(0), sequence)
        for row in range(first, stop):
            owner = self._owners[row]
            if owner is not None and id(owner) in wanted:
                part = slice(owner.mirrored, owner.length)
                self._past[:, row, :, part] = owner.past[:, 0, :, part]
                owner.mirrored = owner.length
        places = {id(owner): row - first for row, owner in enumerate(self._owners)}
        return tuple(places[id(sequence)] for sequence in sequences)

    def _take(self, row: int, sequence: CachedSequence) -> None:
        """Make `row` the only row of `sequence`."""
        self._owners = [None if owner is sequence else owner for owner in self._owners]
        self._owners[row] = sequence
        sequence.mirrored = 0
