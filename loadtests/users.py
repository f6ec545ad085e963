"""Users of any service: how one asks, and what is made of the answer."""

import random
import time
from itertools import count, cycle
from typing import Any, ClassVar

from locust import task
from locust.contrib.fasthttp import FastHttpUser, LocustBadStatusCode, ResponseContextManager
from locust.env import Environment

from coldstart_harness.slo.document import Request
from coldstart_harness.traffic.events import events_in
from loadtests.answers import Answer, Check, Judgement, judged
from loadtests.run import Run

# Who is told to come back later does not sleep through the rest of the run.
LONGEST_WAIT_S = 30.0
_ANY_STATUS = frozenset(range(100, 600))
_numbers = count()


class ServiceUser(FastHttpUser):
    """A user with settings' token and certificates, whose answers are judged and whose pauses are thought or told."""

    abstract = True
    load: ClassVar[Run]
    # Seconds between two requests, from and to.
    think_s: ClassVar[tuple[float, float]]

    def __init__(self, environment: Environment) -> None:
        settings = self.load.settings
        self.insecure = settings.insecure
        self.ssl_context_factory = settings.ssl_context
        self.default_headers = settings.headers
        self.network_timeout = self.connection_timeout = self.load.timeout_s
        super().__init__(environment)
        # What is right is not the client's to say: an expected answer may be a 404.
        setattr(self.client.client, "valid_response_codes", _ANY_STATUS)  # noqa: B010 - a class's constant to mypy
        worker = getattr(environment.runner, "worker_index", 0)
        self.chance = random.Random(f"{worker} {next(_numbers)}")  # noqa: S311 - behaviour, no secret
        self._told_to_wait_s = 0.0

    def wait_time(self) -> float:
        """Think time, or what the service asked for where that is longer."""
        told, self._told_to_wait_s = self._told_to_wait_s, 0.0
        return max(self.chance.uniform(*self.think_s), min(told, LONGEST_WAIT_S))

    def ask(self, name: str, request: Request, check: Check | None = None) -> Judgement:
        """Send a request, judge the answer and note both.

        Args:
            name: under which it is counted.
            request: what is sent, and what a right answer is.
            check: what must be true beyond that, of the JSON body.
        """
        began = time.perf_counter()
        first_event_s: float | None = None
        with self.client.request(
            request.verb,
            request.path,
            name=name,
            data=request.content,  # type: ignore[arg-type]  # bytes are sent as they are; locust's type lacks them
            headers=dict(request.sent_headers),
            stream=request.stream,
            allow_redirects=False,
            catch_response=True,
        ) as response:
            answer, first_event_s = _read(response, request)
            done = time.perf_counter()
            seen = judged(request, answer, check)
            meta = response.request_meta
            if request.stream:
                meta["response_time"] = (done - began) * 1000
                meta["response_length"] = len(answer.body)
            self._note(response, seen)
        if first_event_s is not None and seen.outcome == "right":
            self._note_first_token(name, (first_event_s - began) * 1000)
        self._told_to_wait_s = seen.wait_s
        return seen

    def _note(self, response: ResponseContextManager, seen: Judgement) -> None:
        reason = self.load.settings.without_token(seen.reason)
        response.request_meta["context"] = {"outcome": seen.outcome, "reason": reason}
        if seen.outcome == "right":
            response.success()
        elif seen.outcome == "turned away":
            # An entry of its own, so that fast refusals do not flatter the times of answers.
            response.request_meta["request_type"] = "turned away"
            response.success()
        else:
            response.failure(reason)

    def _note_first_token(self, name: str, milliseconds: float) -> None:
        self.environment.events.request.fire(
            request_type="first token",
            name=name,
            response_time=milliseconds,
            response_length=0,
            exception=None,
            context={},
        )


class PromisedRequests(ServiceUser):
    """A client of the API: sends the requests that the file of promises names, in turn."""

    abstract = True
    think_s = (0.2, 1.0)

    def on_start(self) -> None:
        self._turns = cycle(self.load.service.requests.items())

    @task
    def next_one(self) -> None:
        name, request = next(self._turns)
        seen = self.ask(name, request)
        if seen.outcome == "right":
            self.tidy_up(request, seen.document)

    def tidy_up(self, request: Request, document: Any) -> None:
        """End what a request began and a client of good manners does not leave behind; by default nothing."""


def _read(response: ResponseContextManager, request: Request) -> tuple[Answer, float | None]:
    """The whole answer, and when its first event came, where it is a stream."""
    error = response.request_meta["exception"]
    if error is not None and not isinstance(error, LocustBadStatusCode):
        return Answer(response.status_code, error=error), None
    headers: Any = response.headers
    retry_after, content_type = headers.get("retry-after"), headers.get("content-type", "")
    if not (request.stream and response.status_code == request.expect.status):
        body = response.content or b""
        return Answer(response.status_code, body, retry_after=retry_after, content_type=content_type), None
    return _read_stream(response, content_type)


def _read_stream(response: ResponseContextManager, content_type: str) -> tuple[Answer, float | None]:
    source: Any = response._response
    body, first_event_s = bytearray(), None
    try:
        while line := source.readline(b"\n"):
            body += line
            if line.startswith(b"data:"):
                first_event_s = first_event_s or time.perf_counter()
        body += source.read()
    except Exception as error:  # whatever a cut connection raises, the user goes on
        return Answer(response.status_code, bytes(body), events_in(body), error=error), None
    return Answer(response.status_code, bytes(body), events_in(body), content_type=content_type), first_event_s
