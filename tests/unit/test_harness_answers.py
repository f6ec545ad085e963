"""Whether an answer is right, and the sentence on why it is not."""

import json
from typing import Any

import pytest

from coldstart_harness.slo.answers import units_in, why_wrong
from coldstart_harness.slo.document import Expect, Near, Units

CHOICE = {"choices": [{"text": " mat"}], "usage": {"completion_tokens": 8}, "share": 0.25}
EVENTS = ['{"choices": [{"text": " mat"}]}', '{"choices": [{"text": "."}]}', '{"n": 1}', '{"n": 2}', "[DONE]"]


def wrong(document: Any, status: int = 200, **expect: Any) -> str | None:
    return why_wrong(Expect.model_validate(expect), status, json.dumps(document).encode())


def wrong_stream(events: list[str], **expect: Any) -> str | None:
    return why_wrong(Expect.model_validate(expect), 200, b"", events)


def test_without_expectations_a_200_is_right() -> None:
    """The body may be anything."""
    assert why_wrong(Expect(), 200, b"\xff") is None


def test_another_status_is_wrong_and_the_body_is_shown_in_part() -> None:
    """The sentence has both statuses; a long body is cut."""
    sentence = wrong("x" * 500, status=500)
    assert sentence is not None
    assert sentence.startswith("status 500 instead of 200: ")
    assert len(sentence) < 200


def test_the_expected_status_need_not_be_200() -> None:
    """201 is right where 201 is expected, and 200 is not."""
    assert why_wrong(Expect(status=201), 201, b"") is None
    assert why_wrong(Expect(status=201), 200, b"") == "status 200 instead of 201: ''"


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("choices[0].text", " mat"),
        ("usage.completion_tokens", 8),
        ("length(choices)", 1),
        ("choices[0]", {"text": " mat"}),
    ],
)
def test_values_are_taken_by_jmespath(expression: str, value: Any) -> None:
    """Fields, functions and whole tables are compared exactly."""
    assert wrong(CHOICE, json={expression: value}) is None
    assert wrong(CHOICE, json={expression: "else"}) == f"{expression} is {value!r} instead of 'else'"


def test_a_missing_value_is_wrong() -> None:
    """It is met as None."""
    assert wrong(CHOICE, json={"choices[1].text": "a"}) == "choices[1].text is None instead of 'a'"


@pytest.mark.parametrize(("near", "right"), [(0.25, True), (0.3, True), (0.32, False)])
def test_a_number_may_be_near(near: float, right: bool) -> None:
    """Within the tolerance, both ends included as far as floats allow."""
    sentence = wrong(CHOICE, json={"share": Near(near=near, within=0.051)})
    assert (sentence is None) is right
    assert right or sentence == "share is 0.25 instead of 0.32 ± 0.051"


def test_a_text_is_near_no_number() -> None:
    """No conversion is tried."""
    assert wrong({"share": "0.25"}, json={"share": Near(near=0.25, within=1)}) is not None


def test_what_is_no_json_is_wrong_where_json_is_expected() -> None:
    """The sentence shows the body."""
    assert why_wrong(Expect(json={"a": 1}), 200, b"<html>") == "the body is not JSON: '<html>'"


def test_an_expression_that_does_not_fit_the_answer_is_a_sentence() -> None:
    """A function of JMESPath that meets another type is no crash."""
    sentence = wrong({"a": 1}, json={"length(a)": 1})
    assert sentence is not None
    assert sentence.startswith("length(a) cannot be taken of the answer: ")


def test_a_text_may_be_asked_of_the_body() -> None:
    """`contains` is of the body as text."""
    assert why_wrong(Expect(contains="ready"), 200, b"all ready") is None
    assert why_wrong(Expect(contains="ready"), 200, b"no") == "the body does not contain 'ready': 'no'"


@pytest.mark.parametrize("content_type", ["audio/wav", "audio/wav; rate=24000", "Audio/WAV"])
def test_a_media_type_may_have_parameters(content_type: str) -> None:
    """Case and what follows the semicolon do not matter."""
    assert why_wrong(Expect(media_type="audio/wav"), 200, b"RIFF", content_type=content_type) is None


@pytest.mark.parametrize(("content_type", "met"), [("text/html", "text/html"), ("", "of no media type")])
def test_another_media_type_is_wrong(content_type: str, met: str) -> None:
    """The sentence has both, and shows the body."""
    sentence = why_wrong(Expect(media_type="audio/wav"), 200, b"<html>", content_type=content_type)
    assert sentence == f"the body is {met} instead of audio/wav: '<html>'"


def test_a_body_may_be_too_short() -> None:
    """The bound itself is long enough."""
    assert why_wrong(Expect(min_bytes=4), 200, b"RIFF") is None
    assert why_wrong(Expect(min_bytes=5), 200, b"RIFF") == "the body has 4 bytes instead of at least 5"


def test_texts_of_a_stream_are_joined() -> None:
    """The expression is taken of each event; of other values the last one counts."""
    assert wrong_stream(EVENTS, json={"choices[0].text": " mat."}) is None
    assert wrong_stream(EVENTS, json={"n": 2}) is None
    assert wrong_stream(EVENTS[1:], json={"choices[0].text": " mat."}) == "choices[0].text is '.' instead of ' mat.'"


def test_a_stream_has_its_last_event() -> None:
    """Cut short, the sentence says what came last."""
    assert wrong_stream(EVENTS, last_event="[DONE]") is None
    assert wrong_stream(EVENTS[:-1], last_event="[DONE]") == """the last event is '{"n": 2}' instead of '[DONE]'"""
    assert wrong_stream([], last_event="[DONE]") == "the last event is 'no event' instead of '[DONE]'"


def test_a_stream_with_half_an_event_is_wrong() -> None:
    """Half an object is no JSON."""
    assert wrong_stream(['{"n": 1'], json={"n": 1}) == "the body is not JSON: ''"


def test_units_are_counted_in_bodies_and_summed_over_streams() -> None:
    """Tokens of a body; of a stream those of each event."""
    usage = Units(name="tokens", count="usage.completion_tokens")
    assert units_in(usage, json.dumps(CHOICE).encode()) == 8
    assert units_in(Units(name="tokens", count="length(choices || `[]`)"), b"", EVENTS) == 2


def test_units_may_be_told_by_the_length_of_the_body() -> None:
    """Half a second of sound at 24,000 samples of two bytes."""
    assert units_in(Units(name="audio seconds", bytes_each=48_000), b"\0" * 24_000) == 0.5


@pytest.mark.parametrize("body", [b"", b"no json", b"{}", b'{"usage": {"completion_tokens": "many"}}'])
def test_an_answer_that_does_not_say_holds_no_units(body: bytes) -> None:
    """Zero, not a failure: the expected answer is what judges."""
    assert units_in(Units(name="tokens", count="usage.completion_tokens"), body) == 0
    assert units_in(None, body) == 0
