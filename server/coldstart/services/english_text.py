"""Written English → the words that are said: numbers, amounts, times, units, abbreviations, addresses, signs.

Rules are applied one after the other, from the most particular form to the most general. Every pattern takes time in
proportion to the text's length: none has two neighbours that match the same characters without a bound.
"""

import re
from collections.abc import Callable, Iterable
from re import Match

from coldstart.services.english_numbers import cardinal, decimal, digits, ordinal, year
from coldstart.services.english_words import (
    ABBREVIATIONS,
    ABBREVIATIONS_AT_ENDS,
    CURRENCIES,
    FRACTIONS,
    MONTHS,
    SIGNS,
    TOP_LEVEL_DOMAINS,
    UNITS,
    Noun,
)

_Rule = tuple[re.Pattern[str], Callable[[Match[str]], str] | str]

# Digits with or without commas between thousands; longer runs are no numbers that anybody says.
_WHOLE = r"(?:\d{1,3}(?:,\d{3}){1,6}|\d{1,40})"
_NUMBER = rf"{_WHOLE}(?:\.\d{{1,20}})?"
_SCALES = {"k": "thousand", "m": "million", "bn": "billion", "b": "billion", "tn": "trillion"}
_SECOND = Noun("second", "seconds")

_ADDRESS_MARKS = {".": " dot ", "/": " slash ", "-": " dash ", "_": " underscore ", "@": " at ", ":": " colon "}


def english(text: str) -> str:
    """The text as it is read aloud: words and punctuation, without digits.

    Args:
        text: cleaned (`spoken_text.cleaned`): of every blank there is one, quotes and dashes are ASCII.
    """
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return " ".join(text.split())


def _address(match: Match[str]) -> str:
    """A web or mail address: its host and path, without scheme, `www.`, query and the last slash."""
    written = match.group("address")
    body = written.rstrip(".,;:!?)")
    shown = re.split(r"[?#]", body, maxsplit=1)[0].rstrip("/")
    return f" {''.join(_ADDRESS_MARKS.get(sign, sign) for sign in shown)}{written[len(body) :]} "


def _clock(match: Match[str]) -> str:
    parts = match.groupdict()
    hour, minute, half = int(parts["hour"]), int(parts.get("minute") or 0), parts.get("half")
    words = cardinal(hour)
    if minute:
        words += f" {'oh ' if minute < 10 else ''}{cardinal(minute)}"
    elif not half:
        words += " o'clock" if 1 <= hour <= 12 else " hundred hours"
    if second := parts.get("second"):
        words += f" and {_counted(second, _SECOND)}"
    return f"{words} {half.upper()} M" if half else words


def _date(match: Match[str]) -> str:
    month, day = int(match.group("month")), int(match.group("day"))
    return f"{MONTHS[month - 1]} {ordinal(day)}, {year(int(match.group('year')))}"


def _money(match: Match[str]) -> str:
    sign, amount = match.group("sign", "amount")
    currency = CURRENCIES[sign]
    if scale := match.groupdict().get("scale"):
        return f"{decimal(amount)} {_SCALES.get(scale.lower(), scale.lower())} {currency.large.plural}"
    whole, _, cents = amount.partition(".")
    if not currency.small or len(cents) not in (0, 2):
        return _counted(amount, currency.large)
    large = _counted(whole, currency.large)
    if not cents or not int(cents):
        return large
    small = _counted(cents, currency.small)
    return f"{large} and {small}" if whole.strip("0,") else small


def _quantity(match: Match[str]) -> str:
    return _counted(match.group("amount"), UNITS[match.group("unit")])


def _counted(amount: str, noun: Noun) -> str:
    """An amount of something: `01` → `one second`, `0.50` → `zero point five zero seconds`."""
    whole, point, fraction = amount.partition(".")
    bare = (whole.lstrip("0") or "0") + point + fraction
    return f"{decimal(bare)} {noun.singular if bare == '1' else noun.plural}"


def _fraction(match: Match[str]) -> str:
    upper, lower = int(match[1]), int(match[2])
    if not 0 < upper < lower <= 10:
        return f"{cardinal(upper)} slash {cardinal(lower)}"
    part = {2: "half", 4: "quarter"}.get(lower) or ordinal(lower)
    return f"{cardinal(upper)} {part}{'s' * (upper > 1)}"


