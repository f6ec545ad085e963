"""A next-token engine without a server around it: `python bench/bare_engine.py ENGINE ARTIFACT` prints JSON.

Run with PYTHONPATH=server. Times are those of this machine at this moment: every figure comes with the number of runs.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from coldstart.domain.next_token import NextTokenEngine, NextTokenRequest

PROMPT = "The cat sat on the"
CONTEXTS = (16, 128, 512, 1000)
THROUGHPUT_CONTEXT = 128
CACHE_BYTES = 2**30
MAX_BATCH = 16
_CHILD_TIMEOUT_S = 300


def build(engine: str, artifact: Path, threads: int) -> NextTokenEngine:
    """The engine as the server builds it, its library imported here and not before."""
    if engine == "transformers":
        from coldstart.engines.transformers_next_token import TransformersNextTokenEngine

        return TransformersNextTokenEngine(artifact, threads=threads)
    from coldstart.engines.onnxruntime_next_token import OnnxRuntimeNextTokenEngine

    max_batch = 1 if engine == "onnxruntime-repeatable" else MAX_BATCH
    return OnnxRuntimeNextTokenEngine(artifact, threads=threads, max_batch=max_batch, cache_bytes=CACHE_BYTES)


class Sequences:
    """Sequences of random tokens of one length that step together; each step lengthens them by one."""

    def __init__(self, engine: NextTokenEngine, count: int, context: int) -> None:
        self._engine = engine
        self._rng = np.random.default_rng(context)
        draw = self._rng.integers(0, engine.vocabulary_size, (count, context)).tolist()
        self._requests = [NextTokenRequest(tuple(ids), f"bench-{i}") for i, ids in enumerate(draw)]
        self.prefill_s = self._timed()

    def step(self) -> float:
        """One token for each; seconds."""
        drawn = self._rng.integers(0, self._engine.vocabulary_size, len(self._requests)).tolist()
        self._requests = [
            NextTokenRequest((*request.token_ids, token), request.sequence_id)
            for request, token in zip(self._requests, drawn, strict=True)
        ]
        return self._timed()

    def forget(self) -> None:
        for request in self._requests:
            self._engine.forget(str(request.sequence_id))

    def _timed(self) -> float:
        began = time.perf_counter()
        left: Sequence[NextTokenRequest] = self._requests
        while left:
            outcome = self._engine.advance(left[: self._engine.max_batch])
            answered = {r.sequence_id for r, logits in zip(left, outcome, strict=False) if logits is not None}
            left = [request for request in left if request.sequence_id not in answered]
        return time.perf_counter() - began


def measure_steps(engine: NextTokenEngine, steps: int) -> dict[str, dict[str, float]]:
    """Milliseconds of one step at each context, of one sequence, and of the prefill before it."""
    figures = {}
    for context in CONTEXTS:
        sequence = Sequences(engine, 1, context)
        sequence.step()
        times_ms = sorted(sequence.step() * 1000 for _ in range(min(steps, engine.context_length - context - 1)))
        figures[str(context)] = {
            "p50_ms": round(statistics.median(times_ms), 2),
            "p99_ms": round(float(np.percentile(times_ms, 99)), 2),
            "min_ms": round(times_ms[0], 2),
            "prefill_ms": round(sequence.prefill_s * 1000, 1),
            "runs": len(times_ms),
        }
        sequence.forget()
    return figures


def measure_throughput(engine: NextTokenEngine, count: int, steps: int) -> dict[str, float]:
    """Tokens a second of `count` sequences that step together."""
    sequences = Sequences(engine, count, THROUGHPUT_CONTEXT)
    for _ in range(2):  # the first ones grow over a bucket and gather the batch, as happens once in 128 steps
        sequences.step()
    times_s = [sequences.step() for _ in range(steps)]
    sequences.forget()
    return {
        "tokens_per_s": round(count * steps / sum(times_s), 1),
        "tokens_per_s_median": round(count / statistics.median(times_s), 1),
        "context": THROUGHPUT_CONTEXT,
        "runs": steps,
    }


def measure_start(engine: str, artifact: Path, threads: int, runs: int) -> dict[str, float]:
    """Seconds from the start of a fresh process to its first distribution, imports included."""
    command = [sys.executable, __file__, engine, str(artifact), "--threads", str(threads), "--first-distribution"]
    times_s, resident_mb = [], 0.0
    for _ in range(runs):
        began = time.perf_counter()
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=_CHILD_TIMEOUT_S)  # noqa: S603
        times_s.append(time.perf_counter() - began)
        resident_mb = json.loads(done.stdout)["resident_mb"]
    return {
        "median_s": round(statistics.median(times_s), 3),
        "min_s": round(min(times_s), 3),
        "resident_mb": resident_mb,
        "runs": runs,
    }


def first_distribution(engine: NextTokenEngine) -> dict[str, float]:
    """Answer one prompt; the peak of resident memory, in MB."""
    request = NextTokenRequest(engine.tokenizer.encode(PROMPT))
    while engine.advance([request])[0] is None:
        pass
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak_kb = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    return {"resident_mb": round(peak_kb / 1000)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine", choices=["onnxruntime", "onnxruntime-repeatable", "transformers"])
    parser.add_argument("artifact", type=Path, help="the model in this engine's form")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=20, help="steps measured at each context and number of sequences")
    parser.add_argument("--runs", type=int, default=5, help="fresh processes started")
    parser.add_argument("--first-distribution", action="store_true", help="only answer one prompt and stop")
    arguments = parser.parse_args()
    if arguments.first_distribution:
        figures: dict[str, object] = {
            **first_distribution(build(arguments.engine, arguments.artifact, arguments.threads))
        }
    else:
        start = measure_start(arguments.engine, arguments.artifact, arguments.threads, arguments.runs)
        engine = build(arguments.engine, arguments.artifact, arguments.threads)
        figures = {
            "engine": arguments.engine,
            "threads": arguments.threads,
            "start_to_first_distribution": start,
            "step": measure_steps(engine, arguments.steps),
            "throughput": {str(n): measure_throughput(engine, n, arguments.steps) for n in (1, 8)},
        }
        engine.close()
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
