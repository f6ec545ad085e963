"""Proof `readiness`: when a service is live, ready and really answering, and whether readiness ever lies."""

from collections.abc import Sequence

from coldstart_harness.figures import format_seconds, spread_of
from coldstart_harness.proofs.proof import Findings, Proof, Trial
from coldstart_harness.proofs.readiness.lies import Lie, lies_in, seconds_of
from coldstart_harness.proofs.readiness.watch import Watched, watch
from coldstart_harness.proofs.result import Promise, Span, SpanChart
from coldstart_harness.traffic.client import Exchange

COMES = Promise("readiness-comes", "It becomes ready and answers rightly within the time that a start may take.")
LIVE = Promise("live-in-time", "Liveness says 200 in time.")
READY = Promise("ready-in-time", "Readiness says 200 in time.")
FIRST_ANSWER = Promise("first-answer-in-time", "The first right answer comes in time.")
NEVER_LIES_UP = Promise("readiness-never-lies-up", "While it starts and serves, readiness never says 200 in vain.")
NEVER_LIES_DOWN = Promise("readiness-never-lies-down", "While it stops, readiness never says 200 in vain.")

# The start that is watched to its end serves for this long before; the others only past the change to ready, which is
# where lies are.
_SERVE_S = 3.0
_SERVE_BRIEFLY_S = 0.3


def find_out(trial: Trial, findings: Findings) -> None:
    """Watch several starts, the first of them to its end."""
    starts: list[Watched] = []
    wanted = max(1, trial.effort.runs)
    while len(starts) < wanted and not (starts and starts[-1].failure):
        trial.say(f"start {len(starts) + 1} of {wanted}")
        first = not starts
        serve_s = min(_SERVE_S, trial.effort.seconds) if first else _SERVE_BRIEFLY_S
        starts.append(watch(trial, serve_s=serve_s, to_the_end=first))
    findings.notes.append("Times count from the call that starts the container, so they hold the engine's share.")
    if (unseen_s := _unseen_s(starts)) is not None:
        findings.notes.append(
            f"The first questions were asked {format_seconds(unseen_s)} after the engine said that it had started the "
            "container; what a process does before is not seen."
        )
    _judge_start(trial, findings, starts, wanted)
    _judge_lies(trial, findings, starts)
    findings.draw(_chart(starts[0]))


def _judge_start(trial: Trial, findings: Findings, starts: Sequence[Watched], wanted: int) -> None:
    service, promises = trial.asked, trial.asked.promises
    failed = starts[-1]
    in_vain = f"start {len(starts)} of {wanted} failed"
    answers = [seconds for seen in starts if (seconds := seen.first_right_s(seen.inference)) is not None]
    findings.judge(
        COMES,
        not failed.failure,
        met=in_vain if failed.failure else f"after {format_seconds(max(answers))} at the latest",
        wanted=f"within {format_seconds(service.start_timeout_s)}",
        detail="\n".join(part for part in (failed.failure, failed.log) if part),
    )
    for promise, name, bound, askers in (
        (LIVE, "live after", promises.live_s, [seen.liveness for seen in starts]),
        (READY, "ready after", promises.ready_s, [seen.readiness for seen in starts]),
        (FIRST_ANSWER, "first right answer after", promises.first_answer_s, [seen.inference for seen in starts]),
    ):
        times = [seen.first_right_s(asked) for seen, asked in zip(starts, askers, strict=True)]
        known = [seconds for seconds in times if seconds is not None]
        if known:
            findings.measure(name, "s", known)
            findings.judge_at_most(promise, spread_of(known).median, bound, format_seconds)
        else:
            findings.not_shown(promise, failed.failure)


