"""What the onnxruntime engine promises beyond the common contract: memory, fairness, and answers that repeat."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.contract.engine_cases import Artifacts, answer, answers, onnxruntime, random_tokens, total_variation

from coldstart.domain.errors import EngineFailed
from coldstart.domain.next_token import NextTokenRequest
from coldstart.engines.onnxruntime_next_token import (
    PREFILL_CHUNK,
    PREFILL_CHUNK_BESIDE_STEPS,
    OnnxRuntimeNextTokenEngine,
)

VOCABULARY = 1452
PATH_TOLERANCE = 0.02  # see engine_cases.ENGINE_CASES

Build = Callable[..., OnnxRuntimeNextTokenEngine]


@pytest.fixture
def build(artifacts: Artifacts) -> Iterator[Build]:
    """An int8 engine with the arguments given; closed after the test."""
    built: list[OnnxRuntimeNextTokenEngine] = []

    def build(**kwargs: int) -> OnnxRuntimeNextTokenEngine:
        built.append(onnxruntime(artifacts.int8, **kwargs))
        return built[-1]

    yield build
    for engine in built:
        engine.close()


def named(lengths: dict[str, int]) -> list[NextTokenRequest]:
    return [NextTokenRequest(random_tokens(n, VOCABULARY, n), name) for name, n in lengths.items()]


def grown(requests: list[NextTokenRequest], token_id: int = 7) -> list[NextTokenRequest]:
    return [NextTokenRequest((*r.token_ids, token_id), r.sequence_id) for r in requests]


def test_steps_together_take_one_call(build: Build) -> None:
    """Sequences that lack one token are all answered by the next call, whatever their lengths."""
    engine = build()
    requests = named({"a": 5, "b": 130, "c": 300, "d": 17})
    answers(engine, requests)
    assert all(logits is not None for logits in engine.advance(grown(requests)))


def test_a_long_prompt_does_not_hold_up_the_steps_of_others(build: Build) -> None:
    """While 1000 tokens are computed in chunks, a stepping sequence gets a token from every call."""
    engine = build()
    (stepping,) = named({"stepping": 20})
    answers(engine, [stepping])
    long = NextTokenRequest(random_tokens(1000, VOCABULARY, 1), "long")
    calls = 0
    for _ in range(100):
        (stepping,) = grown([stepping])
        calls += 1
        finished, stepped = engine.advance([long, stepping])
        assert stepped is not None
        if finished is not None:
            break
    assert calls == -(-1000 // PREFILL_CHUNK_BESIDE_STEPS)


def test_prefills_finish_in_their_order(build: Build) -> None:
    """A prompt that has begun is computed to its end before the next one, also when it is named later in the call."""
    engine = build()
    first, second = named({"first": 4 * PREFILL_CHUNK, "second": 2 * PREFILL_CHUNK})
    assert engine.advance([first]) == [None]
    results = [engine.advance([second, first]) for _ in range(3)]
    assert [(second is not None, first is not None) for second, first in results] == [
        (False, False),
        (False, False),
        (False, True),
    ]


def test_requests_of_one_sequence_take_turns(build: Build) -> None:
    """Two requests under one name in one call: the first is answered, the second by a later call, both rightly."""
    engine = build()
    tokens = random_tokens(12, VOCABULARY, 3)
    left, right = NextTokenRequest((*tokens, 1), "shared"), NextTokenRequest((*tokens, 2), "shared")
    assert [logits is not None for logits in engine.advance([left, right])] == [True, False]
    for request, logits in zip((left, right), answers(engine, [left, right]), strict=True):
        assert total_variation(logits, answer(engine, request.token_ids)) <= PATH_TOLERANCE


@pytest.mark.parametrize("count", [8, 12])
@pytest.mark.parametrize("max_batch", [1, 8])
def test_evicted_sequences_are_computed_again(build: Build, max_batch: int, count: int) -> None:
    """With room for two contexts only, sequences of 300 tokens and more go on with the answers of ample memory.

    Twelve sequences evict what waits, eight evict what is about to step in the same call.
    """
    ample, scarce = build(max_batch=max_batch, cache_bytes=2**30), build(max_batch=max_batch, cache_bytes=0)
    requests = named({f"s{i}": 300 + i for i in range(count)})
    for _ in range(2):
        wanted, met = answers(ample, requests), answers(scarce, requests)
        for left, right in zip(wanted, met, strict=True):
            assert total_variation(left, right) <= (0 if max_batch == 1 else PATH_TOLERANCE)
        requests = grown(requests)


@pytest.mark.parametrize("max_batch", [1, 8])
@pytest.mark.parametrize("contexts", [0, 3, 6])
def test_the_memory_bound_holds_after_every_call(build: Build, max_batch: int, contexts: int) -> None:
    """Kept keys and values, the decode batch included, never exceed the bound, and all sequences come to an end."""
    context_bytes = build().cache_limit_bytes // 32  # CACHE_BYTES is 32 contexts of the starter model
    engine = build(max_batch=max_batch, cache_bytes=contexts * context_bytes)
    assert engine.cache_limit_bytes == max(contexts, 2) * context_bytes
    requests = named({f"s{i}": n for i, n in enumerate((1020, 10, 900, 127, 640, 1, 385, 256))})
    for _ in range(3):
        left = list(requests)
        for _ in range(400):
            outcome = engine.advance(left[: engine.max_batch])
            assert engine.cache_used_bytes <= engine.cache_limit_bytes
            done = {r.sequence_id for r, logits in zip(left, outcome, strict=False) if logits is not None}
            left = [request for request in left if request.sequence_id not in done]
            if not left:
                break
        assert not left
        requests = grown(requests)


def test_what_is_forgotten_or_anonymous_takes_no_memory(build: Build) -> None:
    """Nothing is kept after `forget`, after an anonymous answer, or after an anonymous request that was given up."""
    engine = build()
    (request,) = named({"kept": 50})
    answers(engine, [request])
    kept = engine.cache_used_bytes
    assert kept > 0
    answers(engine, [NextTokenRequest(random_tokens(20, VOCABULARY, 1))])
    assert engine.cache_used_bytes == kept
    long = NextTokenRequest(random_tokens(400, VOCABULARY, 1))
    answers(engine, [long])
    assert engine.advance([NextTokenRequest(random_tokens(400, VOCABULARY, 2))]) == [None]
    assert engine.cache_used_bytes > kept
    answers(engine, [request])
    assert engine.cache_used_bytes == kept
    engine.forget("kept")
    assert engine.cache_used_bytes == 0


def test_answers_do_not_depend_on_batch_mates(build: Build) -> None:
    """The same step has the same answer in any company, to float32 accuracy: int8 scales are a row's own."""
    engine = build()
    requests = named({"a": 20, "b": 20 + 1, "c": 100, "d": 60})
    answers(engine, requests)
    requests = grown(requests)
    together = engine.advance(requests)[0]
    pair = engine.advance([requests[0], requests[2]])[0]
    with_outliers = engine.advance([requests[0], *named({"first token": 1})])[0]
    assert together is not None
    for other in (pair, with_outliers):
        assert other is not None
        assert total_variation(together, other) <= 1e-5


