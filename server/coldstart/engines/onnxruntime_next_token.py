"""The default engine: onnxruntime, int8 weights on the CPU, float32 on a GPU, keys and values in our own hands."""

import json
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from coldstart.domain.errors import EngineFailed
from coldstart.domain.next_token import NextTokenRequest
from coldstart.engines.cuda_device import Device
from coldstart.engines.decode_batch import DecodeBatch, Placement
from coldstart.engines.hub_tokenizer import HubTokenizer
from coldstart.engines.kv_cache import CachedSequence, CacheShape, KvCache, Past
from coldstart.engines.onnxruntime_device import session_on
from coldstart.engines.request_checks import check_request

_SCHEMA_VERSION = 1

# Source: on two cores a 124M GPT-2 computes 128 tokens in about 45 ms, and longer chunks are no faster a token. Beside
# steps of others a chunk is half as long: 10% slower a token, and nobody waits longer than for a few steps.
PREFILL_CHUNK = 128
PREFILL_CHUNK_BESIDE_STEPS = 64

# Without batching every answer is computed in chunks whose bounds are multiples of this, so that it is a function of
# the tokens alone. The tail, up to this many tokens, is computed at each step: shorter is faster a step.
REPEATABLE_CHUNK = 16
_REPEATABLE_BUDGET = 256  # tokens a call

# How long a compute thread looks for work before it sleeps. Source: 124M on two cores, a step took 6.3 ms and 14 ms
# of CPU with 50 µs, 6.5 and 18 with onnxruntime's default, 7.8 and 14 without; the default also takes the cores away
# from the event loop and the clients for a while after each step.
_SPIN_US = 50

# On a GPU: products in float32 and not in TF32, so that answers agree with the CPU's; and without cuDNN, which no
# operator of this graph needs, so that an image need not bring it.
_CUDA_OPTIONS = {"use_tf32": "0", "enable_cudnn": "0"}

Logits = NDArray[np.float32]


@dataclass(slots=True)
class _Work:
    """One request of a call, and what is kept of its sequence."""

    index: int
    key: Hashable
    token_ids: tuple[int, ...]
    sequence: CachedSequence

    @property
    def lacking(self) -> int:
        return len(self.token_ids) - self.sequence.length


