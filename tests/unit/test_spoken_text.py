"""What is said of a text."""

import random
import string
import time

import pytest

from coldstart.services.spoken_text import LONGEST_SENTENCE, cleaned, spoken_sentences

# written, said
ENGLISH = [
    # numbers
    ("I have 3 cats.", "I have three cats."),
    ("1,234.5 and 0.05", "one thousand two hundred and thirty-four point five and zero point zero five"),
    ("1,2,3", "one, two, three"),
    ("Agent 007", "Agent zero zero seven"),
    ("-5 or 5-10", "minus five or five to ten"),
    ("GPT2 in 3D", "GPT two in three D"),
    ("version 1.12.3", "version one point twelve point three"),
    ("v1.2.3", "v one point two point three"),
    ("16:9", "sixteen to nine"),
    ("#5, No. 7, p. 12", "number five, number seven, page twelve"),
    ("12345678901234567890", " ".join(["one two three four five six seven eight nine zero"] * 2)),
    ("٣ and ３", "three and three"),
    ("x² + y³ = z⁵", "x squared plus y cubed equals z five"),
    # ordinals and fractions
    ("the 1st, 22nd and 113th", "the first, twenty-second and one hundred and thirteenth"),
    ("1/2, 3/4, 2 1/3 and 2½", "one half, three quarters, two and one third and two and one half"),
    ("24/7", "twenty-four slash seven"),
    # years, dates, times
    ("In 1984, 1905 and 2024", "In nineteen eighty-four, nineteen oh five and twenty twenty-four"),
    ("the 1990s and the '80s", "the nineteen nineties and the eighties"),
    ("1990–1995", "nineteen ninety to nineteen ninety-five"),
    ("2024-03-05", "March fifth, twenty twenty-four"),
    ("March 5, 2024", "March fifth, twenty twenty-four"),
    ("Jan. 3rd and on the 5 March", "January third and on the fifth of March"),
    ("Sept 4", "September fourth"),
    ("at 3:30 pm", "at three thirty P M"),
    ("at 9 a.m. or 12:00", "at nine A M or twelve o'clock"),
    ("15:05 and 10:30:01", "fifteen oh five and ten thirty and one second"),
    # amounts
    ("$3.50, $1, £0.99", "three dollars and fifty cents, one dollar, ninety-nine pence"),
    ("€1,000 or 20 €", "one thousand euros or twenty euros"),
    ("$1.5 million, $5k", "one point five million dollars, five thousand dollars"),
    ("¥300 and -$5", "three hundred yen and minus five dollars"),
    ("50% to 3.5 %", "fifty percent to three point five percent"),
    ("1 km, 5km, 80 km/h", "one kilometre, five kilometres, eighty kilometres an hour"),
    ("3.5GB in 100 ms", "three point five gigabytes in one hundred milliseconds"),
    ("-5°C is 23°F", "minus five degrees Celsius is twenty-three degrees Fahrenheit"),
    ("5 m²", "five square metres"),
    ("$5/month", "five dollars per month"),
    # abbreviations
    ("Dr. Smith met Mrs. Jones.", "Doctor Smith met Missis Jones."),
    ("12 Main St. near St. Paul", "twelve Main Street near Saint Paul"),
    ("fruit, e.g. apples", "fruit, for example, apples"),
    ("cats vs. dogs, etc.", "cats versus dogs, et cetera."),
    ("the U.S. and the U.S.A.", "the U S and the U S A."),
    ("J. R. R. Tolkien", "J R R Tolkien"),
    # addresses
    ("https://www.example.com/a-b?x=1#y", "example dot com slash a dash b"),
    ("See example.org/docs.", "See example dot org slash docs."),
    ("joe.b@example.com", "joe dot b at example dot com"),
    ("Call 555-1234", "Call five five five, one two three four"),
    ("+44 20 7946 0958", "four four, two zero, seven nine four six, zero nine five eight"),
    # signs and pictures
    ("R&D, a+b=c", "R and D, a plus b equals c"),
    ("C# #fun", "C sharp hashtag fun"),
    ("*bold* and _it_", "bold and it"),
    ("🙂 Hi 👨‍👩‍👧 there 1️⃣ 🇩🇪!", "Hi there one!"),
    ("one\ttwo\x00\x07three\nfour", "one two three four"),
    ("yes — no – maybe", "yes, no, maybe"),
    ("“It’s”", '"It\'s"'),
]

