"""Sounds and clients for the image tests of speech."""

from pathlib import Path

import av
import numpy as np
import openai
from tests.sounds import wav

# What it says, and the one that the file of promises sends.
DIGITS = "three one four one five"
SOUND = Path(__file__).parents[2] / "slo" / "three-one-four-one-five.flac"
RATE_HZ = 16_000
TRANSCRIPTIONS, SPEECH, LIVE = "/v1/audio/transcriptions", "/v1/audio/speech", "/v1/audio/transcriptions/live"
# More bytes than the kernel holds for a client that does not read: the last sentence cannot be made before it does.
LONG_TEXT = {"input": "The cat sat on the mat, and nobody said a word. " * 80, "response_format": "wav"}
# From one time to the next: a window holds at most 30 s, so that no two times are in one.
EVERY_S = 31.0


def client_of(url: str) -> openai.OpenAI:
    """OpenAI's client of the service, which asks once."""
    return openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=60)


def model_of(client: openai.OpenAI, task: str) -> str:
    """The model that the service has for a task; its client keeps the field, which OpenAI's form does not have."""
    return next(model.id for model in client.models.list() if getattr(model, "task", None) == task)


def samples_said() -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
    """The recording: int16, mono, 16 kHz."""
    with av.open(str(SOUND), "r") as file:
        frames = [frame.to_ndarray().ravel() for frame in file.decode(file.streams.audio[0])]
    return np.concatenate(frames)


def said_again_and_again(times: int) -> bytes:
    """A WAV file in which the digits are said so many times, with silence in between, no two in one window."""
    said = samples_said() / np.float32(32768)
    samples = np.zeros((1, round(times * EVERY_S * RATE_HZ)), np.float32)
    for number in range(times):
        begin = round(number * EVERY_S * RATE_HZ)
        samples[0, begin : begin + said.size] = said
    return wav(samples)
