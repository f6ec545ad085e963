"""Sound files are written piece by piece, and read again as what they were."""

import struct

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.sounds import PEAK, TONE_HZ, TONE_LEVEL, level_of, tone

from coldstart.domain.audio import SPEECH_RATE_HZ
from coldstart.domain.errors import InvalidInput
from coldstart.engines.pyav_audio import PyAvDecoder, PyAvEncoder

FORMATS = tuple(PyAvEncoder().media_types)
CONTAINED = tuple(name for name in FORMATS if name != "pcm")
# OpenAI's raw samples.
_PCM_RATE_HZ = 24_000


def written(format_name: str, samples: NDArray[np.float32], rate_hz: int, piece: int = 5000) -> list[bytes]:
    """The bytes that each write gave, and the last ones."""
    stream = PyAvEncoder().begin(format_name, rate_hz)
    pieces = [stream.write(samples[start : start + piece]) for start in range(0, samples.size, piece)]
    return [*pieces, stream.finish()]


def pitch_of(samples: NDArray[np.floating], rate_hz: int) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(samples)))) * rate_hz / samples.size


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 24_000, 44_100])
@pytest.mark.parametrize("format_name", CONTAINED)
def test_what_is_written_is_heard(format_name: str, rate_hz: int) -> None:
    """Length, level and pitch, whatever rate the samples have."""
    file = b"".join(written(format_name, tone(1.0, rate_hz)[0], rate_hz))
    samples = PyAvDecoder().decode(file, max_s=10.0)
    assert samples.size / SPEECH_RATE_HZ == pytest.approx(1.0, abs=0.09)
    assert level_of(samples) == pytest.approx(TONE_LEVEL, rel=0.1)
    assert pitch_of(samples, SPEECH_RATE_HZ) == pytest.approx(TONE_HZ, abs=2.0)


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 24_000])
def test_raw_samples_have_openais_rate(rate_hz: int) -> None:
    """16 bits, little-endian, 24 kHz, without a header."""
    file = b"".join(written("pcm", tone(1.0, rate_hz)[0], rate_hz))
    samples = np.frombuffer(file, "<i2").astype(np.float32) / 32768
    assert samples.size == pytest.approx(_PCM_RATE_HZ, abs=50)
    assert pitch_of(samples, _PCM_RATE_HZ) == pytest.approx(TONE_HZ, abs=2.0)
    assert np.abs(samples).max() == pytest.approx(PEAK, rel=0.05)


@pytest.mark.parametrize("format_name", FORMATS)
def test_the_beginning_leaves_before_the_end_is_made(format_name: str) -> None:
    """After two of four seconds, at least one is on its way."""
    pieces = written(format_name, tone(4.0, 24_000)[0], 24_000, piece=4800)
    early, all_of_it = sum(map(len, pieces[:10])), sum(map(len, pieces))
    assert early >= all_of_it / 4


@pytest.mark.parametrize("format_name", FORMATS)
def test_pieces_of_any_size_are_the_same_file(format_name: str) -> None:
    """How the samples came does not show; writing none gives nothing new."""
    samples = tone(0.5, 24_000)[0]
    whole = b"".join(written(format_name, samples, 24_000, piece=samples.size))
    assert b"".join(written(format_name, samples, 24_000, piece=777)) == whole


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_sound_of_no_samples_can_be_finished(format_name: str) -> None:
    """A text of spaces has no sound, and that is no failure."""
    stream = PyAvEncoder().begin(format_name, 24_000)
    first = stream.write(np.empty(0, np.float32))
    assert isinstance(first + stream.finish(), bytes)


def test_a_wav_header_leaves_the_length_open() -> None:
    """Both lengths are the largest number, which players of streams take for unknown."""
    file = b"".join(written("wav", tone(0.1, 24_000)[0], 24_000))
    data = file.index(b"data")
    assert struct.unpack_from("<I", file, 4) == struct.unpack_from("<I", file, data + 4) == (0xFFFF_FFFF,)
    channels, rate_hz = struct.unpack_from("<HI", file, 22)
    assert (channels, rate_hz, len(file) - data - 8) == (1, 24_000, 4800)


def test_samples_out_of_range_are_full_scale() -> None:
    """They do not wrap around."""
    file = b"".join(written("pcm", np.full(2400, 1.5, np.float32), 24_000))
    assert np.frombuffer(file, "<i2").min() >= 32_000


def test_two_files_are_written_at_once() -> None:
    """Neither has bytes of the other."""
    alone = b"".join(written("mp3", tone(0.5, 24_000)[0], 24_000))
    one, other = PyAvEncoder().begin("mp3", 24_000), PyAvEncoder().begin("mp3", 24_000)
    samples = tone(0.5, 24_000)[0]
    first, second = one.write(samples), other.write(samples[::-1].copy())
    assert first + one.finish() == alone
    assert second + other.finish() != alone


def test_an_unknown_format_is_named_with_the_formats() -> None:
    """The sentence has the value met and the values allowed."""
    allowed = " or ".join(map(repr, FORMATS))
    with pytest.raises(InvalidInput, match=f"the format is 'wma'; it must be {allowed}"):
        PyAvEncoder().begin("wma", 24_000)


def test_media_types_are_those_of_openais_api() -> None:
    """Each format that the API has, and no other."""
    assert set(FORMATS) == {"mp3", "opus", "aac", "flac", "wav", "pcm"}
    assert PyAvEncoder().media_types["mp3"] == "audio/mpeg"
