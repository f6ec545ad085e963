"""The shapes of load: how many users there are at each moment, and how strictly a run is judged. Pure."""

import math
from dataclasses import dataclass

from coldstart_harness.errors import UsageError

# Locust warns of more, for each worker.
MOST_A_SECOND = 100.0


@dataclass(frozen=True, slots=True)
class Stage:
    """A stretch of a run with one number of users.

    Args:
        until: where it ends, as a share of the whole duration, in (0, 1].
        users: share of the most users, in (0, 1].
    """

    until: float
    users: float


@dataclass(frozen=True, slots=True)
class Profile:
    """One shape of load.

    Args:
        name: as it is chosen.
        question: what a run answers.
        users: the most users, unless the caller says another number.
        duration_s: how long users come, unless the caller says another time.
        spawn_share: how much of the duration a stage's users take to come.
        stages: in order; the last one ends at 1.
        overloads: more may be asked than the service can do: refusals that say when to return are no failures, and the
            bounds of an unloaded service are not judged.
        ends_when_broken: the run ends after the first stage that breaks a promise.
        calm_from: share of the duration from which on the load is low again; None: there is no such moment.
    """

    name: str
    question: str
    users: int
    duration_s: float
    spawn_share: float
    stages: tuple[Stage, ...]
    overloads: bool = False
    ends_when_broken: bool = False
    calm_from: float | None = None


_WHOLE = (Stage(1.0, 1.0),)
_STEPS = 10

PROFILES = {
    profile.name: profile
    for profile in (
        Profile("smoke", "does it answer at all, rightly and in time", 2, 20, 0.0, _WHOLE),
        Profile("steady", "does it keep its promises under everyday load", 10, 300, 0.05, _WHOLE),
        Profile(
            "spike",
            "does it refuse properly when ten times the users come at once, and is all well soon after",
            50,
            180,
            0.01,
            (Stage(0.3, 0.1), Stage(0.5, 1.0), Stage(1.0, 0.1)),
            overloads=True,
            calm_from=0.5,
        ),
        Profile("soak", "does it stay as it is for a long time", 10, 1800, 0.01, _WHOLE),
        Profile(
            "stress",
            "how many users does it serve",
            500,
            600,
            0.02,
            tuple(Stage(step / _STEPS, step / _STEPS) for step in range(1, _STEPS + 1)),
            overloads=True,
            ends_when_broken=True,
        ),
    )
}
# What the web page's own fields say; judged as everyday load.
BY_HAND = Profile("by hand", "whatever the fields of locust's page say", 1, math.inf, 0.0, _WHOLE)


def profile_named(name: str | None) -> Profile:
    """The profile of that name; None or an empty text is `BY_HAND`.

    Raises:
        UsageError: there is none; the sentence names those that there are.
    """
    if not name:
        return BY_HAND
    if name not in PROFILES:
        raise UsageError(f"there is no profile {name!r}; there are: {', '.join(PROFILES)}")
    return PROFILES[name]


@dataclass(frozen=True, slots=True)
class Plan:
    """A profile with its numbers filled in.

    Args:
        profile: the shape.
        users: the most users at one time.
        duration_s: how long users come.
    """

    profile: Profile
    users: int
    duration_s: float

    def stage_at(self, seconds: float) -> int | None:
        """Which stage runs that long after the start; None: the run is over."""
        ends = enumerate(self.profile.stages)
        return next((index for index, stage in ends if seconds < stage.until * self.duration_s), None)

    def users_in(self, stage: int) -> int:
        return max(1, round(self.profile.stages[stage].users * self.users))

    def bounds_s(self, stage: int) -> tuple[float, float]:
        """When a stage begins and ends, in seconds from the start."""
        begin = self.profile.stages[stage - 1].until if stage else 0.0
        return begin * self.duration_s, self.profile.stages[stage].until * self.duration_s

    @property
    def spawn_rate(self) -> float:
        """Users that come or go in a second."""
        share = self.profile.spawn_share
        rate = self.users / max(1.0, share * self.duration_s) if share else float(self.users)
        return min(max(1.0, rate), MOST_A_SECOND)
