"""docs/live-transcription.md and docs/speech-segments.md against what they document."""

import re
from pathlib import Path

import pytest

from coldstart.api.live_schemas import StartMessage
from coldstart.api.speech_segments import SegmentsForm
from coldstart.runtime.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"
LIVE = (DOCS / "live-transcription.md").read_text(encoding="utf-8")
SEGMENTS = (DOCS / "speech-segments.md").read_text(encoding="utf-8")


def first_cells(page: str, heading: str) -> list[str]:
    """The first cells of the table whose heading has that first cell."""
    table = page.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE)


def test_the_documented_options_are_the_first_messages() -> None:
    """Each field of `start`, in its order."""
    assert first_cells(LIVE, "option of `start`") == list(StartMessage.model_fields)


def test_the_documented_events_are_those_that_are_sent() -> None:
    """Each `type` that the code writes."""
    sources = Path(__file__).parents[2] / "server" / "coldstart" / "api"
    names = ("live_schemas.py", "live_conversation.py", "live_transcription.py")
    code = "".join((sources / name).read_text() for name in names)
    assert set(re.findall(r'\{"type": "(\w+)"', code)) == set(first_cells(LIVE, "event"))


def test_the_documented_parts_are_the_forms() -> None:
    """Each part of the form beside its file."""
    assert first_cells(SEGMENTS, "part") == ["file", *SegmentsForm.model_fields]


@pytest.mark.parametrize("page", [LIVE, SEGMENTS], ids=["live", "segments"])
def test_the_documented_settings_exist(page: str) -> None:
    """Each word in capitals with an underscore is a setting."""
    named = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", page))
    assert named
    assert named <= {field.upper() for field in Settings.model_fields}
