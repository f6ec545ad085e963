"""A text as it comes → the sentences that an engine is to say, one request each."""

import re
import unicodedata
from collections.abc import Iterator

from coldstart.services.english_text import english

# Long enough for a sentence of prose, short enough that the first sound is soon made, and that one call of an engine is
# bounded work.
LONGEST_SENTENCE = 300
# A cut is sought in the second half of what fits, so that no sentence falls into crumbs.
_LEAST_PIECE = LONGEST_SENTENCE // 2

_ALIKE = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′´", "'"),
        **dict.fromkeys("“”„‟«»″", '"'),
        **dict.fromkeys("‐‑‒−", "-"),
        "…": "...",
        "⁄": "/",
        # One of two signs for each.
        "μ": "µ",
        "⟶": "→",
    }
)
_RANGE = re.compile(r"(?<=\d) ?[–—] ?(?=\d)")
_DASH = re.compile(r" ?[–—―] ?")
_MANY_ENDS = re.compile(r"([.!?]{3})[.!?]+")
# A line that begins with one of these is an item of a list, and a sentence of its own; an empty line ends one, too.
_PARAGRAPH = re.compile(r"\n\s*\n\s*|\n\s*(?:[-*•–—]|\d{1,3}[.)])\s+")
# What nobody says: control and format characters, halves of surrogate pairs, private and unassigned characters, emoji
# and other pictures with what changes their look. Source: Unicode's general categories.
_UNSPOKEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "So", "Sk", "Me"})
# Pictures by their category, and said all the same.
_SPOKEN = frozenset("°©®™№")
# Digits of other kinds become plain ones, but these have words of their own.
_POWERS = "²³"
_VARIATION = re.compile(r"[\ufe00-\ufe0f]")

_END = re.compile(r"(?:[.!?]{1,3}[\"')\]]{0,3}(?=\s)|[。！？]+[」』”]?)")
# Short forms of the languages that are not written out here, whose point ends no sentence.
_SHORT = frozenset({"bzw", "ca", "dott", "dr", "hr", "mme", "mr", "mrs", "nr", "prof", "sig", "sr", "sra"})
_LONGEST_SHORT = 10
_CLAUSES = (";:", ",")


def spoken_sentences(text: str, language: str) -> list[str]:
    """What is to be said, in order; each has 1 to `LONGEST_SENTENCE` characters, among them a letter or digit.

    Numbers, abbreviations and signs of English are written out; other languages are left to the engine. Emoji and
    control characters are not said.

    Args:
        text: any.
        language: BCP 47 tag of the voice, such as `en-us`.
    """
    write_out = english if language.partition("-")[0].lower() == "en" else str
    return [
        piece
        for paragraph in _PARAGRAPH.split("\n" + text)
        for sentence in _sentences(write_out(cleaned(paragraph)))
        for piece in _bounded(sentence)
        if any(character.isalnum() for character in piece)
    ]


def cleaned(text: str) -> str:
    """A paragraph without what nobody says: single blanks, plain quotes, hyphens and digits, a comma for each dash."""
    text = unicodedata.normalize("NFC", text).translate(_ALIKE)
    text = " ".join("".join(map(_said, _VARIATION.sub("", text))).split())
    # Between numbers a dash is "to", elsewhere a rest.
    text = _DASH.sub(", ", _RANGE.sub("-", text))
    return _MANY_ENDS.sub(r"\1", text)


def _said(character: str) -> str:
    if character.isascii() and character.isprintable():
        return character
    if character not in _POWERS and (digit := unicodedata.digit(character, None)) is not None:
        return str(digit)
    category = unicodedata.category(character)
    # What joins an emoji's parts is dropped; the emoji itself stood between words.
    if category in ("Cf", "Sk", "Me"):
        return ""
    return " " if category in _UNSPOKEN and character not in _SPOKEN else character


def _sentences(text: str) -> Iterator[str]:
    begin = 0
    for end in _END.finditer(text):
        if _is_end(text, end):
            yield text[begin : end.end()].strip()
            begin = end.end()
    yield text[begin:].strip()


def _is_end(text: str, end: re.Match[str]) -> bool:
    if end.group()[0] != ".":
        return True
    # One blank is between.
    following = text[end.end() + 1 : end.end() + 2]
    before = re.split(r"[ .]", text[max(end.start() - _LONGEST_SHORT, 0) : end.start()])[-1]
    if len(before) == 1 and before.isalpha():
        return not following
    return not following.islower() and not following.isdecimal() and before.lower() not in _SHORT


def _bounded(sentence: str) -> Iterator[str]:
    """A sentence in pieces of at most `LONGEST_SENTENCE`, cut after a clause, else between words, else anywhere."""
    while len(sentence) > LONGEST_SENTENCE:
        cut = _cut(sentence)
        yield sentence[:cut].strip()
        sentence = sentence[cut:].strip()
    yield sentence


def _cut(sentence: str) -> int:
    for marks in _CLAUSES:
        # A mark within a word or number is none: "10:30".
        found = max(sentence.rfind(f"{mark} ", _LEAST_PIECE, LONGEST_SENTENCE) for mark in marks)
        if found >= 0:
            return found + 1
    found = sentence.rfind(" ", _LEAST_PIECE, LONGEST_SENTENCE + 1)
    return found if found >= 0 else LONGEST_SENTENCE
