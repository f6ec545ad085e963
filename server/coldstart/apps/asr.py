"""Speech recognition, composed: engines, what writes speech down, what tells it from silence, and their routes."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import structlog

from coldstart.domain.audio import SoundStreamDecoder
from coldstart.domain.errors import ConfigurationError
from coldstart.domain.manifest import ModelEntry
from coldstart.domain.transcription import Transcriber, Transcription, TranscriptionRequest
from coldstart.domain.voice_activity import VoiceActivityDetector, VoiceActivityRequest
from coldstart.runtime.core import Core
from coldstart.runtime.loading import TaskServing
from coldstart.runtime.scheduler import Scheduler
from coldstart.runtime.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    from fastapi import APIRouter
    from numpy.typing import NDArray

    from coldstart.engines.cuda_device import DeviceChoice


TranscriberFactory: TypeAlias = Callable[[Path], Transcriber]
VoiceActivityFactory: TypeAlias = Callable[[Path], VoiceActivityDetector]

# A window of live sound waits for one chunk of each of the others, together about a tenth of a second.
_MAX_VOICE_BATCH = 8


def _check_device(settings: Settings) -> None:
    """Before anything starts: nobody should wait for a model to load to be told that there is no GPU for it.

    Raises:
        ConfigurationError: ASR_DEVICE is `cuda` and cannot be had; the sentence names what is missing.
    """
    if settings.asr_device == "cuda":
        _device(settings)


def _device(settings: Settings) -> "DeviceChoice":
    from coldstart.engines.ctranslate2_device import missing_for_cuda
    from coldstart.engines.cuda_device import device_for

    return device_for(settings.asr_device, "ASR_DEVICE", missing_for_cuda)


def _ctranslate2(settings: Settings) -> TranscriberFactory:
    from coldstart.engines.ctranslate2_transcriber import COMPUTE_TYPES, CTranslate2Transcriber

    chosen = _device(settings)
    structlog.get_logger("coldstart.models").info(
        "asr_device",
        device=chosen.device,
        compute_type=COMPUTE_TYPES[chosen.device],
        wanted=settings.asr_device,
        reason=chosen.reason,
    )
    return partial(CTranslate2Transcriber, threads=settings.engine_threads, device=chosen.device)


TRANSCRIBERS: Mapping[str, Callable[[Settings], TranscriberFactory]] = {
    "ctranslate2": _ctranslate2,
}


def _silero(_settings: Settings) -> VoiceActivityFactory:
    from coldstart.engines.silero_voice_activity import SileroVoiceActivityDetector

    # One thread, as Silero's own code: its graph is one small step after the other.
    return partial(SileroVoiceActivityDetector, threads=1, max_batch=_MAX_VOICE_BATCH)


VOICE_ACTIVITY_DETECTORS: Mapping[str, Callable[[Settings], VoiceActivityFactory]] = {
    "onnxruntime": _silero,
}


def tasks(settings: Settings) -> Mapping[str, TaskServing[Any, Any, Any]]:
    """The models that speech recognition takes, and the engines that serve them.

    Raises:
        ConfigurationError: there is no engine of the name ASR_ENGINE, or ASR_DEVICE cannot be had here.
    """
    engine = settings.asr_engine
    if engine not in TRANSCRIBERS:
        allowed = " or ".join(map(repr, TRANSCRIBERS))
        raise ConfigurationError(f"ASR_ENGINE is {engine!r}; it must be {allowed}")
    _check_device(settings)
    return {
        "speech-to-text": TaskServing(
            engine_name=engine,
            prepare=partial(TRANSCRIBERS[engine], settings),
            check=_check_transcriber,
            # What it keeps for a request it drops itself.
            recover=lambda _engine, _request: None,
            model=settings.asr_model,
        ),
        "voice-activity": TaskServing(
            engine_name="onnxruntime",
            prepare=partial(VOICE_ACTIVITY_DETECTORS["onnxruntime"], settings),
            check=_check_voice_activity,
            # It keeps nothing of a request that failed.
            recover=lambda _engine, _request: None,
        ),
    }


def routers() -> "list[APIRouter]":
    """The routes of speech recognition. Imported here, for loading models begins before the web framework is."""
    from coldstart.api import live_transcription, openai_audio, speech_segments

    return [openai_audio.router, speech_segments.router, live_transcription.router]


def services(core: Core) -> Mapping[type[Any], Any]:
    """What the routes get by class. Imported here, for NumPy is imported along with the models' engine."""
    from coldstart.engines.pyav_audio import PyAvDecoder
    from coldstart.engines.pyav_opus import OpusStream
    from coldstart.runtime.budget import Budget
    from coldstart.services.live_transcription import LiveLimits, LiveTranscriptions
    from coldstart.services.pcm_stream import PcmStream
    from coldstart.services.sound_files import SoundFiles
    from coldstart.services.speech_files import SpeechFiles
    from coldstart.services.speech_segments import SpeechSegments
    from coldstart.services.transcription import Transcriptions

    settings = core.settings
    sounds = SoundFiles(PyAvDecoder(), max_s=settings.audio_max_s)
    budget = Budget(settings.asr_queue_s, unit="seconds of sound")
    speech = SpeechSegments(core.registry, threshold=settings.vad_threshold)
    transcriptions = Transcriptions(core.registry, sounds, speech, budget)
    limits = LiveLimits(
        settings.live_sessions, settings.live_max_unread_s, max_sound_s=settings.live_max_s, idle_s=settings.live_idle_s
    )
    decoders: Mapping[str, Callable[[], SoundStreamDecoder]] = {"pcm_s16le": PcmStream, "opus": OpusStream}
    return {
        Transcriptions: transcriptions,
        SpeechFiles: SpeechFiles(sounds, speech, Budget(settings.asr_queue_s, unit="seconds of sound")),
        LiveTranscriptions: LiveTranscriptions(transcriptions, speech, decoders, limits),
    }


def _check_transcriber(
    entry: ModelEntry,
    engine_name: str,
    engine: Transcriber,
    scheduler: Scheduler[TranscriptionRequest, Transcription],
) -> str:
    # Imported here, in a loading thread: it brings numpy, which the main thread need not wait for.
    from coldstart.services.transcription_golden import check_transcriber

    return check_transcriber(entry, engine_name, engine, scheduler)


def _check_voice_activity(
    entry: ModelEntry,
    engine_name: str,
    engine: VoiceActivityDetector,
    scheduler: "Scheduler[VoiceActivityRequest, NDArray[np.float32]]",
) -> str:
    # Imported here, as above.
    from coldstart.services.voice_activity_golden import check_voice_activity

    return check_voice_activity(entry, engine_name, engine, scheduler)
