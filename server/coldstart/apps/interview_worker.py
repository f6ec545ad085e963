"""The agent worker: makes the reports on finished interviews, with a recogniser of its own. It listens to no port."""

import asyncio
import gc
import math
import signal
import threading
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import structlog

from coldstart.apps import asr, pulse
from coldstart.apps.interview_migration import migrate_database
from coldstart.apps.interviewer import interviewer_of
from coldstart.apps.modes import served_models
from coldstart.domain.errors import ColdstartError, EngineFailed, NotReady
from coldstart.domain.manifest import load_manifest
from coldstart.runtime.core import Core
from coldstart.runtime.lifecycle import Lifecycle
from coldstart.runtime.loading import ModelLoading
from coldstart.runtime.logs import configure_logs
from coldstart.runtime.models import ModelState
from coldstart.runtime.registry import ModelRegistry
from coldstart.runtime.routing import Routing, weights_of
from coldstart.runtime.settings import Settings
from coldstart.runtime.timeline import StartupTimeline
from coldstart.services.answer_writing import WrittenSound
from coldstart.services.interview_reporting import Reporting, UnreportedInterviews
from coldstart.storage.answer_files import AnswerFiles
from coldstart.storage.database import database_url_of, engine_of
from coldstart.storage.job_worker import DEFAULT_POLICY, JobPolicy, JobWorker, ReportHandler
from coldstart.storage.jobs import Jobs, jobs_url_of
from coldstart.storage.sql_interviews import SqlInterviews, WorkerBeat
from coldstart.storage.worker_names import WorkerNames

ResultT = TypeVar("ResultT")

_BEAT_S = 3.0
# Of the grace, what is left for everything but the steps under way.
_LAST_WORDS_S = 2.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
# Below the root.
_NAMES = "interview_data/workers"


def run_worker(settings: Settings, timeline: StartupTimeline) -> int:
    """Work until SIGTERM or SIGINT has been answered, within the grace.

    Returns:
        The exit status, 0.

    Raises:
        ConfigurationError: it cannot start as configured.
    """
    core = _core(settings, timeline)
    files = AnswerFiles(settings.interview_root, min_free_bytes=settings.interview_min_free_bytes)
    files.check_writable()
    # For the health check of a container: a database that is away at the start or later is no reason to replace it.
    Rounds().begin("pulse", _BEAT_S, pulse.beat)
    interviews = open_interviews(settings)
    hold_signals()
    core.registry.start()
    reporting = _reporting(core, interviews, files)
    timeline.mark("imports")
    work(settings, interviews, reporting, models=lambda: _states(core.registry))
    core.registry.close(0.0)
    structlog.get_logger("coldstart.worker").info("shutdown_ends", after_s=round(timeline.elapsed_s(), 3))
    return 0


def open_interviews(settings: Settings) -> SqlInterviews:
    """The interviews, their tables up to date. Waits for a database that cannot be reached, for it may be starting.

    Raises:
        ConfigurationError: the database cannot be used.
    """
    migrate_database(settings, patience_s=math.inf)
    engine = engine_of(database_url_of(settings))
    return SqlInterviews(engine, open_limit=settings.interview_open_limit)


