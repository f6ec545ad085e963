"""What a file is by its first bytes, in words for a caller who sent the wrong one."""

from collections.abc import Mapping
from dataclasses import dataclass

# Enough for every mark below, and for telling text from samples.
_LOOKED_AT = 4096


@dataclass(frozen=True, slots=True)
class FileKind:
    """One kind of file.

    Args:
        name: with its article, such as `a PNG image`.
        may_hold_sound: False for what never does.
    """

    name: str
    may_hold_sound: bool


# (offset, bytes there, ...) → kind. Source: the formats' specifications.
_SOUND: tuple[tuple[str, tuple[tuple[int, bytes], ...]], ...] = (
    ("a WAV file", ((0, b"RIFF"), (8, b"WAVE"))),
    ("a WAV file", ((0, b"RF64"), (8, b"WAVE"))),
    ("an AVI file", ((0, b"RIFF"), (8, b"AVI "))),
    ("an AIFF file", ((0, b"FORM"), (8, b"AIF"))),
    ("an MP3 file", ((0, b"ID3"),)),
    ("a FLAC file", ((0, b"fLaC"),)),
    ("an Ogg file", ((0, b"OggS"),)),
    ("an MP4 file", ((4, b"ftyp"),)),
    ("a WebM or Matroska file", ((0, b"\x1aE\xdf\xa3"),)),
    ("an ASF file", ((0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),)),
    ("an FLV file", ((0, b"FLV\x01"),)),
    ("an AMR file", ((0, b"#!AMR"),)),
    ("an AU file", ((0, b".snd"),)),
    ("a CAF file", ((0, b"caff"),)),
    ("a SPHERE file", ((0, b"NIST_1A"),)),
)
_SOUNDLESS: tuple[tuple[str, tuple[tuple[int, bytes], ...]], ...] = (
    ("a PNG image", ((0, b"\x89PNG"),)),
    ("a JPEG image", ((0, b"\xff\xd8\xff"),)),
    ("a GIF image", ((0, b"GIF8"),)),
    ("a WebP image", ((0, b"RIFF"), (8, b"WEBP"))),
    ("a TIFF image", ((0, b"II*\x00"),)),
    ("a TIFF image", ((0, b"MM\x00*"),)),
    ("a PDF document", ((0, b"%PDF"),)),
    ("a ZIP archive", ((0, b"PK\x03\x04"),)),
    ("a gzip archive", ((0, b"\x1f\x8b\x08"),)),
    ("an ELF program", ((0, b"\x7fELF"),)),
)
_TEXTS = (
    ("a playlist, which names other files", ("#extm3u", "[playlist]", "ffconcat ", "<mpd", "<smil", "<asx")),
    ("a session description, which names other addresses", ("v=0",)),
    ("a web page", ("<!doctype html", "<html")),
    ("an SVG image", ("<svg",)),
    ("JSON", ("{", "[")),
)


# Kind → media type and the usual suffix of a file's name. Source: IANA's registry of media types, where it has one.
_STORED: Mapping[str, tuple[str, str]] = {
    "a WAV file": ("audio/wav", ".wav"),
    "an AVI file": ("video/x-msvideo", ".avi"),
    "an AIFF file": ("audio/aiff", ".aiff"),
    "an MP3 file": ("audio/mpeg", ".mp3"),
    "a FLAC file": ("audio/flac", ".flac"),
    "an Ogg file": ("audio/ogg", ".ogg"),
    "an MP4 file": ("audio/mp4", ".mp4"),
    "a WebM or Matroska file": ("audio/webm", ".webm"),
    "an ASF file": ("video/x-ms-asf", ".asf"),
    "an FLV file": ("video/x-flv", ".flv"),
    "an AMR file": ("audio/amr", ".amr"),
    "an AU file": ("audio/basic", ".au"),
    "a CAF file": ("audio/x-caf", ".caf"),
}
_ANY = ("application/octet-stream", ".bin")


def stored_type_of(data: bytes) -> tuple[str, str]:
    """Media type and suffix under which a sound is kept, by its first bytes."""
    kind = kind_of(data)
    return _ANY if kind is None else _STORED.get(kind.name, _ANY)


def kind_of(data: bytes) -> FileKind | None:
    """What the file is, or None where its first bytes do not tell; MP3 without a tag is such a one."""
    for table, may_hold_sound in ((_SOUND, True), (_SOUNDLESS, False)):
        for name, marks in table:
            if all(data.startswith(mark, offset) for offset, mark in marks):
                return FileKind(name, may_hold_sound)
    text = _text_in(data[:_LOOKED_AT])
    return None if text is None else FileKind(_name_of_text(text), False)


def _name_of_text(text: str) -> str:
    begin = text.lstrip("\ufeff \t\r\n").lower()
    if begin.startswith("<?xml"):
        begin = begin.partition("?>")[2].lstrip()
    return next((name for name, marks in _TEXTS if begin.startswith(marks)), "text")


def _text_in(data: bytes) -> str | None:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if error.start < len(data) - 3:
            return None
        text = data[: error.start].decode(encoding)  # the last character is cut by where we stopped looking
    return text if all(c.isprintable() or c in "\t\r\n\f\ufeff" for c in text) else None
