"""Where CTranslate2 can compute on this machine."""

import ctypes
from typing import Literal

import ctranslate2

from coldstart.domain.errors import ConfigurationError

Device = Literal["cpu", "cuda"]

# What CTranslate2's wheels open when they first multiply on a GPU, and do not bring. Source: the name is written in
# libctranslate2.so 4.8.
_CUBLAS = "libcublas.so.12"


def device_for(wanted: Literal["cpu", "cuda", "auto"]) -> Device:
    """The device that `wanted` comes to here; `auto` is `cuda` wherever that would work.

    Raises:
        ConfigurationError: `cuda` is wanted and cannot be had; the sentence names what is missing.
    """
    if wanted == "cpu":
        return "cpu"
    missing = missing_for_cuda()
    if missing is None:
        return "cuda"
    if wanted == "cuda":
        raise ConfigurationError(f"ASR_DEVICE is 'cuda', but {missing}; 'cpu' and 'auto' need no GPU")
    return "cpu"


def missing_for_cuda() -> str | None:
    """What keeps CTranslate2 from computing on a GPU, as the end of a sentence; None: nothing does."""
    if not ctranslate2.get_cuda_device_count():
        return "CTranslate2 finds no NVIDIA GPU with a driver (a container must be given one, as by `--gpus all`)"
    try:
        ctypes.CDLL(_CUBLAS)
    except OSError as error:
        return f"a GPU alone is not enough: {error}"
    return None
