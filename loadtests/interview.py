"""Load on the interview: `nix run .#load -- --service interview --host URL`, or with locust's own page
`LOAD_SERVICE=interview locust -f loadtests/interview.py --host URL`.

Candidates who type their answers and read their report, and clients that begin interviews.
"""

import time
from dataclasses import dataclass, field
from typing import Any, ClassVar

from locust import events, task

from coldstart_harness.slo.document import Expect, Request
from loadtests.answers import Judgement
from loadtests.interview_checks import (
    Document,
    why_not_accepted,
    why_not_begun,
    why_not_each_once,
    why_not_under_way,
)
from loadtests.run import Run
from loadtests.shape import ProfileShape
from loadtests.users import PromisedRequests, ServiceUser

RUN = Run.begun(events)

_CREATE = "/sessions/create"
_NOT_FOUND = 404
_ROLES = ("software engineer", "nurse", "teacher")
_LEVELS = ("junior", "middle", "senior")
_SENTENCES = (
    "I would ask the people who use it what they need, and write that down.",
    "Um, we had two days, so I did the one part that everything else waits for.",
    "I do not know yet; I would try it on something small and look at the figures.",
    "The tests failed because of a clock, you know, so I made time an argument.",
)
# Of so many answers one is sent a second time, as by a client that did not hear the first reply.
_ONE_REPEATED_OF = 10
# A report that is not there by then is missed.
_REPORT_WITHIN_S = 60.0


class InterviewShape(ProfileShape):
    """The chosen profile."""

    load = RUN


class ApiClient(PromisedRequests):
    """A program that sends the requests of the file of promises, and deletes the interviews that these begin."""

    load = RUN
    weight = 1

    def tidy_up(self, request: Request, document: Any) -> None:
        if request.path == _CREATE:
            self.ask("interview: delete", _deleted(f"/sessions/{document['session_id']}"))


@dataclass
class _Interview:
    """What a candidate knows of theirs.

    Args:
        path: of the interview.
        question: the open one; None: all that was asked is answered.
        answer: to the open question, for as long as it is not known to be accepted.
        accepted: question's number → text.
        finished_s: when it was finished, on `time.monotonic()`; None: it is not.
        is_over: only deleting it is left.
    """

    path: str
    question: Document | None
    answer: str | None = None
    accepted: dict[int, str] = field(default_factory=dict)
    finished_s: float | None = None
    is_over: bool = False


class Candidate(ServiceUser):
    """Somebody who takes one interview after another to its report, and looks whether all that they said is there."""

    load = RUN
    weight = 4
    think_s: ClassVar[tuple[float, float]] = (0.5, 2.0)

    def on_start(self) -> None:
        self._interview: _Interview | None = None

    def on_stop(self) -> None:
        """The run is over: what was begun is not left behind."""
        if self._interview is not None:
            self._leave(self._interview)

    @task
    def go_on(self) -> None:
        interview = self._interview
        if interview is None:
            self._begin()
        elif interview.is_over:
            self._leave(interview)
        elif interview.question is not None:
            self._answer(interview, interview.question)
        elif interview.finished_s is None:
            self._finish(interview)
        else:
            self._look(interview, interview.finished_s)

    def _begin(self) -> None:
        plan = {"role": self.chance.choice(_ROLES), "skill_level": self.chance.choice(_LEVELS)}
        seen = self.ask("interview: begin", Request(path=_CREATE, json=plan, expect=Expect(status=201)), why_not_begun)
        if seen.outcome == "right":
            document = seen.document
            self._interview = _Interview(f"/sessions/{document['session_id']}", document["question"])

    def _answer(self, interview: _Interview, question: Document) -> None:
        """The same answer again until it is accepted: where no reply came, nobody knows whether it was."""
        number = question["number"]
        interview.answer = text = interview.answer or f"{self.chance.choice(_SENTENCES)} Answer {number}."
        seen = self._sent("interview: answer", interview, number, text)
        if seen.outcome == "right" and self.chance.randrange(_ONE_REPEATED_OF) == 0:
            self._sent("interview: same answer again", interview, number, text)
        if seen.outcome == "right":
            interview.accepted[number] = text
            interview.answer, interview.question = None, seen.document["question"]
        self._give_up_after(interview, seen)

    def _sent(self, name: str, interview: _Interview, number: int, text: str) -> Judgement:
        body = {"question_number": number, "text": text}
        request = Request(path=f"{interview.path}/answers", json=body, expect=Expect(status=201))
        return self.ask(name, request, lambda after: why_not_accepted(number, text, after))

    def _finish(self, interview: _Interview) -> None:
        request = Request(path=f"{interview.path}/finish", method="POST", expect=Expect(status=202))
        seen = self.ask("interview: finish", request, why_not_under_way)
        if seen.outcome == "right":
            interview.finished_s = time.monotonic()
        self._give_up_after(interview, seen)

    def _look(self, interview: _Interview, finished_s: float) -> None:
        """Whether the report is made; it is read then, and everything is deleted."""
        waited_s = time.monotonic() - finished_s
        late = f"no report {waited_s:.0f} s after the end" if waited_s > _REPORT_WITHIN_S else None
        seen = self.ask(
            "interview: state",
            Request(path=interview.path),
            lambda after: why_not_under_way(after) or (late if after["state"] != "reported" else None),
        )
        if seen.outcome == "right" and seen.document["state"] == "reported":
            self._read_report(interview)
        self._give_up_after(interview, seen)

    def _read_report(self, interview: _Interview) -> None:
        request = Request(path=f"{interview.path}/report")
        seen = self.ask("interview: report", request, lambda report: why_not_each_once(interview.accepted, report))
        if seen.outcome in ("right", "wrong"):
            self._leave(interview)

    def _leave(self, interview: _Interview) -> None:
        """Delete it, in the next turn again where it is not known to be gone."""
        interview.is_over = True
        seen = self.ask("interview: delete", _deleted(interview.path))
        if seen.outcome == "right" or seen.status == _NOT_FOUND:
            self._interview = None

    def _give_up_after(self, interview: _Interview, seen: Judgement) -> None:
        """Begin anew where something went wrong; who was turned away or did not hear the reply asks again."""
        if seen.outcome == "wrong":
            self._leave(interview)


def _deleted(path: str) -> Request:
    return Request(path=path, method="DELETE", expect=Expect(status=204))
