"""How answers were spoken: seconds of speech, pauses, words a minute, fillers."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from coldstart.domain.interview import Answer, AnswerReport, Interview, Question
from coldstart.services.interview_words import FILLERS, Phrases, words_of

# A silence this long is heard as a pause. Source: 0.25 s is the usual threshold of the study of fluency (Goldman-Eisler
# 1968), which counts hesitation within a phrase; twice that leaves what a listener notices, and what a recogniser's
# segments, which are no finer than some tenths of a second, can show.
PAUSE_S = 0.5


@dataclass(frozen=True, slots=True)
class SpeechTotals:
    """The answers of an interview together.

    Args:
        questions: that were asked.
        answered: of them, with at least one word.
        speaking_s: seconds of speech of the spoken answers.
        words: of all answers.
        words_per_minute: of the spoken answers; None where there is no speech.
        pause_count: in the spoken answers.
        longest_pause_s: of those; 0 where there is none.
        fillers: filler → how often, the most frequent first.
    """

    questions: int
    answered: int
    speaking_s: float
    words: int
    words_per_minute: float | None
    pause_count: int
    longest_pause_s: float
    fillers: dict[str, int]


def answer_reports(interview: Interview) -> tuple[AnswerReport, ...]:
    """One report for each question, in order, answered or not. Fillers are found in the languages of `FILLERS` only."""
    fillers = Phrases(FILLERS.get(primary_language(interview.plan.language), {}))
    return tuple(_report(question, interview.answer_to(question.number), fillers) for question in interview.questions)


def totals_of(reports: Sequence[AnswerReport]) -> SpeechTotals:
    """The figures of all answers together."""
    spoken = [report for report in reports if report.speaking_s]
    speaking_s = sum(report.speaking_s or 0.0 for report in spoken)
    fillers: Counter[str] = Counter()
    for report in reports:
        fillers.update(report.fillers)
    return SpeechTotals(
        questions=len(reports),
        answered=sum(report.words > 0 for report in reports),
        speaking_s=round(speaking_s, 3),
        words=sum(report.words for report in reports),
        words_per_minute=_rate(sum(report.words for report in spoken), speaking_s),
        pause_count=sum(report.pause_count for report in reports),
        longest_pause_s=max((report.longest_pause_s for report in reports), default=0.0),
        fillers=_ordered(fillers),
    )


def primary_language(tag: str) -> str:
    """The language of a tag such as `en-GB`, without its region."""
    return tag.replace("_", "-").partition("-")[0].casefold()


def _report(question: Question, answer: Answer | None, fillers: Phrases) -> AnswerReport:
    if answer is None:
        return AnswerReport(question, None, None, 0, 0.0, 0, None)
    text = answer.text or ""
    words = len(words_of(text))
    stretches = [] if answer.sound is None else _stretches(answer)
    # In milliseconds: 2.3 - 1.8 is a pause of half a second, whatever floating point makes of it.
    silences = [round(later[0] - earlier[1], 3) for earlier, later in pairwise(stretches)]
    pauses = [silence for silence in silences if silence >= PAUSE_S]
    speaking_s = round(sum(end - start for start, end in stretches), 3)
    if not speaking_s and words:
        # Words without times: at most all of the sound is speech.
        speaking_s = round(answer.duration_s or 0.0, 3)
    return AnswerReport(
        question=question,
        answer=answer,
        speaking_s=None if answer.sound is None else speaking_s,
        pause_count=len(pauses),
        longest_pause_s=max(pauses, default=0.0),
        words=words,
        words_per_minute=None if answer.sound is None else _rate(words, speaking_s),
        fillers=_ordered(fillers.count(text)),
    )


def _stretches(answer: Answer) -> list[tuple[float, float]]:
    """When somebody speaks, as (start, end) in seconds: in order, without overlap, within the sound.

    Segments without text or length, or with times that are no numbers, are no speech.
    """
    end_of_sound = answer.duration_s if answer.duration_s else math.inf
    met = (
        (max(segment.start_s, 0.0), min(segment.end_s, end_of_sound))
        for segment in answer.segments
        if segment.text.strip() and math.isfinite(segment.start_s) and math.isfinite(segment.end_s)
    )
    return _merged((start, end) for start, end in met if start < end)


def _merged(stretches: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    for start, end in sorted(stretches):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _rate(words: int, speaking_s: float) -> float | None:
    return round(words * 60 / speaking_s, 1) if words and speaking_s > 0 else None


def _ordered(counts: Counter[str]) -> dict[str, int]:
    """The most frequent first; those as frequent by name, so that a report repeats exactly."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
