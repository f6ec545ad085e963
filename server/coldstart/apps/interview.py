"""The interview service's HTTP side, composed: ear and voice, questions, storage, jobs, and the routes."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from coldstart.apps import asr, tts
from coldstart.domain.errors import ConfigurationError
from coldstart.runtime.core import Core
from coldstart.runtime.loading import TaskServing
from coldstart.runtime.settings import Settings

if TYPE_CHECKING:
    from fastapi import APIRouter

# A database that starts along with this process needs some seconds.
_PATIENCE_S = 60.0


def tasks(settings: Settings) -> Mapping[str, TaskServing[Any, Any, Any]]:
    """The models that interviews take; those that INTERVIEW_REQUIRED names must be ready, the others need not.

    Also sees whether answers can be kept: before anything starts, nobody should wait for a model to be told that.

    Raises:
        ConfigurationError: INTERVIEW_REQUIRED names an unknown task, or INTERVIEW_ROOT cannot be written to, or as
            `asr.tasks` and `tts.tasks`.
    """
    from coldstart.storage.answer_files import AnswerFiles

    served = {**asr.tasks(settings), **tts.tasks(settings)}
    required = _required(settings, served)
    AnswerFiles(settings.interview_root, min_free_bytes=settings.interview_min_free_bytes).check_writable()
    return {task: replace(serving, required=task in required) for task, serving in served.items()}


def routers() -> "list[APIRouter]":
    """The routes of interviews. Imported here, for loading models begins before the web framework is."""
    from coldstart.api import interview_live, interviews

    return [interviews.router, interview_live.router]


def services(core: Core) -> Mapping[type[Any], Any]:
    """What the routes get by class. Imported here, for the database's library and NumPy are imported with it.

    Raises:
        ConfigurationError: the database cannot be used, or LLM_* do not say all that is needed.
    """
    from coldstart.apps.interview_migration import migrate_database
    from coldstart.apps.interviewer import interviewer_of
    from coldstart.engines.file_kinds import stored_type_of
    from coldstart.engines.pyav_audio import PyAvEncoder
    from coldstart.runtime.budget import Budget
    from coldstart.services.interview_answers import InterviewAnswers
    from coldstart.services.interview_health import InterviewHealth
    from coldstart.services.interview_listening import InterviewListening
    from coldstart.services.interview_retention import InterviewRetention, delete_interview
    from coldstart.services.interview_voice import InterviewVoice
    from coldstart.services.interviews import Interviews, InterviewUpkeep
    from coldstart.services.live_transcription import LiveTranscriptions
    from coldstart.services.sound_writing import SoundWriting
    from coldstart.services.speech import Speech
    from coldstart.services.transcription import Transcriptions
    from coldstart.storage.answer_files import AnswerFiles
    from coldstart.storage.database import database_url_of, engine_of, when_reachable
    from coldstart.storage.jobs import Jobs, jobs_url_of
    from coldstart.storage.sql_interviews import SqlInterviews

    settings = core.settings
    interviewer = interviewer_of(settings)
    files = AnswerFiles(settings.interview_root, min_free_bytes=settings.interview_min_free_bytes)
    url = database_url_of(settings)
    migrate_database(settings, patience_s=_PATIENCE_S)
    engine = engine_of(url)
    store = SqlInterviews(engine, open_limit=settings.interview_open_limit)
    jobs = when_reachable(engine.url, partial(Jobs, jobs_url_of(url)), patience_s=_PATIENCE_S)
    voice_and_ear = {**asr.services(core), **tts.services(core)}
    transcriptions: Transcriptions = voice_and_ear[Transcriptions]
    answers = InterviewAnswers(
        store,
        files,
        transcriptions,
        interviewer,
        stored_type_of,
        # As many wait to be written down; those that are spoken have places of their own.
        max_received=settings.queue_limit,
        max_held_bytes=settings.uploads_max_bytes,
    )
    retention = InterviewRetention(
        store,
        jobs,
        files,
        idle_hours=settings.interview_idle_hours,
        keep_days=settings.interview_keep_days,
        keep_count=settings.interview_keep_count,
    )

    def close() -> None:
        jobs.close()
        engine.dispose()

    return {
        **voice_and_ear,
        Interviews: Interviews(
            store,
            files,
            jobs,
            partial(delete_interview, store, jobs, files),
            interviewer,
            core.registry,
            core.timeline,
            Budget(settings.queue_limit, unit="interviews that begin"),
        ),
        InterviewAnswers: answers,
        InterviewListening: InterviewListening(
            answers,
            voice_and_ear[LiveTranscriptions],
            SoundWriting(PyAvEncoder()),
            max_bytes=settings.audio_max_bytes,
        ),
        InterviewVoice: InterviewVoice(voice_and_ear[Speech]),
        InterviewHealth: InterviewHealth(store, core.registry),
        InterviewRetention: retention,
        InterviewUpkeep: InterviewUpkeep(retention, close),
    }


def _required(settings: Settings, served: Mapping[str, Any]) -> frozenset[str]:
    required = settings.interview_required_tasks
    if unknown := sorted(required - served.keys()):
        raise ConfigurationError(
            f"INTERVIEW_REQUIRED names {', '.join(map(repr, unknown))}; it can name {', '.join(map(repr, served))}"
        )
    return required
