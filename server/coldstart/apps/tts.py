"""Text to speech, composed: engines, voices of one or more models, the encoder of sound files, and their routes."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import structlog

from coldstart.domain.manifest import ModelEntry
from coldstart.domain.speech import SpeechRequest, SpeechSynthesizer
from coldstart.runtime.core import Core
from coldstart.runtime.loading import TaskServing
from coldstart.runtime.scheduler import Scheduler
from coldstart.runtime.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    from fastapi import APIRouter
    from numpy.typing import NDArray

    from coldstart.engines.cuda_device import DeviceChoice

SpeechFactory: TypeAlias = Callable[[Path], SpeechSynthesizer]

_Serving = TaskServing[SpeechSynthesizer, SpeechRequest, "NDArray[np.float32]"]


def _espeak_ng(_settings: Settings) -> SpeechFactory:
    from coldstart.engines.espeak_synthesizer import EspeakSynthesizer

    return EspeakSynthesizer


def _device(settings: Settings) -> "DeviceChoice":
    """Where Kokoro computes; espeak-ng knows the CPU only.

    Raises:
        ConfigurationError: TTS_DEVICE is `cuda` and cannot be had; the sentence names what is missing.
    """
    from coldstart.engines.cuda_device import device_for
    from coldstart.engines.onnxruntime_device import CUDNN, missing_for_cuda

    return device_for(settings.tts_device, "TTS_DEVICE", partial(missing_for_cuda, CUDNN))


def _kokoro(settings: Settings) -> SpeechFactory:
    from coldstart.engines.kokoro_synthesizer import KokoroSynthesizer

    chosen = _device(settings)
    structlog.get_logger("coldstart.models").info(
        "tts_device", device=chosen.device, wanted=settings.tts_device, reason=chosen.reason
    )
    return partial(
        KokoroSynthesizer,
        threads=settings.engine_threads,
        device=chosen.device,
        added_voices=settings.tts_voices,
    )


# A model is served by the first of these that it has an artifact for.
TEXT_TO_SPEECH_ENGINES: Mapping[str, Callable[[Settings], SpeechFactory]] = {
    "espeak-ng": _espeak_ng,
    "kokoro": _kokoro,
}


def tasks(settings: Settings) -> Mapping[str, TaskServing[Any, Any, Any]]:
    """The models that text to speech takes; each is served by the engine that it has an artifact for.

    Raises:
        ConfigurationError: TTS_DEVICE is `cuda` and cannot be had here.
    """
    if settings.tts_device == "cuda":
        _device(settings)
    serving: _Serving | None = None
    for engine, prepare in reversed([*TEXT_TO_SPEECH_ENGINES.items()]):
        serving = TaskServing(
            engine_name=engine,
            prepare=partial(prepare, settings),
            check=_check,
            # Nothing is kept for a request.
            recover=lambda _engine, _request: None,
            model=settings.tts_model,
            otherwise=serving,
        )
    return {"text-to-speech": serving} if serving else {}


def routers() -> "list[APIRouter]":
    """The routes of text to speech. Imported here, for loading models begins before the web framework is."""
    from coldstart.api import openai_speech

    return [openai_speech.router]


def services(core: Core) -> Mapping[type[Any], Any]:
    """What the routes get by class. Imported here, for NumPy is imported along with the models' engine."""
    from coldstart.engines.pyav_audio import PyAvEncoder
    from coldstart.runtime.budget import Budget
    from coldstart.services.sound_writing import SoundWriting
    from coldstart.services.speech import Speech

    settings = core.settings
    budget = Budget(settings.tts_queue_characters, unit="characters")
    writing = SoundWriting(PyAvEncoder())
    return {Speech: Speech(core.registry, writing, budget, max_characters=settings.tts_max_characters)}


def _check(
    entry: ModelEntry,
    engine_name: str,
    engine: SpeechSynthesizer,
    scheduler: "Scheduler[SpeechRequest, NDArray[np.float32]]",
) -> str:
    # Imported here, in a loading thread: it brings numpy, which the main thread need not wait for.
    from coldstart.services.speech_golden import check_speech

    return check_speech(entry, engine_name, engine, scheduler)
