"""English number words: cardinals, ordinals, years, digits.

Our own, for the one library that is at hand (inflect) takes 1.9 s to import, more than the rest of a start; the tests
compare with it (tests/unit/test_english_numbers.py).
"""

_SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_GROUPS = ("", " thousand", " million", " billion", " trillion")
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}

# The first number without words here; longer ones are read digit by digit.
NUMBER_LIMIT = 1000 ** len(_GROUPS)


def cardinal(number: int) -> str:
    """`one hundred and five`; digit by digit from `NUMBER_LIMIT` on.

    Args:
        number: 0 or more.
    """
    if number >= NUMBER_LIMIT:
        return digits(str(number))
    if number == 0:
        return _SMALL[0]
    parts: list[str] = []
    for power in reversed(range(len(_GROUPS))):
        group = number // 1000**power % 1000
        if not group:
            continue
        # "one thousand and five", as "one hundred and five".
        joined = "and " if parts and not power and group < 100 else ""
        parts.append(f"{joined}{_below_thousand(group)}{_GROUPS[power]}")
    return " ".join(parts)


def _below_thousand(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    if not hundreds:
        return _below_hundred(rest)
    return f"{_SMALL[hundreds]} hundred" + (f" and {_below_hundred(rest)}" if rest else "")


def _below_hundred(number: int) -> str:
    if number < len(_SMALL):
        return _SMALL[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens] + (f"-{_SMALL[ones]}" if ones else "")


def ordinal(number: int) -> str:
    """`one hundred and first`.

    Args:
        number: 0 or more.
    """
    words = cardinal(number)
    # The last word, which may be the second half of "twenty-one".
    start = max(words.rfind(" "), words.rfind("-")) + 1
    last = words[start:]
    if last in _ORDINALS:
        return words[:start] + _ORDINALS[last]
    return words[:start] + (last[:-1] + "ieth" if last.endswith("y") else last + "th")


def year(number: int) -> str:
    """`nineteen eighty-four`, `nineteen oh five`, `nineteen hundred`, `two thousand five`, `twenty twenty-four`.

    Args:
        number: 1000 to 9999.
    """
    century, rest = divmod(number, 100)
    if century % 10 == 0 and rest < 10:
        return cardinal(number).replace(" and ", " ")
    if rest == 0:
        return f"{_below_hundred(century)} hundred"
    return f"{_below_hundred(century)} {'oh ' if rest < 10 else ''}{_below_hundred(rest)}"


def digits(text: str) -> str:
    """`007` → `zero zero seven`.

    Args:
        text: decimal digits.
    """
    return " ".join(_SMALL[int(digit)] for digit in text)


def decimal(text: str) -> str:
    """`1,234.50` → `one thousand two hundred and thirty-four point five zero`; `007` digit by digit.

    Args:
        text: decimal digits, maybe with commas, maybe with one point and digits after it; it may begin with the point.
    """
    whole, point, fraction = text.replace(",", "").partition(".")
    # A number with zeros before it is a name, not an amount.
    words = digits(whole) if len(whole) > 1 and whole[0] == "0" else cardinal(int(whole or "0"))
    return f"{words} point {digits(fraction)}" if point else words
