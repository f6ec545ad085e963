"""How an interview service is beside its models: the database, the worker, and what candidates must do without."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from coldstart.domain.errors import ColdstartError
from coldstart.runtime.health import HealthReport
from coldstart.runtime.models import ModelState, ModelStatus
from coldstart.runtime.registry import ModelRegistry
from coldstart.services.interview_stores import Beat, InterviewStore
from coldstart.services.speech import TEXT_TO_SPEECH_TASK
from coldstart.services.speech_segments import VOICE_ACTIVITY_TASK
from coldstart.services.transcription import SPEECH_TO_TEXT_TASK

# A worker tells of itself every few seconds.
_SILENT_S = 15.0
# An orchestrator gives its probes a few seconds in all.
_PATIENCE_S = 1.5
# Task → what an interview is like without it.
_WITHOUT: Mapping[str, str] = {
    SPEECH_TO_TEXT_TASK: "answers can only be typed",
    VOICE_ACTIVITY_TASK: "answers can be typed, or sent as files, but not spoken live",
    TEXT_TO_SPEECH_TASK: "questions can only be read",
}


class InterviewHealth:
    """Reports. For one event loop.

    Args:
        store: has the worker's last words; whether it answers is the database's health.
        registry: has the models.
        now: UTC.
    """

    def __init__(
        self, store: InterviewStore, registry: ModelRegistry, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store = store
        self._registry = registry
        self._now = now
        self._asking: asyncio.Future[Sequence[Beat]] | None = None

    async def health(self) -> HealthReport:
        """See `api.probes.Reporting`."""
        missing = tuple(self._missing())
        try:
            beats = await self._beats()
        except Exception as error:  # a report must not fail because what it reports on does
            reason = str(error) if isinstance(error, ColdstartError | TimeoutError) else type(error).__name__
            members: dict[str, Any] = {
                "database": {"state": "failed", "reason": reason},
                "worker": {"state": "unknown"},
            }
            return HealthReport(members, (*missing, f"the database does not answer: {reason}"))
        worker, complaint = self._worker(beats)
        return HealthReport(
            {"database": {"state": "ready"}, "worker": worker}, (*missing, complaint) if complaint else missing
        )

    async def _beats(self) -> Sequence[Beat]:
        # One question at a time: a database that hangs must not take a thread for each probe.
        if self._asking is None or self._asking.done():
            self._asking = asyncio.ensure_future(asyncio.to_thread(self._store.beats))
            self._asking.add_done_callback(_seen)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await asyncio.shield(self._asking)
        except TimeoutError:
            raise TimeoutError(f"it has not answered for {_PATIENCE_S:g} s") from None

    def _worker(self, beats: Sequence[Beat]) -> tuple[Mapping[str, Any], str | None]:
        """The member of the document, and what is wrong with the worker."""
        last = max(beats, key=lambda beat: beat.at, default=None)
        if last is None:
            return {"state": "missing"}, "no worker has been heard of: reports are not made"
        age_s = max((self._now() - last.at).total_seconds(), 0.0)
        told = {"name": last.name, "state": last.state, "beat_age_s": round(age_s, 1), "models": dict(last.models)}
        if age_s > _SILENT_S:
            sentence = f"no worker has been heard of for {age_s:.0f} s: reports are not made"
            return {**told, "state": "missing"}, sentence
        if failed := sorted(model for model, state in last.models.items() if state == ModelState.FAILED):
            sentence = (
                f"the worker's model {failed[0]!r} failed to load: what it has to write down is missing in reports"
            )
            return told, sentence
        return told, None

    def _missing(self) -> Sequence[str]:
        """A sentence for each task of which no model that has a share is ready, or will be."""
        # A revision without a share takes no interview, however ready it is.
        states = [status for status in self._registry.states().values() if status.share]
        return [
            f"{_told(task, [status for status in states if status.entry.task == task])}: {consequence}"
            for task, consequence in _WITHOUT.items()
            if not any(status.entry.task == task and status.state is not ModelState.FAILED for status in states)
        ]


def _told(task: str, failed: Sequence[ModelStatus]) -> str:
    if not failed:
        return f"there is no model for {task}"
    return "; ".join(f"model {status.entry.label!r} failed to load" for status in failed)


def _seen(asking: "asyncio.Future[Sequence[Beat]]") -> None:
    if not asking.cancelled():
        asking.exception()