def _judge_lies(trial: Trial, findings: Findings, starts: Sequence[Watched]) -> None:
    up: list[list[Lie]] = []
    down: list[list[Lie]] = []
    for seen in starts:
        stopped_s = seen.over_s if seen.stopped_s is None else seen.stopped_s
        lies = lies_in(seen.readiness, seen.inference)
        up.append([lie for lie in lies if lie.start_s < stopped_s])
        down.append([lie for lie in lies if lie.start_s >= stopped_s])
    first = starts[0]
    if any(seen.first_right_s(seen.readiness) is not None for seen in starts):
        _judge_never(trial, findings, NEVER_LIES_UP, "lie on the way up", starts, up)
    else:
        findings.not_shown(NEVER_LIES_UP, f"readiness never said 200: {first.failure}")
    if first.stopped_s is not None:
        _judge_never(trial, findings, NEVER_LIES_DOWN, "lie on the way down", [first], down[:1])
    else:
        findings.not_shown(NEVER_LIES_DOWN, f"it was never stopped while it served: {first.failure}")


def _judge_never(
    trial: Trial,
    findings: Findings,
    promise: Promise,
    name: str,
    starts: Sequence[Watched],
    lies: Sequence[Sequence[Lie]],
) -> None:
    """The longest lie of any start is within the bound: one that happens to be honest does not mend another."""
    seconds = [seconds_of(lies_of_one) for lies_of_one in lies]
    findings.measure(name, "s", seconds)
    findings.judge_at_most(
        promise,
        max(seconds),
        trial.asked.promises.lie_ms / 1000,
        lambda value: f"{round(value * 1000, 1):g} ms",
        detail="\n".join(
            f"start {number}: {_sentence(seen, lie)}"
            for number, (seen, lies_of_one) in enumerate(zip(starts, lies, strict=True), 1)
            for lie in lies_of_one
        ),
    )


def _sentence(seen: Watched, lie: Lie) -> str:
    begin, end = (format_seconds(moment - seen.called_s) for moment in (lie.start_s, lie.end_s))
    return f"readiness said 200 from {begin} to {end}; requests that failed: {lie.failures}, the first: {lie.reason}"


def _unseen_s(starts: Sequence[Watched]) -> float | None:
    first_questions = [(seen, [asked[0].sent_s for asked in seen.askers if asked]) for seen in starts]
    return max((min(sent) - seen.running_s for seen, sent in first_questions if sent), default=None)


def _chart(seen: Watched) -> SpanChart:
    stopped_s = seen.over_s if seen.stopped_s is None else seen.stopped_s
    container = [Span(0.0, seen.running_s - seen.called_s, "started by the engine")] if seen.running_s else []
    container.append(Span(seen.running_s - seen.called_s, stopped_s - seen.called_s, "runs"))
    if seen.stopped_s is not None:
        container.append(Span(stopped_s - seen.called_s, seen.over_s - seen.called_s, "told to stop"))
    lies = tuple(
        Span(lie.start_s - seen.called_s, lie.end_s - seen.called_s, "lie")
        for lie in lies_in(seen.readiness, seen.inference)
    )
    return SpanChart(
        title="One start and its stop, asked without pause",
        x_label="seconds since the engine was told to start the container",
        rows=(
            ("container", tuple(container)),
            ("liveness", _spans(seen, seen.liveness)),
            ("readiness", _spans(seen, seen.readiness)),
            ("inference", _spans(seen, seen.inference)),
            *((("lie", lies),) if lies else ()),
        ),
    )


def _spans(seen: Watched, exchanges: Sequence[Exchange]) -> tuple[Span, ...]:
    """Stretches of exchanges that ended alike."""
    spans: list[Span] = []
    for exchange in exchanges:
        kind = str(exchange.status) if exchange.outcome == "turned away" else exchange.outcome
        start, end = exchange.sent_s - seen.called_s, exchange.done_s - seen.called_s
        if spans and spans[-1].kind == kind:
            start = spans.pop().start
        spans.append(Span(start, end, kind))
    return tuple(spans)


PROOF = Proof(
    name="readiness",
    question="When is a service live, ready and really answering, and does readiness ever lie?",
    scope="service",
    promises=(COMES, LIVE, READY, FIRST_ANSWER, NEVER_LIES_UP, NEVER_LIES_DOWN),
    find_out=find_out,
)
