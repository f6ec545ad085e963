"""Opus packets, as WebRTC and recorders have them, to speech samples; by PyAV."""

import av
import numpy as np
from numpy.typing import NDArray

from coldstart.domain.audio import SPEECH_RATE_HZ
from coldstart.domain.errors import InvalidInput

# Whatever rate was recorded: every Opus packet can be decoded at this one. Source: RFC 6716, section 2.1.1.
_OPUS_RATE_HZ = 48_000


class OpusStream:
    """Opus packets of one sound, one a piece, without a container (`domain.audio.SoundStreamDecoder`)."""

    def __init__(self) -> None:
        self._codec = av.CodecContext.create("opus", "r")
        self._codec.sample_rate = _OPUS_RATE_HZ
        self._codec.layout = "mono"  # a decoder of mono takes packets of stereo, too, and mixes them
        self._resampler = av.AudioResampler(format="flt", layout="mono", rate=SPEECH_RATE_HZ)

    def decode(self, data: bytes) -> NDArray[np.float32]:
        """See `domain.audio.SoundStreamDecoder`; a piece is one packet of at most 120 ms."""
        if not data:
            raise InvalidInput("met an Opus packet of 0 bytes; wanted at least 1")
        try:
            decoded = self._codec.decode(av.Packet(data))
            frames = [resampled for frame in decoded for resampled in self._resampler.resample(frame)]
        except av.FFmpegError as error:
            raise InvalidInput(f"met {len(data)} bytes that are no Opus packet: {error.strerror}") from None
        pieces = [frame.to_ndarray().reshape(-1) for frame in frames]
        return np.clip(np.concatenate(pieces), -1.0, 1.0) if pieces else np.zeros(0, np.float32)
