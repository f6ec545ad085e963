"""The engines under contract, and what each of them promises. A new engine is one more row of ENGINE_CASES."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from coldstart.domain.next_token import NextTokenEngine, NextTokenRequest
from coldstart.engines.onnxruntime_next_token import OnnxRuntimeNextTokenEngine

ROOT = Path(__file__).resolve().parents[2]
STARTER = ROOT / "models" / "starter" / "gpt2"
CACHE_BYTES = 64 * 2**20
BATCH = 8
_MOST_CALLS = 1000  # a contract that needs more calls than this for one answer is broken

Logits = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Artifacts:
    """The starter model in each form: as published, and converted with int8 and float32 weights."""

    published: Path
    int8: Path
    float32: Path


@dataclass(frozen=True, slots=True)
class EngineCase:
    """One engine in one mode.

    Args:
        build: makes it.
        oracle_tolerance: largest total variation from the reference engine, in [0, 1], on text of the grammar.
        path_tolerance: largest total variation between two ways to the same tokens: another chunking, batch or past.
    """

    name: str
    build: Callable[[Artifacts], NextTokenEngine]
    oracle_tolerance: float
    path_tolerance: float


def onnxruntime(path: Path, *, max_batch: int = BATCH, cache_bytes: int = CACHE_BYTES) -> OnnxRuntimeNextTokenEngine:
    return OnnxRuntimeNextTokenEngine(path, threads=2, max_batch=max_batch, cache_bytes=cache_bytes)


def _transformers(artifacts: Artifacts) -> NextTokenEngine:
    from coldstart.engines.transformers_next_token import TransformersNextTokenEngine

    return TransformersNextTokenEngine(artifacts.published, threads=2)


# Source of the int8 figures: 1280 positions of grammar text and random tokens had 0.002 and 0.015 on average, 0.056 at
# most; between chunkings 0.0001 and 0.0003 on average, 0.013 at most, from float32 sums that round to another int8.
ENGINE_CASES = (
    EngineCase("onnxruntime", lambda a: onnxruntime(a.int8), 0.05, 0.02),
    EngineCase("onnxruntime-repeatable", lambda a: onnxruntime(a.int8, max_batch=1), 0.05, 0.0),
    EngineCase("onnxruntime-float32", lambda a: onnxruntime(a.float32), 1e-4, 1e-4),
    EngineCase("transformers", _transformers, 1e-4, 1e-4),
)


def convert(*arguments: str | Path) -> None:
    """`python -m convert …` in a process of its own, with the environment of a build: no home, no network wanted."""
    environment = {"PYTHONPATH": str(ROOT / "models"), "HF_HUB_OFFLINE": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    command = [sys.executable, "-m", "convert", *map(str, arguments)]
    done = subprocess.run(command, env=environment | kept, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr


def answer(engine: NextTokenEngine, token_ids: Sequence[int], sequence_id: str | None = None) -> Logits:
    """The logits after `token_ids`, in as many calls as they take."""
    return answers(engine, [NextTokenRequest(tuple(token_ids), sequence_id)])[0]


def answers(engine: NextTokenEngine, requests: Sequence[NextTokenRequest]) -> list[Logits]:
    """The logits of all requests, each in every call until it has its result, as the scheduler does it."""
    results: dict[int, Logits] = {}
    for _ in range(_MOST_CALLS):
        open_ones = [i for i in range(len(requests)) if i not in results][: engine.max_batch]
        if not open_ones:
            return [results[i] for i in range(len(requests))]
        outcome = engine.advance([requests[i] for i in open_ones])
        results |= {i: logits for i, logits in zip(open_ones, outcome, strict=True) if logits is not None}
    raise AssertionError(f"{len(requests) - len(results)} requests have no answer after {_MOST_CALLS} calls")


def total_variation(left: Logits, right: Logits) -> float:
    """Half the sum of the differences of the two softmaxes: in [0, 1]."""
    return float(np.abs(_softmax(left) - _softmax(right)).sum() / 2)


def _softmax(logits: Logits) -> NDArray[np.float64]:
    weights = np.exp(logits.astype(np.float64) - logits.max())
    return np.asarray(weights / weights.sum())


def random_tokens(count: int, vocabulary_size: int, seed: int) -> tuple[int, ...]:
    return tuple(np.random.default_rng(seed).integers(0, vocabulary_size, count).tolist())
