"""When readiness lied: evidence that is no race, and what becomes of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from coldstart_harness.engine import Engine
from coldstart_harness.proofs import readiness
from coldstart_harness.proofs.proof import Effort, Trial
from coldstart_harness.proofs.readiness.lies import lies_in, seconds_of
from coldstart_harness.proofs.readiness.watch import Watched
from coldstart_harness.proofs.result import ProofResult
from coldstart_harness.slo.document import Image, Service
from coldstart_harness.traffic.client import Exchange, Outcome

OUTCOMES: dict[int, Outcome] = {200: "right", 500: "wrong", 503: "turned away", 429: "turned away"}


def exchange(sent_s: float, done_s: float, status: int) -> Exchange:
    """One exchange; status 0: the connection was refused."""
    return Exchange(
        due_s=sent_s,
        sent_s=sent_s,
        first_byte_s=None,
        first_event_s=None,
        done_s=done_s,
        status=status or None,
        outcome=OUTCOMES.get(status, "refused"),
        reason="" if status == 200 else f"status {status}",
    )


def asked(*statuses: int, from_s: float = 0.0, each_s: float = 1.0) -> list[Exchange]:
    """Exchanges of one caller, one after the other, each of which takes nine tenths of `each_s`."""
    return [
        exchange(from_s + number * each_s, from_s + (number + 0.9) * each_s, status)
        for number, status in enumerate(statuses)
    ]


def intervals(readiness: Sequence[Exchange], inference: Sequence[Exchange]) -> list[tuple[float, float, int]]:
    return [(round(lie.start_s, 3), round(lie.end_s, 3), lie.failures) for lie in lies_in(readiness, inference)]


def test_a_service_that_is_ready_when_it_says_so_never_lies() -> None:
    """Refusals and failures before the first 200 are no lies, nor are those after the last."""
    probes = asked(0, 503, 200, 200, 200, 503, 0)
    assert intervals(probes, asked(0, 503, 503, 200, 200, 503, 0)) == []


def test_ready_too_early_is_a_lie_until_it_is_true() -> None:
    """The interval is from the first request that failed under a readiness of 200 to the end of the last."""
    probes = asked(503, 200, 200, 200, 200, 200)
    assert intervals(probes, asked(0, 0, 503, 500, 200, 200)) == [(2.0, 3.9, 2)]


def test_ready_too_long_is_a_lie() -> None:
    """On the way down it is the same: readiness says 200 before and after a request that failed."""
    probes = asked(200, 200, 200, 200, 503, 0)
    assert intervals(probes, asked(200, 200, 503, 0, 0, 0)) == [(2.0, 2.9, 1)]


@pytest.mark.parametrize(
    "failed",
    [
        pytest.param((0.5, 1.5), id="sent before the first 200 was there"),
        pytest.param((0.9, 1.5), id="sent in the moment of the first 200"),
        pytest.param((3.1, 4.0), id="failed in the moment in which the last 200 was asked for"),
        pytest.param((3.1, 4.2), id="failed while the last 200 was under way"),
        pytest.param((3.1, 5.5), id="failed after the last 200"),
        pytest.param((0.1, 6.0), id="longer than all of them"),
    ],
)
def test_a_state_that_changes_meanwhile_is_no_lie(failed: tuple[float, float]) -> None:
    """A request that overlaps the edge of readiness proves nothing."""
    assert intervals(asked(200, 200, 200, 200, 200), [exchange(*failed, 503)]) == []


def test_a_request_that_lies_between_two_200s_is_evidence() -> None:
    """One probe is over before it is sent, another is sent after it has failed."""
    assert intervals(asked(200, 200, 200), [exchange(1.0, 1.9, 500)]) == [(1.0, 1.9, 1)]


def test_one_200_alone_proves_nothing() -> None:
    """Without a second probe that says 200, the first may have been the last true one."""
    assert intervals(asked(503, 200, 503), [exchange(1.95, 1.99, 503)]) == []


def test_readiness_that_flaps_lies_only_while_it_says_200() -> None:
    """A probe that says otherwise splits the interval, and what fails around it is no lie."""
    probes = asked(200, 200, 200, 503, 200, 200, 200)
    assert intervals(probes, asked(200, 503, 503, 503, 503, 503, 200)) == [(1.0, 1.9, 1), (5.0, 5.9, 1)]


def test_a_right_answer_ends_an_interval() -> None:
    """Two failures with a right answer between them are two intervals."""
    found = intervals(asked(*[200] * 7), asked(200, 500, 500, 200, 500, 200, 200))
    assert found == [(1.0, 2.9, 2), (4.0, 4.9, 1)]


def test_too_many_requests_is_no_claim_about_readiness() -> None:
    """429 is neither a failure nor a right answer: it does not end an interval either."""
    assert intervals(asked(*[200] * 5), asked(200, 429, 429, 200, 200)) == []
    assert intervals(asked(*[200] * 6), asked(200, 503, 429, 503, 200, 200)) == [(1.0, 3.9, 2)]


def test_the_whole_lie_is_the_sum_of_its_intervals() -> None:
    """Durations are added, and are nothing where there is no lie."""
    found = lies_in(asked(*[200] * 7), asked(200, 500, 500, 200, 500, 200, 200))
    assert seconds_of(found) == pytest.approx(2.8)
    assert seconds_of([]) == 0


def test_nobody_asked_is_no_lie() -> None:
    """Without probes or without requests there is nothing to find."""
    assert lies_in([], asked(503)) == []
    assert lies_in(asked(200, 200), []) == []


def start(probes: list[Exchange], requests: list[Exchange], **more: Any) -> Watched:
    over_s = max(exchange.done_s for exchange in [*probes, *requests])
    seen: dict[str, Any] = {"running_s": 0.0, "liveness": probes, "over_s": over_s, **more}
    return Watched(called_s=0.0, readiness=probes, inference=requests, **seen)


def proved(monkeypatch: pytest.MonkeyPatch, *starts: Watched, **promises: float) -> ProofResult:
    """What the proof makes of these starts."""
    coming = iter(starts)
    monkeypatch.setattr(readiness, "watch", lambda *_args, **_options: next(coming))
    document = {"port": 80, "liveness": "/l", "readiness": "/r", "requests": {"x": {"path": "/"}}}
    service = Service.model_validate({**document, "promises": promises})
    trial = Trial(
        engine=cast(Engine, None),
        reference="image",
        image=Image(),
        services={"s": service},
        service_name="s",
        effort=Effort(runs=len(starts)),
        say=lambda _line: None,
        scratch=Path(),
    )
    return readiness.PROOF.run(trial)


def outcomes(result: ProofResult) -> dict[str, str]:
    return {verdict.id: verdict.outcome for verdict in result.verdicts}


def test_all_is_kept_by_a_service_that_does_not_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times are the medians of the starts, lies the longest of any."""
    honest = [
        start(asked(503, 200, 200, 503, each_s=s), asked(503, 503, 200, 503, each_s=s), stopped_s=2.95 * s)
        for s in (1.0, 0.1, 0.2)
    ]
    result = proved(monkeypatch, *honest, live_s=0.5, ready_s=0.5, first_answer_s=0.6)
    assert set(outcomes(result).values()) == {"kept"}
    assert {figure.name: figure.median for figure in result.figures}["ready after"] == pytest.approx(0.38)


