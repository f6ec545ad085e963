"""From an entry of the manifest to a model that serves: read, build, warm up."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Generic

from coldstart.domain.errors import ModelRejected
from coldstart.domain.manifest import Artifact, ModelEntry
from coldstart.runtime.models import AnyServedModel, EngineT, RequestT, ResultT, ServedModel
from coldstart.runtime.scheduler import Scheduler
from coldstart.runtime.timeline import StartupTimeline
from coldstart.runtime.verification import verify_artifact


@dataclass(frozen=True, slots=True)
class TaskServing(Generic[EngineT, RequestT, ResultT]):
    """How the models of one task are served; composed in apps.

    Args:
        engine_name: which of a model's artifacts is taken.
        prepare: imports the inference library and gives the function that builds an engine from an artifact's
            directory. Called while the files are being read, in another thread.
        check: compares the golden answer, by way of the scheduler; returns its digest or raises ModelRejected.
        recover: drops what an engine keeps for a request whose batch failed; called on the scheduler's thread.
        model: the one model that is served, by NAME or NAME@REVISION; None: every one of the task.
        otherwise: how a model is served that has no artifact for this engine.
        required: whether the process is ready only with the task's models; None: as the manifest says of each.
    """

    engine_name: str
    prepare: Callable[[], Callable[[Path], EngineT]]
    check: Callable[[ModelEntry, str, EngineT, Scheduler[RequestT, ResultT]], str]
    recover: Callable[[EngineT, RequestT], None]
    model: str | None = None
    otherwise: "TaskServing[EngineT, RequestT, ResultT] | None" = None
    required: bool | None = None

    def entry_of(self, entry: ModelEntry) -> ModelEntry:
        """An entry of the task, required or not as this process has it."""
        return entry if self.required is None else replace(entry, required=self.required)


class ModelLoading:
    """The loader of the registry: a `ModelLoader`.

    Args:
        tasks: task of the manifest → how it is served.
        queue_limit: waiting requests of each model.
    """

    def __init__(self, tasks: Mapping[str, TaskServing[Any, Any, Any]], queue_limit: int) -> None:
        self._tasks = tasks
        self._queue_limit = queue_limit

    def __call__(self, entry: ModelEntry, timeline: StartupTimeline, warming: Callable[[], None]) -> AnyServedModel:
        """See `ModelLoader`. The phase `build` holds what is left of the library's import after `read`."""
        serving, artifact = self._serving(entry)
        with ThreadPoolExecutor(1, thread_name_prefix=f"prepare-{entry.label}") as pool:
            preparing = pool.submit(serving.prepare)
            with timeline.model_phase(entry.label, "read"):
                verify_artifact(artifact)
            with timeline.model_phase(entry.label, "build"):
                engine = preparing.result()(artifact.path)
        warming()
        with timeline.model_phase(entry.label, "warmup"):
            return self._warm_up(entry, serving, engine)

    def _serving(self, entry: ModelEntry) -> tuple[TaskServing[Any, Any, Any], Artifact]:
        serving = self._tasks.get(entry.task)
        if serving is None:
            raise ModelRejected(
                f"model {entry.label!r} has task {entry.task!r}; this process serves {', '.join(sorted(self._tasks))}"
            )
        engines = []
        while serving is not None:
            if artifact := entry.artifacts.get(serving.engine_name):
                return serving, artifact
            engines.append(repr(serving.engine_name))
            serving = serving.otherwise
        raise ModelRejected(
            f"model {entry.label!r} has no artifact for engine {' or '.join(engines)}; "
            f"it has {', '.join(sorted(entry.artifacts)) or 'none'}"
        )

    def _warm_up(self, entry: ModelEntry, serving: TaskServing[Any, Any, Any], engine: Any) -> AnyServedModel:
        scheduler: Scheduler[Any, Any] = Scheduler(
            engine, name=entry.label, queue_limit=self._queue_limit, recover=partial(serving.recover, engine)
        )
        try:
            digest = serving.check(entry, serving.engine_name, engine, scheduler)
        except BaseException:
            if scheduler.close(0):
                engine.close()
            raise
        return ServedModel(entry, serving.engine_name, engine, scheduler, digest)
