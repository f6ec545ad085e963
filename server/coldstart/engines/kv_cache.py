"""Keys and values kept between requests: bounded in memory, evicted to recomputation.

A sequence's past has shape (tensors, 1, heads, capacity, head_size): keys and values by turns, layer by layer. Its
capacity is a whole number of buckets and follows from its length alone, so that the same tokens are always computed
with the same shapes.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Set
from dataclasses import dataclass
from functools import partial
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

BUCKET_TOKENS = 128  # capacities are multiples of it: one copy in 128 steps, at most 127 positions computed in vain

Past = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class CacheShape:
    """The sizes of keys and values: `tensors` is two a layer."""

    tensors: int
    heads: int
    head_size: int
    dtype: "np.dtype[np.floating]"

    def zeros(self, rows: int, capacity: int) -> Past:
        """Zeros, for what lies beyond a row's length must be finite: it is multiplied by a weight of zero."""
        return np.zeros((self.tensors, rows, self.heads, capacity, self.head_size), dtype=self.dtype)

    def flat(self, nbytes: int) -> Past:
        """Zeros in one dimension."""
        return np.zeros(nbytes // self.dtype.itemsize, dtype=self.dtype)

    def view(self, flat: Past, rows: int, capacity: int) -> Past:
        """The beginning of `flat` in the shape of a past; what was in it stays, and is finite."""
        shape = (self.tensors, rows, self.heads, capacity, self.head_size)
        return flat[: math.prod(shape)].reshape(shape)

    def nbytes(self, rows: int, capacity: int) -> int:
        return self.tensors * rows * self.heads * capacity * self.head_size * self.dtype.itemsize


def capacity_of(length: int) -> int:
    """The capacity, in tokens, of a sequence of `length` tokens."""
    return max(1, -(-length // BUCKET_TOKENS)) * BUCKET_TOKENS


class CachedSequence:
    """The tokens whose keys and values are kept, and these.

    `mirrored` is the decode batch's: how many leading tokens it holds a right copy of.
    """

    __slots__ = ("mirrored", "past", "tokens")

    def __init__(self, blank: Past) -> None:
        self.tokens: tuple[int, ...] = ()
        self.past = blank
        self.mirrored = 0

    @property
    def length(self) -> int:
        return len(self.tokens)

    @property
    def capacity(self) -> int:
        return int(self.past.shape[3])


class KvCache:
    """Sequences by key, least recently used first out.

    The bound holds for all that is kept here and for the decode batch's copy together; it is never less than two
    whole contexts, without which one long sequence could not grow. Not thread-safe.

    Args:
        limit_bytes: the bound.
        release_batch: called to give the decode batch's memory back.
    """

    def __init__(
        self, shape: CacheShape, context_length: int, limit_bytes: int, release_batch: Callable[[], None]
    ) -> None:
        self.shape = shape
        self.limit_bytes = max(limit_bytes, 2 * shape.nbytes(1, capacity_of(context_length)))
        self.batch_bytes = 0
        self._release_batch = release_batch
        self._blank = shape.zeros(1, BUCKET_TOKENS)
        self._sequences: OrderedDict[Hashable, CachedSequence] = OrderedDict()
        self._active: Set[Hashable] = frozenset()
        self._first: Hashable = None
        self._kept_bytes = 0

    @property
    def used_bytes(self) -> int:
        return self._kept_bytes + self.batch_bytes

    def begin(self, active: Set[Hashable], first: Hashable) -> None:
        """Name the sequences at work: they are evicted last, and `first` never, so that it comes to its end."""
        self._active = active
        self._first = first

    def match(self, key: Hashable, token_ids: tuple[int, ...], multiple: int) -> CachedSequence:
        """The sequence of `key`, cut to what it shares with `token_ids`.

        Args:
            multiple: the length kept is a multiple of it, and less than that of `token_ids`.
        """
        sequence = self._sequences.setdefault(key, CachedSequence(self._blank))
        self._sequences.move_to_end(key)
        shared = min(_shared_length(sequence.tokens, token_ids), len(token_ids) - 1)
        self._cut(sequence, shared - shared % multiple)
        return sequence

    def extend(self, key: Hashable, tokens: tuple[int, ...], new: Past) -> None:
        """Append keys and values, shape (tensors, heads, len(tokens), head_size).

        Does nothing when the sequence has been evicted, and forgets it when there is no room.
        """
        sequence = self._sequences.get(key)
        if sequence is None:
            return
        start, end = sequence.length, sequence.length + len(tokens)
        if sequence.capacity < end or sequence.past is self._blank:
            if not self._make_room(self.shape.nbytes(1, capacity_of(end)), key):
                self.forget(key)
                return
            self._move(sequence, capacity_of(end))
        sequence.past[:, 0, :, start:end] = new
        sequence.tokens += tokens

    def room_for_batch(self, wanted_bytes: int) -> int:
        """Evict what is not at work until the decode batch may have `wanted_bytes`; returns what it may have."""
        for key in [key for key in self._sequences if key not in self._active]:
            if self._kept_bytes + wanted_bytes <= self.limit_bytes:
                break
            self.forget(key)
        return self.limit_bytes - self._kept_bytes

    def forget(self, key: Hashable) -> None:
        sequence = self._sequences.pop(key, None)
        if sequence is not None:
            self._cut(sequence, 0)

    def clear(self) -> None:
        for key in list(self._sequences):
            self.forget(key)

    def _make_room(self, wanted_bytes: int, keep: Hashable) -> bool:
        """Evict idle sequences, then the decode batch's copy, then other sequences at work, until there is room."""
        spared = (keep, self._first)
        idle = [key for key in self._sequences if key not in self._active and key not in spared]
        at_work = [key for key in self._sequences if key in self._active and key not in spared]
        ways: list[Callable[[], None]] = [partial(self.forget, key) for key in idle]
        ways += [self._release_batch, *(partial(self.forget, key) for key in at_work)]
        for give_back in ways:
            if self.used_bytes + wanted_bytes <= self.limit_bytes:
                break
            give_back()
        return self.used_bytes + wanted_bytes <= self.limit_bytes

    def _cut(self, sequence: CachedSequence, length: int) -> None:
        if length == sequence.length:
            return
        sequence.tokens = sequence.tokens[:length]
        sequence.mirrored = min(sequence.mirrored, length)
        if length == 0:
            self._own(sequence, self._blank)
        elif capacity_of(length) != sequence.capacity:
            self._move(sequence, capacity_of(length))

    def _move(self, sequence: CachedSequence, capacity: int) -> None:
        past = np.empty((*sequence.past.shape[:3], capacity, self.shape.head_size), dtype=self.shape.dtype)
        past[:, :, :, : sequence.length] = sequence.past[:, :, :, : sequence.length]
        past[:, :, :, sequence.length :] = 0
        self._own(sequence, past)

    def _own(self, sequence: CachedSequence, past: Past) -> None:
        for array, sign in ((sequence.past, -1), (past, 1)):
            self._kept_bytes += 0 if array is self._blank else sign * array.nbytes
        sequence.past = past


def _shared_length(left: tuple[int, ...], right: tuple[int, ...]) -> int:
    if right[: len(left)] == left:
        return len(left)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False)))
