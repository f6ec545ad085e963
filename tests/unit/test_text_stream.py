"""Text as it comes: whole characters only, and nothing after a stop string."""

import random
from collections.abc import Sequence

import pytest

from coldstart.domain.text_stream import StopGate, TextStream


def decode(token_ids: Sequence[int]) -> str:
    return bytes(token_ids).decode("utf-8", "replace")


def first_word_bare(token_ids: Sequence[int]) -> str:
    """As tokenizers that mark word beginnings decode: the text's first token loses its space."""
    return "".join(f" w{token_id}" for token_id in token_ids).removeprefix(" ")


TEXT = "a é € 😀 z"


def test_a_character_comes_when_it_is_whole() -> None:
    """Byte by byte, each character is given exactly when its last byte is there, and never U+FFFD."""
    stream = TextStream(decode)
    pieces = [stream.push(byte) for byte in TEXT.encode()]
    assert [piece for piece in pieces if piece] == list(TEXT)
    assert stream.rest() == ""


def test_an_unfinished_character_is_told_at_the_end() -> None:
    """What never became a character is U+FFFD at the end."""
    stream = TextStream(decode)
    assert [stream.push(byte) for byte in b"a\xe2\x82"] == ["a", "", ""]
    assert stream.rest() == "\ufffd"


def test_bytes_that_never_become_a_character_do_not_hold_up_the_rest() -> None:
    """Stray bytes become U+FFFD as soon as it is clear that they are no character."""
    stream = TextStream(decode)
    given = "".join(stream.push(byte) for byte in b"\xff\xff\xff\xff\xffab")
    assert given + stream.rest() == decode(b"\xff\xff\xff\xff\xffab")


def test_a_prompts_half_character_is_completed() -> None:
    """When the context ends within a character, the first token's text is that whole character."""
    stream = TextStream(decode, context=b"ab\xe2\x82")
    assert stream.push(0xAC) == "€"


def test_tokens_are_decoded_in_their_context() -> None:
    """A tokenizer that treats a text's first token differently gives the same text in pieces as at once."""
    context, tokens = [1, 2], list(range(3, 40))
    stream = TextStream(first_word_bare, context)
    pieces = "".join(stream.push(token_id) for token_id in tokens)
    assert first_word_bare(context) + pieces + stream.rest() == first_word_bare(context + tokens)


@pytest.mark.parametrize("seed", range(20))
def test_pieces_add_up_to_the_whole(seed: int) -> None:
    """Any bytes at all, valid or not, give the same text in pieces as decoded at once."""
    rng = random.Random(seed)  # noqa: S311  not a secret
    tokens = [rng.choice([*"aé😀".encode(), rng.randrange(256)]) for _ in range(200)]
    stream = TextStream(decode)
    assert "".join(map(stream.push, tokens)) + stream.rest() == decode(tokens)


def gated(pieces: Sequence[str], stops: Sequence[str]) -> tuple[list[str], bool]:
    gate = StopGate(stops)
    given = []
    for piece in pieces:
        given.append(gate.push(piece))
        if gate.stopped:
            break
    return [*given, gate.rest()], gate.stopped


def test_without_stop_strings_all_goes_through() -> None:
    """With nothing to stop at, nothing is held back."""
    assert gated(["a", "b"], []) == (["a", "b", ""], False)


def test_the_text_ends_before_the_stop_string() -> None:
    """A stop string that comes in parts is not given out, nor anything after it."""
    assert gated(["one tw", "o thr", "ee"], ["two"]) == (["one ", "", ""], True)


def test_the_earliest_stop_string_counts() -> None:
    """Of two stop strings in one piece, the text ends before the one that comes first."""
    assert gated(["abcdef"], ["ef", "cd"]) == (["ab", ""], True)


def test_what_only_looked_like_a_stop_string_is_given() -> None:
    """A beginning that goes on differently, or ends, is given out after all."""
    assert gated(["xaab", "a"], ["aac"]) == (["xaab", "", "a"], False)


@pytest.mark.parametrize("seed", range(20))
def test_pieces_do_not_matter(seed: int) -> None:
    """However a text is cut, what goes through is the text before the first stop string."""
    rng = random.Random(seed)  # noqa: S311
    text = "".join(rng.choice("ab") for _ in range(40))
    stops = ["abba", "bbb"]
    cuts = sorted(rng.sample(range(41), 8))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, 40], strict=True)]
    ends = [text.find(stop) for stop in stops if stop in text]
    given, stopped = gated(pieces, stops)
    assert "".join(given) == text[: min(ends, default=40)]
    assert stopped == bool(ends)
