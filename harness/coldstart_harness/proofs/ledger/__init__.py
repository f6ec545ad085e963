"""Proof `ledger`: a cold start is made of phases, and the phases add up to what a clock on the wall says."""

from collections.abc import Sequence
from dataclasses import replace

from coldstart_harness.figures import format_bytes, format_seconds, spread_of
from coldstart_harness.proofs.ledger.agreement import disagreement_s, late_models, seen_s, tolerance_s
from coldstart_harness.proofs.ledger.cache import Evicted, evict, layer_directories
from coldstart_harness.proofs.ledger.image import NoCopy, fresh_copy, saved_image
from coldstart_harness.proofs.ledger.phases import Account, account_of, tells
from coldstart_harness.proofs.ledger.start import Watched, watch_start
from coldstart_harness.proofs.proof import Findings, Proof, Trial
from coldstart_harness.proofs.result import Promise, Span, SpanChart

# How much is extracted in all to time the load of an image, where it fits more than once: seconds on any disk.
_LOADED_BYTES = 1_000_000_000
# Starts are alike in what is wrong with them.
_SHOWN = 3

ADDS_UP = Promise("ledger-adds-up", "In every start the phases add up to the wall time.")
INNER_AGREE = Promise("inner-phases-agree", "What the service says of its own start agrees with what is seen.")


def find_out(trial: Trial, findings: Findings) -> None:
    """Watch starts with the image just loaded, from a cold page cache and from a warm one, and add up their phases."""
    trial.say("a first start, which is not counted")
    watch_start(trial)
    runs = {
        "loaded": _loaded(trial, findings),
        "cold": _cold(trial, findings),
        "warm": [_said(trial, "warm", run) for run in range(trial.effort.runs)],
    }
    accounts = {kind: [account_of(watched) for watched in watches] for kind, watches in runs.items() if watches}
    every = [watched for watches in runs.values() for watched in watches]
    _judge_sum(trial, findings, [(kind, account) for kind, found in accounts.items() for account in found])
    _judge_inner(trial, findings, every)
    for kind, found in accounts.items():
        _measure(findings, kind, found)
        findings.draw(_waterfall(kind, found))


def _said(trial: Trial, kind: str, run: int) -> Watched:
    trial.say(f"{kind}: start {run + 1} of {trial.effort.runs}")
    return watch_start(trial)


def _loaded(trial: Trial, findings: Findings) -> list[Watched]:
    """Starts of copies that the engine was just given, every layer new to it."""
    watches = []
    try:
        trial.say("saving the image")
        with saved_image(trial) as saved:
            size = sum(blob.size_bytes for blob in saved.blobs)
            times = max(1, min(trial.effort.runs, _LOADED_BYTES // max(size, 1)))
            for run in range(times):
                trial.say(f"loaded: start {run + 1} of {times}")
                with fresh_copy(trial.engine, saved) as copy:
                    watches.append(watch_start(replace(trial, reference=copy.reference), copy.load))
        findings.notes.append(
            f"loaded: {format_bytes(size)} of layers were extracted before each start (runs: {times}); the engine gets "
            "a copy of the image whose lowest layer is new, so that it has none of its layers"
        )
    except NoCopy as error:
        findings.notes.append(f"image load was not measured: {error}")
    return watches


def _cold(trial: Trial, findings: Findings) -> list[Watched]:
    """Starts after the image's files were dropped from the page cache, where that is permitted."""
    directories = layer_directories(trial.engine, trial.reference)
    if not directories:
        findings.notes.append(
            "cold page cache: not permitted here; it needs to read the directories where the engine keeps its layers"
        )
        return []
    watches, evictions = [], []
    for run in range(trial.effort.runs):
        evictions.append(evict(directories))
        watches.append(_said(trial, "cold", run))
    findings.notes.append(_cold_note(evictions))
    return watches


def _cold_note(evictions: Sequence[Evicted]) -> str:
    left = max(evicted.left_bytes for evicted in evictions)
    size = evictions[0].size_bytes
    stayed = f"; {format_bytes(left)} stayed, mapped by another process or not yet written" if left else ""
    return f"cold: {format_bytes(size)} of the image's files were dropped from the page cache before each start{stayed}"


def _judge_sum(trial: Trial, findings: Findings, accounts: Sequence[tuple[str, Account]]) -> None:
    kind, worst = max(accounts, key=lambda found: found[1].gap_ratio)
    lines = [f"{phase.name}: {format_seconds(phase.seconds)}" for phase in worst.phases if not phase.inside]
    bound = trial.asked.promises.ledger_gap_ratio
    findings.judge(
        ADDS_UP,
        worst.gap_ratio <= bound,
        met=f"{worst.gap_ratio:.1%} apart in the worst of {len(accounts)} starts",
        wanted=f"at most {bound:.1%}",
        detail="\n".join([f"{kind}: wall time {worst.wall_s:.3f} s, sum {worst.sum_s:.3f} s", *lines]),
    )


def _judge_inner(trial: Trial, findings: Findings, watches: Sequence[Watched]) -> None:
    telling = [watched for watched in watches if watched.own.ready_s is not None]
    if trial.asked.health is None:
        findings.not_shown(INNER_AGREE, "the file of promises names no `health` of this service")
        return
    if not telling:
        findings.not_shown(INNER_AGREE, f"{trial.asked.health} has no `startup.ready`")
        return
    if not all(tells(watched) for watched in telling):
        findings.notes.append(
            "the kernel of this machine does not tell when the container's process began: the service's own phases "
            "are compared, and are no part of the sum"
        )
    off = spread_of([disagreement_s(watched) for watched in telling]).median
    tolerance = tolerance_s(telling, trial.asked.promises.ledger_gap_ratio)
    own = spread_of([watched.own.ready_s or 0.0 for watched in telling]).median
    seen = spread_of([seen_s(watched) for watched in telling]).median
    late = [sentence for watched in telling for sentence in late_models(watched)][:_SHOWN]
    findings.judge(
        INNER_AGREE,
        abs(off) <= tolerance and not late,
        met=f"{own:.2f} s of its own, {seen:.2f} s seen (medians of {len(telling)})",
        wanted=f"apart by at most {format_seconds(tolerance)}",
        detail="\n".join(
            [f"the service says {abs(off):.3f} s too {'much' if off > 0 else 'little'}"] * bool(off) + late
        ),
    )


def _measure(findings: Findings, kind: str, accounts: Sequence[Account]) -> None:
    findings.measure(f"{kind}: wall time", "s", [account.wall_s for account in accounts])
    findings.measure(f"{kind}: sum of phases", "s", [account.sum_s for account in accounts])
    seconds: dict[str, list[float]] = {}
    for account in accounts:
        for phase in account.phases:
            seconds.setdefault(phase.name, []).append(phase.seconds)
    for name, values in seconds.items():
        findings.measure(f"{kind}: {name}", "s", values)


def _waterfall(kind: str, accounts: Sequence[Account]) -> SpanChart:
    """The start whose wall time is the median's, or the next below it."""
    shown = sorted(accounts, key=lambda account: account.wall_s)[(len(accounts) - 1) // 2]
    rows = tuple(
        (phase.name, (Span(phase.began_s, phase.began_s + phase.seconds, "beside" if phase.inside else "adds up"),))
        for phase in shown.phases
        if phase.began_s is not None
    )
    return SpanChart(f"Cold start, {kind}", "seconds", rows)


PROOF = Proof(
    "ledger",
    "Which phases is the cold start made of, and do they add up to the wall time?",
    "service",
    (ADDS_UP, INNER_AGREE),
    find_out,
)
