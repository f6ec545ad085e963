"""The names that voices answer to."""

from coldstart.domain.speech import Voice
from coldstart.services.voice_names import OPENAI_VOICES, voices_by_name

ANN, BOB, UWE = Voice("ann", "en-us", ""), Voice("bob", "en-gb", ""), Voice("uwe", "de", "")


def test_the_first_voice_answers_to_default() -> None:
    """And every voice to its own name."""
    names = voices_by_name([UWE, ANN])
    assert names["default"] is UWE
    assert (names["ann"], names["uwe"]) == (ANN, UWE)


def test_names_of_openai_are_dealt_to_the_language_of_the_default() -> None:
    """In turn, so that two of them are two voices where there are two."""
    names = voices_by_name([ANN, UWE, BOB])
    assert [names[name] for name in OPENAI_VOICES[:4]] == [ANN, BOB, ANN, BOB]
    assert UWE not in [names[name] for name in OPENAI_VOICES]


def test_a_voice_of_that_name_keeps_it() -> None:
    """It is the better answer."""
    nova = Voice("nova", "de", "")
    names = voices_by_name([ANN, nova])
    assert names["nova"] is nova
    assert names["alloy"] is ANN
