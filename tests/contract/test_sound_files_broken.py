"""Files with damage at random: whatever comes of them, it is samples or a sentence, soon."""

import random
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from tests.sounds import encoded, tone, wav

from coldstart.domain.errors import InvalidInput, PayloadTooLarge
from coldstart.engines.pyav_audio import PyAvDecoder

pytestmark = pytest.mark.timeout(60)

_LONGEST_SENTENCE = 200

FILES: dict[str, Callable[[], bytes]] = {
    "wav": partial(wav, tone(0.3)),
    "wav-adpcm": partial(encoded, "wav", "adpcm_ms", 0.3),
    "mp3": partial(encoded, "mp3", "libmp3lame", 0.3),
    "opus": partial(encoded, "ogg", "libopus", 0.3),
    "vorbis": partial(encoded, "ogg", "vorbis", 0.3, 44_100, layout="stereo"),
    "flac": partial(encoded, "flac", "flac", 0.3),
    "m4a": partial(encoded, "ipod", "aac", 0.3),
    "alac": partial(encoded, "ipod", "alac", 0.3),
    "aac": partial(encoded, "adts", "aac", 0.3),
    "webm": partial(encoded, "webm", "libopus", 0.3),
    "wma": partial(encoded, "asf", "wmav2", 0.3, 44_100),
    "amr": partial(encoded, "amr", "libopencore_amrnb", 0.3, 8_000),
    "wavpack": partial(encoded, "wv", "wavpack", 0.3),
    "mp4-video": partial(encoded, "mp4", "aac", 0.3, picture="mpeg4"),
    "avi-video": partial(encoded, "avi", "libmp3lame", 0.3, picture="mpeg4"),
    "mpegts-video": partial(encoded, "mpegts", "aac", 0.3, picture="mpeg2video"),
}


def outcome_of(data: bytes) -> str:
    """`taken` or `refused`; anything else is raised."""
    try:
        samples = PyAvDecoder().decode(data, max_s=5.0)
    except (InvalidInput, PayloadTooLarge) as error:
        sentence = str(error)
        assert "\n" not in sentence
        assert 0 < len(sentence) <= _LONGEST_SENTENCE
        return "refused"
    assert samples.size
    assert samples.dtype == np.float32
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() <= 1.0
    return "taken"


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_anywhere_is_taken_or_refused(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    """At any byte, the header's most of all; nothing is told on stderr."""
    data, chance = FILES[name](), random.Random(name)  # noqa: S311
    ends = {*range(0, 64, 4), *(chance.randrange(len(data)) for _ in range(24))}
    outcomes = {outcome_of(data[:end]) for end in sorted(ends)}
    assert "refused" in outcomes
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", FILES)
def test_a_file_with_wrong_bytes_is_taken_or_refused(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    """One byte, several, a run of them, in the header and behind it; nothing is told on stderr."""
    data, chance = FILES[name](), random.Random(name)  # noqa: S311
    for damage in range(60):
        broken = bytearray(data)
        reach = 200 if damage % 2 else len(data)
        for _ in range(1 + damage % 5):
            at = chance.randrange(reach)
            count = 1 if damage % 3 else chance.randrange(40)
            broken[at : at + count] = chance.randbytes(count)
        outcome_of(bytes(broken))
    assert capfd.readouterr() == ("", "")


def test_noise_behind_every_mark_is_taken_or_refused() -> None:
    """Headers of all kinds, and nothing that makes sense behind them."""
    chance = random.Random(1)  # noqa: S311
    marks = {make()[:size] for make in FILES.values() for size in (4, 12, 40)}
    for mark in sorted(marks):
        outcome_of(mark + chance.randbytes(3000))
