"""The report as it leaves the service."""

import base64
import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from tests.interview_cases import BEGAN, interview, plan, report, spoken, typed

from coldstart.domain.interview import InterviewReport, InterviewState, Question
from coldstart.services.interview_report import document_of, page_of, page_policy

HOSTILE = "</style><script>alert(1)</script><img src=x onerror='alert(\"1\")'>{{ 7 * 7 }}{% raw %}"
# What may stand in the page: nothing that fetches, runs or is sent.
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "section"),
    *("h1", "h2", "h3", "p", "ul", "li", "blockquote", "table", "tr", "th", "td"),
}
ATTRIBUTES = {"lang", "charset", "name", "content", "class", "dir", "scope"}


class Page(HTMLParser):
    """A page's tags, attributes, style sheets and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.style = self.text = ""
        self._in_style = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self._in_style = tag == "style"
        self.text += " "

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.style += data
        else:
            self.text += data


def full() -> InterviewReport:
    """One with every kind of answer."""
    turns = [
        ("Why?", spoken(1, "um we ship it", (0.0, 2.0), (4.5, 65.0), duration_s=66.0)),
        ("What else?", typed(2, "nothing")),
        ("Really?", spoken(3, "", duration_s=2.0)),
        ("And then?", spoken(4, None, duration_s=2.0)),
        ("At last?", None),
    ]
    of = replace(interview(turns=turns), state=InterviewState.FINISHED, finished_at=BEGAN + timedelta(minutes=9))
    return report(of, "It went well.", note="The chat failed.")


def test_the_document_has_everything() -> None:
    """In values that JSON has, with the version of its form."""
    document = document_of(full())
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document["schema_version"] == 1
    assert document["session"] == {
        "session_id": "0" * 32,
        "role": "software engineer",
        "skill_level": "middle",
        "language": "en",
        "questions_planned": 5,
        "created_at": "2026-01-02T09:30:00+00:00",
        "finished_at": "2026-01-02T09:39:00+00:00",
    }
    assert document["notes"] == {"sentences": ["It went well."], "source": "bank", "note": "The chat failed."}
    assert (document["totals"]["answered"], document["totals"]["speaking_s"]) == (2, 62.5)
    assert [question["number"] for question in document["questions"]] == [1, 2, 3, 4, 5]
    spoken_answer, typed_answer, *_, none = (question["answer"] for question in document["questions"])
    assert spoken_answer["segments"][1] == {"start_s": 4.5, "end_s": 65.0, "text": "words"}
    assert spoken_answer["sound"] == {"sha256": "ab" * 32, "size_bytes": 32_044, "media_type": "audio/wav"}
    assert (spoken_answer["kind"], typed_answer["kind"], typed_answer["sound"], none) == ("spoken", "typed", None, None)
    first = document["questions"][0]
    assert (first["pause_count"], first["longest_pause_s"], first["words"], first["fillers"]) == (1, 2.5, 4, {"um": 1})


def test_the_page_tells_everything() -> None:
    """Questions, answers, figures, notes, and what is missing."""
    text = " ".join(Page(page_of(full())).text.split())
    for told in (
        "software engineer middle, language en, 2026-01-02 09:30 UTC",
        "Questions answered: 2 of 5.",
        "It went well.",
        "By the rules of the question bank. The chat failed.",
        "1. Why? um we ship it speech 1:02 min, 4 words a minute pauses 1, the longest of 2.5 s words 4 fillers um 1",
        "2. What else? nothing words 1 fillers none Typed.",
        "3. Really? Nothing was said.",
        "4. And then? The sound has not been written down.",
        "5. At last? Not answered.",
    ):
        assert told in text


def test_what_people_say_is_text_on_the_page() -> None:
    """Role, language, questions, answers, fillers' names, notes: no tag, no attribute, no template of theirs."""
    of = interview(plan(HOSTILE, language='"><script>'), [(HOSTILE, typed(1, HOSTILE)), (HOSTILE, spoken(2, HOSTILE))])
    questions = tuple(Question(number, HOSTILE, HOSTILE, note=HOSTILE) for number in (1, 2))
    hostile = report(replace(of, questions=questions), HOSTILE, HOSTILE, source=HOSTILE, note=HOSTILE)
    answers = tuple(replace(answer, fillers={HOSTILE: 1}) for answer in hostile.answers)
    page = Page(page_of(replace(hostile, answers=answers)))
    assert page.tags <= TAGS
    assert page.attributes <= ATTRIBUTES
    # role twice, questions, their notes, answers, the report's notes and note, fillers in all and of each
    assert page.text.count(HOSTILE) >= 2 + 2 + 2 + 2 + 2 + 1 + 3


def test_the_page_needs_nothing_but_itself() -> None:
    """No address is in it, and the style sheet is the one that the policy names: a browser takes no other."""
    html = page_of(full())
    page = Page(html)
    assert "//" not in html
    assert "url(" not in html
    assert "@media print" in page.style
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page_policy()
    assert page_policy().startswith("default-src 'none'")
    assert "unsafe" not in page_policy()


def test_the_page_of_an_empty_interview_is_one() -> None:
    """Finished before the first question."""
    assert "Questions answered: 0 of 0." in page_of(report(interview()))


@pytest.mark.parametrize("make", [document_of, page_of])
def test_the_same_report_is_written_the_same(make: object) -> None:
    """Byte for byte."""
    assert callable(make)
    assert make(full()) == make(full())
