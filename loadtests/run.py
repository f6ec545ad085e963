"""One load test inside a locust process: listens to locust's events, and judges what was seen at the end."""

import json
import math
import sys
import time
from datetime import UTC, datetime
from typing import Any, Self

from locust.env import Environment
from locust.event import Events
from locust.runners import WorkerRunner
from rich.text import Text

from coldstart_harness.errors import HarnessError
from coldstart_harness.figures import format_seconds
from coldstart_harness.progress import make_console
from loadtests.document import document_of
from loadtests.profiles import BY_HAND, Plan, profile_named
from loadtests.record import FAILURES, OUTCOMES, Record, Series, percentile_of
from loadtests.settings import Settings, settings_in
from loadtests.verdict import Verdict, breaks, judged

STATUS_WRONG_USE = 2
_WIRE = "coldstart"
_TELL_EVERY_S = 10.0
_MOST_REASONS_SHOWN = 10
# A client that is not answered within five deadlines has gone away.
_PATIENCE = 5
_LEAST_PATIENCE_S = 10.0


class Run:
    """What is under load, and what was seen of it. One for each locust process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.service_name, self.service = settings.asked()
        self.ssl_context = settings.ssl_context()
        self.plan = Plan(BY_HAND, 1, math.inf)
        self.record = Record()
        self._console = make_console()
        self._began = datetime.now(UTC)
        self._began_s = time.monotonic()
        self._told_s = 0.0
        self._verdicts: list[Verdict] = []
        self._has_told = False
        self._spawn_rate: float | None = None
        self._host = ""

    @classmethod
    def begun(cls, events: Events) -> Self:
        """The run that the environment asks for, listening; ends the process with a sentence where it asks wrongly."""
        try:
            run = cls(settings_in())
        except HarnessError as error:
            _leave(error)
        run._listen(events)
        return run

    @property
    def timeout_s(self) -> float:
        """How long a user waits for an answer."""
        return max(_LEAST_PATIENCE_S, _PATIENCE * self.service.promises.deadline_s)

    @property
    def seconds(self) -> float:
        """Since users began to come."""
        return time.monotonic() - self._began_s

    def replan(self, options: Any) -> None:
        """Take users, time and profile from locust's flags, or the fields of its page."""
        try:
            profile = profile_named(options.profile)
        except HarnessError as error:
            _leave(error)
        self.plan = Plan(profile, options.num_users or profile.users, float(options.run_time or profile.duration_s))
        self._spawn_rate = options.spawn_rate if profile is BY_HAND else None

    @property
    def spawn_rate(self) -> float:
        """Users that come or go in a second: by the profile, or the page's field."""
        return self._spawn_rate or self.plan.spawn_rate

    def broke(self, stage: int) -> bool:
        """Whether a stage that is over broke a promise."""
        return breaks(self.service, self.plan, self.record, stage)

    def tell(self, users: int) -> None:
        """Print a line on how it goes, now and then."""
        if self.seconds - self._told_s < _TELL_EVERY_S:
            return
        self._told_s = self.seconds
        from_s = self.seconds - _TELL_EVERY_S
        p99 = percentile_of(self.record.times("right", from_s=from_s), 99)
        self._say(
            f"{format_seconds(self.seconds)}: {users} users, "
            f"{self.record.count('right', from_s=from_s) / _TELL_EVERY_S:.1f} right answers/s"
            f"{'' if p99 is None else f' with p99 {p99:g} ms'}, "
            f"{self.record.count('turned away', from_s=from_s)} turned away, "
            f"{self.record.count(*FAILURES, from_s=from_s)} failed"
        )

    def _listen(self, events: Events) -> None:
        events.init.add_listener(self._on_init)
        events.test_start.add_listener(self._on_test_start)
        events.request.add_listener(self._on_request)
        events.report_to_master.add_listener(self._on_report)
        events.worker_report.add_listener(self._on_worker_report)
        events.test_stop.add_listener(self._on_test_stop)
        events.quitting.add_listener(self._on_quitting)
        events.quit.add_listener(self._on_quit)

    def _on_init(self, environment: Environment, **_: Any) -> None:
        options: Any = environment.parsed_options
        self.replan(options)
        if self.settings.insecure:
            self._say("INSECURE: certificates are not verified; who answers may be anybody", style="bold red")
        if self.plan.profile is not BY_HAND:
            options.num_users, options.run_time = self.plan.users, int(self.plan.duration_s)
        # Locust's own default cuts off what is under way when the run ends, and so hides the slowest answers.
        environment.stop_timeout = environment.stop_timeout or self.timeout_s

    def _on_test_start(self, environment: Environment, **_: Any) -> None:
        self.replan(environment.parsed_options)
        self.record = Record()
        self._host = environment.host or ""
        self._began, self._began_s, self._told_s = datetime.now(UTC), time.monotonic(), 0.0

    def _on_request(
        self, request_type: str, name: str, response_time: float, context: dict[str, Any], **_: Any
    ) -> None:
        series: Series = "first token" if request_type == "first token" else context["outcome"]
        self.record.add(self.seconds, name, series, response_time)
        if series in FAILURES:
            self.record.add_reason(name, context["reason"])

    def _on_report(self, data: dict[str, Any], **_: Any) -> None:
        data[_WIRE] = self.record.taken()

    def _on_worker_report(self, data: dict[str, Any], **_: Any) -> None:
        if _WIRE in data:
            self.record.merge(data[_WIRE])

    def _on_test_stop(self, environment: Environment, **_: Any) -> None:
        if not getattr(environment.parsed_options, "headless", False) and not _is_worker(environment):
            self._judge(environment)
            self._tell_verdicts()

    def _on_quitting(self, environment: Environment, **_: Any) -> None:
        if _is_worker(environment):
            environment.process_exit_code = 0
            return
        if getattr(environment.parsed_options, "headless", False):
            self._judge(environment)
        environment.process_exit_code = int(not self._verdicts or any(v.outcome == "broken" for v in self._verdicts))

    def _on_quit(self, **_: Any) -> None:
        # After locust's own tables; on the page each run was told when it ended.
        if not self._has_told:
            self._tell_verdicts()

    def _judge(self, environment: Environment) -> None:
        self._verdicts = judged(self.service, self.plan, self.record, self.seconds)
        if self.settings.json is None:
            return
        document = document_of(
            self.record,
            self._verdicts,
            host=self._host,
            service=self.service_name,
            profile=self.plan.profile.name,
            users=self.plan.users,
            began=self._began,
            duration_s=min(self.plan.duration_s, self.seconds),
        )
        self.settings.json.write_text(json.dumps(document.model_dump(mode="json")) + "\n", encoding="utf-8")

    def _tell_verdicts(self) -> None:
        if not self._verdicts:
            return
        self._has_told = True
        if len(self.plan.profile.stages) > 1:
            for stage in range(len(self.plan.profile.stages)):
                self._tell_stage(stage)
        for (name, reason), count in self.record.reasons.most_common(_MOST_REASONS_SHOWN):
            self._say(f"{count} × {name}: {reason}")
        turned_away = self.record.times("turned away")
        if turned_away:
            self._say(f"turned away: {turned_away.total()} requests, p99 {percentile_of(turned_away, 99):g} ms")
        for verdict in self._verdicts:
            self._say(str(verdict), style="red" if verdict.outcome == "broken" else "")
        broken = sum(verdict.outcome == "broken" for verdict in self._verdicts)
        kept = sum(verdict.outcome == "kept" for verdict in self._verdicts)
        self._say(f"{kept} promises kept, {broken} broken", style="bold red" if broken else "bold green")

    def _tell_stage(self, stage: int) -> None:
        from_s, to_s = self.plan.bounds_s(stage)
        if not (asked := self.record.count(*OUTCOMES, from_s=from_s, to_s=to_s)):
            return
        right = self.record.times("right", from_s=from_s, to_s=to_s)
        p99 = percentile_of(right, 99)
        self._say(
            f"{self.plan.users_in(stage)} users: {right.total() / (to_s - from_s):.1f} right answers/s"
            f"{'' if p99 is None else f' with p99 {p99:g} ms'}, "
            f"{self.record.count('turned away', from_s=from_s, to_s=to_s)} turned away and "
            f"{self.record.count(*FAILURES, from_s=from_s, to_s=to_s)} failed of {asked}"
            f"{' (breaks a promise)' if self.broke(stage) else ''}"
        )

    def _say(self, line: str, style: str = "") -> None:
        self._console.print(Text(self.settings.without_token(line), style=style), soft_wrap=True)


def _is_worker(environment: Environment) -> bool:
    return isinstance(environment.runner, WorkerRunner)


def _leave(error: HarnessError) -> None:
    sys.stderr.write(f"load: {error}\n")
    sys.exit(STATUS_WRONG_USE)
