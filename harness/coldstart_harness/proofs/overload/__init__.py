"""Proof `overload`: what becomes of a service when three times as much is asked as it can do."""

import asyncio
import statistics
from collections.abc import Sequence

from coldstart_harness.figures import format_bytes, format_seconds, percentile
from coldstart_harness.proofs.overload.load import OVERLOAD, RIGHT_IN_A_ROW, Measured, measure
from coldstart_harness.proofs.overload.memory import Usage, usage_of
from coldstart_harness.proofs.proof import Findings, Proof, Trial
from coldstart_harness.proofs.result import LineChart, Promise
from coldstart_harness.proofs.running import serving
from coldstart_harness.slo.document import Promises
from coldstart_harness.traffic.client import Exchange
from coldstart_harness.traffic.retry_after import seconds_to_wait
from coldstart_harness.traffic.summary import evidence_of, with_outcome

GOODPUT = Promise("goodput-holds", "At three times the load it can bear it goes on answering almost as much.")
SAY_WHEN = Promise(
    "refusals-say-when-to-return", "What it cannot answer it refuses with 429 or 503 and a Retry-After; nothing hangs."
)
FAST = Promise("refusals-are-fast", "99 of 100 refusals come at once.")
MEMORY = Promise("memory-is-bounded", "Under too much load it holds no more memory than allowed.")
RECOVERS = Promise("recovers", "When the load has gone, it soon answers as before.")

_BYTES_PER_MB = 1_000_000


def find_out(trial: Trial, findings: Findings) -> None:
    """Find the peak, ask for three times as much, and see it come back."""
    promises = trial.asked.promises
    with serving(trial) as running, usage_of(running.container) as usage:
        measured = asyncio.run(measure(running.url, trial.asked.request, promises, trial.effort.seconds, trial.say))
    judge(promises, measured, usage, findings)
    report(promises, measured, usage, findings)


def judge(promises: Promises, measured: Measured, usage: Usage, findings: Findings) -> None:
    """Every promise. Of rates and times the median of the rounds counts, of what must never happen every round."""
    ratio = statistics.median(measured.ratios(promises.deadline_s))
    findings.judge(
        GOODPUT,
        ratio >= promises.goodput_ratio,
        met=f"{ratio:.0%} of the peak",
        wanted=f"at least {promises.goodput_ratio:.0%}",
        detail="; ".join(
            f"{load.rate_per_s:.3g} arrivals a second: {load.goodput_per_s(promises.deadline_s):.3g} right answers "
            f"in time, of a peak of {peak:.3g}"
            for load, peak in zip(measured.rounds, measured.peaks, strict=False)
        ),
    )
    everything = [exchange for load in measured.rounds for exchange in load.exchanges]
    silent = [exchange for exchange in everything if not is_answered_properly(exchange)]
    findings.judge(
        SAY_WHEN,
        not silent,
        met=f"{len(silent)} of {len(everything)} do not",
        wanted="none",
        detail=evidence_of(silent, everything[0].sent_s) if silent else "",
    )
    refusals = [p99 for load in measured.rounds if (p99 := _refusals_p99_s(load.exchanges)) is not None]
    if refusals:
        findings.judge_at_most(FAST, statistics.median(refusals), promises.refusal_p99_ms / 1000, format_seconds)
    else:
        findings.not_shown(FAST, "nothing was refused")
    if usage.memory_bytes:
        bound = None if promises.memory_mb is None else promises.memory_mb * _BYTES_PER_MB
        findings.judge_at_most(MEMORY, max(usage.memory_bytes), bound, lambda size: format_bytes(round(size)))
    else:
        findings.not_shown(MEMORY, "the container engine does not say how much memory a container holds")
    _judge_recovery(promises, measured, findings)


def _judge_recovery(promises: Promises, measured: Measured, findings: Findings) -> None:
    recovered = [load.recovered_s for load in measured.rounds]
    known = [seconds for seconds in recovered if seconds is not None]
    if len(known) == len(recovered):
        findings.judge_at_most(RECOVERS, max(known), promises.recovery_s, format_seconds)
    else:
        detail = f"there were never {RIGHT_IN_A_ROW} right answers in a row"
        findings.judge(RECOVERS, False, met="not seen", wanted=format_seconds(promises.recovery_s), detail=detail)


def is_answered_properly(exchange: Exchange) -> bool:
    """Answered rightly, or turned away with a Retry-After that a client can read."""
    if exchange.outcome == "right":
        return True
    return exchange.outcome == "turned away" and (seconds_to_wait(exchange.retry_after) or 0) > 0


def _refusals_p99_s(exchanges: Sequence[Exchange]) -> float | None:
    """From sending: how fast the service is, whatever the schedule was like."""
    refused = [exchange.service_s for exchange in with_outcome(exchanges, "turned away")]
    return percentile(refused, 99) if refused else None


def report(promises: Promises, measured: Measured, usage: Usage, findings: Findings) -> None:
    """Figures of every round, the search for the peak as a curve, and how it was measured."""
    deadline_s = promises.deadline_s
    findings.measure("peak of right answers", "1/s", measured.peaks)
    findings.measure("arrivals", "1/s", [load.rate_per_s for load in measured.rounds])
    findings.measure("goodput", "1/s", [load.goodput_per_s(deadline_s) for load in measured.rounds])
    findings.measure("goodput / peak", "1", measured.ratios(deadline_s))
    for outcome in ("right", "turned away", "refused", "late", "lost", "wrong"):
        counts = [len(with_outcome(load.exchanges, outcome)) for load in measured.rounds]
        if any(counts):
            findings.measure(f"arrivals {outcome}", "1", counts)
    everything = [exchange for load in measured.rounds for exchange in load.exchanges]
    refused = with_outcome(everything, "turned away")
    if refused:
        for percent in (50, 99):
            sent = [percentile([exchange.service_s for exchange in refused], percent)]
            findings.measure(f"refusals, from sending, p{percent}", "s", sent)
        findings.measure("refusals, from due, p99", "s", [percentile([e.latency_s for e in refused], 99)])
    recovered = [load.recovered_s for load in measured.rounds if load.recovered_s is not None]
    if recovered:
        findings.measure("load's end to five right answers", "s", recovered)
    if usage.memory_bytes:
        findings.measure("memory", "B", usage.memory_bytes)
    _report_cost(promises, measured, findings)
    curve = tuple((float(found.concurrency), found.right_per_s) for found in measured.search)
    findings.draw(LineChart("What it can do", "callers", "right answers a second", (("closed loop", curve),)))
    findings.notes.append(
        f"The peak is the most right answers a second, each within {format_seconds(deadline_s)}, that callers get who "
        f"ask again at once; it is measured again around each of {len(measured.rounds)} rounds of {OVERLOAD} times as "
        "many arrivals, and what is judged is the median of the rounds. Connections are kept."
    )


def _report_cost(promises: Promises, measured: Measured, findings: Findings) -> None:
    """Load that is made on the machine that serves takes from what it measures: the reader is to know how much."""
    seconds = [load.ended_s - load.begun_s + promises.deadline_s for load in measured.rounds]
    shares = [load.client_cpu_s / length for load, length in zip(measured.rounds, seconds, strict=True)]
    findings.measure("processors that making the load took", "1", shares)


PROOF = Proof(
    "overload",
    "What becomes of it when three times as much is asked as it can do?",
    "service",
    (GOODPUT, SAY_WHEN, FAST, MEMORY, RECOVERS),
    find_out,
)
