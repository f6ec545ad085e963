"""The decode batch: every row holds its sequence's whole past, and rows that stay are not copied again."""

from collections.abc import Iterator

import numpy as np
import pytest

from coldstart.engines.decode_batch import DecodeBatch
from coldstart.engines.kv_cache import BUCKET_TOKENS, CachedSequence, CacheShape, KvCache

SHAPE = CacheShape(tensors=2, heads=1, head_size=1, dtype=np.dtype(np.float32))
CONTEXT = 8 * BUCKET_TOKENS
MAX_ROWS = 6


class Steps:
    """Sequences whose kept values are their token ids, stepped through a batch as the engine does it."""

    def __init__(self, buckets: int) -> None:
        self.batch = DecodeBatch(SHAPE, MAX_ROWS, lambda wanted: self.cache.room_for_batch(wanted), self._takes)
        limit = buckets * SHAPE.nbytes(1, BUCKET_TOKENS)
        self.cache = KvCache(SHAPE, CONTEXT, limit, self.batch.release)
        self.tokens: dict[str, tuple[int, ...]] = {}
        self.copied = 0

    def _takes(self, nbytes: int) -> None:
        self.cache.batch_bytes = nbytes

    def begin(self, key: str, length: int, first: int) -> None:
        self.tokens[key] = tuple(range(first, first + length))
        self.cache.match(key, (*self.tokens[key], -1), 1)
        self.cache.extend(key, self.tokens[key], self._values(self.tokens[key]))

    def undo(self, key: str, count: int) -> None:
        self.tokens[key] = self.tokens[key][:-count]

    def step(self, keys: str, token: int) -> int:
        """One step of these sequences; checks all rows and returns how many rows there were, asked for or not."""
        self.cache.begin(set(keys), None)
        sequences = [self.cache.match(key, (*self.tokens[key], token), 1) for key in keys]
        assert [s.tokens for s in sequences] == [self.tokens[key] for key in keys]
        self.copied = sum(s.length - s.mirrored for s in sequences)
        placement = self.batch.place(sequences)
        assert placement is not None
        assert [placement.sequences[row] for row in placement.rows] == sequences
        past = self.batch.past(placement)
        assert all(tensor.flags.c_contiguous for tensor in past)
        for row, owner in enumerate(placement.sequences):
            self._check(past[1][row, 0, :, 0].tolist(), owner)
        new = np.full((2, len(placement.sequences), 1, 1, 1), token, dtype=np.float32)
        self.batch.append(placement, new)
        for key, row in zip(keys, placement.rows, strict=True):
            self.cache.extend(key, (token,), new[:, row])
            self.tokens[key] += (token,)
        return len(placement.sequences)

    def _check(self, row: list[float], owner: CachedSequence) -> None:
        assert row[: owner.mirrored] == list(owner.tokens[: owner.mirrored])
        assert owner.mirrored > 0

    def _values(self, tokens: tuple[int, ...]) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
        return np.broadcast_to(np.array(tokens, dtype=np.float32)[:, None], (2, 1, len(tokens), 1)).copy()


@pytest.fixture
def steps() -> Iterator[Steps]:
    """Six sequences, a to f, of 10 to 60 tokens, in ample memory."""
    made = Steps(buckets=200)
    for number, key in enumerate("abcdef", start=1):
        made.begin(key, 10 * number, 1000 * number)
    yield made
    made.cache.clear()
    assert made.cache.used_bytes == made.cache.batch_bytes


def test_rows_that_stay_are_not_copied_again(steps: Steps) -> None:
    """The first step copies every past; the following ones copy nothing, in any order of the requests."""
    steps.step("abcdef", 1)
    assert steps.copied == 10 + 20 + 30 + 40 + 50 + 60
    for token, keys in enumerate(("abcdef", "fedcba", "badcfe"), start=2):
        steps.step(keys, token)
        assert steps.copied == 0


