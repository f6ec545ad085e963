"""Rows `http` and `throughput`: a 124M-sized model through HTTP, and its engine without a server around it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from coldstart_harness.bench.load import Ask, ask_together
from coldstart_harness.bench.report import Measurement, Wanted, measured, rate_name, step_name
from coldstart_harness.bench.rows import Bench
from coldstart_harness.bench.sessions import WheelSession
from coldstart_harness.bench.subjects import Subject, started
from coldstart_harness.figures import percentile

CONTEXTS = (16, 128, 512, 1000)
_STEPS = 20
_SESSIONS = 3
# A slow engine at a long context gets fewer steps, but never fewer than these.
_BUDGET_S = 20.0
_FEWEST_STEPS = 5
_P50_WANTED_S = {16: 0.012, 1000: 0.020}
_MANY = 8
_MANY_WANTED_TOKENS_PER_S = 500
_THROUGHPUT_CONTEXT = 128
_THROUGHPUT_STEPS = 40
_THROUGHPUT_RUNS = 3


def measure_http(bench: Bench) -> list[Measurement]:
    """A token's time through HTTP, one session at a time, and the bare engine's beside it in the same run."""
    measurements = []
    for subject in bench.gpt2_124m():
        with started(bench.engine, subject) as running, bench.progress.phase(f"http: {subject.label}") as phase:
            for context in CONTEXTS:
                phase.say(f"context {context}")
                times = _step_times(running.service.url, context)
                measurements += _percentiles(subject, context, times)
    return measurements


def _step_times(url: str, context: int) -> list[float]:
    """Seconds of each step; the first of a session is left out, for it follows the prompt's prefill."""
    times: list[float] = []
    deadline = time.monotonic() + _BUDGET_S
    for _ in range(_SESSIONS):
        with WheelSession(url, context) as session:
            session.spin()
            for _ in range(_STEPS):
                if time.monotonic() > deadline and len(times) >= _FEWEST_STEPS:
                    return times
                times.append(session.spin())
    return times


def measure_throughput(bench: Bench) -> list[Measurement]:
    """Tokens a second that all sessions together get, each spinning as soon as it has its answer."""
    measurements = []
    for subject in bench.gpt2_124m():
        with started(bench.engine, subject) as running, bench.progress.phase(f"throughput: {subject.label}") as phase:
            for sessions in (1, _MANY):
                phase.say(f"{sessions} at a time")
                rates = [_tokens_per_s(running.service.url, sessions) for _ in range(_THROUGHPUT_RUNS)]
                promised = sessions == _MANY and _is_default(subject)
                wanted = Wanted("at least", _MANY_WANTED_TOKENS_PER_S) if promised else None
                name = rate_name("HTTP", sessions, subject.label)
                note = f"context {_THROUGHPUT_CONTEXT}, up to {_THROUGHPUT_STEPS} tokens each"
                measurements.append(measured("throughput", name, "tok/s", rates, wanted=wanted, note=note))
    return measurements


def _tokens_per_s(url: str, number: int) -> float:
    @contextmanager
    def spinning() -> Iterator[Ask]:
        with WheelSession(url, _THROUGHPUT_CONTEXT) as session:
            session.spin()
            yield session.spin

    return ask_together(number, spinning, most=_THROUGHPUT_STEPS, budget_s=_BUDGET_S).answers_per_s


def _percentiles(subject: Subject, context: int, times: list[float]) -> list[Measurement]:
    """p50 with the promise that there is for this context, and p99."""
    bound = _P50_WANTED_S.get(context) if _is_default(subject) else None
    wanted = None if bound is None else Wanted("at most", bound)
    p50 = measured("http", step_name("HTTP", context, "p50", subject.label), "s", times, wanted=wanted)
    p99 = replace(p50, name=step_name("HTTP", context, "p99", subject.label), median=percentile(times, 99), wanted=None)
    return [p50, p99]


def _is_default(subject: Subject) -> bool:
    return subject.engine_name == "onnxruntime"
