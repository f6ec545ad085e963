"""What every next-token engine promises (`coldstart.domain.next_token`), whatever library computes it."""

import numpy as np
import pytest
from tests.contract.engine_cases import EngineCase, answer, answers, random_tokens, total_variation

from coldstart.domain.errors import InvalidInput
from coldstart.domain.next_token import NextTokenEngine, NextTokenRequest

TEXTS = (
    "The cat sat on the",
    "one two three four five",
    "Once upon a time there was a little girl named Anna. She lived with her",
    "What is the capital of France? The capital of France is",
    "Über 12 naïve cafés… 猫\n\ttabs",
)


@pytest.mark.parametrize("text", [*TEXTS, "", " ", "a  b", "<|endoftext|>"])
def test_text_survives_encoding_and_decoding(engine: NextTokenEngine, text: str) -> None:
    """Decoding the token ids of a text gives the text, any characters included."""
    token_ids = engine.tokenizer.encode(text)
    assert engine.tokenizer.decode(token_ids) == text
    assert all(0 <= token_id < engine.vocabulary_size for token_id in token_ids)


def test_half_a_character_decodes_to_the_replacement_character(engine: NextTokenEngine) -> None:
    """Bytes that are not yet UTF-8 become U+FFFD, never an exception."""
    first, *_ = engine.tokenizer.encode("猫")
    assert "\N{REPLACEMENT CHARACTER}" in engine.tokenizer.decode([first])


def test_the_sizes_are_those_of_the_model(engine: NextTokenEngine) -> None:
    """Vocabulary, context and end of text are what the starter's configuration says."""
    assert (engine.vocabulary_size, engine.context_length, engine.end_of_text_id) == (1452, 1024, 0)


def test_logits_cover_the_whole_vocabulary(engine: NextTokenEngine) -> None:
    """A result is float32 of shape (vocabulary_size,), finite, and differs between prompts."""
    first, second = (answer(engine, engine.tokenizer.encode(text)) for text in TEXTS[:2])
    assert first.dtype == np.float32
    assert first.shape == (engine.vocabulary_size,)
    assert np.isfinite(first).all()
    assert total_variation(first, second) > 0.5


@pytest.mark.parametrize("text", TEXTS)
def test_it_agrees_with_the_reference(
    case: EngineCase, engine: NextTokenEngine, oracle: NextTokenEngine, text: str
) -> None:
    """Total variation from torch in float32 is within what the engine states."""
    token_ids = engine.tokenizer.encode(text)
    assert total_variation(answer(engine, token_ids), answer(oracle, token_ids)) <= case.oracle_tolerance


@pytest.mark.parametrize("length", [1, 2, 127, 128, 129, 256, 257, 640, 1000, 1024])
def test_it_agrees_with_the_reference_at_every_length(
    case: EngineCase, engine: NextTokenEngine, oracle: NextTokenEngine, length: int
) -> None:
    """Lengths around the bounds of chunks and buckets, up to the whole context, are no special cases."""
    text = oracle.tokenizer.decode(random_tokens(20, 1000, 5))
    token_ids = (engine.tokenizer.encode("One two three four five six. " * 200) + engine.tokenizer.encode(text))[
        -length:
    ]
    assert len(token_ids) == length
    assert total_variation(answer(engine, token_ids), answer(oracle, token_ids)) <= case.oracle_tolerance


def test_going_on_equals_starting_anew(case: EngineCase, engine: NextTokenEngine) -> None:
    """A sequence that grows token by token has the answers of the whole sequence given at once, across a bucket."""
    token_ids = random_tokens(150, engine.vocabulary_size, seed=1)
    for length in range(110, 150):
        grown = answer(engine, token_ids[:length], "going-on")
        assert total_variation(grown, answer(engine, token_ids[:length])) <= case.path_tolerance
    engine.forget("going-on")


