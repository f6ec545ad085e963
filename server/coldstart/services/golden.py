"""What all golden checks share. A golden check compares the answer of this very engine, here, with the build's."""

import hashlib
import json
import wave
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from coldstart.domain.audio import SPEECH_RATE_HZ
from coldstart.domain.errors import ModelRejected
from coldstart.domain.manifest import ModelEntry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# A sound that says what a model must hear, as the conversion writes it: 16 bits, mono, 16 kHz.
_SOUND = "golden.wav"
_BYTES_A_SAMPLE = 2


def golden_digest(golden: Mapping[str, Any]) -> str:
    """sha256 in hex of a golden request and its answer as the manifest has them, without their tolerance.

    For an engine that has just met them. Not of the engine's own digits: those differ between instruction sets, while
    this is the same for every process that serves the same model rightly.
    """
    document = {name: value for name, value in golden.items() if name != "tolerance"}
    return hashlib.sha256(json.dumps(document, separators=(",", ":"), sort_keys=True).encode()).hexdigest()


def golden_sound(entry: ModelEntry, engine_name: str) -> "NDArray[np.float32]":
    """The sound of a golden request, which lies beside the weights: float32, shape (n_samples,), mono, 16 kHz.

    Raises:
        ModelRejected: there is none, or it has another form.
    """
    # Imported here: the golden checks that hear nothing need not wait for it.
    import numpy as np

    path = entry.artifacts[engine_name].path / _SOUND
    try:
        with wave.open(str(path), "rb") as sound:
            form = (sound.getnchannels(), sound.getsampwidth(), sound.getframerate())
            pcm = sound.readframes(sound.getnframes())
    except (OSError, wave.Error, EOFError) as error:
        raise ModelRejected(f"model {entry.name!r}: {path} is no golden sound: {error!r}") from None
    if form != (1, _BYTES_A_SAMPLE, SPEECH_RATE_HZ):
        raise ModelRejected(
            f"model {entry.name!r}: {path} has channels, bytes a sample and rate {form}; "
            f"wanted are (1, {_BYTES_A_SAMPLE}, {SPEECH_RATE_HZ})"
        )
    return np.frombuffer(pcm, dtype="<i2").astype(np.float32) / np.float32(2**15)
