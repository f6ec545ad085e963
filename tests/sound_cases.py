"""Odd and bad sound files, in one table: each with what is heard in it, or with what its refusal must say."""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from tests.sounds import TONE_LEVEL, chunk, encoded, mp4_of_many_samples, tone, wav, wav_header

from coldstart.domain.errors import ColdstartError, InvalidInput, PayloadTooLarge


@dataclass(frozen=True)
class Heard:
    """The file is taken.

    Args:
        seconds: of sound, give or take `tolerance_s`: codecs work in frames.
        level: root mean square, give or take a tenth; codecs are lossy.
    """

    seconds: float = 1.0
    level: float = TONE_LEVEL
    tolerance_s: float = 0.09


@dataclass(frozen=True)
class Refused:
    """The file is refused with a sentence that has all of `words`."""

    words: tuple[str, ...]
    error: type[ColdstartError] = InvalidInput


@dataclass(frozen=True)
class Case:
    """One file.

    Args:
        name: of the test.
        make: the file.
        then: what comes of it.
        max_s: the longest sound.
    """

    name: str
    make: Callable[[], bytes]
    then: Heard | Refused
    max_s: float = field(default=60.0)


def heard(name: str, make: Callable[[], bytes], seconds: float = 1.0, level: float = TONE_LEVEL) -> Case:
    return Case(name, make, Heard(seconds, level))


def exact(name: str, make: Callable[[], bytes], seconds: float = 1.0, level: float = TONE_LEVEL) -> Case:
    return Case(name, make, Heard(seconds, level, tolerance_s=0.002))


def refused(name: str, make: Callable[[], bytes], *words: str) -> Case:
    return Case(name, make, Refused(words))


def made(container: str, codec: str | None, **options: object) -> Callable[[], bytes]:
    return partial(encoded, container, codec, **options)  # type: ignore[arg-type]


def _nan(value: float, form: str = "f32") -> bytes:
    samples = tone().astype(np.float64)
    samples[0, 8_000] = value
    return wav(samples, form=form)


def _cut(make: Callable[[], bytes], share: float) -> bytes:
    data = make()
    return data[: int(len(data) * share)]


def _noise(count: int, seed: int = 7) -> bytes:
    return np.random.default_rng(seed).bytes(count)


def _overwritten(make: Callable[[], bytes], begin: float, count: int) -> bytes:
    data = make()
    at = int(len(data) * begin)
    return data[:at] + _noise(count) + data[at + count :]


def _fmt_only(header: bytes, data: bytes = b"\x00" * 3200) -> bytes:
    body = b"WAVE" + header + chunk(b"data", data)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _flac_of_two_hours() -> bytes:
    data = bytearray(encoded("flac", "flac", rate_hz=16_000))
    # STREAMINFO begins at byte 8; the lower 32 bits of its number of samples are at 14 there.
    data[22:26] = struct.pack(">I", 7200 * 16_000)
    return bytes(data)


def _trimmed_m4a(begin_s: float, seconds: float) -> bytes:
    data = bytearray(M4A())
    # Length in the film's units, which are milliseconds, and begin in the track's, behind version and count.
    struct.pack_into(">II", data, data.index(b"elst") + 12, round(seconds * 1000), round(begin_s * 44_100))
    return bytes(data)


def _id3_tag() -> bytes:
    return b"ID3\x04\x00\x00\x00\x00\x02\x00" + b"\x00" * 256


def _playlist(text: str) -> Callable[[], bytes]:
    return text.encode


S16 = partial(wav, tone())
MP3 = partial(encoded, "mp3", "libmp3lame", rate_hz=44_100)
OPUS = partial(encoded, "ogg", "libopus")
FLAC = partial(encoded, "flac", "flac", 2.0, rate_hz=16_000)
M4A = partial(encoded, "ipod", "aac", rate_hz=44_100)
WEBM = partial(encoded, "webm", "libopus")

