"""The one place where models live: loaded in the background, shared by all requests."""

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from coldstart.domain.errors import ColdstartError, NotFound, NotReady
from coldstart.domain.manifest import ModelEntry, entries_named
from coldstart.runtime.models import AnyServedModel, ModelLoader, ModelState, ModelStatus
from coldstart.runtime.routing import Routing
from coldstart.runtime.timeline import StartupTimeline

# A model that failed stays failed until the process is replaced; asking often helps nobody.
_RETRY_AFTER_FAILURE_S = 30


@dataclass(slots=True)
class _Slot:
    entry: ModelEntry
    state: ModelState = ModelState.PENDING
    reason: str | None = None
    served: AnyServedModel | None = None


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether every required model is ready; if not, one sentence for each reason, and when to ask again."""

    ready: bool
    reasons: tuple[str, ...] = field(default=())
    retry_after_s: int = 1


class ModelRegistry:
    """Loads every model of the manifest in a thread of its own and hands them out when they are ready. Thread-safe.

    Args:
        entries: the manifest's models.
        loader: reads, builds and warms up one model.
        timeline: where phases are recorded, and `models` when every required one is ready.
        routing: chooses among the revisions of a model; None: each model's first revision.
    """

    def __init__(
        self,
        entries: Sequence[ModelEntry],
        loader: ModelLoader,
        timeline: StartupTimeline,
        routing: Routing | None = None,
    ) -> None:
        self._loader = loader
        self._timeline = timeline
        self._routing = routing or Routing(entries)
        self._slots = {entry.label: _Slot(entry) for entry in entries}
        self._changed = threading.Condition()
        self._started = False
        self._closing = False
        self._log = structlog.get_logger("coldstart.models")

    def start(self) -> None:
        """Begin to load all models; returns at once. A second call does nothing."""
        with self._changed:
            if self._started or self._closing:
                return
            self._started = True
        for slot in self._slots.values():
            threading.Thread(target=self._load, args=(slot,), name=f"load-{slot.entry.label}", daemon=True).start()

    def get(self, name: str) -> AnyServedModel:
        """The model called NAME or NAME@REVISION; of several revisions the one that most requests go to.

        Raises:
            NotFound: there is none of that name.
            InvalidInput: the name is the beginning of several revisions.
            NotReady: it is not ready yet, or has failed.
        """
        slots = self._answering(name, self.entries)
        return _handed_out(max(slots, key=lambda slot: self._routing.share(slot.entry.label)))

    def find(self, task: str, name: str | None) -> AnyServedModel:
        """The model of that task called NAME or NAME@REVISION, or the manifest's first one of that task.

        Where several revisions are meant, one is drawn for each call; one that is not ready leaves its share to those
        that are.

        Raises:
            NotFound: there is none of that name and task.
            InvalidInput: the name is the beginning of several revisions.
            NotReady: it is not ready yet, or has failed.
        """
        entries = [entry for entry in self.entries if entry.task == task]
        slots = self._answering(name if name is not None else next((e.name for e in entries), ""), entries)
        labels = [slot.entry.label for slot in slots]
        return _handed_out(self._slots[self._routing.draw(labels) if len(labels) > 1 else labels[0]])

    def check_room(self, task: str) -> None:
        """For a request that will need a model of that task, which one it has not been read for yet.

        A revision without a share answers hardly anybody, so its room is not looked at where others are ready.

        Raises:
            Overloaded: no model that has a share has room; it counts for the one with the largest.
        """
        ready = [served for served in self.ready() if served.entry.task == task]
        asked = [served for served in ready if self._routing.share(served.entry.label)] or ready
        if asked and not any(served.scheduler.has_room for served in asked):
            max(asked, key=lambda served: self._routing.share(served.entry.label)).scheduler.check_room()

    @property
    def entries(self) -> tuple[ModelEntry, ...]:
        """The manifest's models, in its order."""
        return tuple(slot.entry for slot in self._slots.values())

    def ready(self) -> Sequence[AnyServedModel]:
        """The models that serve, in the manifest's order."""
        return [slot.served for slot in self._slots.values() if slot.served is not None]

    def states(self) -> Mapping[str, ModelStatus]:
        """Model → what is known of it, in the manifest's order."""
        return {name: self._status(slot) for name, slot in self._slots.items()}

    @property
    def all_ready(self) -> bool:
        """Whether there is a model and every one is ready, required or not."""
        return bool(self._slots) and all(slot.state is ModelState.READY for slot in self._slots.values())

    def readiness(self) -> Readiness:
        """Whether requests can be served: every required model is ready, and there is at least one model."""
        if not self._slots:
            return Readiness(False, ("the manifest names no model",), _RETRY_AFTER_FAILURE_S)
        waited_for = [s for s in self._slots.values() if s.entry.required and s.state is not ModelState.READY]
        failed = any(slot.state is ModelState.FAILED for slot in waited_for)
        return Readiness(
            ready=not waited_for,
            reasons=tuple(f"model {s.entry.label!r} is {s.state}{_because(s)}" for s in waited_for),
            retry_after_s=_RETRY_AFTER_FAILURE_S if failed else 1,
        )

    def _answering(self, wanted: str, entries: Sequence[ModelEntry]) -> list[_Slot]:
        """Whom a request of that name may go to, at least one.

        The one revision that is meant, or of several those that are ready and have a share; where none is, one that has
        a share, for the sentence that says why not.
        """
        slots = [self._slots[entry.label] for entry in entries_named(wanted, entries)]
        if not slots:
            raise _unknown(wanted, [entry.label for entry in entries])
        if len(slots) == 1:
            return slots
        sharing = [slot for slot in slots if self._routing.share(slot.entry.label)]
        ready = [slot for slot in sharing if slot.served is not None]
        return ready or [next((slot for slot in sharing if slot.state is not ModelState.FAILED), sharing[0])]

    def wait_settled(self, timeout_s: float) -> bool:
        """Block until every model is ready or failed; False when that took more than `timeout_s` seconds."""
        settled = (ModelState.READY, ModelState.FAILED)
        with self._changed:
            return self._changed.wait_for(lambda: all(s.state in settled for s in self._slots.values()), timeout_s)

    def close(self, deadline_s: float) -> None:
        """Free all models, after at most about `deadline_s` seconds for what their queues hold. Blocks.

        A model that is still loading is freed by its own thread when that is done.
        """
        with self._changed:
            self._closing = True
            served = [slot.served for slot in self._slots.values() if slot.served is not None]
        deadline = time.monotonic() + deadline_s
        for model in served:
            model.close(max(deadline - time.monotonic(), 0.0))

    def _load(self, slot: _Slot) -> None:
        name = slot.entry.label
        self._move(slot, ModelState.LOADING)
        try:
            served = self._loader(slot.entry, self._timeline, lambda: self._move(slot, ModelState.WARMING))
        except Exception as error:  # a process border: whatever a library raises is this model's failure, not ours
            known = isinstance(error, ColdstartError)
            self._log.error("model_failed", model=name, reason=_reason(error), exc_info=None if known else error)
            self._move(slot, ModelState.FAILED, reason=_reason(error))
            return
        with self._changed:
            closing = self._closing
            if not closing:
                slot.served = served
                self._move(slot, ModelState.READY)
                self._tell_ready(slot)
        if closing:
            served.close(0)

    def _move(self, slot: _Slot, state: ModelState, reason: str | None = None) -> None:
        with self._changed:
            slot.state, slot.reason = state, reason
            self._changed.notify_all()
        self._log.debug("model_state", model=slot.entry.label, state=str(state))

    def _tell_ready(self, slot: _Slot) -> None:
        phases = {f"{phase}_s": round(s, 4) for phase, s in self._timeline.model_phases(slot.entry.label).items()}
        self._log.info("model_ready", model=slot.entry.label, revision=slot.entry.revision, **phases)
        if self.readiness().ready:
            self._timeline.mark("models")

    def _status(self, slot: _Slot) -> ModelStatus:
        served = slot.served
        return ModelStatus(
            entry=slot.entry,
            state=slot.state,
            reason=slot.reason,
            golden=served.golden_digest if served else None,
            device=served.device if served else None,
            share=self._routing.share(slot.entry.label),
            phases=self._timeline.model_phases(slot.entry.label),
            queue_depth=served.scheduler.depth if served else 0,
            refusals=served.scheduler.refusals if served else 0,
            failures=served.scheduler.failures if served else 0,
        )


def _handed_out(slot: _Slot) -> AnyServedModel:
    if slot.state is ModelState.FAILED:
        raise NotReady(f"model {slot.entry.label!r} failed to load", retry_after_s=_RETRY_AFTER_FAILURE_S)
    if slot.served is None:
        raise NotReady(f"model {slot.entry.label!r} is not ready: it is {slot.state}")
    return slot.served


def _unknown(name: str, names: Iterable[str]) -> NotFound:
    return NotFound(f"there is no model {name[:200]!r}; there are: {', '.join(names) or 'none'}")


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, ColdstartError) else f"{type(error).__name__}: {error}"


def _because(slot: _Slot) -> str:
    return f": {slot.reason}" if slot.reason else ""
