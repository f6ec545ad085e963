"""Whether onnxruntime can compute on a GPU here, and how a session is made for either device."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import onnxruntime as ort

from coldstart.domain.errors import EngineFailed
from coldstart.engines.cuda_device import Device, missing_library, missing_of_machine

_PROVIDER = "CUDAExecutionProvider"
# What libonnxruntime_providers_cuda.so 1.31 needs by name, beside the driver's. Source: its dynamic section.
_NEEDED = ("libcudart.so.13", "libcublasLt.so.13", "libcublas.so.13", "libcurand.so.10")
# What it opens at the first convolution. Source: as above, from the code that puts the name together.
CUDNN = "libcudnn.so.9"


def missing_for_cuda(*more: str) -> str | None:
    """What keeps onnxruntime from computing on a GPU, as the end of a sentence; None: nothing does.

    Args:
        more: libraries that a model's operators open on top.
    """
    if _PROVIDER not in ort.get_available_providers():
        return "this onnxruntime is made for the CPU only: take an image made for CUDA"
    return missing_of_machine() or missing_library([*_NEEDED, *more])


def session_on(
    device: Device, path: Path, options: ort.SessionOptions, cuda_options: Mapping[str, str]
) -> ort.InferenceSession:
    """A session that computes there.

    Args:
        cuda_options: of onnxruntime's CUDA provider; not read on the CPU.

    Raises:
        EngineFailed: onnxruntime cannot load the file, or not on that device.
    """
    providers: Sequence[str | tuple[str, Mapping[str, str]]] = ["CPUExecutionProvider"]
    if device == "cuda":
        # Operators that the GPU lacks, such as those of shapes, stay on the CPU.
        providers = [(_PROVIDER, cuda_options), *providers]
    try:
        # Without its own fallback, which would go on with the CPU in silence, also in the middle of serving.
        session = ort.InferenceSession(str(path), options, providers=providers, enable_fallback=0)
    except Exception as error:  # onnxruntime's own exceptions share no public base
        raise EngineFailed(f"onnxruntime cannot load {path}: {error}") from error
    # A provider whose own libraries cannot be opened is left out, with a line on stderr.
    if device == "cuda" and _PROVIDER not in session.get_providers():
        raise EngineFailed(f"onnxruntime cannot load {path} on the GPU: what it wrote to stderr says why")
    return session
