"""The transcribers under contract. A new engine is one more row of TRANSCRIBER_CASES."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tests.contract.engine_cases import convert

from coldstart.domain.transcription import Transcriber, Transcription, TranscriptionOptions, TranscriptionRequest
from coldstart.engines.ctranslate2_transcriber import CTranslate2Transcriber
from convert.random_whisper import write_random_whisper
from convert.whisper import convert_whisper
from convert.whisper_golden import write_golden

RATE_HZ = 16_000
# A contract that needs more calls than this for one window is broken.
_MOST_CALLS = 1000

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Whispers:
    """Small Whispers of random weights that write the same six words whatever they hear, published and converted."""

    published: Path
    multilingual: Path
    english: Path


@dataclass(frozen=True, slots=True)
class TranscriberCase:
    """One engine with one model.

    Args:
        build: makes it.
        languages: how many it knows.
    """

    name: str
    build: Callable[[Whispers], Transcriber]
    languages: int


TRANSCRIBER_CASES = (
    TranscriberCase("ctranslate2", lambda w: CTranslate2Transcriber(w.multilingual, threads=2), 99),
    TranscriberCase("ctranslate2-english", lambda w: CTranslate2Transcriber(w.english, threads=2), 1),
)


def make_whispers(directory: Path) -> Whispers:
    """Both kinds, one by the commands of a build, the other by what these call."""
    made = Whispers(directory / "published", directory / "multilingual", directory / "english")
    convert("random-whisper", made.published, "--size", "test")
    convert("whisper", made.published, made.multilingual)
    write_random_whisper(directory / "published.en", "test", 0, english_only=True)
    convert_whisper(directory / "published.en", made.english)
    write_golden(directory / "published.en", made.english)
    return made


def write_asr_manifest(directory: Path, artifacts: Mapping[str, Path]) -> Path:
    """The manifest of an image that holds these models, name → artifact."""
    models = [
        {
            "name": name,
            "task": "speech-to-text",
            "architecture": "whisper",
            "repository": f"coldstart/{name}",
            "revision": "test",
            "license": "MIT",
            "required": True,
            "artifacts": {"ctranslate2": str(artifact)},
            "golden": str(artifact / "golden.json"),
        }
        for name, artifact in artifacts.items()
    ]
    description = directory / "models.in.json"
    description.write_text(json.dumps({"schema_version": 1, "models": models}))
    convert("manifest", directory / "models.json", description)
    return directory / "models.json"


def transcribed(engine: Transcriber, samples: Samples, options: TranscriptionOptions | None = None) -> Transcription:
    """The transcription of one window, in as many calls as it takes."""
    return all_transcribed(engine, [TranscriptionRequest(samples, options or TranscriptionOptions())])[0]


def all_transcribed(engine: Transcriber, requests: Sequence[TranscriptionRequest]) -> list[Transcription]:
    """The transcriptions of all requests, each in every call until it has its result, as the scheduler does it."""
    results: dict[int, Transcription] = {}
    for _ in range(_MOST_CALLS):
        open_ones = [i for i in range(len(requests)) if i not in results][: engine.max_batch]
        if not open_ones:
            return [results[i] for i in range(len(requests))]
        outcome = engine.advance([requests[i] for i in open_ones])
        results |= {i: found for i, found in zip(open_ones, outcome, strict=True) if found is not None}
    raise AssertionError(f"{len(requests) - len(results)} requests have no answer after {_MOST_CALLS} calls")


def text_of(transcription: Transcription) -> str:
    return "".join(segment.text for segment in transcription.segments)


def noise(seconds: float, seed: int = 0) -> Samples:
    """White noise, at least one sample of it."""
    count = max(1, round(seconds * RATE_HZ))
    return np.random.default_rng(seed).uniform(-0.3, 0.3, count).astype(np.float32)
