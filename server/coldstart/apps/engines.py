"""Engine name → what builds it. The only module that names concrete engines; each is imported when it is chosen."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeAlias

import structlog

from coldstart.domain.next_token import NextTokenEngine
from coldstart.domain.speech import SpeechSynthesizer
from coldstart.domain.transcription import Transcriber
from coldstart.domain.voice_activity import VoiceActivityDetector
from coldstart.runtime.settings import Settings

NextTokenFactory: TypeAlias = Callable[[Path], NextTokenEngine]
SpeechFactory: TypeAlias = Callable[[Path], SpeechSynthesizer]
TranscriberFactory: TypeAlias = Callable[[Path], Transcriber]
VoiceActivityFactory: TypeAlias = Callable[[Path], VoiceActivityDetector]

# Eight sessions at once are the load that the benchmark measures; twice that leaves room for prefills beside them.
_MAX_BATCH = 16
# A window of live sound waits for one chunk of each of the others, together about a tenth of a second.
_MAX_VOICE_BATCH = 8


def _onnxruntime(settings: Settings) -> NextTokenFactory:
    from coldstart.engines.onnxruntime_next_token import OnnxRuntimeNextTokenEngine

    return partial(
        OnnxRuntimeNextTokenEngine,
        threads=settings.engine_threads,
        max_batch=_MAX_BATCH if settings.wheel_batching else 1,
        cache_bytes=settings.kv_cache_bytes,
    )


def _transformers(settings: Settings) -> NextTokenFactory:
    from coldstart.engines.transformers_next_token import TransformersNextTokenEngine

    return partial(TransformersNextTokenEngine, threads=settings.engine_threads)


# A new engine: one line here. Calling the value imports the inference library.
NEXT_TOKEN_ENGINES: Mapping[str, Callable[[Settings], NextTokenFactory]] = {
    "onnxruntime": _onnxruntime,
    "transformers": _transformers,
}


def check_asr_device(settings: Settings) -> None:
    """Before anything starts: nobody should wait for a model to load to be told that there is no GPU for it.

    Raises:
        ConfigurationError: ASR_DEVICE is `cuda` and cannot be had; the sentence names what is missing.
    """
    if settings.asr_device == "cuda":
        from coldstart.engines.ctranslate2_device import device_for

        device_for("cuda")


def _ctranslate2(settings: Settings) -> TranscriberFactory:
    from coldstart.engines.ctranslate2_device import device_for
    from coldstart.engines.ctranslate2_transcriber import COMPUTE_TYPES, CTranslate2Transcriber

    device = device_for(settings.asr_device)
    structlog.get_logger("coldstart.models").info(
        "asr_device", device=device, compute_type=COMPUTE_TYPES[device], wanted=settings.asr_device
    )
    return partial(CTranslate2Transcriber, threads=settings.engine_threads, device=device)


TRANSCRIBERS: Mapping[str, Callable[[Settings], TranscriberFactory]] = {
    "ctranslate2": _ctranslate2,
}


def _espeak_ng(_settings: Settings) -> SpeechFactory:
    from coldstart.engines.espeak_synthesizer import EspeakSynthesizer

    return EspeakSynthesizer


def _kokoro(settings: Settings) -> SpeechFactory:
    from coldstart.engines.kokoro_synthesizer import KokoroSynthesizer

    return partial(KokoroSynthesizer, threads=settings.engine_threads, added_voices=settings.tts_voices)


# A model is served by the first of these that it has an artifact for.
TEXT_TO_SPEECH_ENGINES: Mapping[str, Callable[[Settings], SpeechFactory]] = {
    "espeak-ng": _espeak_ng,
    "kokoro": _kokoro,
}


def _silero(_settings: Settings) -> VoiceActivityFactory:
    from coldstart.engines.silero_voice_activity import SileroVoiceActivityDetector

    # One thread, as Silero's own code: its graph is one small step after the other.
    return partial(SileroVoiceActivityDetector, threads=1, max_batch=_MAX_VOICE_BATCH)


VOICE_ACTIVITY_DETECTORS: Mapping[str, Callable[[Settings], VoiceActivityFactory]] = {
    "onnxruntime": _silero,
}
