"""Whether there is an NVIDIA GPU to compute on, and what is missing where there is none."""

import ctypes
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from coldstart.domain.errors import ConfigurationError

Device = Literal["cpu", "cuda"]

_DRIVER = "libcuda.so.1"
# Source: cuda.h, CUresult.
_SUCCESS, _NO_DEVICE = 0, 100


@dataclass(frozen=True, slots=True)
class DeviceChoice:
    """Where an engine computes, and why not on a GPU where one was looked for in vain."""

    device: Device
    reason: str | None = None


def device_for(
    wanted: Literal["cpu", "cuda", "auto"], variable: str, missing: Callable[[], str | None]
) -> DeviceChoice:
    """The device that `wanted` comes to here; `auto` is `cuda` wherever that would work.

    Args:
        wanted: what the setting says.
        variable: the setting's environment variable.
        missing: what keeps the engine from computing on a GPU, as the end of a sentence; None: nothing does. Only
            called where a GPU would be used.

    Raises:
        ConfigurationError: `cuda` is wanted and cannot be had; the sentence names what is missing.
    """
    if wanted == "cpu":
        return DeviceChoice("cpu")
    reason = missing()
    if reason is None:
        return DeviceChoice("cuda")
    if wanted == "cuda":
        raise ConfigurationError(f"{variable} is 'cuda', but {reason}; 'cpu' and 'auto' need no GPU")
    return DeviceChoice("cpu", reason)


def missing_of_machine() -> str | None:
    """The driver or the GPU, whichever is not here, and the remedy, as the end of a sentence; None: both are."""
    try:
        driver = ctypes.CDLL(_DRIVER)
    except OSError:
        return (
            f"there is no NVIDIA driver ({_DRIVER} is not found): install it on the machine with NVIDIA's container "
            "toolkit, and give the container a GPU, as by `--gpus all`"
        )
    status, count = driver.cuInit(0), ctypes.c_int(0)
    if status == _SUCCESS:
        status = driver.cuDeviceGetCount(ctypes.byref(count))
    if status == _NO_DEVICE or (status == _SUCCESS and count.value == 0):
        return "the NVIDIA driver shows no GPU: give the container one, as by `--gpus all`"
    if status != _SUCCESS:
        return f"the NVIDIA driver does not start (CUDA error {status}): see whether `nvidia-smi` works on the machine"
    return None


def missing_library(names: Iterable[str]) -> str | None:
    """The first of these libraries that cannot be opened, and the remedy, as the end of a sentence; None: all can."""
    for name in names:
        try:
            ctypes.CDLL(name)
        except OSError as error:
            return f"a GPU alone is not enough, {name} cannot be opened ({error}): take an image made for CUDA"
    return None
