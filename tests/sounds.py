"""Sound files that tests make: every container and codec, and headers that no program would write."""

import io
import struct
from fractions import Fraction

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from coldstart.domain.audio import SPEECH_RATE_HZ

TONE_HZ = 440.0
PEAK = 0.5
# Root mean square of a sine of that peak.
TONE_LEVEL = PEAK / 2**0.5

# Of pictures.
_FRAMES_PER_SECOND, _SIDE = 10, 64
_BIT_RATE = 64_000
# WAVE_FORMAT_PCM and WAVE_FORMAT_IEEE_FLOAT
_PCM, _FLOAT = 1, 3


def tone(seconds: float = 1.0, rate_hz: int = SPEECH_RATE_HZ, channels: int = 1) -> NDArray[np.float32]:
    """The same sine in every channel, float32, shape (channels, n_samples)."""
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    return np.tile((PEAK * np.sin(2 * np.pi * TONE_HZ * times)).astype(np.float32), (channels, 1))


def level_of(samples: NDArray[np.float32]) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def wav(
    samples: NDArray[np.floating],
    rate_hz: int = SPEECH_RATE_HZ,
    *,
    form: str = "s16",
    data_bytes: int | None = None,
    before: bytes = b"",
    after: bytes = b"",
) -> bytes:
    """A WAV file, written by hand.

    Args:
        samples: shape (channels, n_samples), in [-1, 1] unless the form is a float's.
        rate_hz: as the header says.
        form: u8, s16, s24, s32, f32 or f64.
        data_bytes: what the header says of the data's length; None: the truth.
        before: chunks between header and data.
        after: bytes behind the data.
    """
    data = _pcm(samples.T.ravel(), form)
    channels, bits = samples.shape[0], int(form[1:])
    stated = len(data) if data_bytes is None else data_bytes
    body = b"WAVE" + wav_header(channels, rate_hz, bits, _FLOAT if form[0] == "f" else _PCM) + before
    body += b"data" + struct.pack("<I", stated) + data + after
    return b"RIFF" + struct.pack("<I", min(len(body) - len(data) + stated, 0xFFFF_FFFF)) + body


def wav_header(channels: int, rate_hz: int, bits: int, tag: int = _PCM) -> bytes:
    """A `fmt ` chunk of any values, right or wrong."""
    align = channels * bits // 8 & 0xFFFF
    return b"fmt " + struct.pack("<IHHIIHH", 16, tag, channels, rate_hz, rate_hz * align & 0xFFFF_FFFF, align, bits)


def chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of a RIFF file."""
    return name + struct.pack("<I", len(data)) + data + b"\x00" * (len(data) % 2)


def mp4_of_many_samples(count: int) -> bytes:
    """A file of some hundred bytes whose index says that it has so many samples of one byte."""
    entry = struct.pack(">I4s6xHHHIHHHHI", 36, b"ulaw", 1, 0, 0, 0, 1, 16, 0, 0, 8_000 << 16)
    table = _atom(
        b"stbl",
        _atom(b"stsd", struct.pack(">II", 0, 1), entry),
        _atom(b"stts", struct.pack(">IIII", 0, 1, count, 2)),
        _atom(b"stsc", struct.pack(">IIIII", 0, 1, 1, count, 1)),
        _atom(b"stsz", struct.pack(">III", 0, 1, count)),
        _atom(b"stco", struct.pack(">III", 0, 1, 0)),
    )
    media = _atom(
        b"mdia",
        _atom(b"mdhd", struct.pack(">IIIIII", 0, 0, 0, 8_000, 16_000, 0)),
        _atom(b"hdlr", struct.pack(">II4s12xB", 0, 0, b"soun", 0)),
        _atom(b"minf", table),
    )
    track = _atom(b"trak", _atom(b"tkhd", struct.pack(">IIII68x", 1, 0, 0, 1)), media)
    header = _atom(b"mvhd", struct.pack(">IIIII80x", 0, 0, 0, 8_000, 16_000))
    return _atom(b"ftyp", b"M4A " + bytes(4)) + _atom(b"moov", header, track) + _atom(b"mdat", bytes(100))


def encoded(
    container: str,
    codec: str | None,
    seconds: float = 1.0,
    rate_hz: int = 48_000,
    *,
    layout: str = "mono",
    tracks: int = 1,
    picture: str | None = None,
    seekable: bool = True,
    options: dict[str, str] | None = None,
) -> bytes:
    """A file of any container and codec that ffmpeg writes.

    Args:
        container: ffmpeg's writer.
        codec: ffmpeg's encoder; None: no sound track.
        seconds: length.
        rate_hz: of the track.
        layout: of its channels.
        tracks: how many sound tracks; each further one is half as loud.
        picture: encoder of a picture track, or None.
        seekable: False writes it as into a pipe, so that no length is in its header.
        options: of the writer.
    """
    target = io.BytesIO()
    file = target if seekable else _Pipe(target)
    # To put an index in front, the writer reads again what it wrote.
    written = lambda *_: io.BytesIO(target.getvalue())  # noqa: E731
    with av.open(file, "w", format=container, options=options or {}, io_open=written) as output:
        video = None if picture is None else _picture_track(output, picture)
        sound = [_sound_track(output, codec, rate_hz, layout) for _ in range(tracks)] if codec else []
        if video is not None:
            for _ in range(round(seconds * _FRAMES_PER_SECOND)):
                output.mux(video.encode(av.VideoFrame(_SIDE, _SIDE, "yuv420p")))
            output.mux(video.encode(None))
        for number, track in enumerate(sound):
            samples = tone(seconds, rate_hz, track.codec_context.layout.nb_channels) / 2**number
            output.mux(track.encode(_frame(samples, rate_hz, layout)))
            output.mux(track.encode(None))
    return target.getvalue()


def _picture_track(output: OutputContainer, codec: str) -> VideoStream:
    track = output.add_stream(codec, rate=_FRAMES_PER_SECOND)
    assert isinstance(track, VideoStream)
    track.width, track.height, track.pix_fmt = _SIDE, _SIDE, "yuv420p"
    return track


def _sound_track(output: OutputContainer, codec: str, rate_hz: int, layout: str) -> AudioStream:
    track = output.add_stream(codec, rate=rate_hz, layout=layout, options={"strict": "experimental"})
    assert isinstance(track, AudioStream)
    track.bit_rate = _BIT_RATE
    return track


def _frame(samples: NDArray[np.float32], rate_hz: int, layout: str) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), "fltp", layout)
    frame.sample_rate, frame.time_base, frame.pts = rate_hz, Fraction(1, rate_hz), 0
    return frame


def _atom(name: bytes, *parts: bytes) -> bytes:
    data = b"".join(parts)
    return struct.pack(">I", 8 + len(data)) + name + data


class _Pipe:
    """A file that cannot be sought in."""

    def __init__(self, target: io.BytesIO) -> None:
        self._target = target

    def write(self, data: bytes) -> int:
        return self._target.write(data)


def _pcm(values: NDArray[np.floating], form: str) -> bytes:
    match form:
        case "u8":
            return bytes(np.round(values * 127 + 128).astype(np.uint8))
        case "s16":
            return np.round(values * 32767).astype("<i2").tobytes()
        case "s24":
            whole = np.round(values.astype(np.float64) * 8388607).astype("<i4")
            return whole.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
        case "s32":
            return np.round(values.astype(np.float64) * 2147483647).astype("<i4").tobytes()
        case "f32":
            return values.astype("<f4").tobytes()
        case _:
            return values.astype("<f8").tobytes()
