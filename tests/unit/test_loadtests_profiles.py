"""The shapes of load."""

import pytest
from loadtests.profiles import BY_HAND, PROFILES, Plan, profile_named

from coldstart_harness.errors import UsageError


def test_an_unknown_profile_is_refused_with_those_that_there_are() -> None:
    """The sentence has the name met and the names allowed."""
    with pytest.raises(UsageError, match="no profile 'storm'; there are: smoke, steady, spike, soak, stress"):
        profile_named("storm")


def test_without_a_profile_the_page_decides() -> None:
    """An empty name is the profile that follows the fields of locust's page, without an end of its own."""
    assert profile_named(None) is profile_named("") is BY_HAND
    assert Plan(BY_HAND, 7, float("inf")).stage_at(1e9) == 0


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_every_profile_lasts_its_whole_duration(profile) -> None:  # type: ignore[no-untyped-def]
    """Stages follow one another without a gap, the last one ends with the run, and the most users come at some time."""
    ends = [stage.until for stage in profile.stages]
    assert ends == sorted(set(ends))
    assert ends[-1] == 1
    assert max(stage.users for stage in profile.stages) == 1


def test_a_plan_scales_with_users_and_duration() -> None:
    """A spike of 20 users in 10 s: a tenth for 3 s, all for 2 s, a tenth for 5 s, then over."""
    plan = Plan(PROFILES["spike"], 20, 10.0)
    stages = [plan.stage_at(seconds) for seconds in (0, 2.9, 3, 4.9, 5, 9.9, 10)]
    assert stages == [0, 0, 1, 1, 2, 2, None]
    assert [plan.users_in(stage) for stage in (0, 1, 2)] == [2, 20, 2]
    assert [plan.bounds_s(stage) for stage in (0, 1, 2)] == [(0, 3), (3, 5), (5, 10)]


def test_there_is_always_somebody() -> None:
    """A tenth of few users is one, not none."""
    assert Plan(PROFILES["stress"], 3, 10.0).users_in(0) == 1


def test_users_of_steady_come_within_a_twentieth_and_those_of_a_spike_at_once() -> None:
    """The rate at which users come follows from their number and the duration."""
    assert Plan(PROFILES["steady"], 100, 400.0).spawn_rate == 5
    assert Plan(PROFILES["smoke"], 2, 20.0).spawn_rate == 2
    assert Plan(PROFILES["spike"], 50, 100.0).spawn_rate == 50
