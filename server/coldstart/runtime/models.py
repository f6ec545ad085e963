"""What the process knows of each model: its state while it loads, and what serves it afterwards."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from coldstart.domain.manifest import ModelEntry
from coldstart.runtime.scheduler import Scheduler
from coldstart.runtime.timeline import StartupTimeline


class Closable(Protocol):
    """An engine, seen as something that holds memory."""

    def close(self) -> None:
        """Free it; nothing may be called afterwards."""
        ...


EngineT = TypeVar("EngineT", bound=Closable)
RequestT = TypeVar("RequestT")
ResultT = TypeVar("ResultT")


class ModelState(StrEnum):
    """pending → loading → warming → ready, or failed from any of the first three; the last two are final."""

    PENDING = "pending"
    LOADING = "loading"
    WARMING = "warming"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ServedModel(Generic[EngineT, RequestT, ResultT]):
    """A model that is ready: its engine, the scheduler before it, and the hash of its golden answer.

    Only the scheduler calls the engine's `advance` and `forget`; the engine's properties are free to read.
    """

    entry: ModelEntry
    engine_name: str
    engine: EngineT
    scheduler: Scheduler[RequestT, ResultT]
    golden_digest: str

    @property
    def device(self) -> str:
        """Where the engine computes; one that does not say so computes on the CPU."""
        return str(getattr(self.engine, "device", "cpu"))

    def close(self, deadline_s: float) -> None:
        """Finish what is queued within `deadline_s` seconds and free the engine. Blocks."""
        # An engine that hangs in a call cannot be freed under it; the process is about to end anyway.
        if self.scheduler.close(deadline_s):
            self.engine.close()


AnyServedModel: TypeAlias = ServedModel[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One model as the probes and metrics report it.

    Args:
        reason: one sentence, when it failed.
        golden: sha256 in hex of the golden answer, when it is ready.
        device: `cpu` or `cuda`, when it is ready.
        share: of the requests for this model that name no revision, in [0, 1]; 1 where there is one revision.
        phases: `read`, `build`, `warmup` → seconds; phases not yet over are absent.
        queue_depth: requests that wait now.
        refusals: requests refused because the queue was full, since the start.
        failures: steps on which the engine failed, since the start.
    """

    entry: ModelEntry
    state: ModelState
    reason: str | None
    golden: str | None
    device: str | None
    share: float
    phases: Mapping[str, float]
    queue_depth: int
    refusals: int
    failures: int


class ModelLoader(Protocol):
    """Turns an entry of the manifest into something that serves. Blocks; runs in a thread of its own."""

    def __call__(self, entry: ModelEntry, timeline: StartupTimeline, warming: Callable[[], None]) -> AnyServedModel:
        """Read and verify, build, call `warming`, compare the golden answer; phases go to `timeline`.

        Raises:
            ModelRejected: the model's bytes or answers differ from the manifest.
            Exception: whatever the inference library raises; the registry takes any as the model's failure.
        """
        ...
