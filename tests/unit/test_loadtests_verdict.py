"""Which promises a run kept, and which ones its profile can show."""

import pytest
from loadtests import verdict as verdicts_of
from loadtests.profiles import PROFILES, Plan
from loadtests.record import Record, Series
from loadtests.verdict import Verdict, breaks

from coldstart_harness.slo.document import Service

BOUNDS = {
    "p50_ms": 20.0,
    "p90_ms": 30.0,
    "p99_ms": 40.0,
    "first_token_p99_ms": 15.0,
    "error_ratio": 0.01,
    "deadline_s": 1.0,
    "recovery_s": 1.0,
}


def service(**promises: float | None) -> Service:
    return Service.model_validate(
        {
            "port": 1,
            "liveness": "/",
            "readiness": "/",
            "requests": {"first": {"path": "/"}, "stream": {"path": "/", "stream": True}},
            "promises": {name: bound for name, bound in {**BOUNDS, **promises}.items() if bound is not None},
        }
    )


def plan(profile: str = "smoke", users: int = 10, duration_s: float = 20.0) -> Plan:
    return Plan(PROFILES[profile], users, duration_s)


def record(*seen: tuple[float, str, Series, float, int]) -> Record:
    made = Record()
    for row in seen:
        made.add(*row)
    return made


def judged(service: Service, plan: Plan, record: Record) -> list[Verdict]:
    """The verdicts on a run that took its whole time."""
    return verdicts_of.judged(service, plan, record, plan.duration_s)


GOOD: tuple[tuple[float, str, Series, float, int], ...] = (
    (1, "first", "right", 10, 200),
    (1, "stream", "right", 30, 100),
    (1, "stream", "first token", 5, 100),
)


def broken(verdicts: list[Verdict]) -> list[tuple[str, str]]:
    return [(verdict.promise, verdict.request) for verdict in verdicts if verdict.outcome == "broken"]


def test_a_good_run_keeps_everything_that_was_promised() -> None:
    """Each bound of the file is judged and kept."""
    verdicts = judged(service(), plan(), record(*GOOD))
    assert broken(verdicts) == []
    judged_ones = {verdict.promise for verdict in verdicts}
    assert judged_ones == {"answers", "error_ratio", "p50_ms", "p90_ms", "p99_ms", "first_token_p99_ms", "deadline_s"}


@pytest.mark.parametrize(
    ("promise", "bound", "request_name"),
    [
        ("p50_ms", 9.9, "first"),
        ("p90_ms", 9.9, "first"),
        ("p99_ms", 0.001, "first"),
        ("first_token_p99_ms", 4.9, "stream"),
        ("deadline_s", 0.02, "stream"),
    ],
)
def test_a_tightened_bound_is_broken_alone(promise: str, bound: float, request_name: str) -> None:
    """The one bound below what was met is named with its request, what was met and what was wanted."""
    verdicts = judged(service(**{promise: bound}), plan(), record(*GOOD))
    assert broken(verdicts) == [(promise, request_name)]
    sentence = str(next(verdict for verdict in verdicts if verdict.outcome == "broken"))
    assert f"{bound * 1000 if promise == 'deadline_s' else bound:g} ms" in sentence


def test_a_bound_that_the_file_leaves_out_is_not_judged() -> None:
    """What is not promised is not broken."""
    verdicts = judged(service(p99_ms=None), plan(), record(*GOOD, (2, "first", "right", 900, 10)))
    assert "p99_ms" not in {verdict.promise for verdict in verdicts}


def test_a_run_without_right_answers_is_never_kept() -> None:
    """Nothing asked, everything refused, or the first request left out: each breaks a promise in every profile."""
    for profile in PROFILES:
        assert broken(judged(service(), plan(profile), record()))
        assert broken(judged(service(), plan(profile), record((1, "first", "turned away", 1, 100))))
        assert broken(judged(service(), plan(profile), record(*GOOD[1:])))


@pytest.mark.parametrize("failure", ["wrong", "refused", "lost", "late"])
@pytest.mark.parametrize("profile", ["smoke", "steady", "spike", "soak", "stress"])
def test_failures_count_in_every_profile(profile: str, failure: Series) -> None:
    """Three of 303 are above one in a hundred, also of a request that the file does not name."""
    seen = record(*GOOD, (1, "session: spin", failure, 10, 4))
    assert ("error_ratio", "") in broken(judged(service(), plan(profile), seen))


def test_being_turned_away_is_a_failure_only_below_overload() -> None:
    """Refusals that say when to return break nothing in a stress run, and do in a steady one."""
    seen = record(*GOOD, (1, "first", "turned away", 1, 50))
    assert broken(judged(service(), plan("steady"), seen)) == [("error_ratio", "")]
    assert broken(judged(service(), plan("stress"), seen)) == []


def test_overload_is_judged_by_the_deadline_and_not_by_the_bounds_of_calm() -> None:
    """Times above p99_ms and below deadline_s are kept under stress; above the deadline they are not."""
    slower = record(*GOOD, (1, "first", "right", 500, 100))
    assert {promise for promise, _ in broken(judged(service(), plan("steady"), slower))} == {"p90_ms", "p99_ms"}
    assert broken(judged(service(), plan("stress"), slower)) == []
    too_slow = record(*GOOD, (1, "first", "right", 1500, 100))
    assert broken(judged(service(), plan("stress"), too_slow)) == [("deadline_s", "first")]


@pytest.mark.parametrize(
    ("afterwards", "outcome"),
    [
        ([], "not shown"),
        ([(12.0, "first", "right", 10, 50)], "kept"),
        ([(12.0, "first", "right", 100, 50)], "broken"),
        ([(12.0, "first", "right", 10, 50), (12.0, "first", "turned away", 1, 5)], "broken"),
        ([(12.0, "first", "lost", 10, 5)], "broken"),
    ],
)
def test_after_a_spike_all_is_well_in_time(
    afterwards: list[tuple[float, str, Series, float, int]], outcome: str
) -> None:
    """From recovery_s after the spike of 20 s, which ends at 10 s, answers are in time and nobody is turned away."""
    during: tuple[float, str, Series, float, int] = (8.0, "first", "turned away", 1, 50)
    verdicts = judged(service(), plan("spike"), record(*GOOD, during, *afterwards))
    recovery = next(verdict for verdict in verdicts if verdict.promise == "recovery_s")
    assert recovery.outcome == outcome


def test_stress_ends_at_the_first_step_that_breaks() -> None:
    """A step with failures or answers after the deadline breaks; refusals and other steps do not."""
    steps = plan("stress", 100, 100.0)
    seen = record(
        (5, "first", "right", 10, 100),
        (15, "first", "turned away", 1, 100),
        (25, "first", "lost", 10, 5),
        (35, "first", "right", 1500, 100),
    )
    assert [breaks(service(), steps, seen, stage) for stage in range(5)] == [False, False, True, True, False]


def test_a_run_that_was_cut_short_has_kept_nothing() -> None:
    """Ended by hand after half its time it is broken for that alone; a stress run may end because something broke."""
    half = verdicts_of.judged(service(), plan(), record(*GOOD), 10.0)
    assert broken(half) == [("duration", "")]
    assert str(half[-1]) == "broken: duration: met 10.00 s, wanted 20.00 s"
    too_slow = record(*GOOD, (1, "first", "right", 1500, 100))
    assert broken(verdicts_of.judged(service(), plan("stress"), too_slow, 10.0)) == [("deadline_s", "first")]
