"""The line for a terminal that sends a request of the file of promises."""

import shlex
from pathlib import Path
from typing import Any

import pytest

from coldstart_harness.slo.bodies import DIRECTORY
from coldstart_harness.slo.document import Request
from coldstart_harness.traffic.curl import curl_line


@pytest.mark.parametrize(
    ("table", "arguments"),
    [
        ({}, []),
        ({"json": {"a": "it's"}}, ["-d", '{"a": "it\'s"}', "-H", "Content-Type: application/json"]),
        ({"body": "a b"}, ["-d", "a b", "-H", "Content-Type: text/plain; charset=utf-8"]),
        ({"method": "DELETE"}, ["-X", "DELETE"]),
        ({"json": 1, "headers": {"x-a": "b"}}, ["-d", "1", "-H", "Content-Type: application/json", "-H", "x-a: b"]),
        (
            {"form": {"model": "@m", "file": {"path": "one.wav"}}},
            ["--form-string", "model=@m", "-F", "file=@{directory}/one.wav"],
        ),
        ({"expect": {"media_type": "audio/wav"}}, ["-o", "answer.wav"]),
        ({"expect": {"media_type": "text/vtt"}}, []),
    ],
)
def test_the_line_says_what_is_sent(tmp_path: Path, table: dict[str, Any], arguments: list[str]) -> None:
    """A shell reads the body, the form and the headers as they are; an answer that is not text goes to a file."""
    (tmp_path / "one.wav").write_bytes(b"RIFF")
    request = Request.model_validate({"path": "/ask?a=1", **table}, context={DIRECTORY: tmp_path})
    wanted = [argument.replace("{directory}", str(tmp_path)) for argument in arguments]
    assert shlex.split(curl_line("http://there:1", request)) == ["curl", "-s", *wanted, "http://there:1/ask?a=1"]
