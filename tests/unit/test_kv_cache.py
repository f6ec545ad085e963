"""Kept keys and values: what is shared, cut, appended and evicted, with numbers in place of a model."""

from collections.abc import Callable

import numpy as np
import pytest

from coldstart.engines.kv_cache import BUCKET_TOKENS, CacheShape, KvCache, capacity_of

SHAPE = CacheShape(tensors=2, heads=1, head_size=1, dtype=np.dtype(np.float32))
CONTEXT = 4 * BUCKET_TOKENS
BUCKET_BYTES = SHAPE.nbytes(1, BUCKET_TOKENS)


def cache_of(buckets: int, release_batch: Callable[[], None] = lambda: None) -> KvCache:
    return KvCache(SHAPE, CONTEXT, buckets * BUCKET_BYTES, release_batch)


def fill(cache: KvCache, key: str, tokens: tuple[int, ...]) -> None:
    """Bring a sequence to `tokens`; the value kept at a position is its token id."""
    sequence = cache.match(key, (*tokens, -1), 1)
    rest = tokens[sequence.length :]
    if rest:
        cache.extend(key, rest, values_of(rest))


def values_of(tokens: tuple[int, ...]) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    return np.broadcast_to(np.array(tokens, dtype=np.float32)[:, None], (2, 1, len(tokens), 1)).copy()


def kept(cache: KvCache, key: str) -> int:
    """How many of a long run of consecutive ids, from 0, are kept."""
    return cache.match(key, tuple(range(CONTEXT)), 1).length


@pytest.mark.parametrize(("length", "buckets"), [(0, 1), (1, 1), (128, 1), (129, 2), (256, 2), (257, 3)])
def test_capacity_is_whole_buckets(length: int, buckets: int) -> None:
    """A length exactly at a bound needs no further bucket."""
    assert capacity_of(length) == buckets * BUCKET_TOKENS


@pytest.mark.parametrize("lengths", [(5, 9, 130), (128, 129, 300), (1, 256, 257)])
def test_what_is_kept_is_what_was_appended(lengths: tuple[int, ...]) -> None:
    """Values stay at their positions while the capacity grows, and the capacity follows from the length."""
    cache = cache_of(100)
    for length in lengths:
        fill(cache, "a", tuple(range(length)))
        sequence = cache.match("a", tuple(range(length + 1)), 1)
        assert sequence.length == length
        assert sequence.capacity == capacity_of(length)
        assert sequence.past[1, 0, 0, :length, 0].tolist() == list(range(length))


@pytest.mark.parametrize(
    ("token_ids", "multiple", "shared"),
    [
        (tuple(range(200)), 1, 150),
        (tuple(range(150)), 1, 149),  # the last token is always computed, for its logits
        (tuple(range(40)), 1, 39),
        ((*range(60), 999, *range(61, 150)), 1, 60),
        ((999, *range(1, 150)), 1, 0),
        (tuple(range(200)), 16, 144),
        (tuple(range(145)), 16, 144),
        (tuple(range(144)), 16, 128),
    ],
)
def test_a_sequence_is_cut_to_what_is_shared(token_ids: tuple[int, ...], multiple: int, shared: int) -> None:
    """The longest common beginning is kept, less the last token, down to a multiple; memory shrinks with it."""
    cache = cache_of(100)
    fill(cache, "a", tuple(range(150)))
    sequence = cache.match("a", token_ids, multiple)
    assert sequence.tokens == tuple(range(shared))
    assert sequence.past[0, 0, 0, :shared, 0].tolist() == list(range(shared))
    assert cache.used_bytes == (SHAPE.nbytes(1, capacity_of(shared)) if shared else 0)


def test_the_least_recently_used_goes_first() -> None:
    """A new sequence takes the room of the one that was matched longest ago."""
    cache = cache_of(8)
    for key in "abcdefgh":
        fill(cache, key, (0, 1, 2))
    kept(cache, "a")
    fill(cache, "i", (0, 1, 2))
    assert [key for key in "abcdefghi" if kept(cache, key) == 0] == ["b"]


def test_sequences_at_work_go_after_idle_ones_and_the_batch() -> None:
    """Room comes from idle sequences, then the decode batch, then the others at work; never from the first."""
    released: list[int] = []

    def release_batch() -> None:
        released.append(cache.batch_bytes)
        cache.batch_bytes = 0

    cache = cache_of(8, release_batch)
    for key in ("idle", "first", "other"):
        fill(cache, key, (0, 1, 2))
    cache.batch_bytes = 5 * BUCKET_BYTES
    cache.begin({"first", "other", "new"}, "first")
    fill(cache, "new", tuple(range(100)))
    assert (released, kept(cache, "idle")) == ([], 0)
    fill(cache, "new", tuple(range(400)))
    assert released == [5 * BUCKET_BYTES]
    assert (kept(cache, "first"), kept(cache, "other")) == (3, 3)
    fill(cache, "more", tuple(range(300)))
    assert (kept(cache, "first"), kept(cache, "other"), kept(cache, "new")) == (3, 3, 0)


def test_a_sequence_without_room_is_forgotten_not_refused() -> None:
    """When nothing may be evicted the growing sequence itself goes, and the bound holds."""
    cache = cache_of(0)
    fill(cache, "first", tuple(range(CONTEXT)))
    cache.begin({"first", "late"}, "first")
    fill(cache, "late", tuple(range(CONTEXT)))
    assert kept(cache, "late") == CONTEXT - 1
    fill(cache, "later", (0, 1))
    assert cache.used_bytes <= cache.limit_bytes
    assert kept(cache, "first") == CONTEXT - 1


def test_appending_to_what_was_evicted_does_nothing() -> None:
    """A result that comes for a forgotten sequence is dropped."""
    cache = cache_of(8)
    cache.extend("gone", (1,), values_of((1,)))
    assert kept(cache, "gone") == 0
    assert cache.used_bytes == 0


def test_idle_sequences_make_room_for_the_batch() -> None:
    """The batch is told what it may have; sequences at work are not evicted for it, idle ones only as needed."""
    cache = cache_of(8)
    for key in "abcd":
        fill(cache, key, (0, 1, 2))
    cache.begin({"a", "b"}, None)
    assert cache.room_for_batch(5 * BUCKET_BYTES) == 5 * BUCKET_BYTES
    assert (kept(cache, "c"), kept(cache, "d")) == (0, 3)
    assert cache.room_for_batch(100 * BUCKET_BYTES) == 6 * BUCKET_BYTES


def test_forgetting_frees_and_is_idempotent() -> None:
    """`forget` twice and `clear` leave no byte."""
    cache = cache_of(8)
    for key in "ab":
        fill(cache, key, (0, 1, 2))
    cache.forget("a")
    cache.forget("a")
    assert cache.used_bytes == BUCKET_BYTES
    cache.clear()
    assert cache.used_bytes == 0
