"""What is missing for a GPU is named, with its remedy, and where an engine then computes."""

import ctypes
from collections.abc import Callable
from typing import Any

import onnxruntime
import pytest

from coldstart.apps import tts, wheel
from coldstart.domain.errors import ConfigurationError
from coldstart.engines import cuda_device, onnxruntime_device
from coldstart.engines.cuda_device import DeviceChoice, device_for, missing_library, missing_of_machine
from coldstart.runtime.settings import load_settings

NO_DRIVER = "there is no driver"


class FakeDriver:
    """libcuda: what its two calls return, and how many GPUs it counts."""

    def __init__(self, init: int = 0, status: int = 0, gpus: int = 1) -> None:
        self._init, self._status, self._gpus = init, status, gpus

    def cuInit(self, _flags: int) -> int:  # noqa: N802
        return self._init

    def cuDeviceGetCount(self, count: Any) -> int:  # noqa: N802
        count._obj.value = self._gpus
        return self._status


def opening(known: dict[str, object]) -> Callable[[str], object]:
    """A dynamic loader that finds these libraries only."""

    def opened(name: str) -> object:
        if name not in known:
            raise OSError(f"{name}: cannot open shared object file")
        return known[name]

    return opened


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({}, r"no NVIDIA driver \(libcuda\.so\.1 is not found\): install it .* `--gpus all`"),
        ({"libcuda.so.1": FakeDriver(init=100)}, "driver shows no GPU: give the container one"),
        ({"libcuda.so.1": FakeDriver(gpus=0)}, "driver shows no GPU: give the container one"),
        (
            {"libcuda.so.1": FakeDriver(status=999)},
            r"driver does not start \(CUDA error 999\): see whether `nvidia-smi`",
        ),
        ({"libcuda.so.1": FakeDriver(init=803)}, r"driver does not start \(CUDA error 803\)"),
    ],
)
def test_driver_and_gpu_are_told_apart(monkeypatch: pytest.MonkeyPatch, known: dict[str, object], said: str) -> None:
    """Each lack has its own sentence, with what to do."""
    monkeypatch.setattr(ctypes, "CDLL", opening(known))
    with pytest.raises(ConfigurationError, match=said):
        device_for("cuda", "WHEEL_DEVICE", missing_of_machine)


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one, with what to do; none where all can be opened."""
    monkeypatch.setattr(ctypes, "CDLL", opening({"libcuda.so.1": FakeDriver(), "liba.so": object()}))
    assert missing_of_machine() is None
    assert missing_library(["liba.so"]) is None
    assert "libb.so cannot be opened" in (missing_library(["liba.so", "libb.so"]) or "")
    assert "take an image made for CUDA" in (missing_library(["libb.so"]) or "")


def test_the_device_is_what_was_wanted_or_what_there_is() -> None:
    """`cpu` does not even look; `auto` takes a GPU that works, and keeps the reason where there is none."""
    assert device_for("cpu", "X", lambda: pytest.fail("looked")) == DeviceChoice("cpu")
    assert device_for("auto", "X", lambda: None) == device_for("cuda", "X", lambda: None) == DeviceChoice("cuda")
    assert device_for("auto", "X", lambda: NO_DRIVER) == DeviceChoice("cpu", NO_DRIVER)
    with pytest.raises(
        ConfigurationError, match=r"^X is 'cuda', but there is no driver; 'cpu' and 'auto' need no GPU$"
    ):
        device_for("cuda", "X", lambda: NO_DRIVER)


def test_onnxruntime_for_the_cpu_names_itself() -> None:
    """A GPU would not help it, so that nobody looks for one first."""
    assert onnxruntime_device.missing_for_cuda() == (
        "this onnxruntime is made for the CPU only: take an image made for CUDA"
    )


def test_onnxruntime_for_cuda_wants_its_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that it needs itself, and those that a model's operators open."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    needed: dict[str, object] = dict.fromkeys(onnxruntime_device._NEEDED, object())
    monkeypatch.setattr(ctypes, "CDLL", opening({"libcuda.so.1": FakeDriver(), **needed}))
    assert onnxruntime_device.missing_for_cuda() is None
    assert "libcudnn.so.9" in (onnxruntime_device.missing_for_cuda(onnxruntime_device.CUDNN) or "")


@pytest.mark.parametrize(("compose", "variable"), [(wheel.tasks, "WHEEL_DEVICE"), (tts.tasks, "TTS_DEVICE")])
def test_cuda_that_cannot_be_had_stops_before_anything_is_loaded(
    compose: Callable[[Any], object], variable: str
) -> None:
    """The tasks are asked for at the very start of the process; here onnxruntime is made for the CPU."""
    with pytest.raises(ConfigurationError, match=f"{variable} is 'cuda', but this onnxruntime is made for the CPU"):
        compose(load_settings({"MODELS_MANIFEST": "/models.json", variable: "cuda"}))


def test_the_wheel_takes_the_form_of_its_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU the artifact for it, where a model has one; with `cuda` nothing else will do."""
    environment = {"MODELS_MANIFEST": "/models.json"}
    monkeypatch.setattr(cuda_device, "missing_of_machine", lambda: NO_DRIVER)
    assert wheel.tasks(load_settings(environment))["next-token"].engine_name == "onnxruntime"
    monkeypatch.setattr(cuda_device, "missing_of_machine", lambda: None)
    monkeypatch.setattr(onnxruntime_device, "missing_for_cuda", lambda: None)
    serving = wheel.tasks(load_settings(environment))["next-token"]
    assert (serving.engine_name, serving.otherwise and serving.otherwise.engine_name) == (
        "onnxruntime-cuda",
        "onnxruntime",
    )
    assert wheel.tasks(load_settings({**environment, "WHEEL_DEVICE": "cuda"}))["next-token"].otherwise is None


def test_the_reference_engine_has_no_gpu() -> None:
    """Its answers are what others are compared with, on every machine."""
    wanted = {"MODELS_MANIFEST": "/models.json", "WHEEL_ENGINE": "transformers", "WHEEL_DEVICE": "cuda"}
    with pytest.raises(ConfigurationError, match="WHEEL_ENGINE 'transformers' computes on the CPU only"):
        wheel.tasks(load_settings(wanted))
