"""What /health tells of the worker's models."""

from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

from coldstart.runtime.registry import ModelRegistry
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
