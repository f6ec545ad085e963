"""English number words, compared with the inflect package's."""

from collections.abc import Callable

import inflect
import pytest

from coldstart.services.english_numbers import NUMBER_LIMIT, cardinal, decimal, digits, ordinal, year

POWERS = [10**power for power in range(3, 15)]
NUMBERS = [*range(1200), *(n for p in POWERS for n in (p - 1, p, p + 7, 2 * p + 45, 9 * p - 10))]


@pytest.fixture(scope="module")
def oracle() -> inflect.engine:
    return inflect.engine()


def same(words: object) -> str:
    """Without the commas that inflect puts between thousands, and we leave out, for they would be heard."""
    return str(words).replace(",", "")


def test_cardinals_are_those_of_inflect(oracle: inflect.engine) -> None:
    """Up to a thousand trillion."""
    assert [cardinal(n) for n in NUMBERS] == [same(oracle.number_to_words(n)) for n in NUMBERS]


def test_ordinals_are_those_of_inflect(oracle: inflect.engine) -> None:
    """The last word alone changes."""
    assert [ordinal(n) for n in NUMBERS] == [same(oracle.ordinal(str(oracle.number_to_words(n)))) for n in NUMBERS]


def test_longer_numbers_are_read_digit_by_digit() -> None:
    """Nobody knows the words."""
    assert cardinal(NUMBER_LIMIT) == "one" + " zero" * 15
    assert ordinal(NUMBER_LIMIT - 1).endswith("nine hundred and ninety-ninth")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1000, "one thousand"),
        (1066, "ten sixty-six"),
        (1100, "eleven hundred"),
        (1905, "nineteen oh five"),
        (1984, "nineteen eighty-four"),
        (2000, "two thousand"),
        (2005, "two thousand five"),
        (2010, "twenty ten"),
        (2099, "twenty ninety-nine"),
    ],
)
def test_years_are_read_in_pairs(number: int, words: str) -> None:
    """Except the first of a millennium."""
    assert year(number) == words


@pytest.mark.parametrize(
    ("read", "text", "words"),
    [
        (digits, "007", "zero zero seven"),
        (decimal, "007", "zero zero seven"),
        (decimal, "0.05", "zero point zero five"),
        (decimal, ".5", "zero point five"),
        (decimal, "1,234.50", "one thousand two hundred and thirty-four point five zero"),
        (decimal, "12", "twelve"),
    ],
)
def test_digits_and_decimals(read: Callable[[str], str], text: str, words: str) -> None:
    """After the point one by one; zeros before a number make it a name."""
    assert read(text) == words