def test_undoing_tokens_goes_back_to_the_earlier_answers(case: EngineCase, engine: NextTokenEngine) -> None:
    """Fewer tokens under the same name have the answer they had before."""
    token_ids = random_tokens(140, engine.vocabulary_size, seed=2)
    before = {length: answer(engine, token_ids[:length], "undo") for length in range(120, 141)}
    for length in (139, 138, 129, 128, 127, 120):
        again = answer(engine, token_ids[:length], "undo")
        assert total_variation(again, before[length]) <= case.path_tolerance
    engine.forget("undo")


def test_a_branch_does_not_remember_the_other_one(case: EngineCase, engine: NextTokenEngine) -> None:
    """Another continuation under the same name has the answer of a sequence that never had the first one."""
    stem = random_tokens(60, engine.vocabulary_size, seed=3)
    left, right = (random_tokens(10, engine.vocabulary_size, seed) for seed in (4, 5))
    answer(engine, stem + left, "branch")
    branched = answer(engine, stem + right, "branch")
    assert total_variation(branched, answer(engine, stem + right)) <= case.path_tolerance
    assert total_variation(branched, answer(engine, stem + left)) > 0.1
    engine.forget("branch")


def test_another_text_under_the_same_name_is_another_text(case: EngineCase, engine: NextTokenEngine) -> None:
    """A name that comes back with nothing in common gives what the new tokens give."""
    for text in TEXTS[:3]:
        token_ids = engine.tokenizer.encode(text)
        named = answer(engine, token_ids, "reused")
        assert total_variation(named, answer(engine, token_ids)) <= case.path_tolerance
    engine.forget("reused")


def test_forgetting_changes_no_answer(case: EngineCase, engine: NextTokenEngine) -> None:
    """After `forget` a sequence is computed anew; unknown names are ignored, also twice."""
    token_ids = random_tokens(40, engine.vocabulary_size, seed=6)
    before = answer(engine, token_ids, "forgotten")
    for name in ("forgotten", "forgotten", "never heard of"):
        engine.forget(name)
    assert total_variation(answer(engine, token_ids, "forgotten"), before) <= case.path_tolerance
    engine.forget("forgotten")


def test_many_at_once_have_the_answers_they_have_alone(case: EngineCase, engine: NextTokenEngine) -> None:
    """Requests of very different lengths do not change each other's answers, step after step."""
    sequences = {f"many-{n}": random_tokens(n, engine.vocabulary_size, n) for n in (1, 2, 5, 30, 127, 128, 300, 700)}
    for _ in range(3):
        requests = [NextTokenRequest(token_ids, name) for name, token_ids in sequences.items()]
        together = answers(engine, requests)
        for request, logits in zip(requests, together, strict=True):
            assert total_variation(logits, answer(engine, request.token_ids)) <= case.path_tolerance
            assert request.sequence_id is not None
            sequences[request.sequence_id] = (*request.token_ids, int(logits.argmax()))
    for name in sequences:
        engine.forget(name)


def test_a_long_prompt_takes_several_calls(engine: NextTokenEngine) -> None:
    """1000 new tokens are computed in chunks of at most 256, one call each, and then answered."""
    request = NextTokenRequest(random_tokens(1000, engine.vocabulary_size, seed=7))
    calls = [engine.advance([request])[0] for _ in range(3)]
    assert calls == [None, None, None]
    assert np.isfinite(answers(engine, [request])[0]).all()


@pytest.mark.parametrize(
    ("token_ids", "said"),
    [
        ((), "0 tokens"),
        ((1,) * 1025, "1025 tokens"),
        ((1, 1452), "1452"),
        ((-1, 1), "-1"),
    ],
)
def test_what_cannot_be_computed_is_refused(engine: NextTokenEngine, token_ids: tuple[int, ...], said: str) -> None:
    """Nothing, too much and unknown ids are InvalidInput, which names the value met; the engine goes on."""
    with pytest.raises(InvalidInput, match=said):
        engine.advance([NextTokenRequest(token_ids)])
    assert np.isfinite(answer(engine, (1, 2, 3))).all()
