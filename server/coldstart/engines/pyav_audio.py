"""Sound files, read and written by PyAV, which is ffmpeg."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import InputContainer
from av.error import FFmpegError

from coldstart.domain.audio import SPEECH_RATE_HZ
from coldstart.domain.errors import InvalidInput, PayloadTooLarge
from coldstart.engines.pyav_input import check_form, open_sound, reason_of, sound_track
from coldstart.engines.wav_header import stated_wav_share

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Readers of containers whose headers say how long the sound is, and who tell it; elsewhere ffmpeg's length is a guess.
_STATES_LENGTH = frozenset(
    {"aiff", "au", "avi", "flac", "matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2", "ogg", "tta", "wv"}
)
# Who writes a header's length by rounding is forgiven; the shortest frame of FLAC's usual sizes is longer.
_SHORTFALL_S = 0.05
# A trimmed file may have half an hour of packets in front of its sound; more than this are there to keep us busy.
_MAX_SILENT_PACKETS = 100_000
# Descriptions between MP3 files that were joined.
_TAGS = (b"ID3", b"TAG", b"APETAGEX")
# Samples that come out of the resampler at once: about a second, for a call costs as much as a thousand samples.
_PIECE_SAMPLES = SPEECH_RATE_HZ
# By how many samples the result grows, 4 MiB: the operating system moves such blocks without copying them.
_GROWTH_SAMPLES = 1 << 20


class PyAvDecoder:
    """`AudioDecoder` by ffmpeg. Thread-safe; holds the samples decoded so far and a few packets, whatever the file.

    A file that breaks is refused, with the second at which it does. That includes one that says of itself that it goes
    on for longer than it does. A stream that does not say how long it is (MP3, AAC, WAV with a placeholder) ends where
    it ends, even within a packet. Samples that are no numbers, or infinite, are a break, too.
    """

    def decode(self, data: bytes, *, max_s: float) -> "NDArray[np.float32]":
        """See `AudioDecoder.decode`."""
        samples = _Samples(max_s)
        with open_sound(data) as container:
            _Reading(data, container, samples).run()
        return samples.whole()


class _Reading:
    """One file on its way to samples."""

    def __init__(self, data: bytes, container: InputContainer, samples: "_Samples") -> None:
        self._data = data
        self._container = container
        self._track = sound_track(container)
        self._samples = samples
        self._resampler: AudioResampler | None = None
        self._input: tuple[str, str, int] | None = None
        self._read_s = 0.0

    def run(self) -> None:
        try:
            for frame in self._frames():
                self._take(frame)
            self._flush()
        except (FFmpegError, ValueError) as error:
            raise self._broken(reason_of(error)) from None
        self._check_length()

    def _frames(self) -> Iterator[AudioFrame]:
        failure: InvalidInput | None = None
        silent = 0
        for packet in self._container.demux(self._track):
            try:
                frames = packet.decode()
            except FFmpegError as error:
                if failure is None and not bytes(packet).startswith(_TAGS):
                    failure = self._broken(reason_of(error), packet.pos)
                frames = []
            # Whether the sound is broken or has only been cut shows when more of it comes.
            if failure is not None and frames and packet.size:
                raise failure
            silent = 0 if frames else silent + 1
            if silent > _MAX_SILENT_PACKETS:
                raise self._broken(f"{_MAX_SILENT_PACKETS} packets in a row have no sound", packet.pos)
            yield from frames
        if failure is not None and not self._read_s:
            raise failure

    def _take(self, frame: AudioFrame) -> None:
        check_form(frame.layout.nb_channels, frame.sample_rate)
        met = (frame.format.name, frame.layout.name, frame.sample_rate)
        if met != self._input:
            # Joined streams may change in the middle.
            self._flush()
            self._input = met
            self._resampler = _speech_resampler()
        self._read_s += frame.samples / frame.sample_rate
        self._add(frame)

    def _flush(self) -> None:
        self._add(None)

    def _add(self, frame: AudioFrame | None) -> None:
        if self._resampler is not None:
            for piece in self._resampler.resample(frame):
                self._samples.add(piece.to_ndarray()[0])

    def _check_length(self) -> None:
        stated_s = self._stated_s()
        if stated_s is not None and self._read_s < stated_s - _SHORTFALL_S:
            met = f"its header says {stated_s:.2f} s of sound, and {self._read_s:.2f} s are there"
            raise InvalidInput(f"the file is not whole: {met}")

    def _stated_s(self) -> float | None:
        track, container = self._track, self._container
        match container.format.name:
            case "wav":
                share = stated_wav_share(self._data)
                return None if share is None else share * self._read_s
            case name if name not in _STATES_LENGTH:
                return None
        if track.duration is not None and track.time_base is not None:
            return float(track.duration * track.time_base)
        if container.duration is not None and len(container.streams) == 1:
            return container.duration / av.time_base
        return None

    def _broken(self, what: str, byte: int | None = None) -> InvalidInput:
        place = f"{self._read_s:.2f} s" + ("" if byte is None else f", byte {byte}")
        return InvalidInput(f"the sound breaks at {place}: {what}")


class _Samples:
    """What has been decoded, in one array that grows up to a limit."""

    def __init__(self, max_s: float) -> None:
        self._max_s = max_s
        self._limit = int(max_s * SPEECH_RATE_HZ)
        self._array = np.empty(min(_GROWTH_SAMPLES, self._limit), np.float32)
        self._count = 0

    def add(self, piece: "NDArray[np.float32]") -> None:
        end = self._count + piece.size
        if end > self._limit:
            raise PayloadTooLarge(f"the sound is longer than {self._max_s:g} s, the most that is taken")
        finite = np.isfinite(piece)
        if not finite.all():
            at_s = (self._count + int(finite.argmin())) / SPEECH_RATE_HZ
            raise InvalidInput(f"the sound breaks at {at_s:.2f} s: a sample is not a finite number")
        if end > self._array.size:
            self._array.resize(min(end + _GROWTH_SAMPLES, self._limit), refcheck=False)
        np.clip(piece, -1.0, 1.0, out=self._array[self._count : end])
        self._count = end

    def whole(self) -> "NDArray[np.float32]":
        if not self._count:
            raise InvalidInput("the file's sound track has no samples: it lasts 0 s")
        self._array.resize(self._count, refcheck=False)
        return self._array


def _speech_resampler() -> AudioResampler:
    return AudioResampler(
        format="flt",
        layout="mono",
        rate=SPEECH_RATE_HZ,
        frame_size=_PIECE_SAMPLES,
        # Channels are mixed so that full scale in all of them stays full scale, as ffmpeg does for whole numbers.
        options={"rematrix_maxval": "1.0"},
    )


@dataclass(frozen=True, slots=True)
class _Format:
    """How one format is written.

    Args:
        container: ffmpeg's writer.
        codec: ffmpeg's encoder.
        media_type: for the reply.
        rate_hz: the one rate it has; None: that of the samples, or the next one that the codec knows.
        bit_rate: bits a second; None where the codec has no choice.
        options: of the writer.
    """

    container: str
    codec: Literal["aac", "flac", "libmp3lame", "libopus", "pcm_s16le"]
    media_type: str
    rate_hz: int | None = None
    bit_rate: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)


# Bit rates are for one voice. Media types as OpenAI's API gives them; its `pcm` is 24 kHz, 16 bits, little-endian.
_FORMATS: Mapping[str, _Format] = {
    "mp3": _Format("mp3", "libmp3lame", "audio/mpeg", bit_rate=64_000, options={"id3v2_version": "0"}),
    # A page of 200 ms, for the writer's own second would be a second's wait for the first sound.
    "opus": _Format("ogg", "libopus", "audio/ogg", bit_rate=32_000, options={"page_duration": "200000"}),
    "aac": _Format("adts", "aac", "audio/aac", bit_rate=64_000),
    "flac": _Format("flac", "flac", "audio/flac", options={"metadata_header_padding": "0"}),
    "wav": _Format("wav", "pcm_s16le", "audio/wav"),
    "pcm": _Format("s16le", "pcm_s16le", "audio/pcm", rate_hz=24_000),
}


class PyAvEncoder:
    """`AudioEncoder` by ffmpeg. Bytes that have left are never mended, so a WAV's header has no length in it."""

    @property
    def media_types(self) -> Mapping[str, str]:
        """See `AudioEncoder.media_types`."""
        return {name: each.media_type for name, each in _FORMATS.items()}

    def begin(self, format_name: str, sample_rate_hz: int) -> "PyAvStream":
        """See `AudioEncoder.begin`.

        Raises:
            InvalidInput: there is no such format.
        """
        if format_name not in _FORMATS:
            raise InvalidInput(f"the format is {format_name!r}; it must be {' or '.join(map(repr, _FORMATS))}")
        return PyAvStream(_FORMATS[format_name], sample_rate_hz)


