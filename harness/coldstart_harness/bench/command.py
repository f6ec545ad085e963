"""`bench` from end to end."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from coldstart_harness.bench.asr import measure_asr
from coldstart_harness.bench.bare import measure_bare
from coldstart_harness.bench.build import measure_build
from coldstart_harness.bench.change import measure_change
from coldstart_harness.bench.http import measure_http, measure_throughput
from coldstart_harness.bench.interview import measure_interview
from coldstart_harness.bench.report import Measurement, document_of, table_of
from coldstart_harness.bench.rows import ASR, EVERYTHING, IMAGES, INTERVIEW, TTS, WHEEL, Bench, Row
from coldstart_harness.bench.sizes import measure_sizes
from coldstart_harness.bench.start import measure_start
from coldstart_harness.bench.tts import measure_tts
from coldstart_harness.bench.vad import measure_vad
from coldstart_harness.bench.voice_load import measure_voice_load
from coldstart_harness.errors import UsageError
from coldstart_harness.images import build_image, load_image
from coldstart_harness.machine import engine_facts, machine_facts

ROWS: Mapping[str, Row] = {
    "sizes": Row(IMAGES, measure_sizes),
    "start": Row(IMAGES, measure_start),
    "http": Row((WHEEL, EVERYTHING), measure_http),
    "throughput": Row((WHEEL, EVERYTHING), measure_throughput),
    "bare": Row((WHEEL, EVERYTHING), measure_bare),
    "asr": Row((ASR,), measure_asr),
    "vad": Row((ASR,), measure_vad),
    "tts": Row((TTS,), measure_tts),
    "voice-load": Row((ASR, TTS), measure_voice_load),
    "interview": Row((INTERVIEW,), measure_interview),
    "change": Row((WHEEL,), measure_change),
    "build": Row((), measure_build),
}


def chosen_rows(only: str | None) -> list[str]:
    """The rows that `--only a,b` names, in the order in which they are measured; all of them without it.

    Raises:
        UsageError: a name is unknown; the sentence has those that there are.
    """
    if only is None:
        return list(ROWS)
    names = [name.strip() for name in only.split(",") if name.strip()]
    unknown = [name for name in names if name not in ROWS]
    if unknown or not names:
        raise UsageError(f"--only names {', '.join(unknown) or 'nothing'}; there are: {', '.join(ROWS)}")
    return [name for name in ROWS if name in names]


def run_bench(bench: Bench, rows: Sequence[str], json_file: Path | None) -> None:
    """Load the images of the rows, measure, print the table, and write the document where one is wanted."""
    machine = asdict(machine_facts())
    for attribute in images_of(rows):
        _load(bench, attribute)
    measurements: list[Measurement] = []
    for name in rows:
        measurements += ROWS[name].measure(bench)
    bench.progress.console.print()
    bench.progress.console.print(table_of(measurements))
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        machine["container_engine"] = str(engine_facts(bench.engine))
        json_file.write_text(json.dumps(document_of(measurements, machine), indent=2) + "\n", encoding="utf-8")
        bench.progress.note(f"written: {json_file}")


def images_of(rows: Sequence[str]) -> list[str]:
    """What these rows measure, each image once, in the order of IMAGES."""
    return [attribute for attribute in IMAGES if any(attribute in ROWS[name].images for name in rows)]


def _load(bench: Bench, attribute: str) -> None:
    image = bench.plan.image(attribute)
    with bench.progress.phase(f"{attribute}: build and load") as phase:
        _description, loader = build_image(bench.engine, image, phase.say)
        load_image(bench.engine, image, loader, phase.say)
