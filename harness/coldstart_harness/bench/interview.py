"""Row `interview`: how soon one begins, how soon the next question is heard, and the memory that open ones take."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from docker.models.containers import Container

from coldstart_harness.bench.connection import Connection
from coldstart_harness.bench.interview_turns import PAUSE_S, listened_to, turns
from coldstart_harness.bench.report import Measurement, Wanted, measured
from coldstart_harness.bench.rows import INTERVIEW, Bench
from coldstart_harness.bench.subjects import started
from coldstart_harness.figures import percentile
from coldstart_harness.proofs.overload.memory import usage_of

_CREATE = "/sessions/create"
_CREATES = 200
_TURNS = 20
_OPEN = 500
_CREATE_WANTED_S = 0.05
_SESSION_WANTED_BYTES = 5_000_000
_SAMPLING_S = 3.0
# All that are open are listened to, as long as it takes to open them.
_ENVIRONMENT = {"LIVE_SESSIONS": str(_OPEN), "LIVE_IDLE_S": "600"}


def measure_interview(bench: Bench) -> list[Measurement]:
    """One container: beginnings, then many that are open, then turns."""
    subject = replace(bench.starter(INTERVIEW), environment=_ENVIRONMENT)
    with (
        started(bench.engine, subject) as running,
        bench.progress.phase(f"interview: {subject.label}") as phase,
    ):
        url = running.service.url
        phase.say(f"{_CREATES} beginnings")
        with Connection(url) as connection:
            creates = [create(connection)[0] for _ in range(_CREATES + 1)][1:]
        phase.say(f"{_OPEN} open ones")
        before = _memory_bytes(running.container)
        after = asyncio.run(_memory_bytes_with_open_ones(url, running.container))
        phase.say(f"{_TURNS} turns, the end said")
        end_said = _turns(url, says_end=True)
        phase.say(f"{_TURNS} turns, the end heard")
        end_heard = _turns(url, says_end=False)
    return [
        *create_lines(subject.label, creates),
        *turn_lines(subject.label, end_said, end_heard),
        memory_line(subject.label, before, after, _OPEN),
    ]


def create(connection: Connection, questions: int = 5) -> tuple[float, str]:
    """Begin an interview: the seconds that it took, and its id."""
    answer = connection.ask("POST", _CREATE, json.dumps({"questions": questions}).encode(), status=201)
    return answer.whole_s, str(json.loads(answer.body)["session_id"])


def create_lines(label: str, times_s: Sequence[float]) -> list[Measurement]:
    """The lines of beginnings; the promise is of the 95th percentile."""
    p50 = measured("interview", f"create a session, p50: {label}", "s", times_s, note="one after the other")
    p95 = replace(p50, name=f"create a session, p95: {label}", median=percentile(times_s, 95))
    return [p50, replace(p95, wanted=Wanted("at most", _CREATE_WANTED_S))]


def turn_lines(label: str, end_said: Sequence[float], end_heard: Sequence[float]) -> list[Measurement]:
    """The lines of turns, by how the service learnt that an answer was over."""
    what = "end of speech → first sound of the next question"
    note = (
        f"five digits in 1.7 s, sent as fast as they are spoken; heard: after {PAUSE_S} s of silence, which is counted"
    )
    return [
        measured("interview", f"{what}, the end said by the client: {label}", "s", end_said, note=note),
        measured("interview", f"{what}, the end heard: {label}", "s", end_heard, note=note),
    ]


def memory_line(label: str, before_bytes: float, after_bytes: float, sessions: int) -> Measurement:
    """What one of so many open sessions adds to the memory of the container."""
    note = (
        f"each with its WebSocket, listened to; what the container's cgroup holds grew from {before_bytes / 1e6:.0f} "
        f"to {after_bytes / 1e6:.0f} MB"
    )
    each = max(after_bytes - before_bytes, 0.0) / sessions
    wanted = Wanted("at most", _SESSION_WANTED_BYTES)
    name = f"memory of a session, {sessions} open: {label}"
    return measured("interview", name, "B", [each], wanted=wanted, note=note)


def _turns(url: str, *, says_end: bool) -> list[float]:
    """The first is uncounted, and after the last there is one question more, for else nothing is heard."""
    with Connection(url) as connection:
        _, session_id = create(connection, questions=_TURNS + 2)
    return asyncio.run(turns(url, session_id, _TURNS + 1, says_end=says_end))[1:]


async def _memory_bytes_with_open_ones(url: str, container: Container) -> float:
    with Connection(url) as connection:
        session_ids = [create(connection)[1] for _ in range(_OPEN)]
    async with listened_to(url, session_ids):
        return await asyncio.to_thread(_memory_bytes, container)


def _memory_bytes(container: Container) -> float:
    with usage_of(container) as usage:
        time.sleep(_SAMPLING_S)
    return median(usage.memory_bytes)
