"""Row `asr`: half a minute of sound through HTTP, and by faster-whisper without a server around it."""

import json
from collections.abc import Sequence
from pathlib import Path

from coldstart_harness.bench.bare_program import BareVoice, bare_voice
from coldstart_harness.bench.connection import Connection
from coldstart_harness.bench.report import Measurement, Wanted, measured
from coldstart_harness.bench.rows import Bench
from coldstart_harness.bench.subjects import started
from coldstart_harness.bench.voice import TRANSCRIPTIONS, form_of, voice_like
from coldstart_harness.errors import ServiceFailed

SOUND_S = 30
_PAIRS = 10
_RATIO_WANTED = 1.05


def measure_asr(bench: Bench) -> list[Measurement]:
    """Pairs of both, one after the other, the first pair uncounted; who is first changes from pair to pair."""
    subject = bench.whisper_base()
    assert subject.models is not None  # noqa: S101 - it has models of its own
    sound = voice_like(subject.models, SOUND_S, bench.made)
    with (
        started(bench.engine, subject) as running,
        bare_voice("transcribe", subject.models / subject.engine_name) as bare,
        Connection(running.service.url) as connection,
        bench.progress.phase(f"asr: {subject.label}") as phase,
    ):
        through_http, by_itself = [], []
        for pair in range(_PAIRS + 1):
            phase.say(f"pair {pair} of {_PAIRS}")
            http_s, bare_s = _pair(connection, bare, sound, http_first=pair % 2 == 0)
            if pair:
                through_http.append(http_s)
                by_itself.append(bare_s)
    return pair_lines(subject.label, through_http, by_itself)


def _pair(connection: Connection, bare: BareVoice, sound: Path, *, http_first: bool) -> tuple[float, float]:
    """Seconds of each.

    Raises:
        ServiceFailed: they wrote different texts, or one had to try again at a higher temperature.
    """
    content, media_type = form_of(sound, language="en", response_format="verbose_json")
    first = None if http_first else bare.listen_to(sound)
    answer = connection.ask("POST", TRANSCRIPTIONS, content, media_type)
    figures = first or bare.listen_to(sound)
    written = [[segment["text"], segment["temperature"]] for segment in json.loads(answer.body)["segments"]]
    if written != figures["written"] or any(temperature for _text, temperature in written):
        raise ServiceFailed(f"not the same work: the server wrote {written}, faster-whisper {figures['written']}")
    return answer.whole_s, figures["seconds"]


def pair_lines(label: str, http_s: Sequence[float], bare_s: Sequence[float]) -> list[Measurement]:
    """The lines of both, and of one over the other, pair by pair."""
    what = f"{SOUND_S} s of sound: {label}"
    work = (
        "random weights that write 102 words in six segments whatever they hear: each pair wrote the same, in one pass "
        "at temperature 0; language en, a beam of five, int8, the same threads, the same WAV file of 16 kHz"
    )
    ratios = [http / bare for http, bare in zip(http_s, bare_s, strict=True)]
    wanted = Wanted("at most", _RATIO_WANTED)
    return [
        measured("asr", f"HTTP, {what}", "s", http_s, note=work),
        measured("asr", f"bare faster-whisper, {what}", "s", bare_s, note=work),
        measured("asr", f"HTTP over bare, {what}", "×", ratios, wanted=wanted, note="pair by pair in one run"),
    ]
