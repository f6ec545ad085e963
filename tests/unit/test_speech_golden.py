"""The golden check of voices."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.synthesis_doubles import RATE_HZ, FakeSynthesizer, fake_sound

from coldstart.domain.errors import ModelRejected
from coldstart.domain.manifest import ModelEntry
from coldstart.domain.speech import SpeechRequest
from coldstart.runtime.scheduler import Scheduler
from coldstart.services.golden import golden_digest
from coldstart.services.speech_golden import check_speech, distance

TEXT = "a" * 80
SOUND = fake_sound(SpeechRequest(TEXT, "ann"))
GOLDEN = {
    "text": TEXT,
    "voice": "ann",
    "duration_s": SOUND.size / RATE_HZ,
    "levels": [0.08] * 4,
    "tolerance": {"fake": 0.05},
}


@pytest.fixture
def engine() -> FakeSynthesizer:
    return FakeSynthesizer()


@pytest.fixture
def scheduler(engine: FakeSynthesizer) -> Iterator[Scheduler[SpeechRequest, NDArray[np.float32]]]:
    scheduler: Scheduler[SpeechRequest, NDArray[np.float32]] = Scheduler(engine, name="tiny", queue_limit=1)
    yield scheduler
    scheduler.close(5.0)


def entry(**changes: Any) -> ModelEntry:
    golden = {name: value for name, value in (GOLDEN | changes).items() if value is not None}
    return ModelEntry("tiny", "text-to-speech", "fake", "own", "r1", "MIT", True, {}, golden)


def test_the_right_sound_has_the_digest(
    engine: FakeSynthesizer, scheduler: Scheduler[SpeechRequest, NDArray[np.float32]]
) -> None:
    """Of the manifest's golden answer."""
    assert check_speech(entry(), "fake", engine, scheduler) == golden_digest(GOLDEN)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"duration_s": 1.1}, r"takes 1.00 s, the manifest's 1.10 s; the sound differs by 0.091, and 0.05 is allowed"),
        ({"levels": [0.08, 0.08, 0.08, 0.16]}, "differs by 0.200, and 0.05 is allowed"),
        ({"voice": "eve"}, "golden voice 'eve' is not in the model"),
        ({"tolerance": {"other": 1}}, "no tolerance for engine 'fake'"),
        ({"levels": [0, 0]}, "has no sound"),
        ({"duration_s": 0}, "has no sound"),
        ({"levels": "loud"}, "is not one of speech"),
        ({"text": None}, "is not one of speech: KeyError"),
    ],
)
def test_another_sound_is_rejected(
    engine: FakeSynthesizer,
    scheduler: Scheduler[SpeechRequest, NDArray[np.float32]],
    changes: dict[str, Any],
    sentence: str,
) -> None:
    """And so is a golden answer that is none."""
    with pytest.raises(ModelRejected, match=sentence):
        check_speech(entry(**changes), "fake", engine, scheduler)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (SOUND, 0.0),
        (np.zeros_like(SOUND), 1.0),
        (np.zeros(0, np.float32), 1.0),
        (SOUND * 2, 1.0),
        (np.full_like(SOUND, np.nan), np.nan),
    ],
)
def test_distance_is_a_share(samples: NDArray[np.float32], expected: float) -> None:
    """0 for the same, 1 for silence, NaN for NaN."""
    levels = np.full(4, 0.08)
    met = distance(samples, samples.size / RATE_HZ, levels, SOUND.size / RATE_HZ)
    assert met == pytest.approx(expected, abs=1e-6, nan_ok=True)
