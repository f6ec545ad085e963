"""The number of users at each moment, as locust asks for it once a second."""

import time
from typing import ClassVar

from locust import LoadTestShape

from loadtests.profiles import MOST_A_SECOND
from loadtests.run import Run


class ProfileShape(LoadTestShape):
    """The chosen profile, with locust's own flags for the most users and the time.

    When it is over, users leave before the run ends: locust would cut off what is under way, the slowest answers, and
    a master would not wait for its workers' last ones.
    """

    abstract = True
    use_common_options = True
    load: ClassVar[Run]
    _over_s: float | None = None

    def reset_time(self) -> None:
        self._over_s = None
        LoadTestShape.reset_time(self)

    def tick(self) -> tuple[int, float] | None:
        plan, seconds = self.load.plan, time.perf_counter() - self.start_time
        users = self.runner.user_count if self.runner else 0
        stage = plan.stage_at(seconds) if self._over_s is None else None
        if stage and plan.profile.ends_when_broken and self.load.broke(stage - 1):
            stage = None
        if stage is not None:
            self.load.tell(users)
            return plan.users_in(stage), self.load.spawn_rate
        self._over_s = self._over_s or seconds
        return (0, MOST_A_SECOND) if users and seconds < self._over_s + self.load.timeout_s else None
