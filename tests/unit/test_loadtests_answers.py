"""What becomes of a request, and what must be true of a session."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from loadtests.answers import Answer, judged
from loadtests.wheel_checks import why_not_begun, why_not_changed, why_not_grown, why_not_undone

from coldstart_harness.slo.document import Expect, Request

WHOLE = Request(path="/", expect=Expect(json={"answer": 42}))
STREAM = Request(path="/", stream=True, expect=Expect(last_event="[DONE]"))


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(200, b'{"answer": 42}'), "right"),
        (Answer(200, b'{"answer": 41}'), "wrong"),
        (Answer(500, b'{"answer": 42}'), "wrong"),
        (Answer(429, b"", retry_after="2"), "turned away"),
        (Answer(503, b"", retry_after="2"), "turned away"),
        (Answer(503, b""), "wrong"),
        (Answer(429, b"", retry_after="soon"), "wrong"),
        (Answer(0, error=ConnectionRefusedError("refused")), "refused"),
        (Answer(0, error=TimeoutError("timed out")), "late"),
        (Answer(200, b'{"ans', error=ConnectionResetError("reset")), "lost"),
    ],
)
def test_every_answer_has_its_outcome(answer: Answer, outcome: str) -> None:
    """A right status with a wrong body is wrong, and a refusal that does not say when to return is, too."""
    seen = judged(WHOLE, answer)
    assert seen.outcome == outcome
    assert bool(seen.reason) == (outcome != "right")


def test_a_stream_without_its_end_is_lost() -> None:
    """Events that stop before the last one are a cut answer, not a wrong one."""
    assert judged(STREAM, Answer(200, b"", ["a", "[DONE]"])).outcome == "right"
    assert judged(STREAM, Answer(200, b"", ["a"])).outcome == "lost"


def test_a_sound_is_judged_by_its_media_type() -> None:
    """Another one is wrong."""
    sound = Request(path="/", expect=Expect(media_type="audio/wav"))
    assert judged(sound, Answer(200, b"RIFF", content_type="audio/wav")).outcome == "right"
    assert judged(sound, Answer(200, b"{}", content_type="application/json")).outcome == "wrong"


def test_a_refusal_says_how_long_to_wait() -> None:
    """What Retry-After asks for is how long the user waits."""
    assert judged(WHOLE, Answer(503, retry_after="7")).wait_s == 7


def test_a_check_judges_what_an_expectation_cannot() -> None:
    """A check's sentence makes the answer wrong, and so does a form that the check cannot read."""
    right = Answer(200, b'{"answer": 42}')
    assert judged(WHOLE, right, lambda document: None).document == {"answer": 42}
    assert judged(WHOLE, right, lambda document: "no good").reason == "no good"
    assert "form" in judged(WHOLE, right, lambda document: str(document["missing"])).reason


def session(text: str, *ids: int, chosen: int | None = None, **more: Any) -> dict[str, Any]:
    """A session whose tokens' texts are their numbers."""
    document: dict[str, Any] = {
        "text": text,
        "tokens": [{"id": number, "text": str(number)} for number in ids],
        "temperature": 1.0,
        "distribution": {"slices": [{"token_id": 1, "probability": 0.75}], "rest_probability": 0.25},
        **more,
    }
    if chosen is not None:
        document["chosen"] = {"token_id": chosen, "text": f" {chosen}"}
    return document


LOST_MASS = {"slices": [{"token_id": 1, "probability": 0.75}], "rest_probability": 0.2}
BEFORE = session("a 1", 1)


@pytest.mark.parametrize(
    ("why", "after"),
    [
        (lambda after: why_not_begun("a 1", after), session("a 1", 1)),
        (lambda after: why_not_grown(BEFORE, after, None), session("a 1 2", 1, 2, chosen=2)),
        (lambda after: why_not_grown(BEFORE, after, 2), session("a 1 2", 1, 2, chosen=2)),
        (lambda after: why_not_undone(BEFORE, after), session("a 1", 1)),
        (lambda after: why_not_changed(BEFORE, after, 0.5), session("a 1", 1, temperature=0.5)),
    ],
)
def test_a_right_session_has_no_complaint(why: Callable[[Any], str | None], after: dict[str, Any]) -> None:
    """Begun, grown, undone and changed sessions pass; the same with lost probability do not."""
    assert why(json.loads(json.dumps(after))) is None
    assert "0.95" in str(why({**after, "distribution": LOST_MASS}))


@pytest.mark.parametrize(
    ("why", "after", "complaint"),
    [
        (lambda after: why_not_begun("a 1", after), session("b", 1), "instead of the prompt"),
        (lambda after: why_not_grown(BEFORE, after, 3), session("a 1 2", 1, 2, chosen=2), "instead of the picked one"),
        (lambda after: why_not_grown(BEFORE, after, None), session("a 1 2", 1, 3, chosen=2), "not the earlier ones"),
        (lambda after: why_not_grown(BEFORE, after, None), session("a 1 2", 2, chosen=2), "not the earlier ones"),
        (lambda after: why_not_grown(BEFORE, after, None), session("b 1 2", 1, 2, chosen=2), "does not go on from"),
        (lambda after: why_not_grown(BEFORE, after, None), session("a 1", 1, 2, chosen=2), "did not grow"),
        (lambda after: why_not_undone(BEFORE, after), session("a 1 2", 1, 2), "instead of the earlier"),
        (lambda after: why_not_changed(BEFORE, after, 0.5), session("a 1", 1), "temperature is 1.0 instead of 0.5"),
        (lambda after: why_not_changed(BEFORE, after, 1.0), session("a", 1), "instead of the earlier"),
    ],
)
def test_a_wrong_session_is_found(why: Callable[[Any], str | None], after: dict[str, Any], complaint: str) -> None:
    """Each way of going wrong has its sentence."""
    assert complaint in str(why(after))


def test_a_character_may_come_in_parts() -> None:
    """A part of a character at the text's end may be replaced by the whole one with the next token."""
    before = session("a \ufffd", 1)
    after = session("a é", 1, 2, chosen=2)
    assert why_not_grown(before, after, None) is None
