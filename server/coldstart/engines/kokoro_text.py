"""Text → the symbols that Kokoro was trained on: phonemes by espeak-ng, with the punctuation that it leaves out."""

import re
from collections.abc import Callable

# Punctuation that Kokoro reads itself. Full stops, commas and colons only at the end of a word: "3.5" and "10:30" are
# for espeak-ng to read.
_MARKS = re.compile(r"""[;!?—…"()“”]+|[.,:]+(?=\s|$|[;:,.!?—…"()“”])""")
_ALIKE = str.maketrans(
    {
        **dict.fromkeys("‘’‛", "'"),
        **dict.fromkeys("«„", "“"),
        "»": "”",
        **dict.fromkeys("[{", "("),
        **dict.fromkeys("]}", ")"),
        **dict.fromkeys("¿¡", None),
        **{wide: f"{mark} " for wide, mark in zip("。，、：；！？", ".,,:;!?", strict=True)},
    }
)
_DASH = re.compile(r"\s+[-–—]+\s+|–|—|--+")
_ELLIPSIS = re.compile(r"\.{2,}")
_SYLLABIC = re.compile(r"(\S)\u0329")

TIE = "\u0361"  # joins the letters of one phoneme, as `EspeakProcess.phonemes` gives them

# espeak-ng's phonemes → the one-letter signs of Kokoro's training data, applied in order.
# Source: what the model's own text analysis makes of them (https://github.com/hexgrad/misaki, misaki/espeak.py).
_JOINED = tuple(
    (f"{first}{TIE}{second}", sign)
    for first, second, sign in (
        ("a", "ɪ", "I"),
        ("a", "ʊ", "W"),
        ("e", "ɪ", "A"),
        ("ɔ", "ɪ", "Y"),
        ("d", "ʒ", "ʤ"),
        ("t", "ʃ", "ʧ"),
    )
)
_ENGLISH = (
    *_JOINED,
    (f"ə{TIE}l", "ᵊl"),
    ("ʔˌn\u0329", "tᵊn"),
    ("ʔn\u0329", "tᵊn"),
    ("ʔn", "tᵊn"),
    ("ʔ", "t"),
    ("e", "A"),
    ("r", "ɹ"),
    ("x", "k"),
    ("ç", "k"),
    ("ɬ", "l"),
    ("ɐ", "ə"),
    ("ɚɹ", "əɹ"),
    ("ɚ", "əɹ"),
    ("ʲ", ""),
    ("\u0303", ""),
)
_AMERICAN = (
    (f"o{TIE}ʊ", "O"),
    *_ENGLISH,
    ("ɜːɹ", "ɜɹ"),
    ("ɜː", "ɜɹ"),
    ("ɪə", "iə"),
    ("ː", ""),
    ("ɾ", "T"),
    ("o", "ɔ"),
)
_BRITISH = (
    (f"e{TIE}ə", "ɛː"),
    (f"ə{TIE}ʊ", "Q"),
    *_ENGLISH,
    ("iə", "ɪə"),
    ("o", "ɔ"),
)
_OTHERS = (
    *_JOINED,
    (f"o{TIE}ʊ", "O"),
    (f"ə{TIE}ʊ", "Q"),
    (f"d{TIE}z", "ʣ"),
    (f"t{TIE}s", "ʦ"),
    ("-", ""),
)
_SIGNS = {"en-us": _AMERICAN, "en-gb": _BRITISH}

# Where a long text is best cut, best first: after a sentence, a clause, a part of one, a word.
_CUTS = (".!?…", ":;", ",—)”", " ")


def symbols_of(text: str, language: str, phonemes: Callable[[str, str], str]) -> str:
    """What Kokoro reads for a text: phonemes in its signs, punctuation in place, single spaces.

    Signs that the model has none of may be left in it.

    Args:
        text: written out.
        language: BCP 47 tag, such as `en-us`.
        phonemes: words, language → International Phonetic Alphabet, with `TIE` within phonemes of several letters.
    """
    text = _ELLIPSIS.sub("…", _DASH.sub("—", text.translate(_ALIKE)))
    parts: list[str] = []
    end = 0
    for mark in _MARKS.finditer(text):
        parts += [_spoken(text[end : mark.start()], language, phonemes), mark.group()]
        end = mark.end()
    parts.append(_spoken(text[end:], language, phonemes))
    return " ".join("".join(parts).split())


def _spoken(words: str, language: str, phonemes: Callable[[str, str], str]) -> str:
    """Words in Kokoro's signs, with a space on either side where there was one."""
    core = words.strip()
    if not core:
        return " " if words else ""
    signs = phonemes(core, language)
    for written, sign in _SIGNS.get(language, _OTHERS):
        signs = signs.replace(written, sign)
    signs = _SYLLABIC.sub(r"ᵊ\1", signs).replace(TIE, "").strip()
    return " " * words[0].isspace() + signs + " " * words[-1].isspace()


def pieces_of(symbols: str, limit: int) -> list[str]:
    """The symbols in pieces of at most `limit`, cut in the second half of each at the best place there is."""
    pieces = []
    rest = symbols.strip()
    while len(rest) > limit:
        cut = _cut(rest, limit)
        pieces.append(rest[:cut].strip())
        rest = rest[cut:].strip()
    return [piece for piece in (*pieces, rest) if piece]


def _cut(symbols: str, limit: int) -> int:
    for marks in _CUTS:
        found = max(symbols.rfind(mark, limit // 2, limit) for mark in marks)
        if found > 0:
            return found + 1
    return limit
