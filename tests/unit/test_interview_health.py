"""What /health tells of the worker's models, and of the API's own with several revisions."""

from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from coldstart.domain.errors import ModelRejected
from coldstart.domain.manifest import ModelEntry
from coldstart.runtime.models import ModelLoader
from coldstart.runtime.registry import ModelRegistry
from coldstart.runtime.routing import Routing
from coldstart.runtime.timeline import StartupTimeline
from coldstart.services.interview_health import InterviewHealth
from coldstart.services.interview_stores import InterviewStore
from coldstart.storage.sql_interviews import WorkerBeat

NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def complaints(**models: str) -> Sequence[str]:
    """Those about a worker that was heard of just now."""
    store = SimpleNamespace(beats=lambda: [WorkerBeat("w", NOW, "ready", models)])
    registry = SimpleNamespace(states=dict)
    health = InterviewHealth(cast(InterviewStore, store), cast(ModelRegistry, registry), lambda: NOW)
    return [sentence for sentence in (await health.health()).degraded if "worker" in sentence]


async def test_a_model_that_failed_in_the_worker_is_told() -> None:
    """The API's own may be ready all the while."""
    assert await complaints(whisper="ready", vad="loading") == []
    [sentence] = await complaints(whisper="failed", vad="ready")
    assert "'whisper' failed to load" in sentence


def entry(task: str, revision: str) -> ModelEntry:
    return ModelEntry(f"of-{task}", task, "fake", "own/x", revision, "MIT", False, {}, {}, is_one_of_several=True)


@pytest.mark.parametrize(
    ("failing", "told"),
    [("r1", ["model 'of-text-to-speech@r1' failed to load: questions can only be read"]), ("r2", [])],
)
async def test_a_revision_without_a_share_is_nobodys_substitute(failing: str, told: list[str]) -> None:
    """And where it is the one that failed, an interview goes without nothing."""

    def load(entry: ModelEntry, *_: Any) -> Any:
        if entry.label == f"of-text-to-speech@{failing}":
            raise ModelRejected("broken")
        scheduler = SimpleNamespace(depth=0, refusals=0, failures=0)
        return SimpleNamespace(golden_digest="d1", device="cpu", scheduler=scheduler)

    tasks = ("speech-to-text", "voice-activity", "text-to-speech")
    entries = [entry(task, revision) for task in tasks for revision in ("r1", "r2")]
    registry = ModelRegistry(entries, cast(ModelLoader, load), StartupTimeline(), Routing(entries))
    registry.start()
    assert registry.wait_settled(10)
    store = SimpleNamespace(beats=lambda: [WorkerBeat("w", NOW, "ready", {})])
    health = InterviewHealth(cast(InterviewStore, store), registry, lambda: NOW)
    assert list((await health.health()).degraded) == told
