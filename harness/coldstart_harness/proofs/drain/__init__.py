"""Proof `drain`: what becomes of requests when the service is told to stop in the middle of load."""

import math
from collections.abc import Callable, Sequence

from coldstart_harness.figures import format_seconds
from coldstart_harness.proofs.drain.chart import chart_of
from coldstart_harness.proofs.drain.losses import (
    cut_off,
    lost_in,
    readiness_off_s,
    ready_again,
    unclean_in,
)
from coldstart_harness.proofs.drain.round import Drain, drained
from coldstart_harness.proofs.proof import Findings, Proof, Trial
from coldstart_harness.proofs.result import Promise
from coldstart_harness.slo.document import Promises
from coldstart_harness.traffic.client import Exchange
from coldstart_harness.traffic.summary import evidence_of

TURNS_FIRST = Promise(
    "readiness-turns-first", "Readiness says something else than 200 before anybody is turned away, and stays so."
)
NOTHING_LOST = Promise("nothing-accepted-is-lost", "Every request that was accepted is answered rightly and whole.")
CLEANLY = Promise(
    "new-requests-are-refused-cleanly", "Requests after the signal get an answer, a 503 or a refused connection."
)
EXITS_ZERO = Promise("exits-with-zero", "It ends by itself, with exit code 0.")
EXITS_IN_GRACE = Promise("exits-within-grace", "It ends within its grace.")

_ROUNDS = 4
_MOST_ROUNDS = 20
_IN_FLIGHT_WANTED = 16


def find_out(trial: Trial, findings: Findings) -> None:
    """Stop containers in the middle of load until enough requests were accepted, or one was lost."""
    drains: list[Drain] = []
    callers: int | None = None
    while not _is_enough(drains, trial.effort.requests):
        trial.say(f"stop {len(drains) + 1}; {accepted_in(drains)} of {trial.effort.requests} requests accepted so far")
        drain, callers = drained(trial, math.ceil(trial.effort.requests / _ROUNDS), callers)
        drains.append(drain)
    judge(trial.asked.promises, drains, findings)
    report(drains, findings)
    findings.notes.append(
        f"{callers} callers ask again as soon as they have their answers, each request on a connection of its own; "
        "newcomers join them after the signal. A connection made after the signal that gets no byte at all was in the "
        "socket's queue when the process ended: to its caller it is as good as refused, and it is counted apart."
    )


def _is_enough(drains: Sequence[Drain], requests: int) -> bool:
    if not drains:
        return False
    in_flight = sum(len(drain.in_flight) for drain in drains)
    enough = accepted_in(drains) >= requests and in_flight >= _IN_FLIGHT_WANTED
    return enough or len(drains) >= _MOST_ROUNDS or bool(lost_in(drains[-1])) or drains[-1].exit_code != 0


def accepted_in(drains: Sequence[Drain]) -> int:
    """Requests that were taken in: answered rightly, or lost."""
    right = sum(request.outcome == "right" for drain in drains for request in drain.requests)
    return right + sum(len(lost_in(drain)) for drain in drains)


def judge(promises: Promises, drains: Sequence[Drain], findings: Findings) -> None:
    """Every promise, over all drains: one bad stop is a broken promise."""
    _judge_none(findings, TURNS_FIRST, drains, ready_again, "probes said 200 too late")
    _judge_none(findings, NOTHING_LOST, drains, lost_in, f"lost of {accepted_in(drains)} accepted")
    _judge_none(findings, CLEANLY, drains, unclean_in, "new requests refused uncleanly")
    never_off = [drain for drain in drains if readiness_off_s(drain) is None]
    if never_off:
        findings.judge(TURNS_FIRST, False, detail="readiness went on saying 200 after the signal, up to the end")
    if not any(drain.in_flight for drain in drains):
        findings.not_shown(NOTHING_LOST, "no request was in flight when the signal came")
    codes = [drain.exit_code for drain in drains]
    findings.judge(
        EXITS_ZERO,
        not any(codes),
        met=f"exit code {max(codes)}",
        wanted="exit code 0",
        detail=next((drain.log for drain in drains if drain.exit_code), ""),
    )
    killed = [drain for drain in drains if drain.ended_s is None]
    if killed:
        findings.judge(
            EXITS_IN_GRACE,
            False,
            met="it had to be killed",
            wanted=f"at most {format_seconds(promises.grace_s)}",
            detail=killed[0].log,
        )
    else:
        findings.judge_at_most(EXITS_IN_GRACE, max(_seconds_to_end(drains)), promises.grace_s, format_seconds)


def _judge_none(
    findings: Findings,
    promise: Promise,
    drains: Sequence[Drain],
    bad_in: Callable[[Drain], list[Exchange]],
    what: str,
) -> None:
    bad = [(drain, bad_in(drain)) for drain in drains]
    evidence = [evidence_of(found, drain.signalled_s) for drain, found in bad if found]
    count = sum(len(found) for _, found in bad)
    findings.judge(promise, count == 0, met=f"{count} {what}", wanted="none", detail="\n".join(evidence))


def _seconds_to_end(drains: Sequence[Drain]) -> list[float]:
    return [drain.ended_s - drain.signalled_s for drain in drains if drain.ended_s is not None]


def report(drains: Sequence[Drain], findings: Findings) -> None:
    """Counts over all drains, times of each, and a picture of the last."""
    findings.measure("stops", "1", [len(drains)])
    findings.measure("accepted", "1", [accepted_in(drains)])
    findings.measure("in flight at the signals", "1", [sum(len(drain.in_flight) for drain in drains)])
    findings.measure("lost", "1", [sum(len(lost_in(drain)) for drain in drains)])
    findings.measure("left in the socket's queue", "1", [sum(len(cut_off(drain)) for drain in drains)])
    off = [seconds for drain in drains if (seconds := readiness_off_s(drain)) is not None]
    for name, times in (("signal to readiness off", off), ("signal to the end", _seconds_to_end(drains))):
        if times:
            findings.measure(name, "s", times)
    findings.draw(chart_of(drains[-1]))


PROOF = Proof(
    "drain",
    "What becomes of requests when it is stopped in the middle of load?",
    "service",
    (TURNS_FIRST, NOTHING_LOST, CLEANLY, EXITS_ZERO, EXITS_IN_GRACE),
    find_out,
)
