"""Load on the token wheel: `nix run .#load -- --service wheel --host URL`, or with locust's own page
`LOAD_SERVICE=wheel locust -f loadtests/wheel.py --host URL`.

People at the page, whose sessions live for a while, and clients of `/v1/completions`.
"""

import random
from typing import Any, ClassVar

from locust import events, task

from coldstart_harness.slo.document import Expect, Request
from loadtests.answers import Check, Judgement
from loadtests.run import Run
from loadtests.shape import ProfileShape
from loadtests.users import PromisedRequests, ServiceUser
from loadtests.wheel_checks import Session, why_not_begun, why_not_changed, why_not_grown, why_not_undone

RUN = Run.begun(events)

_SESSIONS = "/api/v1/sessions"
_PROMPTS = (
    "The cat sat on the",
    "The dog ran to the",
    "The bird sat in the",
    "It was warm",
    "A",
)
_TEMPERATURES = (0.5, 0.7, 1.0, 1.5)
_SLICES = (5, 12)
_CHOSEN_SEEDS = 1_000_000
# Who picks does so near the top of the list.
_PICKED_AMONG = 3
_LONGEST_STORY = 24


class WheelShape(ProfileShape):
    """The chosen profile."""

    load = RUN


class ApiClient(PromisedRequests):
    """A program that completes texts, whole and as streams, and looks at distributions."""

    load = RUN
    weight = 3

    def tidy_up(self, request: Request, document: Any) -> None:
        if request.path == _SESSIONS:
            self.ask("session: end", _ended(document["id"]))


class Visitor(ServiceUser):
    """A teacher or a pupil at the page: a session begun, looked at, spun and picked, and left in the end."""

    load = RUN
    weight = 2
    think_s = (1.0, 4.0)
    # What somebody does next, and how often out of a hundred.
    next_steps: ClassVar[dict[str, int]] = {"spin": 50, "pick": 22, "undo": 10, "temperature": 8, "end": 6, "leave": 4}

    def on_start(self) -> None:
        self._session: Session | None = None
        self._earlier: list[Session] = []

    @task
    def go_on(self) -> None:
        if self._session is None:
            self._begin()
            return
        step = self.chance.choices(list(self.next_steps), list(self.next_steps.values()))[0]
        if len(self._earlier) >= _LONGEST_STORY:
            step = "end"
        {
            "spin": self._spin,
            "pick": self._pick,
            "undo": self._undo if self._earlier else self._spin,
            "temperature": self._change_temperature,
            "end": self._end,
            "leave": self._forget,
        }[step](self._session)

    def _begin(self) -> None:
        """The page, what it asks for by itself, and the first distribution."""
        page = self.ask("page", Request(path="/", expect=Expect(contains="<html")))
        if page.outcome != "right":
            return
        self.ask("models", Request(path="/api/models", expect=Expect(json={"length(models[?ready]) > `0`": True})))
        prompt = self.chance.choice(_PROMPTS)
        body = _new_session(prompt, self.chance)
        request = Request(path=_SESSIONS, json=body, expect=Expect(status=201))
        seen = self.ask("session: begin", request, lambda after: why_not_begun(prompt, after))
        self._earlier = []
        self._session = seen.document if seen.outcome == "right" else None

    def _spin(self, before: Session) -> None:
        self._step("session: spin", before, {"spin": True}, None)

    def _pick(self, before: Session) -> None:
        picked = self.chance.choice(before["distribution"]["slices"][:_PICKED_AMONG])["token_id"]
        self._step("session: pick", before, {"token_id": picked}, picked)

    def _step(self, name: str, before: Session, body: dict[str, Any], picked: int | None) -> None:
        request = Request(path=f"{_SESSIONS}/{before['id']}/tokens", json=body)
        seen = self.ask(name, request, lambda after: why_not_grown(before, after, picked))
        if seen.outcome == "right":
            self._earlier.append(before)
        self._go_on_with(seen)

    def _undo(self, before: Session) -> None:
        earlier = self._earlier.pop()
        request = Request(path=f"{_SESSIONS}/{before['id']}/tokens/last", method="DELETE")
        seen = self.ask("session: undo", request, lambda after: why_not_undone(earlier, after))
        if seen.outcome == "turned away":
            self._earlier.append(earlier)
        self._go_on_with(seen)

    def _change_temperature(self, before: Session) -> None:
        wanted = self.chance.choice(_TEMPERATURES)
        request = Request(path=f"{_SESSIONS}/{before['id']}", method="PATCH", json={"temperature": wanted})
        check: Check = lambda after: why_not_changed(before, after, wanted)  # noqa: E731
        self._go_on_with(self.ask("session: temperature", request, check))

    def _end(self, before: Session) -> None:
        if self.ask("session: end", _ended(before["id"])).outcome != "turned away":
            self._session = None

    def _forget(self, _before: Session) -> None:
        """Walk away: the session stays until it expires."""
        self._session = None

    def _go_on_with(self, seen: Judgement) -> None:
        """With the new state; with the old one where the service was busy; with nothing where something went wrong."""
        if seen.outcome == "right":
            self._session = seen.document
        elif seen.outcome != "turned away":
            self._session = None


def _new_session(prompt: str, chance: random.Random) -> dict[str, Any]:
    return {
        "prompt": prompt,
        "top_k": chance.choice(_SLICES),
        "temperature": chance.choice(_TEMPERATURES),
        "seed": chance.randrange(_CHOSEN_SEEDS),
    }


def _ended(session_id: str) -> Request:
    return Request(path=f"{_SESSIONS}/{session_id}", method="DELETE", expect=Expect(status=204))