def hold_signals() -> None:
    """From here on nothing is cut off: SIGTERM and SIGINT wait until `work` asks for them. Threads inherit this."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


def work(
    settings: Settings,
    interviews: SqlInterviews,
    handler: ReportHandler,
    *,
    models: Callable[[], Mapping[str, ModelState]],
    policy: JobPolicy = DEFAULT_POLICY,
) -> None:
    """Take jobs until a signal comes, then leave them as they should be found.

    Args:
        settings: where the database is, and the grace.
        interviews: in it.
        handler: makes reports.
        models: how each model stands.
        policy: how hard it is tried.
    """
    jobs_url = jobs_url_of(database_url_of(settings))
    worker = JobWorker(jobs_url, WorkerNames(settings.interview_root / _NAMES), handler, policy)
    worker.start()
    unreported = UnreportedInterviews(interviews, Jobs(jobs_url))
    rounds = Rounds()

    rounds.begin(
        "beat", _BEAT_S, lambda: interviews.beat(_beat_of(worker.name, models(), rounds.ending)), once_more=True
    )
    rounds.begin("sweep", policy.sweep_s, unreported.sweep)
    rounds.begin("take-up-lost", policy.sweep_s, worker.take_up_lost)
    # As the web server does: what the start has made stays.
    gc.freeze()
    gc.enable()
    log = structlog.get_logger("coldstart.worker").bind(worker=worker.name)
    log.info("worker_begins")
    signal.sigwait(_SIGNALS)
    grace_s = settings.shutdown_grace_s
    log.info("shutdown_begins", grace_s=grace_s)
    rounds.end()
    worker.stop(max(grace_s - _LAST_WORDS_S, 0.0))


class Rounds:
    """What is done every few seconds, each in a thread of its own, until the end. Threads are not waited for."""

    def __init__(self) -> None:
        self._ending = threading.Event()
        self._log = structlog.get_logger("coldstart.worker")

    @property
    def ending(self) -> bool:
        """Whether `end` was called."""
        return self._ending.is_set()

    def begin(self, name: str, every_s: float, action: Callable[[], None], *, once_more: bool = False) -> None:
        """Do `action` now, and then again `every_s` seconds after it has ended.

        Args:
            name: for the logs, with what it raises.
            once_more: do it a last time at the end, at once.
        """
        threading.Thread(target=self._go_round, args=(name, every_s, action, once_more), name=name, daemon=True).start()

    def end(self) -> None:
        """No more rounds."""
        self._ending.set()

    def _go_round(self, name: str, every_s: float, action: Callable[[], None], once_more: bool) -> None:
        # Some begin before the signals are held, and one that met a signal would take it away from `work`.
        hold_signals()
        while not self.ending:
            self._try(name, action)
            self._ending.wait(every_s)
        if once_more:
            self._try(name, action)

    def _try(self, name: str, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # a process border: a database that is away must not end the rounds for good
            told = str(error) if isinstance(error, ColdstartError) else type(error).__name__
            self._log.warning("round_fails", round=name, reason=told)


class EngineLoop:
    """An event loop in a thread of its own: what stands before the engines belongs to one."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="engine-loop", daemon=True).start()

    def result(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        """What comes of it. Blocks; for any thread but the loop's."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


def _core(settings: Settings, timeline: StartupTimeline) -> Core:
    manifest = load_manifest(settings.models_manifest)
    tasks = asr.tasks(settings)
    models = served_models(settings, manifest, tasks)
    configure_logs(settings)
    routing = Routing(models, weights_of(settings.model_weights, manifest.models))
    registry = ModelRegistry(models, ModelLoading(tasks, settings.queue_limit), timeline, routing)
    return Core(settings, registry, timeline, Lifecycle())


def _reporting(core: Core, interviews: SqlInterviews, files: AnswerFiles) -> Reporting:
    # Imported here, for NumPy is imported along with the models' engine.
    from coldstart.services.answer_writing import written_sound
    from coldstart.services.transcription import Transcriptions

    transcriptions: Transcriptions = asr.services(core)[Transcriptions]
    interviewer = interviewer_of(core.settings)
    loop = EngineLoop()

    def write(data: bytes, language: str) -> WrittenSound:
        try:
            return loop.result(written_sound(transcriptions, data, language))
        except NotReady as error:
            if not core.registry.wait_settled(0.0):
                raise
            # What is not ready then will never be: there is nothing to wait for.
            raise EngineFailed(str(error)) from None

    return Reporting(
        interviews,
        files,
        write=write,
        take_notes=lambda interview, answers: loop.result(interviewer.notes_on(interview, answers)),
    )


def _states(registry: ModelRegistry) -> Mapping[str, ModelState]:
    return {name: status.state for name, status in registry.states().items()}


def _beat_of(name: str, models: Mapping[str, ModelState], ending: bool) -> WorkerBeat:
    starting = any(state not in (ModelState.READY, ModelState.FAILED) for state in models.values())
    state = "stopping" if ending else "starting" if starting else "ready"
    return WorkerBeat(name, datetime.now(UTC), state, {model: str(state) for model, state in models.items()})
