"""Words and phrases of what people say, told apart well enough to be counted, and the words that fill their pauses."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache

# Scripts that put no blanks between words, as (first, last) code points: each letter counts as a word, as typists and
# subtitlers of these languages count. Source: the Unicode block chart.
_WITHOUT_BLANKS = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x0F00, 0x109F),  # Tibetan, Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x3400, 0x9FFF),  # Han
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
# They join what belongs to one word: don't, state-of-the-art.
_JOINERS = "'-"

# Language → filler → its spellings. What a language's speakers say while they think, as far as it is written alike by
# everybody; a word such as "like" counts also where it is meant.
FILLERS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "en": {
        "um": ("um", "umm", "ummm", "uhm"),
        "uh": ("uh", "uhh", "uhhh"),
        "er": ("er", "erm"),
        "ah": ("ah", "ahh"),
        "hm": ("hm", "hmm", "hmmm", "mm", "mmm"),
        "like": ("like",),
        "you know": ("you know",),
        "I mean": ("I mean",),
        "kind of": ("kind of", "kinda"),
        "sort of": ("sort of", "sorta"),
        "basically": ("basically",),
        "actually": ("actually",),
    },
    "de": {
        "äh": ("äh", "ähh", "eh"),
        "ähm": ("ähm", "ehm", "öhm", "hm", "hmm"),
        "also": ("also",),
        "halt": ("halt",),
        "sozusagen": ("sozusagen",),
        "quasi": ("quasi",),
    },
    "es": {
        "eh": ("eh", "ehh", "em"),
        "este": ("este",),
        "o sea": ("o sea",),
        "pues": ("pues",),
        "bueno": ("bueno",),
        "digamos": ("digamos",),
    },
    "fr": {
        "euh": ("euh", "euhh", "heu"),
        "ben": ("ben", "bah"),
        "genre": ("genre",),
        "en fait": ("en fait",),
        "du coup": ("du coup",),
        "tu vois": ("tu vois", "vous voyez"),
    },
    "it": {
        "ehm": ("ehm", "eh", "mmh"),
        "cioè": ("cioè",),
        "allora": ("allora",),
        "insomma": ("insomma",),
        "diciamo": ("diciamo",),
    },
    "nl": {
        "eh": ("eh", "uh", "ehm", "uhm"),
        "nou": ("nou",),
        "zeg maar": ("zeg maar",),
        "eigenlijk": ("eigenlijk",),
    },
    "pt": {
        "hum": ("hum", "hmm", "ahn", "eh"),
        "tipo": ("tipo",),
        "né": ("né",),
        "então": ("então",),
        "quer dizer": ("quer dizer",),
    },
}


def runs_of(text: str) -> list[list[str]]:
    """The words between a text's punctuation marks, without case. Work in proportion to the text's length.

    A word is a run of letters and digits, with apostrophes and hyphens inside; in scripts without blanks, one letter.
    """
    signs = "".join(map(_sign, unicodedata.normalize("NFKC", text).casefold()))
    runs = ([word for part in run.split() if (word := part.strip(_JOINERS))] for run in signs.split("\n"))
    return [run for run in runs if run]


def words_of(text: str) -> list[str]:
    """The words of a text, in order, as `runs_of` has them."""
    return [word for run in runs_of(text) for word in run]


class Phrases:
    """Words and runs of words that are looked for in texts. Whole words only, never across a punctuation mark.

    Args:
        spellings: name → how it is written; a spelling that is there twice belongs to the last name.
    """

    def __init__(self, spellings: Mapping[str, Iterable[str]]) -> None:
        self._names = {tuple(words_of(text)): name for name, texts in spellings.items() for text in texts}
        # First word → the lengths of the phrases that begin with it, the longest first.
        self._lengths: dict[str, list[int]] = {}
        for first, *rest in sorted(self._names, key=len, reverse=True):
            self._lengths.setdefault(first, []).append(1 + len(rest))

    def count(self, text: str) -> Counter[str]:
        """Name → how often it is in a text. Of two that begin at the same word the longer counts, and none overlap."""
        counts: Counter[str] = Counter()
        for run in runs_of(text):
            place = 0
            while place < len(run):
                length = self._length_at(run, place)
                if length:
                    counts[self._names[tuple(run[place : place + length])]] += 1
                place += max(length, 1)
        return counts

    def _length_at(self, run: list[str], place: int) -> int:
        """The words of the longest phrase that begins there; 0: none does."""
        lengths = self._lengths.get(run[place], ())
        return next((length for length in lengths if tuple(run[place : place + length]) in self._names), 0)


# A text has few different characters; looking each up anew would hold the event loop for seconds in a long answer.
@lru_cache(maxsize=4096)
def _sign(character: str) -> str:
    """What stands for a character where words are told apart: itself, a blank, or a line's end for punctuation."""
    if character in _JOINERS:
        return character
    if character == "’":
        return "'"
    kind = unicodedata.category(character)[0]
    if kind in "LNM":
        if not any(first <= ord(character) <= last for first, last in _WITHOUT_BLANKS):
            return character
        # Marks belong to their letter, which is a word already.
        return f" {character} " if kind != "M" else ""
    # Of either side of a slash one word is said: "A/B test" is three words in a row.
    return "\n" if kind in "PS" and character != "/" else " "
