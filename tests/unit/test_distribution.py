"""The distribution over the next token, and drawing from it."""

import math
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from coldstart.domain.distribution import (
    Distribution,
    drawn_position,
    most_likely_token,
    ranked_tokens,
)
from coldstart.domain.errors import EngineFailed


def logits_of(size: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, 3, size).astype(np.float32)


def reference_softmax(logits: NDArray[np.float32], temperature: float) -> NDArray[np.float64]:
    scaled = logits.astype(np.float64) / temperature
    weights = np.exp(scaled - scaled.max())
    return np.asarray(weights / weights.sum())


@pytest.mark.parametrize("temperature", [0.05, 0.7, 1.0, 2.5, 5.0])
def test_probabilities_are_the_softmax_over_the_whole_vocabulary(temperature: float) -> None:
    """Every token's probability equals softmax(logits / temperature) computed in float64."""
    logits = logits_of(1000)
    expected = reference_softmax(logits, temperature)
    distribution = Distribution(logits, temperature)
    assert [distribution.probability_of(t) for t in range(1000)] == pytest.approx(expected.tolist(), abs=1e-15)


def test_a_tiny_temperature_leaves_one_token() -> None:
    """A temperature that would overflow a naive division gives the most likely token all of the mass."""
    distribution = Distribution(np.array([1.0, 3.0, 2.0], dtype=np.float32), 1e-300)
    assert distribution.top(3)[0].token_id == 1
    assert distribution.top(1)[0].probability == 1.0


def test_log_probabilities_stay_finite_where_probabilities_vanish() -> None:
    """A token 1000 nats below the best has probability 0 and log-probability -1000."""
    distribution = Distribution(np.array([0.0, -1000.0], dtype=np.float32), 1.0)
    assert distribution.probability_of(1) == 0.0
    assert distribution.log_probability_of(1) == pytest.approx(-1000.0)


@pytest.mark.parametrize("size", [5, 300, 816, 50257])
@pytest.mark.parametrize("count", [1, 2, 100, 299])
def test_top_tokens_are_those_of_a_full_sort(size: int, count: int) -> None:
    """However the top k are found, they are the first k of a stable sort."""
    logits = logits_of(size, seed=count)
    assert ranked_tokens(logits, count).tolist() == np.argsort(-logits, kind="stable")[:count].tolist()


def test_equal_logits_are_ranked_by_id() -> None:
    """With every logit equal the order is that of the ids."""
    assert ranked_tokens(np.zeros(2000, dtype=np.float32), 7).tolist() == list(range(7))


def test_a_token_that_cannot_come_has_no_probability() -> None:
    """A logit of -inf means probability 0, and the entropy stays a number."""
    distribution = Distribution(np.array([0.0, -np.inf, 0.0], dtype=np.float32), 1.0)
    assert distribution.probability_of(1) == 0.0
    assert distribution.entropy_bits == pytest.approx(1.0)


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_broken_logits_are_the_engines_failure(broken: float) -> None:
    """NaN or infinite logits never become a distribution."""
    logits = np.array([0.0, broken], dtype=np.float32)
    with pytest.raises(EngineFailed, match="largest logit"):
        Distribution(logits, 1.0)
    with pytest.raises(EngineFailed, match="largest logit"):
        most_likely_token(logits)


def test_entropy_is_that_of_the_definition() -> None:
    """The entropy equals minus the sum of p log2 p."""
    logits = logits_of(500)
    p = reference_softmax(logits, 1.3)
    assert Distribution(logits, 1.3).entropy_bits == pytest.approx(float(-(p * np.log2(p)).sum()), rel=1e-12)


def test_tokens_lie_around_the_wheel_by_falling_probability() -> None:
    """Walking round the wheel in small steps meets the tokens in rank order, each for its probability's share."""
    logits = logits_of(400)
    distribution = Distribution(logits, 1.0)
    steps = 20_000
    met = [distribution.token_at(i / steps) for i in range(steps)]
    ranks = {token: rank for rank, token in enumerate(ranked_tokens(logits, 400).tolist())}
    assert all(ranks[a] <= ranks[b] for a, b in pairwise(met))
    for token in ranked_tokens(logits, 10).tolist():
        assert met.count(token) / steps == pytest.approx(distribution.probability_of(token), abs=2 / steps)


@pytest.mark.parametrize("temperature", [0.2, 1.0, 5.0])
@pytest.mark.parametrize("top_p", [1.0, 0.95, 0.3])
def test_a_position_is_the_same_token_as_by_a_full_sort(temperature: float, top_p: float) -> None:
    """However a token is looked for, it is the one at which the sorted running sum passes the position."""
    logits = np.round(logits_of(20_000), 2)  # many equal ones
    order = np.argsort(-logits, kind="stable")
    sums = np.cumsum(reference_softmax(logits, temperature)[order])
    mass = sums[np.searchsorted(sums, top_p)] if top_p < 1.0 else 1.0
    distribution = Distribution(logits, temperature)
    for position in np.random.default_rng(3).random(300):
        expected = order[np.searchsorted(sums, position * mass, side="right")]
        assert distribution.token_at(float(position), top_p) == expected


def test_the_last_position_is_a_token_that_can_come() -> None:
    """The largest position below 1 gives a token of the vocabulary with a probability above zero."""
    logits = logits_of(50257)
    logits[:100] = -np.inf
    distribution = Distribution(logits, 1.0)
    assert distribution.probability_of(distribution.token_at(math.nextafter(1.0, 0.0))) > 0.0


@pytest.mark.parametrize("top_p", [0.1, 0.5, 0.9, 0.999])
def test_top_p_keeps_the_fewest_tokens_that_reach_it(top_p: float) -> None:
    """The last position within top_p is the token whose cumulated probability first reaches top_p."""
    logits = logits_of(5000)
    p = np.sort(reference_softmax(logits, 1.0))[::-1]
    kept = int(np.searchsorted(np.cumsum(p), top_p)) + 1
    distribution = Distribution(logits, 1.0)
    assert distribution.token_at(math.nextafter(1.0, 0.0), top_p) == ranked_tokens(logits, kept)[-1]
    assert distribution.token_at(0.0, top_p) == most_likely_token(logits)


def test_draws_are_the_same_for_ever() -> None:
    """Positions are a function of seed and step alone; these values were written down once."""
    assert [drawn_position(7, step) for step in range(3)] == [drawn_position(7, step) for step in range(3)]
    assert drawn_position(0, 0) == 0.6369616873214543
    assert drawn_position(7, 1) != drawn_position(1, 7)


def test_draws_are_spread_evenly() -> None:
    """Ten thousand first draws fill each tenth of the wheel within five standard deviations."""
    counts, _ = np.histogram([drawn_position(seed, 0) for seed in range(10_000)], bins=10, range=(0.0, 1.0))
    assert all(abs(int(c) - 1000) < 150 for c in counts)
