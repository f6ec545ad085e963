"""Segments of speech as subtitle files."""

from collections.abc import Iterable

from coldstart.domain.transcription import Segment


def srt_of(segments: Iterable[Segment]) -> str:
    """A SubRip file; empty where nothing is said.

    Source: SubRip has no standard and no way to escape: players take what looks like a tag for one, and an arrow begins
    a cue's times for some. So a text's arrows are spelt otherwise, and nothing else is touched.
    """
    cues = (
        f"{number}\n{_time(segment.start_s, ',')} --> {_time(segment.end_s, ',')}\n{_srt_text(segment.text)}\n"
        for number, segment in enumerate(_told(segments), 1)
    )
    return "\n".join(cues)


def vtt_of(segments: Iterable[Segment]) -> str:
    """A WebVTT file; its header alone where nothing is said.

    Source: https://www.w3.org/TR/webvtt1/#webvtt-cue-text: `&` and `<` must be escaped, and `-->` must not occur.
    """
    cues = (
        f"{_time(segment.start_s, '.')} --> {_time(segment.end_s, '.')}\n{_vtt_text(segment.text)}\n"
        for segment in _told(segments)
    )
    return "\n".join(("WEBVTT\n", *cues))


def _told(segments: Iterable[Segment]) -> Iterable[Segment]:
    # A cue without text would end at its times, and so would one whose text begins with an empty line.
    return (segment for segment in segments if segment.text.strip())


def _time(seconds: float, point: str) -> str:
    milliseconds = round(seconds * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}{point}{milliseconds % 1000:03}"


def _srt_text(text: str) -> str:
    return _one_line(text).replace("-->", "->")


def _vtt_text(text: str) -> str:
    return _one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _one_line(text: str) -> str:
    # An empty line ends a cue.
    return " ".join(text.split())