# text, sentences
SENTENCES = [
    ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
    ("It is 3.5. Really?!", ["It is three point five.", "Really?!"]),
    ("Mr. Smith left. He ran.", ["Mister Smith left.", "He ran."]),
    ('"Stop." She did.', ['"Stop."', "She did."]),
    ("Wait... and go. Now", ["Wait... and go.", "Now"]),
    ("- one\n- two\n1. three", ["one", "two", "three"]),
    ("A title\n\nA text", ["A title", "A text"]),
    ("a line\nthat goes on", ["a line that goes on"]),
    ("...", []),
    ("🙂🎉", []),
    (" \n\t", []),
    ("", []),
    ("\x00\x1b", []),
]


@pytest.mark.parametrize(("written", "said"), ENGLISH)
def test_english_is_written_out(written: str, said: str) -> None:
    """As it is read aloud."""
    assert " ".join(spoken_sentences(written, "en-us")) == said


@pytest.mark.parametrize(("text", "sentences"), SENTENCES)
def test_a_text_is_split_into_sentences(text: str, sentences: list[str]) -> None:
    """Not at the points of numbers and abbreviations; what has no letter and no digit is no sentence."""
    assert spoken_sentences(text, "en-gb") == sentences


@pytest.mark.parametrize(
    ("text", "language", "sentences"),
    [
        ("Das kostet 3,50 Euro. Dr. Müller kommt, z. B. um 15 Uhr. Ja!", "de", 3),
        ("你好。再见！", "cmn", 2),
        ("¿Qué tal? Bien.", "es", 2),
    ],
)
def test_other_languages_are_left_to_the_engine(text: str, language: str, sentences: int) -> None:
    """They are split alone."""
    said = spoken_sentences(text, language)
    assert len(said) == sentences
    assert "".join(said).replace(" ", "") == text.replace(" ", "")


def test_other_languages_lose_what_nobody_says() -> None:
    """Emoji and control characters, too."""
    assert spoken_sentences("Hallo 🙂\x07 Welt", "de") == ["Hallo Welt"]


def test_a_long_sentence_is_cut_at_a_clause() -> None:
    """At the last one that fits, and nothing is lost."""
    clause = "and so on and on it goes,"
    sentence = " ".join([clause] * 50) + " to the end."
    said = spoken_sentences(sentence, "en-us")
    assert " ".join(said) == sentence
    assert all(len(piece) <= LONGEST_SENTENCE for piece in said)
    assert all(piece.endswith("goes,") for piece in said[:-1])


def test_a_sentence_without_clauses_is_cut_between_words() -> None:
    """And a word longer than all of that is cut anywhere."""
    said = spoken_sentences("word " * 200, "en-us")
    assert [set(piece.split()) for piece in said] == [{"word"}] * len(said)
    endless = spoken_sentences("w" * 1000, "en-us")
    assert [len(piece) for piece in endless] == [300, 300, 300, 100]


def test_any_text_gives_bounded_sentences_without_digits() -> None:
    """Random characters of the kinds that rules look for."""
    draw = random.Random(1)  # noqa: S311  not a secret
    alphabet = string.ascii_letters[:8] + "0123456789" * 3 + " .,:;-/$%@#'&+=()€°½²\n" * 2 + "🙂漢é\x00"
    for _ in range(300):
        text = "".join(draw.choices(alphabet, k=draw.randint(1, 200)))
        for sentence in spoken_sentences(text, "en-us"):
            assert 1 <= len(sentence) <= LONGEST_SENTENCE
            assert not any(character.isdigit() for character in sentence), (text, sentence)


@pytest.mark.parametrize(
    "unit", ["1", ".", "* ", " ", "\n ", "a.", '"', "x@", "-1", "A. ", "1,111", "— ", "ﷺ", "https://"]
)
def test_no_text_takes_long(unit: str) -> None:
    """Time grows with the length, not with its square: 100,000 characters of what rules look for."""
    begun_s = time.process_time()
    spoken_sentences((unit * 100_000)[:100_000], "en-us")
    assert time.process_time() - begun_s < 10.0


def test_cleaning_leaves_plain_signs() -> None:
    """Whatever quotes, dashes, blanks and digits there were."""
    assert cleaned("„a“ ‚b‘\u00a0c\u2009—\u200bd 1–2 …") == "\"a\" 'b' c, d 1-2 ..."