def _decade(match: Match[str]) -> str:
    number = int(match.group(1))
    words = year(number) if number >= 1000 else cardinal(number)
    # "sixties", "hundreds", "thousands"
    return (words[:-1] + "ie" if words.endswith("y") else words) + "s"


def _dotted(match: Match[str]) -> str:
    """A version or an address of the Internet: `1.12.3`."""
    return " point ".join(decimal(part) for part in match.group().split("."))


def _grouped(match: Match[str]) -> str:
    """A telephone number: each digit, with a rest between groups."""
    return ", ".join(digits(group) for group in re.findall(r"\d+", match.group()))


def _plain(match: Match[str]) -> str:
    number = match.group()
    # Four digits without a comma are more often a year than anything else, and amounts may be read so, too.
    if len(number) == 4 and number.isdecimal() and 1100 <= int(number) <= 2099:
        return f" {year(int(number))} "
    return f" {decimal(number)} "


def _abbreviation(match: Match[str]) -> str:
    short = match.group("short").lower()
    ends = match.group("end") is not None and short in ABBREVIATIONS_AT_ENDS
    return ABBREVIATIONS[short] + "." * ends


def _any_of(words: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


def _rule(pattern: str, replacement: Callable[[Match[str]], str] | str, flags: int = 0) -> _Rule:
    return re.compile(pattern, flags), replacement


_ADDRESSES = (
    _rule(r"\b(?:(?:https?|ftp)://(?:www\.)?|www\.|mailto:)(?P<address>[^\s<>\"]+)", _address, re.IGNORECASE),
    _rule(r"(?<![\w.+-])(?P<address>[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5})", _address),
    _rule(
        rf"(?<![\w.@-])(?P<address>(?:[a-z0-9-]{{1,63}}\.){{1,4}}(?:{_any_of(TOP_LEVEL_DOMAINS)})(?:/[^\s<>\"]*)?)(?!\w)",
        _address,
        re.IGNORECASE,
    ),
)
# At the end of a sentence the point of "p.m." is that of the sentence, too.
_HALF = r"(?P<half>[AaPp])(?:[Mm]\b|\.[Mm]\b(?:\.(?!\s+[A-Z]|\s*$))?)"
_TIMES = (
    _rule(r"\b(?P<year>[1-9]\d{3})-(?P<month>0[1-9]|1[0-2])-(?P<day>0[1-9]|[12]\d|3[01])\b", _date),
    _rule(
        rf"\b(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?\b(?:\s?{_HALF})?",
        _clock,
    ),
    _rule(rf"\b(?P<hour>1[0-2]|0?[1-9])\s?{_HALF}", _clock),
    _rule(r"'?\b((?:1[1-9]|20)\d0)'?s\b", _decade),
    _rule(r"(?:(?<=\bthe )|(?<!\w)')([2-9]0)'?s\b", _decade),
    *(_rule(rf"\b{month[:3]}\.?\s(?=\d)", f"{month} ") for month in MONTHS),
    _rule(r"\bSept\.?\s(?=\d)", "September "),
    _rule(rf"\b({_any_of(MONTHS)}) ([0-3]?\d)\b(?![.:/]\d)", lambda m: f"{m[1]} {ordinal(int(m[2]))}"),
    _rule(
        rf"(?:\bthe )?(?<![\w.,:/])([0-3]?\d) (?=(?:{_any_of(MONTHS)})\b)", lambda m: f"the {ordinal(int(m[1]))} of "
    ),
)
_AMOUNTS = (
    # "GPT2"
    _rule(r"(?<=[^\W\d_])(?=\d)", " "),
    _rule(r"(?<![\w)])-(?=[$£€¥₹]?\d)", "minus "),
    _rule(
        rf"(?P<sign>[$£€¥₹])\s?(?P<amount>{_NUMBER})(?:\s?(?P<scale>(?i:{_any_of((*_SCALES, *_SCALES.values()))}))\b)?",
        _money,
    ),
    _rule(rf"(?<![\w.,])(?P<amount>{_NUMBER})\s?(?P<sign>[$£€¥₹])", _money),
    _rule(rf"(?<![\w.,])(?P<amount>{_NUMBER})\s?(?P<unit>{_any_of(UNITS)})(?![\w/²³])", _quantity),
    _rule(rf"(?<![\w.,])({_WHOLE})(?:st|nd|rd|th)\b", lambda m: ordinal(int(m[1].replace(",", ""))), re.IGNORECASE),
    _rule(r"(?<![\d/.,])(\d{1,6}) ([1-9]/[1-9]0?)(?![\d/])", r"\1 and \2"),
    _rule(r"(?<![\w/.,])(\d{1,2})/(\d{1,2})(?![\w/])", _fraction),
    _rule(r"(?<![\d.])\d{1,5}(?:\.\d{1,5}){2,7}(?![\d.]*\d)", _dotted),
    _rule(r"(?<!\w)\+\d{1,3}(?:[ -]\d{2,4}){2,5}(?![\w-])", _grouped),
    _rule(r"(?<![\w-])(?:\(\d{3}\) ?\d{3}-\d{4}|(?:\d{3}-)?\d{3}-\d{4}|0\d{2,4} \d{3,4} \d{3,4})(?![\w-])", _grouped),
    _rule(r"(?<=\d)\s?-\s?(?=[$£€¥₹]?\d)|(?<=\d):(?=\d)", " to "),
    _rule(r"(?<=\d)/(?=\d)", " slash "),
    _rule(r"\b[Nn]os?\.\s?(?=\d)|#(?=\d)", "number "),
    _rule(r"\bpp?\.\s?(?=\d)", "page "),
    _rule(r"~(?=\d)", "about "),
    _rule(r"(?<=\w)/(?=(?:hour|day|week|month|year|person|user)\b)", " per "),
)
_SHORTENINGS = (
    _rule(r"\be\.\s?g\.,?", "for example,", re.IGNORECASE),
    _rule(r"\bi\.\s?e\.,?", "that is,", re.IGNORECASE),
    _rule(r"\bw/o\b", "without"),
    _rule(r"\bw/(?=\s)", "with"),
    # A saint is named after "St.", a street before it, with the number of a house.
    _rule(r"(\d (?:[A-Z]\w{1,30} ){1,3})St\b\.?", r"\1Street"),
    _rule(r"\bSt\.(?=\s[A-Z])", "Saint"),
    _rule(r"\b(Mr|Mrs|Ms|Dr|Prof)\b\.?", lambda m: ABBREVIATIONS[m[1].lower()].capitalize()),
    _rule(rf"\b(?P<short>(?i:{_any_of(ABBREVIATIONS)}))\.(?P<end>(?=\s*$|\s+[A-Z]))?", _abbreviation),
    _rule(r"\b((?:[A-Za-z]\.){1,9}[A-Za-z])\b(?:\.(?!\s*$))?", lambda m: " ".join(m[1].replace(".", "").upper())),
    # A name's initial, and not the end of "A M".
    _rule(r"(?<![AP] )\b([A-Z])\.(?=\s[A-Z])", r"\1"),
)
_REST = (
    _rule(r"(?<=\b[A-G])#", " sharp"),
    _rule(r"#(?=\w)", "hashtag "),
    # "3D", where it is no unit
    _rule(r"(?<=\d)(?=[^\W\d_])", " "),
    _rule(rf"(?<!\d)\.\d{{1,20}}|{_NUMBER}", _plain),
    _rule(rf"[{re.escape(''.join(SIGNS))}]", lambda m: f" {SIGNS[m[0]]} "),
    _rule(r"[\[{]", "("),
    _rule(r"[\]}]", ")"),
    # What is left is words and the punctuation that is heard.
    _rule(r"(?:[^\w.,;:!?'\"()-]|_)+", " "),
    _rule(r" (?=[.,;:!?)])", ""),
)
_RULES: tuple[_Rule, ...] = (
    *(_rule(rf"\s?{sign}", f" {written}") for sign, written in FRACTIONS.items()),
    *_ADDRESSES,
    *_TIMES,
    *_AMOUNTS,
    *_SHORTENINGS,
    *_REST,
)