def test_groups_that_step_by_turns_settle_side_by_side(steps: Steps) -> None:
    """Two groups of mixed rows come to take one range each: nothing is copied and no row computed in vain."""
    steps.step("abcdef", 1)
    for token in range(2, 8):
        rows = [steps.step("ace", token), steps.step("bdf", token)]
    assert rows == [3, 3]
    assert steps.copied == 0


def test_an_undone_token_is_copied_anew(steps: Steps) -> None:
    """After an undo the row is right again, and only what differs is copied."""
    steps.step("abc", 1)
    steps.step("abc", 2)
    steps.undo("b", 2)
    steps.step("abc", 3)
    assert steps.tokens["b"][-1] == 3
    steps.undo("b", 1)
    steps.step("ab", 4)
    assert steps.copied == 0


def test_growing_over_a_bucket_keeps_every_value(steps: Steps) -> None:
    """Sequences that pass the batch's capacity at different times step on rightly."""
    for token in range(150):
        steps.step("abcdef", token)
    assert steps.batch.capacity == 2 * BUCKET_TOKENS


def test_short_and_long_groups_by_turns_copy_nothing(steps: Steps) -> None:
    """A group that could do with a smaller batch steps in the larger one, and what is in it stays."""
    steps.begin("L", 900, 9000)
    for token in range(3):
        steps.step("aL", token)
        steps.step("bc", token)
    for token in range(3, 60):
        for keys in ("aL", "bc"):
            steps.step(keys, token)
            assert steps.copied == 0


def test_the_batch_shrinks_when_it_stays_too_large(steps: Steps) -> None:
    """Once the long sequence is gone, positions are not computed in vain for long."""
    steps.begin("L", 900, 9000)
    steps.step("aL", 1)
    assert steps.batch.capacity == CONTEXT
    for token in range(2, 60):
        steps.step("abc", token)
    assert steps.batch.capacity == BUCKET_TOKENS


def test_random_company_undo_and_growth_never_mix_pasts() -> None:
    """300 steps of random subsets, with undo, forgetting and scarce memory: every row is its sequence's past."""
    steps = Steps(buckets=40)
    rng = np.random.default_rng(0)
    for number, key in enumerate("abcdefgh", start=1):
        steps.begin(key, int(rng.integers(1, 300)), 1000 * number)
    for token in range(300):
        keys = "".join(rng.permutation(list("abcdefgh"))[: rng.integers(2, MAX_ROWS + 1)])
        for key in keys:
            if rng.random() < 0.05 and len(steps.tokens[key]) > 30:
                steps.undo(key, int(rng.integers(1, 30)))
            if rng.random() < 0.02:
                steps.cache.forget(key)
            if steps.cache.match(key, (*steps.tokens[key], -1), 1).length < len(steps.tokens[key]):
                steps.cache.forget(key)
                steps.begin(key, int(rng.integers(1, 300)), 1000 * token)
        steps.step(keys, token)
        assert steps.cache.used_bytes <= steps.cache.limit_bytes


def test_too_little_room_takes_the_first_ones() -> None:
    """With room for three rows of five the first three have a row; with room for one there is no batch."""
    steps = Steps(buckets=16 + 4)
    for number, key in enumerate("abcde", start=1):
        steps.begin(key, 100, 1000 * number)
    steps.cache.limit_bytes = 8 * SHAPE.nbytes(1, BUCKET_TOKENS)
    steps.cache.begin(set("abcde"), None)
    sequences = [steps.cache.match(key, (*steps.tokens[key], 1), 1) for key in "abcde"]
    placement = steps.batch.place(sequences)
    assert placement is not None
    assert [placement.sequences[row] for row in placement.rows] == sequences[:3]
    steps.batch.release()
    steps.cache.limit_bytes = 6 * SHAPE.nbytes(1, BUCKET_TOKENS)
    assert steps.batch.place(sequences) is None
    assert steps.cache.batch_bytes == 0
