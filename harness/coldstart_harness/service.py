"""What the harness asks of a running service over HTTP, from outside, on a fresh connection each time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

_PROBE_TIMEOUT_S = 2.0


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

    def is_live(self) -> bool:
        return status_of(self.get("/livez")) == 200

    def is_ready(self) -> bool:
        return status_of(self.get("/readyz")) == 200

    def health(self) -> Mapping[str, Any]:
        """What `/health` says; empty while nobody answers."""
        reply = self.get("/health")
        return reply.document if reply is not None else {}


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
