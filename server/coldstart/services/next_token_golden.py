"""The golden check of next-token models: the most likely tokens after a prompt, and how likely they are."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coldstart.domain.distribution import Distribution
from coldstart.domain.errors import ModelRejected
from coldstart.domain.manifest import ModelEntry
from coldstart.domain.next_token import NextTokenEngine, NextTokenRequest
from coldstart.runtime.scheduler import Scheduler
from coldstart.services.golden import golden_digest

# The first answer of a large model on a slow machine takes seconds, never minutes.
_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class _Golden:
    """A prompt with its right answer, computed in float32 by the reference engine when the image was built.

    Args:
        prompt: the text.
        token_ids: what the tokenizer must make of it.
        probabilities: the most likely next tokens, token id → probability.
        tolerance: engine name → largest total variation, in [0, 1], over these tokens and the rest as one.
    """

    prompt: str
    token_ids: tuple[int, ...]
    probabilities: Mapping[int, float]
    tolerance: Mapping[str, float]


def check_next_token(
    entry: ModelEntry,
    engine_name: str,
    engine: NextTokenEngine,
    scheduler: Scheduler[NextTokenRequest, NDArray[np.float32]],
) -> str:
    """Run the golden request through the scheduler and compare.

    Returns:
        The golden digest, which this engine has just met within its tolerance.

    Raises:
        ModelRejected: the tokenizer gives other ids, or the total variation is beyond this engine's tolerance.
    """
    golden = _golden_of(entry)
    token_ids = engine.tokenizer.encode(golden.prompt)
    if token_ids != golden.token_ids:
        raise ModelRejected(
            f"model {entry.name!r}: the tokenizer makes {list(token_ids)} of the golden prompt, "
            f"the manifest says {list(golden.token_ids)}"
        )
    tolerance = golden.tolerance.get(engine_name)
    if tolerance is None:
        raise ModelRejected(f"model {entry.name!r}: the manifest has no tolerance for engine {engine_name!r}")
    logits = scheduler.submit_blocking(NextTokenRequest(golden.token_ids), _TIMEOUT_S)
    distribution = Distribution(logits, temperature=1.0)
    distance = total_variation(golden.probabilities, distribution)
    # Written so that NaN is refused too.
    if not distance <= tolerance:
        raise ModelRejected(
            f"model {entry.name!r}: the golden answer of engine {engine_name!r} has total variation {distance:.6f} "
            f"from the manifest's, which allows {tolerance:g}"
        )
    return golden_digest(entry.golden)


def _golden_of(entry: ModelEntry) -> _Golden:
    try:
        return _Golden(
            prompt=entry.golden["prompt"],
            token_ids=tuple(entry.golden["token_ids"]),
            probabilities={int(token): float(p) for token, p in entry.golden["probabilities"].items()},
            tolerance=dict(entry.golden["tolerance"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelRejected(f"model {entry.name!r}: its golden answer is not one of next tokens: {error!r}") from None


def total_variation(expected: Mapping[int, float], distribution: Distribution) -> float:
    """The total variation distance, in [0, 1], over the expected tokens and all others as one.

    Args:
        expected: token id → probability, together at most 1; ids in [0, vocabulary_size).
        distribution: what was measured.
    """
    differences = [p - distribution.probability_of(token) for token, p in expected.items()]
    return (sum(abs(difference) for difference in differences) + abs(sum(differences))) / 2
