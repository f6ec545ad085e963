"""Row `voice-load`: what callers at one time get of speech to text and of text to speech, and the memory it takes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from coldstart_harness.bench.asr import SOUND_S
from coldstart_harness.bench.connection import Connection
from coldstart_harness.bench.load import Ask, Load, ask_together
from coldstart_harness.bench.report import Measurement, measured
from coldstart_harness.bench.rows import ASR, TTS, Bench
from coldstart_harness.bench.subjects import Subject, started
from coldstart_harness.bench.voice import SPEECH, TRANSCRIPTIONS, form_of, speech_of, voice_like
from coldstart_harness.figures import percentile
from coldstart_harness.proofs.overload.memory import usage_of
from coldstart_harness.testing.host import TREE

_CALLERS = (1, 2, 4, 8)
_DIGITS = TREE / "slo" / "three-one-four-one-five.flac"
_BUDGET_S = 60.0


@dataclass(frozen=True, slots=True)
class Trial:
    """What is asked of one subject.

    Args:
        subject: whom.
        what: for the report.
        path: where.
        content: the request's body.
        media_type: of the body.
        answers: at each number of callers, shared out among them.
    """

    subject: Subject
    what: str
    path: str
    content: bytes
    media_type: str
    answers: int


def measure_voice_load(bench: Bench) -> list[Measurement]:
    """Each trial in a container of its own, one caller first, then more."""
    return [line for trial in _trials(bench) for line in _measure(bench, trial)]


def _trials(bench: Bench) -> list[Trial]:
    base = bench.whisper_base()
    assert base.models is not None  # noqa: S101 - it has models of its own
    long = form_of(voice_like(base.models, SOUND_S, bench.made), language="en")
    return [
        Trial(bench.starter(ASR), "five digits in 1.7 s", TRANSCRIPTIONS, *form_of(_DIGITS), answers=40),
        Trial(base, f"{SOUND_S} s of sound", TRANSCRIPTIONS, *long, answers=8),
        Trial(bench.starter(TTS), "200 characters as mp3", SPEECH, *speech_of(200, "mp3"), answers=64),
    ]


def _measure(bench: Bench, trial: Trial) -> list[Measurement]:
    lines = []
    label = trial.subject.label
    with started(bench.engine, trial.subject) as running, bench.progress.phase(f"voice-load: {label}") as phase:

        @contextmanager
        def asking() -> Iterator[Ask]:
            with Connection(running.service.url) as connection:
                yield lambda: connection.ask("POST", trial.path, trial.content, trial.media_type).whole_s

        with asking() as ask:
            ask()
        for callers in _CALLERS:
            phase.say(f"{callers} at a time")
            with usage_of(running.container) as usage:
                load = ask_together(callers, asking, most=trial.answers // callers, budget_s=_BUDGET_S)
            lines += load_lines(f"{callers} at a time, {trial.what}: {label}", load, usage.memory_bytes)
    return lines


def load_lines(what: str, load: Load, memory_bytes: Sequence[float]) -> list[Measurement]:
    """The lines of one load: answers a second, a caller's wait, and the most memory of `memory_bytes`, if any."""
    rate = measured("voice-load", f"answers, {what}", "1/s", [load.answers_per_s], note=f"{len(load.times_s)} answers")
    p50 = measured("voice-load", f"  of it, a caller's p50, {what}", "s", load.times_s)
    p99 = replace(p50, name=f"  of it, a caller's p99, {what}", median=percentile(load.times_s, 99))
    if not memory_bytes:
        return [rate, p50, p99]
    note = "what the container's cgroup holds, without file pages that may be dropped; several samples a second"
    memory = measured("voice-load", f"  of it, most memory, {what}", "B", [max(memory_bytes)], note=note)
    return [rate, p50, p99, memory]
