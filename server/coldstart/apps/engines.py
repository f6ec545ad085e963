"""Engine name → what builds it. The only module that names concrete engines; each is imported when it is chosen."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeAlias

from coldstart.domain.next_token import NextTokenEngine
from coldstart.domain.speech import SpeechSynthesizer
from coldstart.runtime.settings import Settings

NextTokenFactory: TypeAlias = Callable[[Path], NextTokenEngine]
SpeechFactory: TypeAlias = Callable[[Path], SpeechSynthesizer]

# Eight sessions at once are the load that the benchmark measures; twice that leaves room for prefills beside them.
_MAX_BATCH = 16


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


def _espeak_ng(_settings: Settings) -> SpeechFactory:
    from coldstart.engines.espeak_synthesizer import EspeakSynthesizer

    return EspeakSynthesizer


# A model is served by the first of these that it has an artifact for.
TEXT_TO_SPEECH_ENGINES: Mapping[str, Callable[[Settings], SpeechFactory]] = {
    "espeak-ng": _espeak_ng,
}
