"""Comparing an answer with the expected one. Pure."""

import json
from collections.abc import Sequence
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from coldstart_harness.slo.document import Expect, Near, Units

_SHOWN = 120


def why_wrong(
    expect: Expect, status: int, body: bytes, events: Sequence[str] | None = None, *, content_type: str = ""
) -> str | None:
    """A sentence on the first thing that is not as expected; None for a right answer.

    Args:
        expect: what a right answer is.
        status: the HTTP status met.
        body: the whole body.
        events: data of each server-sent event, where the answer is a stream.
        content_type: the header of that name; empty where there was none.
    """
    if status != expect.status:
        return f"status {status} instead of {expect.status}: {_shown(body)}"
    met = content_type.partition(";")[0].strip().lower()
    if expect.media_type is not None and met != expect.media_type:
        return f"the body is {met or 'of no media type'} instead of {expect.media_type}: {_shown(body)}"
    if len(body) < expect.min_bytes:
        return f"the body has {len(body)} bytes instead of at least {expect.min_bytes}"
    if expect.contains and expect.contains not in body.decode(errors="replace"):
        return f"the body does not contain {expect.contains!r}: {_shown(body)}"
    if expect.last_event is not None and (not events or events[-1] != expect.last_event):
        last = events[-1] if events else "no event"
        return f"the last event is {last!r} instead of {expect.last_event!r}"
    return _why_document_wrong(expect, body, events)


def _why_document_wrong(expect: Expect, body: bytes, events: Sequence[str] | None) -> str | None:
    if not expect.document:
        return None
    try:
        documents = [json.loads(body)] if events is None else documents_in(events)
    except ValueError:
        return f"the body is not JSON: {_shown(body)}"
    for expression, wanted in expect.document.items():
        try:
            met = _value(expression, documents, joined=events is not None)
        except JMESPathError as error:
            return f"{expression} cannot be taken of the answer: {error}"
        if not _agrees(met, wanted):
            text = f"{wanted.near} ± {wanted.within}" if isinstance(wanted, Near) else repr(wanted)
            return f"{expression} is {met!r} instead of {text}"
    return None


def documents_in(events: Sequence[str]) -> list[Any]:
    """The events that are JSON, decoded; others, such as `[DONE]`, are left out.

    Raises:
        ValueError: an event begins as an object and is none.
    """
    return [json.loads(event) for event in events if event.startswith("{")]


def units_in(units: Units | None, body: bytes, events: Sequence[str] | None = None) -> float:
    """How many units an answer holds; 0 where it does not say."""
    if units is not None and units.bytes_each is not None:
        return len(body) / units.bytes_each
    if units is None or units.count is None:
        return 0.0
    try:
        documents = [json.loads(body)] if events is None else documents_in(events)
        counts = [jmespath.search(units.count, document) for document in documents]
    except (ValueError, JMESPathError):
        return 0.0
    return float(sum(count for count in counts if isinstance(count, int | float)))


def _value(expression: str, documents: Sequence[Any], *, joined: bool) -> Any:
    values = [jmespath.search(expression, document) for document in documents]
    if not joined:
        return values[0]
    texts = [value for value in values if isinstance(value, str)]
    return "".join(texts) if texts else next((value for value in reversed(values) if value is not None), None)


def _agrees(met: Any, wanted: Any) -> bool:
    if isinstance(wanted, Near):
        return isinstance(met, int | float) and abs(met - wanted.near) <= wanted.within
    return bool(met == wanted)


def _shown(body: bytes) -> str:
    text = body.decode(errors="replace")
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")
