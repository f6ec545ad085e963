"""Silero's voice activity model, out of the faster-whisper package, with its golden answer."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from convert.golden_sound import voice_like_sound, write_sound

MODEL = "silero_vad.onnx"
_PUBLISHED = "faster_whisper/assets/silero_vad_v*.onnx"
# Source: faster-whisper's own loader: 32 ms at 16 kHz, with the 4 ms before them; none before the first.
WINDOW, CONTEXT, STATE = 512, 64, 128
_DIGITS = 4
# The model is float32 everywhere, so that only kernels differ.
_TOLERANCE = 0.01


class UnfitPackage(ValueError):
    """The directory holds no faster-whisper, or one with another model."""


def convert_silero_vad(source: Path, out: Path) -> None:
    """Write silero_vad.onnx, golden.wav and golden.json: the probability of speech in each window of the sound.

    Args:
        source: the directory in which the package faster-whisper is installed (site-packages).
        out: directory to write to.

    Raises:
        UnfitPackage: there is no such file, or several.
    """
    found = sorted(source.glob(_PUBLISHED))
    if len(found) != 1:
        raise UnfitPackage(f"{source} has {len(found)} files {_PUBLISHED}; wanted is one")
    out.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(found[0], out / MODEL)
    samples = voice_like_sound()
    samples = samples[: len(samples) // WINDOW * WINDOW]
    golden = {
        "probabilities": [round(float(p), _DIGITS) for p in _probabilities(out / MODEL, samples)],
        "tolerance": {"onnxruntime": _TOLERANCE},
    }
    write_sound(samples, out)
    (out / "golden.json").write_text(json.dumps(golden, indent=2) + "\n", encoding="utf-8")


def _probabilities(model: Path, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Window by window, shape (n_windows,), each with the samples before it and the state that the last one left."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    padded = np.concatenate([np.zeros(CONTEXT, np.float32), samples])
    hidden = cell = np.zeros((1, 1, STATE), np.float32)
    found = []
    for start in range(0, len(samples), WINDOW):
        window = padded[None, start : start + CONTEXT + WINDOW]
        probability, hidden, cell = session.run(None, {"input": window, "h": hidden, "c": cell})
        found.append(np.asarray(probability).ravel()[0])
    return np.array(found, dtype=np.float32)
