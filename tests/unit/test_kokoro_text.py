"""Text → what Kokoro reads."""

import pytest

from coldstart.engines.kokoro_text import TIE, pieces_of, symbols_of


def spelled(words: str, _language: str) -> str:
    """Stands for espeak-ng, and shows what it was asked."""
    return f"<{words}>"


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        ("hello", "<hello>"),
        ("Hello, world!", "<Hello>, <world>!"),
        ("  one \n two  ", "<one two>"),
        ("wait... what?!", "<wait>… <what>?!"),
        ("he said “yes”.", "<he said> “<yes>”."),
        ("a «word» here", "<a> “<word>” <here>"),
        ('a "word" here', '<a> "<word>" <here>'),
        ("this (that) and [those]", "<this> (<that>) <and> (<those>)"),
        ("one - two – three—four -- five", "<one>—<two>—<three>—<four>—<five>"),
        ("don’t", "<don't>"),
        ("3.5 and 1,000 at 10:30.", "<3.5 and 1,000 at 10:30>."),
        ("¿Qué?", "<Qué>?"),
        ("你好，世界。", "<你好>, <世界>."),
        ("?!", "?!"),
        ("", ""),
        (" ", ""),
    ],
)
def test_punctuation_stays_where_it_was(text: str, symbols: str) -> None:
    """espeak-ng is asked for what is between the marks only, and the marks are put back in Kokoro's own letters."""
    assert symbols_of(text, "es", spelled) == symbols


@pytest.mark.parametrize(
    ("language", "ipa", "symbols"),
    [
        ("en-us", f"həlˈo{TIE}ʊ wˈɜːld", "həlˈO wˈɜɹld"),
        ("en-gb", f"həlˈə{TIE}ʊ wˈɜːld", "həlˈQ wˈɜːld"),
        ("en-us", f"t{TIE}ʃˈa{TIE}ɪld d{TIE}ʒˈɔ{TIE}ɪn", "ʧˈIld ʤˈYn"),
        ("en-us", "wˈɔːɾɚ", "wˈɔTəɹ"),
        ("en-us", "bˈʌʔn\u0329", "bˈʌtᵊn"),
        ("en-us", "lˈɪsn\u0329", "lˈɪsᵊn"),
        ("en-gb", f"ðˈe{TIE}ə", "ðˈɛː"),
        ("fr", "lə- wˈiːkˈɛnd", "lə wˈiːkˈɛnd"),
        ("es", f"mˈut{TIE}ʃo", "mˈuʧo"),
    ],
)
def test_phonemes_become_the_signs_of_the_training_data(language: str, ipa: str, symbols: str) -> None:
    """Diphthongs and affricates are one letter, and espeak-ng's own marks are gone."""
    assert symbols_of("word", language, lambda _words, _language: ipa) == symbols


@pytest.mark.parametrize(
    ("symbols", "pieces"),
    [
        ("abc", ["abc"]),
        ("", []),
        ("   ", []),
        ("aaaa bbb. ccc, ddd", ["aaaa bbb.", "ccc, ddd"]),
        ("aaaa bb, ccc ddd", ["aaaa bb,", "ccc ddd"]),
        ("aaaa bbb ccc", ["aaaa bbb", "ccc"]),
        ("abcdefghijklmno", ["abcdefghij", "klmno"]),
        ("a. bcdefghijk", ["a. bcdefgh", "ijk"]),
    ],
)
def test_long_texts_are_cut_at_the_best_place(symbols: str, pieces: list[str]) -> None:
    """After a sentence rather than a clause rather than a word, in the second half of what fits."""
    assert pieces_of(symbols, 10) == pieces


def test_nothing_is_lost_between_pieces() -> None:
    """All that is missing from the pieces is the spaces between them."""
    text = "the quick brown fox, jumps over; the lazy dog. " * 40
    pieces = pieces_of(text, 64)
    assert all(0 < len(piece) <= 64 for piece in pieces)
    assert "".join(pieces).replace(" ", "") == text.replace(" ", "")
