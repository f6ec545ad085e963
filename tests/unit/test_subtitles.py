"""Subtitle files, as webvtt-py reads them."""

import io
from collections.abc import Callable, Sequence

import pytest
import webvtt

from coldstart.domain.transcription import Segment
from coldstart.services.subtitles import srt_of, vtt_of

SEGMENTS = (
    Segment(" One two.", 0.0, 1.5),
    Segment(" Three.", 61.25, 62.0),
    Segment(" Four.", 3600.0, 3661.0014),
)


def read_srt(text: str) -> list[tuple[str, str, str]]:
    return [(c.start, c.end, c.text) for c in webvtt.from_buffer(io.StringIO(text), "srt").captions]


def read_vtt(text: str) -> list[tuple[str, str, str]]:
    return [(c.start, c.end, c.text) for c in webvtt.from_buffer(io.StringIO(text), "vtt").captions]


@pytest.mark.parametrize("read", [lambda s: read_srt(srt_of(s)), lambda s: read_vtt(vtt_of(s))], ids=["srt", "vtt"])
def test_segments_are_cues(read: Callable[[Sequence[Segment]], list[tuple[str, str, str]]]) -> None:
    """With hours, minutes and rounded milliseconds, and the text without the space that models begin it with."""
    assert read(SEGMENTS) == [
        ("00:00:00.000", "00:00:01.500", "One two."),
        ("00:01:01.250", "00:01:02.000", "Three."),
        ("01:00:00.000", "01:01:01.001", "Four."),
    ]


def test_srt_is_written_as_players_read_it() -> None:
    """Numbers from 1, commas in times, an empty line between cues."""
    assert srt_of(SEGMENTS[:2]) == (
        "1\n00:00:00,000 --> 00:00:01,500\nOne two.\n\n2\n00:01:01,250 --> 00:01:02,000\nThree.\n"
    )


def test_vtt_is_written_as_its_standard_says() -> None:
    """The header, points in times, an empty line between cues."""
    assert vtt_of(SEGMENTS[:2]) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nOne two.\n\n00:01:01.250 --> 00:01:02.000\nThree.\n"
    )


def test_vtt_escapes_its_own_signs() -> None:
    """Tags, entities and the arrow stay text."""
    written = vtt_of([Segment("a < b &amp; c --> <v Bob>d", 0.0, 1.0)])
    assert written.splitlines()[-1] == "a &lt; b &amp;amp; c --&gt; &lt;v Bob&gt;d"
    assert len(read_vtt(written)) == 1


def test_an_arrow_in_srt_begins_no_cue() -> None:
    """SubRip cannot escape, so the arrow is spelt otherwise; `&` and `<` are text there."""
    written = srt_of([Segment("1\n00:00:05,000 --> 00:00:06,000 A & B < C", 0.0, 1.0)])
    assert written.count("-->") == 1
    assert [text for _, _, text in read_srt(written)] == ["1 00:00:05,000 -> 00:00:06,000 A & B < C"]


@pytest.mark.parametrize("text", ["a\n\nb", "\n\na b", "a\r\n \r\nb", " a\u2028b "])
def test_a_text_is_one_line(text: str) -> None:
    """An empty line would end the cue early."""
    segments = [Segment(text, 0.0, 1.0), Segment("next", 1.0, 2.0)]
    for cues in (read_srt(srt_of(segments)), read_vtt(vtt_of(segments))):
        assert [text for _, _, text in cues] == ["a b", "next"]


def test_what_is_not_said_is_no_cue() -> None:
    """Numbers go on without a gap; silence is an empty file, and in WebVTT the header alone."""
    segments = [Segment(" ", 0.0, 1.0), Segment("a", 1.0, 2.0)]
    assert srt_of(segments).startswith("1\n00:00:01,000")
    assert read_vtt(vtt_of(segments)) == [("00:00:01.000", "00:00:02.000", "a")]
    assert (srt_of([]), vtt_of([])) == ("", "WEBVTT\n")
