"""What can be said of a finished interview by rules alone, one sentence each, in English."""

from collections.abc import Iterator, Sequence

from coldstart.domain.interview import AnswerReport
from coldstart.services.interview_analysis import SpeechTotals, totals_of

# Words a minute between which speech is called neither slow nor fast. Source: conversation in English is at about 150
# (National Center for Voice and Speech); audiobooks are read at 150 to 160.
_SLOW = 110
_FAST = 180
# Below that many words a minute says nothing.
_WORDS_FOR_A_PACE = 20
# An answer of fewer words is named.
_SHORT_ANSWER_WORDS = 15
# A silence of this many seconds is named.
_LONG_PAUSE_S = 3.0
# More fillers than one in so many words are named as many.
_WORDS_A_FILLER = 20


def rule_based_notes(answers: Sequence[AnswerReport], topics: Sequence[str]) -> tuple[str, ...]:
    """Notes on how an interview went; never on whether an answer is right, which no rule here can tell.

    Args:
        answers: as `answer_reports` makes them.
        topics: that the answers mention, the most often mentioned first.
    """
    totals = totals_of(answers)
    notes = [f"Questions answered: {totals.answered} of {totals.questions}."]
    if not totals.answered:
        return tuple(notes)
    notes += _pace(totals)
    notes += _fillers(totals)
    notes += _pauses(answers)
    notes += _short_answers(answers)
    notes.append(
        f"The answers mention {_listed(topics)}." if topics else "The answers mention none of the topics of the bank."
    )
    return tuple(notes)


def _pace(totals: SpeechTotals) -> Iterator[str]:
    rate = totals.words_per_minute
    if rate is None or totals.words < _WORDS_FOR_A_PACE:
        return
    pace = "slow" if rate < _SLOW else "fast" if rate > _FAST else "even"
    yield f"The pace is {pace}: {rate:.0f} words a minute over {totals.speaking_s:.0f} s of speech."


def _fillers(totals: SpeechTotals) -> Iterator[str]:
    count = sum(totals.fillers.values())
    if not count:
        return
    name, times = next(iter(totals.fillers.items()))
    many = "many" if count * _WORDS_A_FILLER > totals.words else "few"
    words = _counted(totals.words, "word")
    yield f"There are {many} fillers, {count} in {words}; the most frequent is “{name}” ({times})."


def _pauses(answers: Sequence[AnswerReport]) -> Iterator[str]:
    longest = max(answers, key=lambda report: report.longest_pause_s)
    if longest.longest_pause_s >= _LONG_PAUSE_S:
        yield (
            f"The longest pause is of {longest.longest_pause_s:.1f} s, in the answer to question "
            f"{longest.question.number}."
        )


def _short_answers(answers: Sequence[AnswerReport]) -> Iterator[str]:
    short = [str(report.question.number) for report in answers if 0 < report.words < _SHORT_ANSWER_WORDS]
    if short:
        questions = "question" if len(short) == 1 else "questions"
        yield f"The answer to {questions} {_listed(short)} has fewer than {_SHORT_ANSWER_WORDS} words."


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else list(names))
