"""The token wheel, composed: engines, next-token models, the wheel's and the OpenAI-compatible routes."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import structlog

from coldstart.domain.errors import ConfigurationError
from coldstart.domain.manifest import ModelEntry
from coldstart.domain.next_token import NextTokenEngine, NextTokenRequest
from coldstart.runtime.core import Core
from coldstart.runtime.loading import TaskServing
from coldstart.runtime.scheduler import Scheduler
from coldstart.runtime.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    from fastapi import APIRouter
    from numpy.typing import NDArray

    from coldstart.engines.cuda_device import DeviceChoice


NextTokenFactory: TypeAlias = Callable[[Path], NextTokenEngine]

_Serving = TaskServing[NextTokenEngine, NextTokenRequest, "NDArray[np.float32]"]

# Eight sessions at once are the load that the benchmark measures; twice that leaves room for prefills beside them.
_MAX_BATCH = 16


def _device(settings: Settings) -> "DeviceChoice":
    """Where onnxruntime computes.

    Raises:
        ConfigurationError: WHEEL_DEVICE is `cuda` and cannot be had; the sentence names what is missing.
    """
    from coldstart.engines.cuda_device import DeviceChoice, device_for, missing_of_machine

    # The driver is asked first: onnxruntime takes a while to import, which a machine without a GPU need not wait for.
    if settings.wheel_device == "auto" and (reason := missing_of_machine()):
        return DeviceChoice("cpu", reason)

    def missing() -> str | None:
        from coldstart.engines.onnxruntime_device import missing_for_cuda

        return missing_for_cuda()

    return device_for(settings.wheel_device, "WHEEL_DEVICE", missing)


def _onnxruntime(settings: Settings, chosen: "DeviceChoice | None" = None) -> NextTokenFactory:
    from coldstart.engines.onnxruntime_next_token import OnnxRuntimeNextTokenEngine

    chosen = chosen or _device(settings)
    structlog.get_logger("coldstart.models").info(
        "wheel_device", device=chosen.device, wanted=settings.wheel_device, reason=chosen.reason
    )
    return partial(
        OnnxRuntimeNextTokenEngine,
        threads=settings.engine_threads,
        max_batch=_MAX_BATCH if settings.wheel_batching else 1,
        cache_bytes=settings.kv_cache_bytes,
        device=chosen.device,
    )


def _transformers(settings: Settings) -> NextTokenFactory:
    from coldstart.engines.transformers_next_token import TransformersNextTokenEngine

    return partial(TransformersNextTokenEngine, threads=settings.engine_threads)


# A new engine: one line here. Calling the value imports the inference library.
NEXT_TOKEN_ENGINES: Mapping[str, Callable[[Settings], NextTokenFactory]] = {
    "onnxruntime": _onnxruntime,
    "transformers": _transformers,
}


def tasks(settings: Settings) -> Mapping[str, TaskServing[Any, Any, Any]]:
    """The models that the wheel takes, and the engine that WHEEL_ENGINE and WHEEL_DEVICE choose for them.

    Raises:
        ConfigurationError: there is no such engine, or it cannot compute where WHEEL_DEVICE says.
    """
    engine = settings.wheel_engine
    if engine not in NEXT_TOKEN_ENGINES:
        allowed = " or ".join(map(repr, NEXT_TOKEN_ENGINES))
        raise ConfigurationError(f"WHEEL_ENGINE is {engine!r}; it must be {allowed}")
    if engine == "onnxruntime":
        return {"next-token": _on_onnxruntime(settings)}
    if settings.wheel_device == "cuda":
        raise ConfigurationError(
            f"WHEEL_DEVICE is 'cuda', but WHEEL_ENGINE {engine!r} computes on the CPU only; 'onnxruntime' can use a GPU"
        )
    return {"next-token": _serving(engine, partial(NEXT_TOKEN_ENGINES[engine], settings))}


def _on_onnxruntime(settings: Settings) -> _Serving:
    from coldstart.engines.cuda_device import DeviceChoice

    chosen = _device(settings)
    if chosen.device == "cpu":
        return _serving("onnxruntime", partial(_onnxruntime, settings, chosen))
    # A model without a form for the GPU is served on the CPU, unless nothing but the GPU will do.
    on_cpu = DeviceChoice("cpu", "the model has no form for the GPU")
    otherwise = _serving("onnxruntime", partial(_onnxruntime, settings, on_cpu))
    return _serving(
        "onnxruntime-cuda",
        partial(_onnxruntime, settings, chosen),
        otherwise if settings.wheel_device == "auto" else None,
    )


def _serving(engine_name: str, prepare: Callable[[], NextTokenFactory], otherwise: _Serving | None = None) -> _Serving:
    return TaskServing(engine_name, prepare, check=_check, recover=_forget, otherwise=otherwise)


def routers() -> "list[APIRouter]":
    """The wheel's routes. Imported here, for loading models begins before the web framework is imported."""
    from coldstart.api import openai, page, wheel

    return [wheel.router, openai.router, page.router]


def services(core: Core) -> Mapping[type[Any], Any]:
    """What the routes get by class. Imported here, for NumPy is imported along with the models' engine."""
    from coldstart.services.completions import Completions
    from coldstart.services.next_token_models import NextTokenModels
    from coldstart.services.token_wheel import TokenWheel
    from coldstart.storage.memory_sessions import MemorySessionStore

    models = NextTokenModels(core.registry)
    store = MemorySessionStore(core.settings.session_limit, core.settings.session_ttl_s)
    return {
        NextTokenModels: models,
        Completions: Completions(models),
        TokenWheel: TokenWheel(models, store),
    }


def _check(
    entry: ModelEntry,
    engine_name: str,
    engine: NextTokenEngine,
    scheduler: "Scheduler[NextTokenRequest, NDArray[np.float32]]",
) -> str:
    # Imported here, in a loading thread: it brings numpy, which the main thread need not wait for.
    from coldstart.services.next_token_golden import check_next_token

    return check_next_token(entry, engine_name, engine, scheduler)


def _forget(engine: NextTokenEngine, request: NextTokenRequest) -> None:
    if request.sequence_id is not None:
        engine.forget(request.sequence_id)
