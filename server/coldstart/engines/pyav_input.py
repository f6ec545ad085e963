"""A sound file's bytes as ffmpeg may read them: from memory only, and by no reader that leads elsewhere."""

import ctypes
import errno
from functools import cache

import av
from av.audio.stream import AudioStream
from av.codec.codec import UnknownCodecError
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Discard

from coldstart.domain.errors import InvalidInput
from coldstart.engines.file_kinds import kind_of

# ffmpeg's readers of files that are whole in themselves. Left out: those that open what the file names (hls, dash,
# concat, sdp, image sequences), devices, raw samples without a header, and what has no sound.
_CONTAINERS = (
    *("aac", "ac3", "aiff", "amr", "ape", "asf", "au", "avi", "caf", "eac3", "flac", "flv", "matroska", "mov", "mp3"),
    *("mpc", "mpc8", "mpeg", "mpegts", "nistsphere", "ogg", "tak", "tta", "voc", "w64", "wav", "wv"),
)
# For a file that would keep ffmpeg busy for ever. An honest one is read in milliseconds, so a busy machine may be slow.
_READ_TIMEOUT_S = 30
# The largest block that ffmpeg may ask for. A header of some hundred bytes may claim an index of gigabytes, which would
# be filled before the first sample is read; an honest one of the largest files needs less than half of this.
_MAX_BLOCK_BYTES = 128 * 1024 * 1024
# 7.1, the most that ffmpeg mixes to one channel by a rule.
_MAX_CHANNELS = 8
# Beyond these no sound is stored, and the resampler's tables would grow with the rate.
_RATES_HZ = (1_000, 768_000)
# ffmpeg's own errors are made of four letters. Source: libavutil/error.h.
_OWN_ERRORS_FROM = 1 << 16


def open_sound(data: bytes) -> InputContainer:
    """The file, open; to be closed by the caller. No byte is read from anywhere else.

    Raises:
        InvalidInput: it is empty, of no known kind, of a kind without sound, or its header is broken.
    """
    if not data:
        raise InvalidInput("the file is empty: it has 0 bytes")
    kind = kind_of(data)
    if kind is not None and not kind.may_hold_sound:
        raise InvalidInput(f"the file is {kind.name}; a sound file is wanted")
    _bound_blocks()
    try:
        return av.open(
            _Bytes(data),
            "r",
            metadata_errors="ignore",
            timeout=_READ_TIMEOUT_S,
            container_options={
                "format_whitelist": ",".join(_CONTAINERS),
                "codec_whitelist": _sound_codecs(),
                "protocol_whitelist": "none",
            },
        )
    except (FFmpegError, ValueError) as error:
        if kind is None:
            raise InvalidInput(f"the file is of no known sound format: it begins with 0x{data[:8].hex()}") from None
        raise InvalidInput(f"the file begins as {kind.name} and cannot be read: {reason_of(error)}") from None


def sound_track(container: InputContainer) -> AudioStream:
    """The first sound track; the others are skipped from now on.

    Raises:
        InvalidInput: there is none, or none that can be decoded.
    """
    if not container.streams.audio:
        met = "a picture track and no sound track" if container.streams.video else "no sound track"
        raise InvalidInput(f"the file has {met}")
    track = container.streams.audio[0]
    # PyAV's types do not tell that there is none where no decoder is.
    if getattr(track, "codec_context", None) is None:
        raise InvalidInput("the file has a sound track in a codec that is not known here")
    check_form(track.codec_context.channels, track.codec_context.sample_rate)
    for other in container.streams:
        if other.index != track.index:
            other.discard = Discard.all
    return track


def check_form(channels: int, rate_hz: int) -> None:
    """Raises: InvalidInput: there are no channels, or too many to mix, or the rate is none that sound has."""
    if not 1 <= channels <= _MAX_CHANNELS:
        raise InvalidInput(f"the sound has {channels} channels; 1 to {_MAX_CHANNELS} can be mixed to one")
    if not _RATES_HZ[0] <= rate_hz <= _RATES_HZ[1]:
        raise InvalidInput(f"the sound has {rate_hz} samples a second; {_RATES_HZ[0]} to {_RATES_HZ[1]} are taken")


def reason_of(error: Exception) -> str:
    """What ffmpeg met, without places of this program."""
    if isinstance(error, FFmpegError):
        number, told = error.errno or 0, error.strerror or ""
        if isinstance(error, EOFError) or number == errno.EIO:
            return "the data ends too soon"
        # The system's errors are below: its words for them speak of files and rights. Codecs have numbers of their own.
        if number >= _OWN_ERRORS_FROM and not told.startswith("Error number"):
            return told
    return "the data makes no sense"


@cache
def _bound_blocks() -> None:
    # PyAV has no name for it. A symbol is looked up in an extension module and in the libraries that it is linked to.
    ctypes.CDLL(av.buffer.__file__).av_max_alloc(ctypes.c_size_t(_MAX_BLOCK_BYTES))


@cache
def _sound_codecs() -> str:
    # Not even while the file is looked at may a picture's decoder run.
    return ",".join(sorted(filter(_decodes_sound, av.codecs_available)))


def _decodes_sound(name: str) -> bool:
    try:
        return av.Codec(name, "r").type == "audio"
    except UnknownCodecError:  # it only encodes
        return False


class _Bytes:
    """The file for ffmpeg's callbacks. It raises nothing: PyAV tells of exceptions in callbacks on stderr."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def read(self, size: int) -> bytes:
        piece = self._data[self._position : self._position + size]
        self._position += len(piece)
        return piece

    def seek(self, offset: int, whence: int = 0) -> int:
        position = offset + (0, self._position, len(self._data))[whence]
        if position < 0:
            return -errno.EINVAL
        self._position = position
        return position

    def tell(self) -> int:
        return self._position
