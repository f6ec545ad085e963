"""What must be true of an interview, from one answer to the next, and of its report. Pure."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

Document = dict[str, Any]

_UNDER_WAY = ("finished", "reported")


def why_not_begun(after: Document) -> str | None:
    """A sentence where a new interview is not open, or does not begin with its first question."""
    if after["state"] != "open":
        return f"a new interview is {after['state']!r} instead of 'open'"
    return why_no_question(after["question"], 1)


def why_no_question(question: Document, number: int) -> str | None:
    """A sentence where a question is not the one of that number, or asks nothing."""
    if question["number"] != number:
        return f"the question is number {question['number']} instead of {number}"
    return None if question["text"].strip() else f"question {number} has no text"


def why_not_accepted(number: int, text: str, after: Document) -> str | None:
    """A sentence where what was accepted is not the answer that was given, or the next question is not the next."""
    answer = after["answer"]
    if (answer["question_number"], answer["text"]) != (number, text):
        return (
            f"accepted was {answer['text']!r} for question {answer['question_number']} instead of {text!r} for {number}"
        )
    return None if after["question"] is None else why_no_question(after["question"], number + 1)


def why_not_under_way(after: Document) -> str | None:
    """A sentence where a finished interview is neither on its way to a report nor there."""
    state = after["state"]
    return None if state in _UNDER_WAY else f"a finished interview is {state!r} instead of {' or '.join(_UNDER_WAY)}"


def why_not_each_once(accepted: Mapping[int, str], report: Document) -> str | None:
    """A sentence where an accepted answer is not in the report exactly once, or one is there that nobody accepted.

    Args:
        accepted: question's number → text.
        report: as `GET /sessions/{id}/report` has it.
    """
    met = Counter(answers_in(report))
    wanted = Counter(accepted.items())
    if twice := sorted(number for (number, _text), count in met.items() if count > 1):
        return f"in the report more than once: the answer to question {_numbers(twice)}"
    if lost := sorted(number for number, _text in wanted - met):
        return f"accepted and not in the report as it was given: the answer to question {_numbers(lost)}"
    if strange := sorted(number for number, _text in met - wanted):
        return f"in the report and never accepted: the answer to question {_numbers(strange)}"
    return None


def answers_in(report: Document) -> list[tuple[int, str]]:
    """Number of the question and text of each answer; questions without one are left out."""
    asked = report["questions"]
    return [(entry["number"], entry["answer"]["text"]) for entry in asked if entry["answer"] is not None]


def _numbers(numbers: list[int]) -> str:
    return " and ".join(map(str, numbers))
