"""The benchmark's report and the choice of its rows."""

import io
import json

import pytest
from rich.console import Console

from coldstart_harness.bench.bare import measurements_in
from coldstart_harness.bench.command import ROWS, chosen_rows, images_of
from coldstart_harness.bench.report import SCHEMA_VERSION, Wanted, document_of, measured, table_of
from coldstart_harness.bench.sizes import layer_lines
from coldstart_harness.errors import UsageError

MET = measured("start", "ready", "s", [1.2, 0.9, 1.1], wanted=Wanted("at most", 1.5))
MISSED = measured("throughput", "8 sessions", "tok/s", [480.0], wanted=Wanted("at least", 500))
PLAIN = measured("sizes", "image", "B", [54_700_000])
RATIO = measured("asr", "HTTP over bare", "×", [1.06, 1.031, 1.02], wanted=Wanted("at most", 1.05))
RATE = measured("voice-load", "answers", "1/s", [0.8321])


def test_a_promise_is_kept_or_broken_by_the_median() -> None:
    """The median is held against the bound, on the bound's own side; without one there is no verdict."""
    assert (MET.median, MET.is_met, MISSED.is_met, PLAIN.is_met) == (1.1, True, False, None)
    assert Wanted("at most", 1.0).is_met(1.0)
    assert Wanted("at least", 1.0).is_met(1.0)


def test_the_table_has_value_range_and_verdict() -> None:
    """Each line has the median with its unit, the range of several runs, the bound and whether it is met."""
    stream = io.StringIO()
    Console(file=stream, color_system=None, width=160).print(table_of([MET, MISSED, PLAIN, RATIO, RATE]))
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in stream.getvalue().splitlines() if "│" in line]
    assert lines == [
        ["ready", "1.10 s", "0.90 s to 1.20 s", "3", "at most 1.50 s", "met"],
        ["8 sessions", "480 tok/s", "", "1", "at least 500 tok/s", "MISSED"],
        ["image", "54.7 MB", "", "1", "", ""],
        ["HTTP over bare", "1.03 ×", "1.02 × to 1.06 ×", "3", "at most 1.05 ×", "met"],
        ["answers", "0.832 1/s", "", "1", "", ""],
    ]


def test_the_document_has_a_version_and_every_figure() -> None:
    """The JSON names its schema's version, the machine, and each measurement with its unit, runs and verdict."""
    document = json.loads(json.dumps(document_of([MET, PLAIN], {"cpus": 2})))
    assert document["schema_version"] == SCHEMA_VERSION
    assert document["machine"] == {"cpus": 2}
    assert document["measurements"][0] == {
        "row": "start",
        "name": "ready",
        "unit": "s",
        "median": 1.1,
        "lowest": 0.9,
        "highest": 1.2,
        "runs": 3,
        "wanted": {"bound": "at most", "value": 1.5},
        "note": "",
        "met": True,
    }
    assert document["measurements"][1]["wanted"] is None


def test_rows_are_chosen_by_name() -> None:
    """`--only` takes names with commas, in any order; without it every row is measured."""
    assert chosen_rows(None) == list(ROWS)
    assert chosen_rows("http, start") == ["start", "http"]


@pytest.mark.parametrize("only", ["stat", "", "start,nope"])
def test_an_unknown_row_is_refused_with_those_that_there_are(only: str) -> None:
    """The sentence names the rows that can be measured."""
    with pytest.raises(UsageError, match="there are: " + ", ".join(ROWS)):
        chosen_rows(only)


@pytest.mark.parametrize(
    ("rows", "images"),
    [
        (["tts"], ["image-tts"]),
        (["vad", "http"], ["image-wheel", "image-asr", "image"]),
        (["sizes"], ["image-wheel", "image-asr", "image-tts", "image-interview", "image"]),
        (["build"], []),
    ],
)
def test_only_the_images_that_are_measured_are_loaded(rows: list[str], images: list[str]) -> None:
    """Each row names its images, and each of them is loaded once."""
    assert images_of(rows) == images


def test_an_image_is_weighed_without_its_models() -> None:
    """The promise is of all layers but those of models, and every layer has a line."""
    sizes = [("runtime", 47_000_000), ("wheel av", 81_000_000), ("model starter-whisper", 900_000_000), ("code", 10)]
    without, *layers = layer_lines("image-asr", "coldstart-asr:1", sizes)
    assert (without.median, without.is_met) == (128_000_010, True)
    assert [(layer.name, layer.median) for layer in layers] == [(f"  {name}", size) for name, size in sizes]


def test_the_bare_engine_has_lines_of_its_own() -> None:
    """Start, each context's p50 and p99, and each number of sequences become a line, in seconds and tokens a second."""
    figures = {
        "start_to_first_distribution": {"median_s": 0.34, "min_s": 0.3, "runs": 5},
        "step": {"16": {"p50_ms": 4.6, "p99_ms": 6.0, "min_ms": 4.1, "runs": 20}},
        "throughput": {"1": {"tokens_per_s": 148.0, "runs": 20}, "8": {"tokens_per_s": 708.0, "runs": 20}},
    }
    lines = measurements_in(figures, "tiny")
    assert [(line.name, line.unit, line.median, line.runs) for line in lines] == [
        ("bare, process start → first distribution: tiny", "s", 0.34, 5),
        ("bare, next token at context 16, p50: tiny", "s", pytest.approx(0.0046), 20),
        ("bare, next token at context 16, p99: tiny", "s", pytest.approx(0.006), 20),
        ("bare, 1 session: tiny", "tok/s", 148.0, 20),
        ("bare, 8 sessions: tiny", "tok/s", 708.0, 20),
    ]
