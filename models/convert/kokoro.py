"""From the published files of Kokoro-82M v1.0 to the artifact of the kokoro engine.

The weights are taken as they are published. What is added is espeak-ng, by which the engine tells how words are spoken.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from convert.espeak_ng import LANGUAGES, Language, copy_espeak_ng
from convert.kokoro_golden import PAD, UnsupportedKokoro, golden_of

# Source of all that follows: https://huggingface.co/onnx-community/Kokoro-82M-v1.0-ONNX.
MODEL_TYPE = "style_text_to_speech_2"
INPUTS = {"input_ids": "tensor(int64)", "style": "tensor(float)", "speed": "tensor(float)"}
OUTPUTS = {"waveform": "tensor(float)"}
STYLES_SHAPE = (510, 1, 256)
# Those that both espeak-ng and Kokoro speak (server/coldstart/engines/kokoro_voices.py).
_SPOKEN = ("en-us", "en-gb", "es", "fr", "it", "pt-br")
_LANGUAGES = (
    *(language for language in LANGUAGES if language.tag in _SPOKEN),
    Language("hi", "inc/hi", "hi", "Hindi"),
)
_LICENSE = Path(__file__).parent / "licenses" / "Apache-2.0"
_VOICE_BYTES = 4 * int(np.prod(STYLES_SHAPE))


def convert_kokoro(source: Path, packages: Path, out: Path) -> None:
    """Check the published files and write model.onnx, tokenizer.json, voices/, LICENSE, espeak-ng/ and golden.json.

    Args:
        source: directory with config.json, tokenizer.json, onnx/model.onnx and voices/*.bin.
        packages: directory in which Python packages are installed, with `espeakng_loader`.
        out: directory to write to.

    Raises:
        UnsupportedKokoro: the files are of another kind.
        UnusablePackage: the package is.
    """
    _check_config(source / "config.json")
    vocabulary = _vocabulary(source / "tokenizer.json")
    voices = sorted((source / "voices").glob("*.bin"))
    styles = {voice.stem: _styles(voice) for voice in voices}
    session = _model(source / "onnx" / "model.onnx")
    (out / "voices").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / "onnx" / "model.onnx", out / "model.onnx")
    shutil.copyfile(source / "tokenizer.json", out / "tokenizer.json")
    for voice in voices:
        shutil.copyfile(voice, out / "voices" / voice.name)
    shutil.copyfile(_LICENSE, out / "LICENSE")
    copy_espeak_ng(packages, out / "espeak-ng", _LANGUAGES)
    golden = golden_of(session, vocabulary, styles)
    (out / "golden.json").write_text(json.dumps(golden, indent=2) + "\n", encoding="utf-8")


def _vocabulary(path: Path) -> Mapping[str, int]:
    """Symbol → number."""
    vocabulary = _json(path).get("model", {}).get("vocab", {})
    if vocabulary.get(PAD) != 0 or not all(len(symbol) == 1 for symbol in vocabulary):
        raise UnsupportedKokoro(f"{path} is no tokenizer of single letters in which {PAD!r} is 0")
    return {str(symbol): int(number) for symbol, number in vocabulary.items()}


def _styles(path: Path) -> NDArray[np.float32]:
    """The styles of a voice: float32, shape (510, 1, 256)."""
    size = path.stat().st_size
    if size != _VOICE_BYTES:
        raise UnsupportedKokoro(f"{path} has {size} bytes; a voice of the shape {STYLES_SHAPE} has {_VOICE_BYTES}")
    styles = np.fromfile(path, dtype="<f4").reshape(STYLES_SHAPE)
    if not np.isfinite(styles).all():
        raise UnsupportedKokoro(f"{path} holds numbers that are not finite")
    return styles.astype(np.float32, copy=False)


def _model(path: Path) -> ort.InferenceSession:
    """The model, on one thread, if its inputs and outputs are Kokoro's."""
    # Noise is drawn within the model; golden.json must be the same for the same source.
    ort.set_seed(0)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    met = {value.name: value.type for value in session.get_inputs()}
    if met != INPUTS:
        raise UnsupportedKokoro(f"{path} takes {met}; wanted is {INPUTS}")
    made = {value.name: value.type for value in session.get_outputs()}
    if not made.items() >= OUTPUTS.items():
        raise UnsupportedKokoro(f"{path} gives {made}; wanted is {OUTPUTS}")
    return session


def _check_config(path: Path) -> None:
    met = _json(path).get("model_type")
    if met != MODEL_TYPE:
        raise UnsupportedKokoro(f"{path} has model_type {met!r}; wanted is {MODEL_TYPE!r}")


def _json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnsupportedKokoro(f"{path} cannot be read as JSON: {error}") from None
    if not isinstance(document, dict):
        raise UnsupportedKokoro(f"{path} holds no JSON object")
    return document