TAKEN = [
    exact("wav 16 bits", S16),
    exact("wav 8 bits", lambda: wav(tone(), form="u8")),
    exact("wav 24 bits", lambda: wav(tone(), form="s24")),
    exact("wav 32 bits", lambda: wav(tone(), form="s32")),
    exact("wav float", lambda: wav(tone(), form="f32")),
    exact("wav double", lambda: wav(tone(), form="f64")),
    exact("wav 8 kHz", lambda: wav(tone(1, 8_000), 8_000)),
    exact("wav 11,025 Hz", lambda: wav(tone(1, 11_025), 11_025)),
    exact("wav 44.1 kHz", lambda: wav(tone(1, 44_100), 44_100)),
    exact("wav 96 kHz", lambda: wav(tone(1, 96_000), 96_000)),
    exact("wav 192 kHz", lambda: wav(tone(1, 192_000), 192_000)),
    exact("wav 1 kHz", lambda: wav(tone(1, 1_000), 1_000)),
    exact("wav stereo", lambda: wav(tone(channels=2))),
    exact("wav stereo float", lambda: wav(tone(channels=2), form="f32")),
    exact("wav 3 channels", lambda: wav(tone(channels=3))),
    exact("wav 6 channels", lambda: wav(tone(channels=6))),
    exact("wav 8 channels", lambda: wav(tone(channels=8))),
    exact("wav one channel of two", lambda: wav(tone(channels=2) * [[1], [0]]), level=TONE_LEVEL / 2),
    heard("wav mu-law", made("wav", "pcm_mulaw", rate_hz=8_000)),
    heard("wav A-law", made("wav", "pcm_alaw", rate_hz=8_000)),
    heard("wav Microsoft ADPCM", made("wav", "adpcm_ms", rate_hz=22_050)),
    heard("wav IMA ADPCM", made("wav", "adpcm_ima_wav", rate_hz=22_050)),
    heard("w64", made("w64", "pcm_s16le")),
    heard("aiff", made("aiff", "pcm_s16be", rate_hz=44_100)),
    heard("au", made("au", "pcm_s16be", rate_hz=8_000)),
    heard("caf", made("caf", "pcm_s16le")),
    heard("flac", made("flac", "flac", rate_hz=44_100)),
    heard("flac stereo 96 kHz", made("flac", "flac", rate_hz=96_000, layout="stereo")),
    heard("flac in Ogg", made("ogg", "flac")),
    heard("mp3", MP3),
    heard("mp3 8 kHz", made("mp3", "libmp3lame", rate_hz=8_000)),
    heard("mp3 without header frame", made("mp3", "libmp3lame", seekable=False)),
    heard("mp3 behind a tag", lambda: _id3_tag() + made("mp3", "libmp3lame", options={"id3v2_version": "0"})()),
    heard("mp3 before a tag", lambda: MP3() + b"TAG" + b"\x00" * 125),
    heard("mp2", made("mp2", "mp2")),
    heard("ogg opus", OPUS),
    heard("ogg opus stereo", made("ogg", "libopus", layout="stereo")),
    heard("ogg vorbis", made("ogg", "vorbis", rate_hz=44_100, layout="stereo")),
    heard("m4a", M4A),
    heard("m4a, index in front", made("ipod", "aac", options={"movflags": "faststart"})),
    heard("m4a, lossless", made("ipod", "alac", rate_hz=44_100)),
    heard("mp4 in fragments", made("mp4", "aac", options={"movflags": "frag_keyframe+empty_moov"})),
    heard("aac", made("adts", "aac")),
    heard("webm opus", WEBM),
    heard("webm as a browser records it", made("webm", "libopus", seekable=False)),
    heard("mka", made("matroska", "aac")),
    heard("wma", made("asf", "wmav2", rate_hz=44_100)),
    heard("amr", made("amr", "libopencore_amrnb", rate_hz=8_000), level=0.3),
    heard("ac3", made("ac3", "ac3")),
    heard("wavpack", made("wv", "wavpack", rate_hz=44_100)),
    heard("tta", made("tta", "tta", rate_hz=44_100)),
    heard("mp4 video", made("mp4", "aac", picture="mpeg4")),
    heard("avi video", made("avi", "libmp3lame", picture="mpeg4")),
    heard("mkv video", made("matroska", "libopus", picture="mpeg4")),
    heard("mpegts video", made("mpegts", "aac", picture="mpeg2video")),
    heard("flv", made("flv", "libmp3lame", rate_hz=44_100, picture="flv")),
    heard("the first of two tracks", made("matroska", "pcm_s16le", tracks=2)),
]

