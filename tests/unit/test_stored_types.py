"""Under which type a sound is kept, by its first bytes."""

import pytest
from tests.interview_serving import wav

from coldstart.engines.file_kinds import stored_type_of


@pytest.mark.parametrize(
    ("data", "stored"),
    [
        (wav((1, 0.1)), ("audio/wav", ".wav")),
        (b"\x1aE\xdf\xa3" + bytes(40), ("audio/webm", ".webm")),
        (b"OggS" + bytes(40), ("audio/ogg", ".ogg")),
        (b"\xff\xfb\x90\x00" + bytes(40), ("application/octet-stream", ".bin")),
        (b"<html></html>", ("application/octet-stream", ".bin")),
        (b"", ("application/octet-stream", ".bin")),
    ],
)
def test_the_type_is_by_content(data: bytes, stored: tuple[str, str]) -> None:
    """What the first bytes do not tell is kept as bytes, never as what a browser would run."""
    assert stored_type_of(data) == stored
