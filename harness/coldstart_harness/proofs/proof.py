"""What every proof is: declared promises, and a function that finds out."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal
from uuid import uuid4

from coldstart_harness.engine import Engine
from coldstart_harness.errors import HarnessError
from coldstart_harness.proofs.result import (
    Figure,
    LineChart,
    Outcome,
    Promise,
    ProofResult,
    SpanChart,
    Unit,
    Verdict,
    figure_of,
)
from coldstart_harness.slo.document import Image, Service


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is asked.

    Args:
        runs: how often a start is repeated.
        seconds: how long each phase of load lasts.
        requests: how many requests a drain is shown with, at least.
    """

    runs: int = 5
    seconds: float = 10.0
    requests: int = 1000


@dataclass(frozen=True)
class Trial:
    """What a proof is given.

    Args:
        engine: where containers run.
        reference: the image.
        image: promises on the image at rest.
        services: what the image serves, by name.
        service_name: the service under proof; None: the image as a whole.
        effort: how much is asked.
        say: called with a line on what is being done, which the next one replaces.
        scratch: an existing directory for what is made on the way.
        older: another image that nodes have already; None: none was given.
        installable: what Nix calls the image; None: none was given.
        gpu: containers are given all GPUs.
        session: containers are marked with it, so that those of an interrupted session are found and removed.
    """

    engine: Engine
    reference: str
    image: Image
    services: dict[str, Service]
    service_name: str | None
    effort: Effort
    say: Callable[[str], None]
    scratch: Path
    older: str | None = None
    installable: str | None = None
    gpu: bool = False
    session: str = field(default_factory=lambda: uuid4().hex)

    @property
    def asked(self) -> Service:
        """The service under proof.

        Raises:
            ValueError: the trial is of the image as a whole.
        """
        if self.service_name is None:
            raise ValueError("this trial is of an image at rest; it has no service")
        return self.services[self.service_name]

    def of(self, service_name: str | None) -> "Trial":
        """The same trial, of one service, or of the image as a whole."""
        return replace(self, service_name=service_name)


@dataclass
class Findings:
    """Collects what a proof finds. A promise is judged once; the last word on it stands."""

    promises: tuple[Promise, ...]
    notes: list[str] = field(default_factory=list)
    _verdicts: dict[str, Verdict] = field(default_factory=dict)
    _figures: list[Figure] = field(default_factory=list)
    _span_charts: list[SpanChart] = field(default_factory=list)
    _line_charts: list[LineChart] = field(default_factory=list)

    def judge(self, promise: Promise, holds: bool, *, met: str = "", wanted: str = "", detail: str = "") -> None:
        """Say whether a promise held; `detail` is the evidence, kept only where it did not."""
        self._set(promise, "kept" if holds else "broken", met, wanted, "" if holds else detail)

    def judge_at_most(
        self, promise: Promise, value: float, bound: float | None, text: Callable[[float], str], *, detail: str = ""
    ) -> None:
        """A promise that a value is at most a bound; without a bound nothing is promised, and that is said."""
        if bound is None:
            self._set(promise, "not shown", text(value), "", "the file of promises gives no bound")
        else:
            self.judge(promise, value <= bound, met=text(value), wanted=f"at most {text(bound)}", detail=detail)

    def not_shown(self, promise: Promise, reason: str) -> None:
        self._set(promise, "not shown", "", "", reason)

    def measure(self, name: str, unit: Unit, values: Sequence[float]) -> None:
        self._figures.append(figure_of(name, unit, values))

    def draw(self, chart: SpanChart | LineChart) -> None:
        if isinstance(chart, SpanChart):
            self._span_charts.append(chart)
        else:
            self._line_charts.append(chart)

    def fail(self, reason: str) -> None:
        """Every promise that was not judged yet is broken, for this reason."""
        for promise in self.promises:
            if promise.id not in self._verdicts:
                self._set(promise, "broken", "", "", reason)

    def result(self, proof: str, service: str | None, seconds: float) -> ProofResult:
        """Everything in the order in which the promises are declared.

        Raises:
            AssertionError: a promise was not judged: a proof that forgets one is wrong.
        """
        forgotten = [promise.id for promise in self.promises if promise.id not in self._verdicts]
        if forgotten:
            raise AssertionError(f"{proof} did not judge {', '.join(forgotten)}")
        return ProofResult(
            proof=proof,
            service=service,
            verdicts=tuple(self._verdicts[promise.id] for promise in self.promises),
            figures=tuple(self._figures),
            span_charts=tuple(self._span_charts),
            line_charts=tuple(self._line_charts),
            notes=tuple(self.notes),
            seconds=seconds,
        )

    def _set(self, promise: Promise, outcome: Outcome, met: str, wanted: str, detail: str) -> None:
        if promise not in self.promises:
            raise AssertionError(f"{promise.id} is not among the promises of this proof")
        self._verdicts[promise.id] = Verdict(promise.id, promise.sentence, outcome, met, wanted, detail)


@dataclass(frozen=True)
class Proof:
    """One question.

    Args:
        name: the command's name.
        question: one sentence, for `--help` and the report.
        scope: what it is about: each service of an image, the image at rest, or what Nix builds.
        promises: what it can find kept or broken.
        find_out: judges every promise; a HarnessError that it raises breaks those not judged yet.
    """

    name: str
    question: str
    scope: Literal["service", "image", "flake"]
    promises: tuple[Promise, ...]
    find_out: Callable[[Trial, Findings], None]

    def run(self, trial: Trial) -> ProofResult:
        """Find out, whatever happens: a container that does not start is a finding, not a crash."""
        findings = Findings(self.promises)
        begun = time.monotonic()
        try:
            self.find_out(trial, findings)
        except HarnessError as error:
            findings.fail("\n".join(part for part in (str(error), error.details) if part))
        return findings.result(self.name, trial.service_name, time.monotonic() - begun)

    def trials_of(self, trial: Trial) -> list[Trial]:
        """One trial for each service where the proof is of services, else the one of the image at rest."""
        return [trial.of(name) for name in trial.services] if self.scope == "service" else [trial.of(None)]
