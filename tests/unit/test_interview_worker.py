"""What the agent worker does beside its jobs."""

import asyncio
import threading
from pathlib import Path
from typing import NoReturn

import pytest
from structlog.testing import capture_logs

from coldstart.apps import interview_worker, pulse
from coldstart.apps.interview_worker import EngineLoop, Rounds
from coldstart.apps.interviewer import interviewer_of
from coldstart.domain.errors import ConfigurationError, Unavailable
from coldstart.engines.chat_interviewer import ChatInterviewer
from coldstart.runtime.settings import Settings, load_settings
from coldstart.runtime.timeline import StartupTimeline
from coldstart.services.question_bank import QuestionBank


def settings(**environ: str) -> Settings:
    return load_settings({"MODELS_MANIFEST": "none", **environ})


def test_a_round_that_fails_is_followed_by_the_next() -> None:
    """What went wrong is told, but not what another library says of it; then it goes on."""
    failures: list[Exception] = [Unavailable("the database is away"), ValueError("somebody said this")]
    done = threading.Event()

    def action() -> None:
        if failures:
            raise failures.pop(0)
        done.set()

    rounds = Rounds()
    with capture_logs() as logs:
        rounds.begin("beat", 0.001, action)
        assert done.wait(10)
        rounds.end()
    assert [log["reason"] for log in logs] == ["the database is away", "ValueError"]


def test_a_last_round_tells_of_the_end() -> None:
    """At the end those that are to are gone round once more, at once."""
    rounds = Rounds()
    seen: list[bool] = []
    begun, ended = threading.Event(), threading.Event()

    def action() -> None:
        seen.append(rounds.ending)
        (ended if rounds.ending else begun).set()

    rounds.begin("beat", 3600.0, action, once_more=True)
    assert begun.wait(10)
    rounds.end()
    assert ended.wait(10)
    assert seen == [False, True]


def test_a_worker_that_starts_is_alive(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its pulse beats before it has its database, however long that takes."""
    beaten = threading.Event()

    def open_interviews(_settings: Settings) -> NoReturn:
        raise ConfigurationError("alive" if beaten.wait(10) else "dead")

    monkeypatch.setattr(interview_worker, "_core", lambda _settings, _timeline: None)
    monkeypatch.setattr(interview_worker, "open_interviews", open_interviews)
    monkeypatch.setattr(pulse, "beat", beaten.set)
    with pytest.raises(ConfigurationError, match="alive"):
        interview_worker.run_worker(settings(INTERVIEW_ROOT=str(tmp_path)), StartupTimeline())


def test_any_thread_may_ask_the_engines() -> None:
    """All that is awaited for them is awaited in one event loop."""
    loop = EngineLoop()

    async def running() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    assert loop.result(running()) is loop.result(running())


def test_a_language_model_is_asked_where_one_is_configured() -> None:
    """Else the question bank; an address without a model is refused."""
    assert isinstance(interviewer_of(settings()), QuestionBank)
    chat = {"LLM_BASE_URL": "http://localhost:1/v1", "LLM_MODEL": "some"}
    assert isinstance(interviewer_of(settings(**chat)), ChatInterviewer)
    with pytest.raises(ConfigurationError, match="LLM_MODEL is not"):
        interviewer_of(settings(LLM_BASE_URL="http://localhost:1/v1"))
