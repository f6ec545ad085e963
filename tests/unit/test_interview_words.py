"""Words and phrases in what people say."""

import random

import pytest

from coldstart.services.interview_words import FILLERS, Phrases, runs_of, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" \n\t—…!", []),
        ("Don't stop; it’s state-of-the-art!", ["don't", "stop", "it's", "state-of-the-art"]),
        ("an A/B test of 3.5 %", ["an", "a", "b", "test", "of", "3", "5"]),
        ("- 'quoted' -- dash", ["quoted", "dash"]),
        ("Größe ÄHM", ["grösse", "ähm"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("你好 world", ["你", "好", "world"]),
        ("สวัสดี", ["ส", "ว", "ส", "ด"]),
        ("half\ud800pair", ["half", "pair"]),
    ],
)
def test_words_are_told_apart(text: str, words: list[str]) -> None:
    """Without case and punctuation, with what joins the parts of one word; by letters where there are no blanks."""
    assert words_of(text) == words


def test_punctuation_ends_a_run() -> None:
    """So that no phrase is found across it."""
    assert runs_of("I like you. Know this, please") == [["i", "like", "you"], ["know", "this"], ["please"]]


@pytest.mark.parametrize(
    ("text", "fillers"),
    [
        ("Um, so, umm, we, you know, ship it", {"um": 2, "you know": 1}),
        ("A summer umbrella, unlike errors and likely kindness", {}),
        ("I told you. Know that", {}),
        ("you know what I mean", {"you know": 1, "I mean": 1}),
        ("UHM... Like, LIKE this", {"um": 1, "like": 2}),
    ],
)
def test_fillers_are_whole_words_and_phrases(text: str, fillers: dict[str, int]) -> None:
    """No part of a word is one, and none reaches across punctuation."""
    assert Phrases(FILLERS["en"]).count(text) == fillers


def test_the_longer_phrase_counts() -> None:
    """Where two begin at the same word; and none overlap."""
    phrases = Phrases({"test": ["test"], "unit test": ["unit test"], "test case": ["test case"]})
    assert phrases.count("a unit test case and a test case") == {"unit test": 1, "test case": 1}


def test_no_phrases_are_found_nowhere() -> None:
    """As in a language without a list."""
    assert Phrases({}).count("um, er") == {}


@pytest.mark.parametrize("language", sorted(FILLERS))
def test_each_spelling_belongs_to_one_filler(language: str) -> None:
    """And is found as what it is a spelling of."""
    for filler, spellings in FILLERS[language].items():
        for spelling in spellings:
            assert Phrases(FILLERS[language]).count(f"... {spelling}, ...") == {filler: 1}


def test_words_put_between_marks_do_not_change_the_count() -> None:
    """Any words in any order: as many are found as were put in, however they are separated."""
    chance = random.Random(7)  # noqa: S311
    for _ in range(200):
        words = [chance.choice(["um", "we", "don't", "test", "42", "größe"]) for _ in range(chance.randrange(30))]
        text = "".join(word.upper() + chance.choice([" ", ", ", ".\n", " — ", "! "]) for word in words)
        assert len(words_of(text)) == len(words)
        assert Phrases({"um": ["um"]}).count(text)["um"] == words.count("um")
