"""An engine that listens, without a server around it: `python bench/bare_voice.py TASK ARTIFACT --threads N`.

Each line of its input is the path of a sound file, and is answered by a line of JSON. Run with PYTHONPATH=server.
"""

import argparse
import json
import sys
import time
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

# Sets how long CTranslate2's threads wait for each other, as the server does, before its library is loaded.
import coldstart.engines  # noqa: F401
from coldstart.domain.voice_activity import VoiceActivityRequest

Listen = Callable[[str], dict[str, Any]]


def transcribe(artifact: Path, threads: int) -> Listen:
    """faster-whisper itself, with its defaults, in the type that the server computes in."""
    from faster_whisper import WhisperModel

    model = WhisperModel(str(artifact), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True)

    def listen(sound: str) -> dict[str, Any]:
        began = time.perf_counter()
        segments = list(model.transcribe(sound, language="en")[0])
        seconds = time.perf_counter() - began
        return {"seconds": seconds, "written": [[segment.text, segment.temperature] for segment in segments]}

    return listen


def detect(artifact: Path, _threads: int) -> Listen:
    """The server's detector on one thread, as there, on samples that are at hand."""
    from coldstart.engines.silero_voice_activity import WINDOW_SAMPLES, SileroVoiceActivityDetector

    detector = SileroVoiceActivityDetector(artifact, threads=1, max_batch=1)

    def listen(sound: str) -> dict[str, Any]:
        with wave.open(sound, "rb") as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / np.float32(2**15)
        request = VoiceActivityRequest(samples[: len(samples) // WINDOW_SAMPLES * WINDOW_SAMPLES])
        began = time.perf_counter()
        while detector.advance([request])[0] is None:
            pass
        return {"seconds": time.perf_counter() - began}

    return listen


TASKS = {"transcribe": transcribe, "detect": detect}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("artifact", type=Path, help="the model in this engine's form")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    listen = TASKS[arguments.task](arguments.artifact, arguments.threads)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(listen(line.strip())) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
