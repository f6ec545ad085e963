"""Sounds and texts that the voice rows send."""

import wave
from pathlib import Path

from coldstart_harness.bench.random_model import SILERO_VAD
from coldstart_harness.slo.bodies import FormFile, form_body, json_body

TRANSCRIPTIONS = "/v1/audio/transcriptions"
SPEECH_SEGMENTS = "/v1/audio/speech-segments"
SPEECH = "/v1/audio/speech"

_SENTENCE = "Thank you for calling. Your order 31415 was sent today. It will be with you on Monday, at 9 o'clock. "
# Source: OpenAI's API: `pcm` is raw sound of 24,000 samples a second, two bytes each.
_PCM_BYTES_PER_S = 48_000


def voice_like(models: Path, seconds: int, out: Path) -> Path:
    """A file of the sound that the conversion makes for golden answers, again and again: vowels, a pitch, pauses.

    Args:
        models: the directory that has SILERO_VAD in it.
        seconds: of the file; it has 16 bits, mono, 16 kHz.
        out: directory to write to.
    """
    file = out / f"voice-like-{seconds}-s.wav"
    with wave.open(str(models / SILERO_VAD.name / "golden.wav"), "rb") as once:
        form, samples = once.getparams(), once.readframes(once.getnframes())
    size = seconds * form.framerate * form.sampwidth
    with wave.open(str(file), "wb") as repeated:
        repeated.setparams(form)
        repeated.writeframes((samples * (size // len(samples) + 1))[:size])
    return file


def form_of(sound: Path, **texts: str) -> tuple[bytes, str]:
    """A form with a sound file, as bytes, and its media type."""
    return form_body({**texts, "file": FormFile(path=str(sound))})


def speech_of(characters: int, response_format: str) -> tuple[bytes, str]:
    """A request for speech of a text that long."""
    text = (_SENTENCE * (characters // len(_SENTENCE) + 1))[:characters]
    return json_body({"input": text, "voice": "default", "response_format": response_format})


def pcm_seconds(sound: bytes) -> float:
    """How long an answer in the format `pcm` is."""
    return len(sound) / _PCM_BYTES_PER_S
