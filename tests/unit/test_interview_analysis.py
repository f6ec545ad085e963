"""How answers were spoken."""

import math
import random

import pytest
from tests.interview_cases import interview, plan, spoken, typed

from coldstart.domain.interview import Answer, AnswerReport
from coldstart.services.interview_analysis import answer_reports, totals_of


def reported(answer: Answer | None, language: str = "en") -> AnswerReport:
    [found] = answer_reports(interview(plan(language=language), [("Why?", answer)]))
    return found


def test_a_spoken_answer_has_all_figures() -> None:
    """Speech is the sum of its stretches; a minute's words are those of speech, not of silence."""
    found = reported(spoken(1, "um we ship it you know um", (0.0, 2.0), (2.2, 3.0), (5.0, 6.2), duration_s=7.0))
    assert found.speaking_s == 4.0
    assert (found.pause_count, found.longest_pause_s) == (1, 2.0)
    assert (found.words, found.words_per_minute) == (7, 105.0)
    assert list(found.fillers.items()) == [("um", 2), ("you know", 1)]


def test_half_a_second_is_a_pause() -> None:
    """Also where floating point makes a little less of it; a hundredth less is none."""
    assert reported(spoken(1, "a b", (0.0, 1.8), (2.3, 3.0))).pause_count == 1
    assert reported(spoken(1, "a b", (0.0, 1.8), (2.29, 3.0))).pause_count == 0


def test_a_typed_answer_has_words_and_no_times() -> None:
    """Nobody spoke."""
    found = reported(typed(1, "er, tests"))
    assert (found.speaking_s, found.words_per_minute) == (None, None)
    assert (found.pause_count, found.words, found.fillers) == (0, 2, {"er": 1})


def test_a_question_without_an_answer_is_reported() -> None:
    """With nothing to count."""
    found = reported(None)
    assert (found.answer, found.speaking_s, found.words, found.fillers) == (None, None, 0, {})


@pytest.mark.parametrize(
    "answer",
    [
        spoken(1, "", duration_s=3.0),
        spoken(1, " \n", (0.0, 0.0), duration_s=0.0),
        spoken(1, "", (2.0, 1.0), (math.nan, 1.0), (0.0, math.inf), (0.0, 2.0, " ")),
        spoken(1, None, duration_s=3.0),
    ],
    ids=["nothing heard", "no length", "no times", "not written down"],
)
def test_an_answer_without_words_has_no_speech(answer: Answer) -> None:
    """Zeros, and no division by one."""
    found = reported(answer)
    assert (found.speaking_s, found.words, found.words_per_minute, found.longest_pause_s) == (0.0, 0, None, 0.0)


def test_words_without_times_are_taken_for_the_whole_sound() -> None:
    """Their speech is at most that long."""
    found = reported(spoken(1, "three one four", duration_s=2.0))
    assert (found.speaking_s, found.words_per_minute) == (2.0, 90.0)


def test_speech_ends_with_the_sound() -> None:
    """Whatever a recogniser says of it."""
    assert reported(spoken(1, "a b", (-1.0, 1.0), (3.0, 99.0), duration_s=4.0)).speaking_s == 2.0


@pytest.mark.parametrize(("language", "fillers"), [("de-AT", {"ähm": 1}), ("DE", {"ähm": 1}), ("fi", {}), ("", {})])
def test_fillers_are_those_of_the_language(language: str, fillers: dict[str, int]) -> None:
    """A region is no other language; where there is no list, none are found."""
    assert reported(typed(1, "Ähm, um"), language).fillers == fillers


def test_neither_order_nor_overlap_of_segments_matters() -> None:
    """Any segments, shuffled, cut in two and said twice: the same report; within the bounds of what there is."""
    chance = random.Random(11)  # noqa: S311
    for _ in range(300):
        starts = [chance.uniform(0, 50) for _ in range(chance.randrange(12))]
        stretches = [(start, start + chance.choice([0.0, chance.uniform(0, 9)])) for start in starts]
        plain = reported(spoken(1, "some words", *stretches))
        halves = [half for start, end in stretches for half in ((start, (start + end) / 2), ((start + end) / 2, end))]
        mixed = [*stretches, *halves]
        chance.shuffle(mixed)
        other = reported(spoken(1, "some words", *mixed))
        assert other.speaking_s == pytest.approx(plain.speaking_s, abs=0.002)
        assert (other.pause_count, other.longest_pause_s) == (plain.pause_count, plain.longest_pause_s)
        assert plain.speaking_s is not None
        assert 0 < plain.speaking_s <= 60.0
        assert plain.pause_count <= len(stretches)
        assert plain.speaking_s + 0.5 * plain.pause_count <= 60.001


def test_totals_are_of_all_answers() -> None:
    """Words a minute are those of spoken answers alone."""
    answers = [
        spoken(1, "um we ship", (0.0, 1.0), (2.0, 3.0)),
        typed(2, "like like like um like"),
        spoken(3, "three one four", (0.0, 2.0), (5.0, 6.0)),
        None,
    ]
    totals = totals_of(answer_reports(interview(turns=[("Why?", answer) for answer in answers])))
    assert (totals.questions, totals.answered, totals.words, totals.speaking_s) == (4, 3, 11, 5.0)
    assert totals.words_per_minute == 72.0
    assert (totals.pause_count, totals.longest_pause_s) == (2, 3.0)
    assert list(totals.fillers.items()) == [("like", 4), ("um", 2)]


def test_totals_of_nothing_are_zero() -> None:
    """An interview that was finished before it began."""
    totals = totals_of([])
    assert (totals.questions, totals.words, totals.words_per_minute, totals.longest_pause_s) == (0, 0, None, 0.0)