class PyAvStream:
    """`AudioStream` by ffmpeg."""

    def __init__(self, form: _Format, sample_rate_hz: int) -> None:
        self._rate_hz = sample_rate_hz
        self._sink = _Sink()
        options = {"fflags": "+bitexact", "flush_packets": "1", **form.options}
        self._container = av.open(self._sink, "w", format=form.container, container_options=options)
        self._track = self._container.add_stream(form.codec, rate=_rate_for(form, sample_rate_hz), layout="mono")
        if form.bit_rate is not None:
            self._track.bit_rate = form.bit_rate
        # Now, so that a sound of no samples is a file, too.
        self._container.start_encoding()
        self._written = 0

    def write(self, samples: "NDArray[np.float32]") -> bytes:
        """See `AudioStream.write`."""
        if samples.size:
            frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples)[np.newaxis], "flt", "mono")
            frame.sample_rate = self._rate_hz
            frame.time_base = Fraction(1, self._rate_hz)
            frame.pts = self._written
            self._written += samples.size
            self._container.mux(self._track.encode(frame))
        return self._sink.take()

    def finish(self) -> bytes:
        """See `AudioStream.finish`."""
        self._container.mux(self._track.encode(None))
        self._container.close()
        return self._sink.take()


class _Sink:
    """What ffmpeg has written and nobody has taken yet. It cannot be sought in: what has left cannot be mended."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def write(self, data: bytes) -> int:
        self._bytes += data
        return len(data)

    def take(self) -> bytes:
        taken = bytes(self._bytes)
        self._bytes.clear()
        return taken


def _rate_for(form: _Format, sample_rate_hz: int) -> int:
    known = [form.rate_hz] if form.rate_hz is not None else av.Codec(form.codec, "w").audio_rates
    if not known or sample_rate_hz in known:
        return sample_rate_hz
    return min((rate for rate in known if rate > sample_rate_hz), default=max(known))
