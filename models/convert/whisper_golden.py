"""The golden request of a Whisper: a sound, and how likely a text is after it, in float32."""

import json
from pathlib import Path

import numpy as np

from convert.golden import TooCoarse
from convert.golden_sound import NAME, read_sound, voice_like_sound, write_sound
from convert.whisper import is_converted
from convert.whisper_reference import CTranslate2Reference, Heard, Reference, TransformersReference, WhisperTokens, hear

ENGINE = "ctranslate2"
# For models without a sound of their own. Any text has a right answer, for nothing is chosen.
TEXT = " The cat sat on the mat."
# More digits than the tolerances need, fewer than differ between instruction sets: the file is the same everywhere.
_DIGITS = 4
# Mean difference of a token's log-probability. An int8 model is allowed the smallest of these that is twice what it has
# here: half is left for machines with other kernels.
_TOLERANCES = (0.05, 0.1, 0.2, 0.4)


def write_golden(source: Path, artifact: Path) -> float:
    """Ask the float32 reference, on one thread, and write golden.wav and golden.json into the artifact.

    A `golden.wav` in the source is the sound, where there is one: a few words that the model understands. Then what the
    reference hears in it is scored, and the engine must hear the same at each start. Without one the sound is made, and
    a sentence that is not in it is scored.

    Returns:
        The mean difference of the artifact's own log-probabilities from the reference's, on this machine.

    Raises:
        TooCoarse: that is more than half of the largest tolerance, or int8 hears something else.
        UnfitSound: the source's sound is not what the server reads.
    """
    tokens = WhisperTokens(artifact)
    has_speech = (source / NAME).is_file()
    samples = read_sound(source / NAME) if has_speech else voice_like_sound()
    heard = hear(samples, artifact)
    reference = _reference(source, tokens)
    served = CTranslate2Reference(artifact, tokens, "int8")
    transcript = _transcript(reference, served, heard, tokens) if has_speech else None
    token_ids = tokens.encode(f" {transcript}" if transcript else TEXT)
    wanted = reference.log_probabilities(heard, token_ids)
    distance = float(np.abs(np.subtract(served.log_probabilities(heard, token_ids), wanted)).mean())
    golden = {
        "text": tokens.decode(token_ids),
        "token_ids": token_ids,
        "log_probabilities": [round(value, _DIGITS) for value in wanted],
        "transcript": transcript,
        "tolerance": {ENGINE: tolerance_for(distance)},
    }
    write_sound(samples, artifact)
    (artifact / "golden.json").write_text(json.dumps(golden, indent=2) + "\n", encoding="utf-8")
    return distance


def _reference(source: Path, tokens: WhisperTokens) -> Reference:
    return CTranslate2Reference(source, tokens) if is_converted(source) else TransformersReference(source, tokens)


def _transcript(reference: Reference, served: CTranslate2Reference, heard: Heard, tokens: WhisperTokens) -> str:
    """What the reference hears, without spaces around it; int8 must hear the same."""
    transcript = tokens.decode(reference.transcript(heard)).strip()
    met = tokens.decode(served.transcript_as_served(heard)).strip()
    if met != transcript:
        raise TooCoarse(f"int8 hears {met!r} in golden.wav, float32 hears {transcript!r}")
    return transcript


def tolerance_for(distance: float) -> float:
    """The tolerance of a model whose int8 answer is `distance` a token from float32 on this machine.

    Raises:
        TooCoarse: no tolerance is twice that.
    """
    for tolerance in _TOLERANCES:
        if distance <= tolerance / 2:
            return tolerance
    raise TooCoarse(
        f"the converted model's log-probabilities differ by {distance:.4f} a token from float32; "
        f"at most {_TOLERANCES[-1] / 2:g} is accepted: this checkpoint does not bear int8"
    )
