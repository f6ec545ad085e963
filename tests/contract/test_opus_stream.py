"""Opus packets to speech samples."""

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from coldstart.domain.audio import SPEECH_RATE_HZ
from coldstart.domain.errors import InvalidInput
from coldstart.engines.pyav_opus import OpusStream


def tone(seconds: float, level: float = 0.5) -> NDArray[np.float32]:
    """440 Hz at 48 kHz."""
    time_s = np.arange(round(seconds * 48_000)) / 48_000
    return np.asarray(level * np.sin(2 * np.pi * 440 * time_s), np.float32)


def packets(samples: NDArray[np.float32], channels: int = 1) -> list[bytes]:
    """As a recorder makes them: 20 ms each, at 48 kHz."""
    layout = "mono" if channels == 1 else "stereo"
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, layout, "flt"
    made = []
    for begin in range(0, len(samples), 960):
        interleaved = np.repeat(samples[begin : begin + 960], channels).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(interleaved, format="flt", layout=layout)
        frame.sample_rate = 48_000
        made += [bytes(packet) for packet in encoder.encode(frame)]
    return made + [bytes(packet) for packet in encoder.encode(None)]


@pytest.mark.parametrize("channels", [1, 2])
def test_packets_become_the_sound_that_they_are_of(channels: int) -> None:
    """Mono, 16 kHz, of the same length, pitch and level."""
    stream = OpusStream()
    sound = np.concatenate([stream.decode(packet) for packet in packets(tone(2.0), channels)])
    assert sound.dtype == np.float32
    assert len(sound) / SPEECH_RATE_HZ == pytest.approx(2.0, abs=0.05)
    middle = sound[SPEECH_RATE_HZ // 2 : -SPEECH_RATE_HZ // 2]
    assert np.abs(middle).max() == pytest.approx(0.5, abs=0.05)
    strongest = np.argmax(np.abs(np.fft.rfft(middle))) * SPEECH_RATE_HZ / len(middle)
    assert strongest == pytest.approx(440, abs=2)


@pytest.mark.parametrize("data", [b"", b"\xff" * 7, bytes(2000)])
def test_what_is_no_packet_is_refused_and_the_sound_may_go_on(data: bytes) -> None:
    """With how many bytes were met."""
    stream = OpusStream()
    made = packets(tone(0.5))
    for packet in made[:10]:
        stream.decode(packet)
    with pytest.raises(InvalidInput, match=f"{len(data)} bytes"):
        stream.decode(data)
    assert sum(len(stream.decode(packet)) for packet in made[10:]) > 0


@pytest.mark.parametrize("seed", range(50))
def test_random_bytes_never_do_anything_else(seed: int) -> None:
    """Either they happen to be a packet, or they are refused."""
    rng = np.random.default_rng(seed)
    stream = OpusStream()
    for size in rng.integers(1, 1500, 20):
        try:
            samples = stream.decode(rng.bytes(size))
        except InvalidInput:
            continue
        assert len(samples) <= 0.121 * SPEECH_RATE_HZ
        assert np.isfinite(samples).all()
