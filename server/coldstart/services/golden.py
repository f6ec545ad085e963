"""The golden check of next-token models: the answer of this very engine, here, against the build's."""

import hashlib
import json
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from coldstart.domain.distribution import Distribution
from coldstart.domain.errors import ModelRejected
from coldstart.domain.manifest import Golden, ModelEntry
from coldstart.domain.next_token import NextTokenEngine, NextTokenRequest
from coldstart.runtime.scheduler import Scheduler

# The first answer of a large model on a slow machine takes seconds, never minutes.
_TIMEOUT_S = 120.0


def check_next_token(
    entry: ModelEntry,
    engine_name: str,
    engine: NextTokenEngine,
    scheduler: Scheduler[NextTokenRequest, NDArray[np.float32]],
) -> str:
    """Run the golden request through the scheduler and compare.

    Returns:
        sha256 in hex of the golden request and answer as the manifest has them, which this engine has just met within
        its tolerance. Not of the engine's own digits: those differ between instruction sets, while this is the same
        for every process that serves the same model rightly.

    Raises:
        ModelRejected: the tokenizer gives other ids, or the total variation is beyond this engine's tolerance.
    """
    golden = entry.golden
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
    return _digest(golden)


def total_variation(expected: Mapping[int, float], distribution: Distribution) -> float:
    """The total variation distance, in [0, 1], over the expected tokens and all others as one.

    Args:
        expected: token id → probability, together at most 1; ids in [0, vocabulary_size).
        distribution: what was measured.
    """
    differences = [p - distribution.probability_of(token) for token, p in expected.items()]
    return (sum(abs(difference) for difference in differences) + abs(sum(differences))) / 2


def _digest(golden: Golden) -> str:
    document = {
        "prompt": golden.prompt,
        "token_ids": golden.token_ids,
        "probabilities": sorted(golden.probabilities.items()),
    }
    return hashlib.sha256(json.dumps(document, separators=(",", ":")).encode()).hexdigest()