def test_without_batching_the_same_tokens_have_the_same_bits(build: Build) -> None:
    """With max_batch=1 an answer is a function of the tokens: growth, undo, eviction and restart change no bit."""
    tokens = random_tokens(200, VOCABULARY, 5)
    fresh, used = build(max_batch=1), build(max_batch=1, cache_bytes=0)
    for length in (3, 15, 16, 17, 31, 33, 127, 128, 129, 145, 200):
        answer(used, random_tokens(900, VOCABULARY, length), "other")
        answer(used, tokens[: length - 1], "grows")
        grown_there = answer(used, tokens[:length], "grows")
        answer(used, tokens, "shrinks")
        shrunk = answer(used, tokens[:length], "shrinks")
        wanted = answer(fresh, tokens[:length])
        assert np.array_equal(grown_there, wanted)
        assert np.array_equal(shrunk, wanted)


def test_a_damaged_model_is_beyond_every_golden_tolerance(build: Build, artifacts: Artifacts) -> None:
    """Without its first MLP the model's golden answer is further off than the largest tolerance, 0.2."""
    intact = build()
    damaged = onnxruntime(_without_first_mlp(artifacts))
    token_ids = intact.tokenizer.encode("The cat sat on the")
    assert total_variation(answer(intact, token_ids), answer(damaged, token_ids)) > 0.2
    damaged.close()


def _without_first_mlp(artifacts: Artifacts) -> Path:
    """The int8 artifact with h.0.mlp.c_proj zeroed."""
    import onnx

    directory = artifacts.int8.parent / "damaged"
    directory.mkdir()
    for path in artifacts.int8.iterdir():
        (directory / path.name).write_bytes(path.read_bytes())
    model = onnx.load(str(directory / "model.onnx"), load_external_data=False)
    (matrix,) = (t for t in model.graph.initializer if t.name == "h.0.mlp.c_proj.weight")
    place = {entry.key: entry.value for entry in matrix.external_data}
    with (directory / "model.onnx.data").open("r+b") as stream:
        stream.seek(int(place["offset"]))
        stream.write(bytes(int(place["length"])))
    return directory


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", b"{}"),
        ("config.json", b'{"schema_version": 2}'),
        ("config.json", None),
        ("tokenizer.json", b"{}"),
        ("model.onnx", b"no graph"),
        ("model.onnx.data", b""),
    ],
)
def test_an_artifact_that_is_not_one_is_refused(
    artifacts: Artifacts, tmp_path: Path, name: str, content: bytes | None
) -> None:
    """A file missing, cut or of another schema is EngineFailed with the path in the message."""
    for path in artifacts.int8.iterdir():
        if path.name != name:
            (tmp_path / path.name).symlink_to(path)
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(EngineFailed, match=str(tmp_path)):
        onnxruntime(tmp_path)


def test_a_closed_engine_says_so(build: Build) -> None:
    """After `close` a request is EngineFailed, not a crash."""
    engine = build()
    engine.close()
    with pytest.raises(EngineFailed, match="closed"):
        engine.advance([NextTokenRequest((1,))])
