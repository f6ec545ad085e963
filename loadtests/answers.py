"""What became of one request. Pure: the user classes read the answer, this module judges it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from coldstart_harness.slo.answers import why_wrong
from coldstart_harness.slo.document import Request
from coldstart_harness.traffic.retry_after import seconds_to_wait
from loadtests.record import Outcome

_TURNED_AWAY = (429, 503)

# A sentence on what is wrong with a JSON document, or None.
Check = Callable[[Any], str | None]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Args:
        status: HTTP status; 0: none came.
        body: the whole body.
        events: data of each server-sent event, where the answer is a stream.
        retry_after: the header's text, where there was one.
        content_type: the header's text; empty where there was none.
        error: what happened instead of a whole answer.
    """

    status: int
    body: bytes = b""
    events: list[str] | None = None
    retry_after: str | None = None
    content_type: str = ""
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of a request.

    Args:
        outcome: in one word.
        reason: a sentence where it is not right; else empty.
        document: the JSON body of a right answer, where it has one.
        wait_s: how long the service asks to wait, where it turned the request away.
        status: HTTP status; 0: none came.
    """

    outcome: Outcome
    reason: str = ""
    document: Any = None
    wait_s: float = 0.0
    status: int = 0


def judged(request: Request, answer: Answer, check: Check | None = None) -> Judgement:
    """Compare an answer with the expected one.

    Args:
        request: what was asked, and its right answer.
        answer: what came back.
        check: asked last, of an answer that is right so far and has a JSON body.
    """
    if answer.error is not None:
        return Judgement(_outcome_of(answer.error), f"{type(answer.error).__name__}: {answer.error}")
    if answer.status in _TURNED_AWAY and answer.status != request.expect.status:
        wait_s = seconds_to_wait(answer.retry_after)
        if wait_s is None:
            met = "without Retry-After" if answer.retry_after is None else f"with Retry-After {answer.retry_after!r}"
            return Judgement("wrong", f"status {answer.status} {met}: it must say when to return", status=answer.status)
        return Judgement("turned away", f"status {answer.status}", wait_s=wait_s, status=answer.status)
    wrong = why_wrong(request.expect, answer.status, answer.body, answer.events, content_type=answer.content_type)
    if wrong is None and check is not None:
        wrong = _checked(check, answer.body)
    if wrong is None:
        return Judgement("right", document=_document_in(answer.body), status=answer.status)
    last = request.expect.last_event
    cut = answer.events is not None and last is not None and last not in answer.events
    return Judgement("lost" if cut else "wrong", wrong, status=answer.status)


def _outcome_of(error: Exception) -> Outcome:
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    return "late" if isinstance(error, TimeoutError) else "lost"


def _checked(check: Check, body: bytes) -> str | None:
    document = _document_in(body)
    try:
        return check(document)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        return f"the answer has not the form that was expected: {error!r}"


def _document_in(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
