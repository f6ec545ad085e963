"""Row `vad`: seconds of sound a second in which speech is found, through HTTP and by the detector alone."""

from coldstart_harness.bench.bare_program import bare_voice
from coldstart_harness.bench.connection import Connection
from coldstart_harness.bench.random_model import SILERO_VAD
from coldstart_harness.bench.report import Measurement, measured
from coldstart_harness.bench.rows import Bench
from coldstart_harness.bench.subjects import started
from coldstart_harness.bench.voice import SPEECH_SEGMENTS, form_of, voice_like

_SOUND_S = 300
_RUNS = 5


def measure_vad(bench: Bench) -> list[Measurement]:
    """By turns, the first of each uncounted."""
    subject = bench.whisper_base()
    assert subject.models is not None  # noqa: S101 - it has models of its own
    sound = voice_like(subject.models, _SOUND_S, bench.made)
    content, media_type = form_of(sound)
    http, bare = [], []
    with (
        started(bench.engine, subject) as running,
        bare_voice("detect", subject.models / SILERO_VAD.name) as detector,
        Connection(running.service.url) as connection,
        bench.progress.phase("vad: Silero") as phase,
    ):
        for run in range(_RUNS + 1):
            phase.say(f"run {run} of {_RUNS}")
            http.append(_SOUND_S / connection.ask("POST", SPEECH_SEGMENTS, content, media_type).whole_s)
            bare.append(_SOUND_S / detector.listen_to(sound)["seconds"])
    what = f"speech segments of {_SOUND_S} s of sound: Silero"
    return [
        measured("vad", f"HTTP, {what}", "s/s", http[1:], note="a WAV file of 16 kHz is sent, read and listened to"),
        measured("vad", f"bare detector, {what}", "s/s", bare[1:], note="samples at hand, one thread as there"),
    ]