ODD = [
    exact("wav written into a pipe", lambda: wav(tone(), data_bytes=0xFFFF_FFFF)),
    exact("wav of SoX in a pipe", lambda: wav(tone(), data_bytes=0x7FFF_F000)),
    exact("wav of arecord in a pipe", lambda: wav(tone(), data_bytes=0x8000_0000)),
    exact("wav never finished", lambda: wav(tone(), data_bytes=0)),
    exact("wav with a chunk before", lambda: wav(tone(), before=chunk(b"LIST", b"INFOodd"))),
    exact("wav with a chunk behind", lambda: wav(tone(), after=chunk(b"LIST", b"INFO"))),
    exact("wav with noise behind", lambda: wav(tone(), after=_noise(1000))),
    exact("wav of one sample", lambda: wav(np.full((1, 1), 0.5, np.float32)), 1 / 16_000, 0.5),
    exact("wav of silence", lambda: wav(np.zeros((1, 16_000), np.float32)), level=0.0),
    exact("wav float above full scale", lambda: wav(np.full((1, 16_000), 3.0, np.float32), form="f32"), level=1.0),
    exact("wav of exactly the longest", lambda: wav(tone(60.0)), 60.0),
    heard("mp3 cut, which has no length to keep", partial(_cut, made("mp3", "libmp3lame", seekable=False), 0.5), 0.5),
    heard("aac cut", partial(_cut, made("adts", "aac"), 0.5), 0.5),
    heard("two ogg files in one", lambda: OPUS() + made("ogg", "libopus")(), 2.0),
    heard("two mp3 files in one", lambda: MP3() + MP3(), 2.0),
    heard("m4a trimmed by its list of edits", partial(_trimmed_m4a, 0.25, 0.5), 0.5),
    # The decoder's delay is cut off once.
    heard("two mp3 files of different rates", lambda: MP3() + made("mp3", "libmp3lame", rate_hz=22_050)(), 2.1),
    heard("aac cut within its last packet", lambda: made("adts", "aac")()[:-20]),
    heard("ogg cut after its first page", partial(_cut, made("ogg", "libopus", seconds=3.0), 0.5), 0.99),
    heard("wma cut", partial(_cut, made("asf", "wmav2", seconds=3.0, rate_hz=44_100), 0.5), 1.53),
]

