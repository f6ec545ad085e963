"""How a service stands: what one look at it met, and what is worth a line since the look before."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from coldstart_harness.figures import format_seconds
from coldstart_harness.service import PROBE_TIMEOUT_S, NoAnswer, Reply, Service, failures_in

Kind = Literal["ready", "waiting", "failed", "foreign"]

_READY = "ready"
_FAILED = "failed"
_UNDER_WAY = ("pending", "loading", "warming")
# What stands before a service answers these while there is nobody behind it.
_GATEWAY = (429, 502, 503, 504)
_WORKER = "worker"
_LONGEST_TEXT = 500
# The last look is a look, too.
_SHORTEST_S = 0.5


@dataclass(frozen=True, slots=True)
class Part:
    """A model, or a worker beside the service.

    Args:
        state: as `/health` calls it.
        detail: the phases that it took, or why it failed; empty where nothing is said.
    """

    state: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What one look met.

    Args:
        kind: ready; waiting: it may become so; failed: it never will; foreign: what answers is no service of ours.
        reason: why it is not ready, or what is amiss though it is; empty where all is well.
        parts: what `/health` names, by name.
    """

    kind: Kind
    reason: str = ""
    parts: Mapping[str, Part] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """All of it in one line."""
        return ", ".join(f"{name} {part.state}" for name, part in self.parts.items()) or self.reason


def standing_of(service: Service, deadline: float) -> Standing:
    """Ask `/readyz`, and where that is ours `/health`.

    Args:
        service: to look at.
        deadline: on `time.monotonic()`; the look ends at most 1 s later.
    """
    try:
        reply = service.ask("/readyz", timeout_s=_patience_s(deadline))
    except NoAnswer as error:
        return Standing("foreign" if error.is_foreign else "waiting", f"not reachable: {error}")
    detail = reply.document.get("detail")
    is_ready = reply.status == 200 and reply.document.get("ready") is True
    if not is_ready and reply.status not in _GATEWAY:
        return Standing("foreign", f"{service.url}/readyz is no readiness of ours: {_met(reply)}")
    health = service.health(timeout_s=_patience_s(deadline))
    parts = dict(_parts_in(health))
    if is_ready:
        return Standing("ready", "; ".join(_amiss(health, parts)), parts)
    if failures := failures_in(health):
        return Standing("failed", _shown("; ".join(failures)), parts)
    status = health.get("status")
    reason = detail or (f"/health says {status}" if status else f"/readyz says {reply.status} and no reason")
    return Standing("failed" if status == "failed" else "waiting", _shown(reason), parts)


class Changes:
    """What has changed from look to look, as lines for a person."""

    def __init__(self) -> None:
        self._parts: dict[str, tuple[Part, float]] = {}
        self._reason = ""

    def since_last(self, standing: Standing) -> Iterator[str]:
        """A line for each part in another state than before, and one for another reason that no part tells."""
        now = time.monotonic()
        for name, part in standing.parts.items():
            before, since = self._parts.get(name, (None, now))
            if before is None:
                yield f"  {name}: {part.state}{_because(part)}"
            elif before.state != part.state:
                yield f"  {name}: {before.state} → {part.state} after {format_seconds(now - since)}{_because(part)}"
            else:
                continue
            self._parts[name] = (part, now)
        # While a model loads its own line says so.
        told_by_parts = any(part.state in _UNDER_WAY for part in standing.parts.values())
        reason = "" if standing.kind == "ready" or told_by_parts else standing.reason
        if reason and reason != self._reason:
            yield f"  {reason}"
        self._reason = reason


def _patience_s(deadline: float) -> float:
    return min(PROBE_TIMEOUT_S, max(deadline - time.monotonic(), _SHORTEST_S))


def _parts_in(health: Mapping[str, Any]) -> Iterator[tuple[str, Part]]:
    yield from _models_in(health.get("models"))
    worker = health.get(_WORKER)
    if isinstance(worker, Mapping):
        yield _WORKER, Part(_shown(worker.get("state", "?")))
        yield from ((f"{_WORKER} {name}", part) for name, part in _models_in(worker.get("models")))


def _models_in(models: Any) -> Iterator[tuple[str, Part]]:
    """Models with their states, or with documents that hold them."""
    for name, model in models.items() if isinstance(models, Mapping) else ():
        if isinstance(model, Mapping):
            detail = _phases(model.get("phases")) if model.get("state") == _READY else _shown(model.get("reason", ""))
            optional = "" if model.get("required", True) else "not required"
            yield _shown(name), Part(_shown(model.get("state", "?")), ", ".join(filter(None, (optional, detail))))
        else:
            yield _shown(name), Part(_shown(model))


def _phases(phases: Any) -> str:
    """`read 12 ms, build 0.31 s`."""
    if not isinstance(phases, Mapping):
        return ""
    numbers = {name: seconds for name, seconds in phases.items() if isinstance(seconds, int | float)}
    return _shown(", ".join(f"{name.removesuffix('_s')} {format_seconds(took)}" for name, took in numbers.items()))


def _amiss(health: Mapping[str, Any], parts: Mapping[str, Part]) -> Iterator[str]:
    """What a service that is ready goes without: models that failed, and the sentences of `/health` on the rest."""
    yield from (f"{name} {part.state}{_because(part)}" for name, part in parts.items() if part.state == _FAILED)
    sentences = health.get("degraded")
    yield from (_shown(sentence) for sentence in sentences) if isinstance(sentences, list) else ()


def _because(part: Part) -> str:
    return f" ({part.detail})" if part.detail else ""


def _met(reply: Reply) -> str:
    kind = _shown(reply.headers.get("content-type", "")).partition(";")[0] or "no media type"
    where = _shown(reply.headers.get("location", ""))
    return f"status {reply.status}, {f'to {where}' if where else kind}"


def _shown(value: Any) -> str:
    """What a service says, without what a terminal would obey and not longer than anybody reads."""
    text = str(value)
    shown = "".join(character if character.isprintable() else " " for character in text[:_LONGEST_TEXT])
    return shown if len(text) <= _LONGEST_TEXT else f"{shown}…"
