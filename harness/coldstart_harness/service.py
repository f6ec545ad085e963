"""What the harness asks of a running service over HTTP, from outside, on a fresh connection each time."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from coldstart_harness.errors import ServiceFailed

SESSIONS_PATH = "/api/v1/sessions"
FIRST_PROMPT = "The cat sat on the"
_PROBE_TIMEOUT_S = 2.0
_ANSWER_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Reply:
    """A status and the JSON object that came with it; an empty one when the body is something else."""

    status: int
    document: Mapping[str, Any]
    headers: Mapping[str, str]


def status_of(reply: Reply | None) -> int | None:
    """The reply's status; None where nobody answered."""
    return None if reply is None else reply.status


class Service:
    """One service at one address. Every request opens a connection of its own: probes do so, and load balancers."""

    def __init__(self, url: str) -> None:
        self.url = url
        # Without the environment: a proxy named there has no business with a container on this machine.
        self._client = httpx.Client(trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))

    def get(self, path: str, *, timeout_s: float = _PROBE_TIMEOUT_S) -> Reply | None:
        """The reply; None when nobody answers."""
        try:
            return _reply(self._client.get(self.url + path, timeout=timeout_s))
        except httpx.TransportError:
            return None

    def post(self, path: str, body: Mapping[str, Any]) -> Reply | None:
        """The reply; None when nobody answers."""
        try:
            return _reply(self._client.post(self.url + path, json=dict(body), timeout=_ANSWER_TIMEOUT_S))
        except httpx.TransportError:
            return None

    def is_live(self) -> bool:
        return status_of(self.get("/livez")) == 200

    def is_ready(self) -> bool:
        return status_of(self.get("/readyz")) == 200

    def health(self) -> Mapping[str, Any]:
        """What `/health` says; empty while nobody answers."""
        reply = self.get("/health")
        return reply.document if reply is not None else {}

    def first_answer(self) -> "Answer":
        """One real request, the same as the curl line that is shown.

        Raises:
            ServiceFailed: nobody answers, or the answer is not a distribution.
        """
        started = time.monotonic()
        reply = self.post(SESSIONS_PATH, {"prompt": FIRST_PROMPT})
        seconds = time.monotonic() - started
        if reply is None or reply.status != 201:
            met = "no answer" if reply is None else f"status {reply.status}: {dict(reply.document)}"
            raise ServiceFailed(f"POST {SESSIONS_PATH} was to answer 201 with a distribution; it gave {met}")
        try:
            slices = reply.document["distribution"]["slices"]
            likely = tuple((str(s["text"]), float(s["probability"])) for s in slices[:5])
        except (KeyError, TypeError, ValueError) as error:
            raise ServiceFailed(f"POST {SESSIONS_PATH} answered without a distribution: {error!r}") from None
        return Answer(seconds=seconds, likely=likely)

    def curl_line(self) -> str:
        """A command for a terminal that asks what `first_answer` asks."""
        return (
            f"curl -s {self.url}{SESSIONS_PATH} -H 'content-type: application/json' "
            f"""-d '{{"prompt": "{FIRST_PROMPT}"}}'"""
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """The first distribution: how long it took and its most likely tokens with their probabilities."""

    seconds: float
    likely: tuple[tuple[str, float], ...]


def _reply(response: httpx.Response) -> Reply:
    try:
        document = response.json()
    except ValueError:
        document = {}
    return Reply(response.status_code, document if isinstance(document, dict) else {}, response.headers)


def model_states(health: Mapping[str, Any]) -> dict[str, str]:
    """Model name → state, as `/health` gives them; empty when it gives none."""
    models = health.get("models")
    if not isinstance(models, Mapping):
        return {}
    return {name: str(model.get("state", "?")) for name, model in models.items() if isinstance(model, Mapping)}


def failures_in(health: Mapping[str, Any]) -> list[str]:
    """A sentence for each model that `/health` calls failed."""
    models = health.get("models")
    if not isinstance(models, Mapping):
        return []
    return [
        f"{name} failed: {model.get('reason', 'no reason given')}"
        for name, model in models.items()
        if isinstance(model, Mapping) and model.get("state") == "failed"
    ]
