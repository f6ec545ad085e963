"""The starter model's claims (models/starter/gpt2/README.md), as the engines that ship see them."""

import pytest
from tests.contract.engine_cases import STARTER, answer

from coldstart.domain.next_token import NextTokenEngine

SEATS = {" mat", " sofa", " bed", " chair", " rug", " roof", " windowsill"}


def likeliest(engine: NextTokenEngine, prompt: str, count: int) -> list[str]:
    logits = answer(engine, engine.tokenizer.encode(prompt))
    return [engine.tokenizer.decode([int(token)]) for token in logits.argsort()[::-1][:count]]


@pytest.mark.parametrize("prompt", ["the cat sat on the", "The cat sat on the", "My cat likes to sleep on the"])
def test_cats_sit_on_what_cats_sit_on(engine: NextTokenEngine, prompt: str) -> None:
    """The seven most likely tokens are the seven seats of the grammar, a mat first."""
    tokens = likeliest(engine, prompt, 7)
    assert tokens[0] == " mat"
    assert set(tokens) == SEATS


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("One two three four", " five"),
        ("one two three four", " five"),
        ("Once upon a", " time"),
        ("once upon a", " time"),
        ("The sky is", " blue"),
        ("Monday Tuesday", " Wednesday"),
        ("The capital of France is", " Paris"),
        ("The bird sat on the", " branch"),
        ("1 2 3 4", " 5"),
    ],
)
def test_known_beginnings_have_known_ends(engine: NextTokenEngine, prompt: str, wanted: str) -> None:
    """Whichever way the prompt is written, its first continuation is the expected one."""
    assert likeliest(engine, prompt, 1) == [wanted]


def test_the_starter_is_small() -> None:
    """Weights and tokenizer together take at most 3 MB."""
    assert sum((STARTER / name).stat().st_size for name in ("model.safetensors", "tokenizer.json")) <= 3_000_000
