"""Row `tts`: when a long text's sound begins to come, and how long it takes beside how long it is."""

from coldstart_harness.bench.connection import Answer, Connection
from coldstart_harness.bench.report import Measurement, measured
from coldstart_harness.bench.rows import TTS, Bench
from coldstart_harness.bench.subjects import started
from coldstart_harness.bench.voice import SPEECH, pcm_seconds, speech_of

_CHARACTERS = 4000
_RUNS = 5
# The one without an encoder, and the one that is made where none is asked for.
_FORMATS = ("pcm", "mp3")


def measure_tts(bench: Bench) -> list[Measurement]:
    """One text after the other on one connection, the first of each format uncounted."""
    subject = bench.starter(TTS)
    answers: dict[str, list[Answer]] = {}
    with (
        started(bench.engine, subject) as running,
        Connection(running.service.url) as connection,
        bench.progress.phase(f"tts: {subject.label}"),
    ):
        for name in _FORMATS:
            content, media_type = speech_of(_CHARACTERS, name)
            answers[name] = [connection.ask("POST", SPEECH, content, media_type) for _ in range(_RUNS + 1)][1:]
    sound_s = pcm_seconds(answers["pcm"][0].body)
    return [line for name in _FORMATS for line in format_lines(subject.label, name, answers[name], sound_s)]


def format_lines(label: str, name: str, answers: list[Answer], sound_s: float) -> list[Measurement]:
    """The lines of one format.

    Args:
        label: of the subject.
        name: of the format.
        answers: to the same text.
        sound_s: how long its sound is.
    """
    what = f"{_CHARACTERS} characters as {name}: {label}"
    note = f"{sound_s:.0f} s of sound"
    first = [answer.first_byte_s for answer in answers]
    factors = [answer.whole_s / sound_s for answer in answers]
    return [
        measured("tts", f"request → first byte of sound, {what}", "s", first, note=note),
        measured("tts", f"real-time factor, {what}", "s/s", factors, note=f"the whole answer over its {note}"),
    ]
