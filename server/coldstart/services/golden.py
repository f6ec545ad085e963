"""The golden check of next-token models: the answer of this very engine, here, against the build's."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from coldstart.domain.errors import ModelRejected
from coldstart.domain.manifest import ModelEntry
from coldstart.domain.next_token import NextTokenEngine, NextTokenRequest
from coldstart.runtime.scheduler import Scheduler

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# The first answer of a large model on a slow machine takes seconds, never minutes.
_TIMEOUT_S = 120.0


def check_next_token(
    entry: ModelEntry,
    engine_name: str,
    engine: NextTokenEngine,
    scheduler: "Scheduler[NextTokenRequest, NDArray[np.float32]]",
) -> str:
    """Run the golden request through the scheduler and compare.

    Returns:
        sha256 in hex of the golden token ids in the order of this engine's probabilities, with the prompt's ids: it
        covers the tokenizer and the ranking, not the last digits, which differ between instruction sets.

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
    answer = _probabilities(logits, tuple(golden.probabilities))
    distance = total_variation(golden.probabilities, answer)
    # Written so that NaN is refused too.
    if not distance <= tolerance:
        raise ModelRejected(
            f"model {entry.name!r}: the golden answer of engine {engine_name!r} has total variation {distance:.6f} "
            f"from the manifest's, which allows {tolerance:g}"
        )
    return _digest(golden.token_ids, answer)


def total_variation(wanted: Mapping[int, float], met: Mapping[int, float]) -> float:
    """Half the sum of absolute differences over the tokens of `wanted` and all others as one; in [0, 1]."""
    rest = abs(sum(wanted.values()) - sum(met[token] for token in wanted))
    return 0.5 * (rest + sum(abs(p - met[token]) for token, p in wanted.items()))


def _probabilities(logits: "NDArray[np.float32]", token_ids: Sequence[int]) -> dict[int, float]:
    """Full-vocabulary softmax in float64, at the given tokens."""
    import numpy as np

    exponents = np.exp(logits.astype(np.float64) - float(logits.max()))
    total = float(exponents.sum())
    return {token: float(exponents[token]) / total for token in token_ids}


def _digest(token_ids: Sequence[int], answer: Mapping[int, float]) -> str:
    ranking = sorted(answer, key=lambda token: -answer[token])
    return hashlib.sha256(json.dumps({"prompt": list(token_ids), "ranking": ranking}).encode()).hexdigest()