class OnnxRuntimeNextTokenEngine:
    """A GPT-2 made by `convert gpt2` (`domain.next_token.NextTokenEngine`).

    Answers do not depend on batch mates, for weights are int8 by column and activations by row; they may move in the
    last digits with the way in which a past was computed. With `max_batch=1` not even that: the same tokens give the
    same bits, whatever was computed, undone or evicted before, on one kind of CPU and number of threads.

    Args:
        path: directory with model.onnx, model.onnx.data, config.json and tokenizer.json.
        threads: compute threads.
        max_batch: the most requests of one call; 1 is the repeatable mode, in which a step costs more.
        cache_bytes: bound of kept keys and values; at least two contexts are always kept.
        device: where it computes; keys and values stay in main memory.

    Raises:
        EngineFailed: the files are not what this engine reads.
    """

    def __init__(self, path: Path, *, threads: int, max_batch: int, cache_bytes: int, device: Device = "cpu") -> None:
        try:
            config = json.loads((path / "config.json").read_text(encoding="utf-8"))
            if config["schema_version"] != _SCHEMA_VERSION:
                raise EngineFailed(f"{path} has schema_version {config['schema_version']!r}; wanted {_SCHEMA_VERSION}")
            self._set_sizes(config)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise EngineFailed(f"{path} holds no model of this engine: {error!r}") from error
        self.max_batch = max_batch
        self.tokenizer = HubTokenizer(path / "tokenizer.json")
        self.device: str = device
        self._session: ort.InferenceSession | None = _load(path / "model.onnx", threads, device)
        self._batch = DecodeBatch(self._shape, max_batch, self._room_for_batch, self._batch_takes)
        self._cache = KvCache(self._shape, self.context_length, cache_bytes, self._batch.release)
        self._passing: set[Hashable] = set()  # keys of sequences without a name: kept until they are answered
        self._prefilling: Hashable = None

    def _set_sizes(self, config: dict[str, Any]) -> None:
        self.vocabulary_size = int(config["vocabulary_size"])
        self.context_length = int(config["context_length"])
        end_of_text = config["end_of_text_id"]
        self.end_of_text_id = None if end_of_text is None else int(end_of_text)
        self._shape = CacheShape(2 * config["layers"], config["heads"], config["head_size"], np.dtype(config["cache"]))

    @property
    def cache_used_bytes(self) -> int:
        """Bytes of keys and values that are kept now."""
        return self._cache.used_bytes

    @property
    def cache_limit_bytes(self) -> int:
        """The bound of `cache_used_bytes`."""
        return self._cache.limit_bytes

    def advance(self, requests: Sequence[NextTokenRequest]) -> list[Logits | None]:
        """See `domain.next_token.NextTokenEngine`.

        Requests of one sequence take their turns: all but the first get None.

        Raises:
            InvalidInput: a request is empty, too long or outside the vocabulary; nothing was computed.
        """
        for request in requests:
            check_request(request, vocabulary_size=self.vocabulary_size, context_length=self.context_length)
        results: list[Logits | None] = [None] * len(requests)
        works = self._plan(requests)
        if self.max_batch == 1:
            for work in works:
                results[work.index] = self._advance_repeatably(work)
            return results
        steps = [work for work in works if work.lacking == 1]
        prefill = next((work for work in works if work.lacking > 1), None)
        if prefill is not None:
            chunk = min(PREFILL_CHUNK_BESIDE_STEPS if steps else PREFILL_CHUNK, prefill.lacking)
            results[prefill.index] = self._compute(prefill, chunk)
        steps = [work for work in steps if work.lacking == 1]  # the chunk may have taken the room of another
        for work, logits in zip(steps, self._step(steps), strict=True):
            results[work.index] = logits
        return results

    def forget(self, sequence_id: str) -> None:
        self._cache.forget(sequence_id)

    def close(self) -> None:
        self._batch.release()
        self._cache.clear()
        self._session = None

    def _plan(self, requests: Sequence[NextTokenRequest]) -> list[_Work]:
        """The requests that can be worked on, the prefill that has begun before all others."""
        keyed: dict[Hashable, int] = {}
        for index, request in enumerate(requests):
            keyed.setdefault(request.token_ids if request.sequence_id is None else request.sequence_id, index)
        for key in self._passing - keyed.keys():  # answered, or cancelled
            self._cache.forget(key)
        self._passing = {key for key in keyed if isinstance(key, tuple)}
        order = sorted(keyed, key=lambda key: key != self._prefilling)
        multiple = REPEATABLE_CHUNK if self.max_batch == 1 else 1
        self._cache.begin(keyed.keys(), self._prefilling)
        works = []
        for key in order:
            token_ids = requests[keyed[key]].token_ids
            works.append(_Work(keyed[key], key, token_ids, self._cache.match(key, token_ids, multiple)))
        self._prefilling = next((work.key for work in works if work.lacking > 1), None)
        self._cache.begin(keyed.keys(), self._prefilling)
        return works

    def _advance_repeatably(self, work: _Work) -> Logits | None:
        for _ in range(_REPEATABLE_BUDGET // REPEATABLE_CHUNK):
            logits = self._compute(work, min(REPEATABLE_CHUNK, work.lacking))
            if logits is not None:
                return logits
        return None

    def _compute(self, work: _Work, chunk: int) -> Logits | None:
        """Compute the next `chunk` tokens of one sequence; its logits if these were the last."""
        start = work.sequence.length
        tokens = work.token_ids[start : start + chunk]
        logits, new = self._run([tokens], [start], list(work.sequence.past))
        is_last = chunk == len(work.token_ids) - start
        if not (is_last and isinstance(work.key, tuple)):
            self._cache.extend(work.key, tokens, new[:, 0])
        return logits[0] if is_last else None

    def _step(self, steps: list[_Work]) -> list[Logits | None]:
        """One token for each sequence: together as far as there is room for a batch, the others one by one.

        None for a sequence that one before it evicted.
        """
        placement = self._batch.place([work.sequence for work in steps]) if len(steps) > 1 else None
        results: list[Logits | None] = [] if placement is None else [*self._step_together(steps, placement)]
        for work in steps[len(results) :]:
            results.append(self._compute(work, 1) if work.lacking == 1 else None)  # noqa: PERF401  evicts as it goes
        return results

    def _step_together(self, steps: list[_Work], placement: Placement) -> list[Logits]:
        """The steps that have a row: the first ones."""
        asked = dict(zip(placement.rows, steps, strict=False))
        ids, lengths = [], []
        for row, sequence in enumerate(placement.sequences):
            if row in asked:
                ids.append(asked[row].token_ids[-1:])
                lengths.append(sequence.length)
            else:  # computed in vain: its last token again
                ids.append(sequence.tokens[sequence.mirrored - 1 : sequence.mirrored])
                lengths.append(sequence.mirrored - 1)
        logits, new = self._run(ids, lengths, self._batch.past(placement))
        self._batch.append(placement, new)
        for row, work in asked.items():
            self._cache.extend(work.key, work.token_ids[-1:], new[:, row])
        return [logits[row] for row in placement.rows]

    def _run(self, ids: list[tuple[int, ...]], past_lengths: list[int], past: list[Past]) -> tuple[Logits, Past]:
        """Logits, (rows, vocabulary), and new keys and values, (tensors, rows, heads, tokens, head_size)."""
        if self._session is None:
            raise EngineFailed("the engine is closed")
        feeds: dict[str, Any] = {f"past_{i}": tensor for i, tensor in enumerate(past)}
        feeds["input_ids"] = np.array(ids, dtype=np.int64)
        feeds["past_length"] = np.array(past_lengths, dtype=np.int64)
        logits, new = self._session.run(["logits", "new"], feeds)
        return logits, new

    def _room_for_batch(self, wanted_bytes: int) -> int:
        return self._cache.room_for_batch(wanted_bytes)

    def _batch_takes(self, nbytes: int) -> None:
        self._cache.batch_bytes = nbytes


def _load(path: Path, threads: int, device: Device) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.spin_duration_us", str(_SPIN_US))
    # The conversion wrote the graph as it is to run: nothing is left to find, and looking costs start-up time.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    # The plan of which tensor takes whose memory costs 0.18 s at the start of a 124M model, and saves nothing after it.
    options.enable_mem_reuse = False
    return session_on(device, path, options, _CUDA_OPTIONS)
