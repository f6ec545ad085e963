"""What every proof is, whatever it asks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from coldstart_harness.errors import ServiceFailed
from coldstart_harness.figures import format_seconds
from coldstart_harness.proofs.proof import Effort, Findings, Proof, Trial
from coldstart_harness.proofs.result import LineChart, Promise, SpanChart
from coldstart_harness.slo.document import Image, Service

SERVICE = Service.model_validate(
    {"port": 80, "liveness": "/live", "readiness": "/ready", "requests": {"echo": {"path": "/echo"}}}
)
QUICK = Promise("quick", "It is quick.")
RIGHT = Promise("right", "It is right.")
LINES = LineChart("lines", "x", "y", (("a", ((0.0, 1.0),)),))
SPANS = SpanChart("spans", "x", ())


def trial_of(**more: Any) -> Trial:
    """A trial of an image with two services, without an engine."""
    return Trial(
        engine=cast(Any, None),
        reference="image:1",
        image=Image(),
        services={"one": SERVICE, "two": SERVICE},
        service_name=None,
        effort=Effort(),
        say=lambda _line: None,
        scratch=Path("nowhere"),
        **more,
    )


def proof_of(find_out: Callable[[Trial, Findings], None]) -> Proof:
    return Proof("speed", "Is it fast?", "service", (QUICK, RIGHT), find_out)


def test_a_verdict_has_its_evidence_only_where_it_is_broken() -> None:
    """Of a kept promise the values are told; the evidence is for those who have to mend something."""
    findings = Findings((QUICK, RIGHT))
    findings.judge(QUICK, True, met="1 s", wanted="at most 2 s", detail="the log")
    findings.judge(RIGHT, False, met="3", wanted="4", detail="the log")
    quick, right = findings.result("speed", None, 1.0).verdicts
    assert (quick.outcome, quick.met, quick.detail) == ("kept", "1 s", "")
    assert (right.outcome, right.wanted, right.detail) == ("broken", "4", "the log")


@pytest.mark.parametrize(
    ("bound", "outcome", "wanted", "detail"),
    [
        (1.0, "kept", "at most 1.00 s", ""),
        (0.99, "broken", "at most 0.99 s", "slow"),
        (None, "not shown", "", "the file of promises gives no bound"),
    ],
)
def test_a_value_is_held_against_its_bound(bound: float | None, outcome: str, wanted: str, detail: str) -> None:
    """The bound itself is within; where the file gives none, nothing is promised, and that is said."""
    findings = Findings((QUICK,))
    findings.judge_at_most(QUICK, 1.0, bound, format_seconds, detail="slow")
    (verdict,) = findings.result("speed", None, 1.0).verdicts
    assert (verdict.outcome, verdict.met, verdict.wanted, verdict.detail) == (outcome, "1.00 s", wanted, detail)


def test_a_failure_breaks_what_was_not_judged_yet() -> None:
    """What was seen before a container died stays; the rest is broken with the error and its details."""

    def find_out(_trial: Trial, findings: Findings) -> None:
        findings.judge(QUICK, True)
        raise ServiceFailed("the container ended", details="its last line")

    result = proof_of(find_out).run(trial_of().of("two"))
    assert [(verdict.id, verdict.outcome) for verdict in result.verdicts] == [("quick", "kept"), ("right", "broken")]
    assert result.verdicts[1].detail == "the container ended\nits last line"
    assert (result.proof, result.service) == ("speed", "two")


def test_a_proof_that_forgets_a_promise_is_wrong() -> None:
    """A promise that nobody judged must not look kept."""
    with pytest.raises(AssertionError, match="speed did not judge right"):
        proof_of(lambda _trial, findings: findings.judge(QUICK, True)).run(trial_of())


def test_a_proof_judges_its_own_promises_only() -> None:
    """A verdict on a promise of another proof is a mistake, not a finding."""
    with pytest.raises(AssertionError, match="right is not among the promises"):
        Findings((QUICK,)).judge(RIGHT, True)


def test_a_result_has_what_was_measured_and_drawn() -> None:
    """Figures are medians with their range, charts are kept by kind, and promises stand in their declared order."""
    findings = Findings((QUICK, RIGHT), notes=["how"])
    findings.not_shown(RIGHT, "no GPU")
    findings.judge(QUICK, True)
    findings.measure("start", "s", [3.0, 1.0, 2.0])
    findings.draw(LINES)
    findings.draw(SPANS)
    result = findings.result("speed", "one", 4.0)
    assert [verdict.id for verdict in result.verdicts] == ["quick", "right"]
    (figure,) = result.figures
    assert (figure.median, figure.lowest, figure.highest, figure.runs) == (2.0, 1.0, 3.0, 3)
    assert (result.line_charts, result.span_charts, result.notes) == ((LINES,), (SPANS,), ("how",))


@pytest.mark.parametrize(("scope", "services"), [("service", ["one", "two"]), ("image", [None]), ("flake", [None])])
def test_a_proof_is_tried_on_what_it_is_about(scope: Any, services: list[str | None]) -> None:
    """A proof of services runs once for each of them, all others once."""
    proof = Proof("any", "", scope, (), lambda _trial, _findings: None)
    assert [trial.service_name for trial in proof.trials_of(trial_of())] == services


def test_trials_of_one_session_share_its_mark() -> None:
    """Containers are found by it, so it stays with every trial made of another and differs between sessions."""
    trial = trial_of()
    assert trial.of("one").session == trial.session
    assert trial_of().session != trial.session


def test_a_trial_of_an_image_at_rest_asks_no_service() -> None:
    """A proof of the image that asks a service without saying which is wrong."""
    assert trial_of().of("one").asked is SERVICE
    with pytest.raises(ValueError, match="at rest"):
        _ = trial_of().asked