def test_a_lie_in_any_start_breaks_the_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way up and the way down are told apart by the moment of the stop signal; each lie is told."""
    honest = start(asked(200, 200, 200, 503), asked(200, 200, 200, 503), stopped_s=2.95)
    early = start(asked(*[200] * 4), asked(200, 503, 200, 200))
    found = proved(monkeypatch, honest, early)
    assert outcomes(found)["readiness-never-lies-up"] == "broken"
    assert outcomes(found)["readiness-never-lies-down"] == "kept"
    verdict = next(verdict for verdict in found.verdicts if verdict.id == "readiness-never-lies-up")
    assert verdict.met == "900 ms"
    assert (
        verdict.detail
        == "start 2: readiness said 200 from 1.00 s to 1.90 s; requests that failed: 1, the first: status 503"
    )
    late = start(asked(*[200] * 6), asked(200, 200, 200, 0, 0, 0), stopped_s=2.95)
    assert outcomes(proved(monkeypatch, late))["readiness-never-lies-up"] == "kept"
    assert outcomes(proved(monkeypatch, late))["readiness-never-lies-down"] == "broken"


def test_a_lie_within_what_is_promised_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file of promises may allow some milliseconds."""
    early = start(asked(*[200] * 4), asked(200, 503, 200, 200), stopped_s=3.95)
    assert outcomes(proved(monkeypatch, early, lie_ms=900.5))["readiness-never-lies-up"] == "kept"


def test_a_service_that_never_answers_breaks_that_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """One promise is broken, with the log; what was not seen is not shown, what was seen is judged."""
    silent = start(asked(0, 0), asked(0, 0), failure="the container did not start", log="no such file")
    found = outcomes(proved(monkeypatch, silent))
    assert found.pop("readiness-comes") == "broken"
    assert set(found.values()) == {"not shown"}
    failing = start(asked(200, 200, 200), asked(0, 503, 503), failure="the request was never answered", log="no model")
    result = proved(monkeypatch, failing, ready_s=1)
    found = outcomes(result)
    assert [name for name, outcome in found.items() if outcome == "kept"] == ["ready-in-time"]
    assert [name for name, outcome in found.items() if outcome == "broken"] == [
        "readiness-comes",
        "readiness-never-lies-up",
    ]
    assert result.verdicts[0].detail == "the request was never answered\nno model"


def test_the_chart_shows_stretches_that_ended_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """One row for each question, with its stretches in order, and one for lies where there are any."""
    early = start(asked(0, 200, 200, 200, 503), asked(0, 0, 503, 200, 503), stopped_s=3.95)
    rows = dict(proved(monkeypatch, early).span_charts[0].rows)
    assert [span.kind for span in rows["container"]] == ["runs", "told to stop"]
    assert [(span.start, span.kind) for span in rows["readiness"]] == [(0, "refused"), (1, "right"), (4, "503")]
    assert [span.kind for span in rows["inference"]] == ["refused", "503", "right", "503"]
    assert [(span.start, span.end) for span in rows["lie"]] == [(2.0, 2.9)]