REFUSED = [
    refused("nothing", lambda: b"", "empty", "0 bytes"),
    refused("one byte", lambda: b"\x00", "no known sound format", "0x00"),
    refused("zeros", lambda: bytes(10_000), "no known sound format", "0x0000"),
    refused("noise", lambda: _noise(10_000), "no known sound format"),
    refused("text named mp3", lambda: b"This is no sound.\n" * 100, "is text"),
    refused("text of other letters", lambda: "Das ist kein Ton: äöü\n".encode() * 300, "is text"),
    refused("text in UTF-16", lambda: "No sound.".encode("utf-16"), "is text"),
    refused("subtitles", lambda: b"1\n00:00:01,000 --> 00:00:02,000\nHello\n", "is text"),
    refused("JSON", lambda: b'{"model": "whisper-1"}', "is JSON"),
    refused("a page", lambda: b"<!DOCTYPE html><html></html>", "is a web page"),
    refused("an SVG", lambda: b'<?xml version="1.0"?>\n<svg xmlns="x"/>', "is an SVG image"),
    refused("a PNG", lambda: b"\x89PNG\r\n\x1a\n" + bytes(100), "is a PNG image"),
    refused("a JPEG", lambda: b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(100), "is a JPEG image"),
    refused("a moving GIF", lambda: b"GIF89a" + bytes(100), "is a GIF image"),
    refused("a PDF", lambda: b"%PDF-1.7\n" + bytes(100), "is a PDF document"),
    refused("a ZIP", lambda: b"PK\x03\x04" + bytes(100), "is a ZIP archive"),
    refused("a program", lambda: b"\x7fELF\x02" + bytes(100), "is an ELF program"),
    refused("HLS", _playlist("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"), "is a playlist"),
    refused("DASH", _playlist('<?xml version="1.0"?><MPD><BaseURL>http://localhost/</BaseURL></MPD>'), "is a playlist"),
    refused("concat", _playlist("ffconcat version 1.0\nfile /etc/passwd\n"), "is a playlist"),
    refused("PLS", _playlist("[playlist]\nFile1=http://localhost/a.mp3\n"), "is a playlist"),
    refused("SDP", _playlist("v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 9 RTP/AVP 0\n"), "is a session description"),
    refused("video without sound", made("mp4", None, picture="mpeg4"), "a picture track and no sound track"),
    refused("webm without sound", made("webm", None, picture="libvpx"), "a picture track and no sound track"),
    refused("avi without sound", made("avi", None, picture="mpeg4"), "a picture track and no sound track"),
    refused("wav without samples", lambda: wav(tone(0)), "0 s"),
    refused("wav cut in its header", partial(_cut, S16, 0.0007), "begins as a WAV file"),
    refused("wav of no channels", lambda: _fmt_only(wav_header(0, 16_000, 16)), "0 channels", "1 to 8"),
    refused("wav of 65,535 channels", lambda: _fmt_only(wav_header(65_535, 16_000, 16)), "channels", "1 to 8"),
    refused("wav of 9 channels", lambda: wav(tone(channels=9)), "9 channels", "1 to 8"),
    refused("wav of no rate", lambda: _fmt_only(wav_header(1, 0, 16)), "WAV"),
    refused("wav of 98 MHz", lambda: wav(tone(), 98_301_824), "98301824 samples a second", "768000"),
    refused("wav of 1 Hz", lambda: wav(tone(), 1), "1 samples a second", "1000"),
    refused("wav of 0 bits", lambda: _fmt_only(wav_header(1, 16_000, 0)), "a codec that is not known"),
    refused(
        "wav of an unknown codec", lambda: _fmt_only(wav_header(1, 16_000, 16, 0x7777)), "a codec that is not known"
    ),
    refused("wav with a header of two hours", lambda: wav(tone(), data_bytes=7200 * 32_000), "7200.00 s", "1.00 s"),
    refused("wav cut", partial(_cut, S16, 0.5), "1.00 s", "0.50 s"),
    refused("wav with NaN", lambda: _nan(float("nan")), "0.50 s", "not a finite number"),
    refused("wav with infinity", lambda: _nan(float("inf")), "0.50 s", "not a finite number"),
    refused("wav with a number too large", lambda: _nan(1e300, "f64"), "0.50 s", "not a finite number"),
    refused("flac cut", partial(_cut, FLAC, 0.5), "not whole", "2.00 s"),
    refused("flac cut in its header", partial(_cut, FLAC, 0.001), "begins as a FLAC file"),
    refused("flac with a header of two hours", _flac_of_two_hours, "7200.00 s", "1.00 s"),
    refused("flac broken in the middle", partial(_overwritten, FLAC, 0.6, 2000), "2.00 s"),
    refused("m4a cut before its index", partial(_cut, M4A, 0.5), "begins as an MP4 file"),
    refused(
        "m4a cut", partial(_cut, made("ipod", "aac", options={"movflags": "faststart"}), 0.6), "not whole", "1.00 s"
    ),
    refused("mp4 of 80,000,000 samples in its index", lambda: mp4_of_many_samples(80_000_000), "2.00 s"),
    refused("mp4 of a type alone", lambda: struct.pack(">I", 24) + b"ftypM4A " + bytes(12), "an MP4 file"),
    refused("webm of a header alone", partial(_cut, WEBM, 0.01), "a WebM or Matroska file", "ends too soon"),
    refused("ogg of a page alone", lambda: OPUS()[:47], "Ogg", "ends too soon"),
    refused("ogg of noise", lambda: b"OggS" + _noise(5000), "Ogg"),
    refused("mp3 broken in the middle", partial(_overwritten, MP3, 0.5, 2000), "breaks at", "byte"),
    refused("ogg broken in the middle", partial(_overwritten, OPUS, 0.5, 200), "not whole", "1.01 s", "s are there"),
    refused("webm broken in the middle", partial(_overwritten, WEBM, 0.5, 200), "not whole", "1.01 s"),
    refused("webm cut", partial(_cut, WEBM, 0.5), "not whole", "1.01 s"),
    refused("aiff cut", partial(_cut, made("aiff", "pcm_s16be"), 0.5), "not whole", "1.00 s"),
    refused("au cut", partial(_cut, made("au", "pcm_s16be"), 0.5), "not whole", "1.00 s"),
    refused("avi cut", partial(_cut, made("avi", "libmp3lame", seconds=3.0, picture="mpeg4"), 0.5), "not whole"),
    refused("tta cut", partial(_cut, made("tta", "tta"), 0.5), "breaks at"),
    refused("wavpack cut", partial(_cut, made("wv", "wavpack", seconds=3.0), 0.5), "breaks at"),
    refused("mp3 of a tag alone", _id3_tag, "MP3"),
    Case("a wav that is too long", lambda: wav(tone(3)), Refused(("2 s", "longer"), PayloadTooLarge), 2.0),
    Case("a small file of much sound", made("ogg", "libopus", seconds=20.0), Refused(("5 s",), PayloadTooLarge), 5.0),
    Case("a header that is too long", lambda: wav(tone(), data_bytes=7200 * 32_000), Refused(("7200.00 s",)), 2.0),
]

CASES = [*TAKEN, *ODD, *REFUSED]
