"""Which proof is run on what: every image under test, each of its services, every proof."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.integration.subjects import Subject

from coldstart_harness.engine import Engine
from coldstart_harness.proofs.proof import Effort, Trial
from coldstart_harness.proofs.table import PROOFS
from coldstart_harness.slo.loading import SloFile

EFFORT = Effort(runs=5, seconds=4, requests=120)
# They start or load a service many times over, and ask the same code in every image that holds it.
_LONG = frozenset({"drain", "latency", "ledger", "lockdown", "overload", "readiness"})
# What takes minutes where an answer takes long, or a start has two processes.
_THOROUGH = frozenset(
    {("asr", "overload"), ("interview", "latency"), ("interview", "ledger"), ("interview", "overload")}
)
_EFFORTS = {
    # Cold, loaded and warm starts, so many of each.
    "ledger": replace(EFFORT, runs=3),
    # Rounds of load are a third of it each: shorter ones tell less of the service than of the moment.
    "overload": replace(EFFORT, seconds=10),
}


@dataclass(frozen=True)
class Case:
    """One proof of one image, and of one of its services where the proof is of services."""

    subject: Subject
    proof: str
    service: str | None

    @property
    def name(self) -> str:
        return "-".join(part for part in (self.subject.attribute, self.service, self.proof) if part)

    @property
    def gpu(self) -> bool:
        """Whether it needs one: an image for an accelerator does, save where the question is what it does without."""
        return self.subject.accelerator != "cpu" and self.proof != "cuda"


def cases_of(subjects: Iterable[Subject], slo: SloFile) -> Iterator[Case]:
    for subject in subjects:
        for proof in PROOFS.values():
            services = slo.target_of(subject.reference).services if proof.scope == "service" else (None,)
            yield from (Case(subject, proof.name, service) for service in services)


def offering(service: str, subjects: Iterable[Subject], slo: SloFile) -> list[Subject]:
    """Those of the images that offer the service."""
    return [subject for subject in subjects if service in slo.target_of(subject.reference).services]


def smaller_of(case: Case, others: Iterable[Subject], slo: SloFile) -> Subject | None:
    """Where a long proof of a service is rather made: on the image that holds this service alone."""
    if case.proof not in _LONG or len(slo.target_of(case.subject.reference).services) == 1:
        return None
    return next((other for other in others if set(slo.target_of(other.reference).services) == {case.service}), None)


def is_thorough(case: Case) -> bool:
    """Whether only a thorough run makes it, on whatever image."""
    return (case.service, case.proof) in _THOROUGH


def smallest(subjects: Sequence[Subject], slo: SloFile) -> list[Subject]:
    """Without the images of several services each of which another image holds alone."""
    services = {subject: set(slo.target_of(subject.reference).services) for subject in subjects}
    alone = set().union(*(held for held in services.values() if len(held) == 1))
    return [subject for subject, held in services.items() if len(held) == 1 or held - alone]


def trial_of(case: Case, slo: SloFile, engine: Engine, scratch: Path) -> Trial:
    """What the proof is given; for the bytes of a code change, the image with its code changed, beside itself."""
    subject = case.subject
    target = slo.target_of(subject.reference)
    trial = Trial(
        engine=engine,
        reference=subject.reference,
        image=target.image,
        services=target.services,
        service_name=case.service,
        effort=_EFFORTS.get(case.proof, EFFORT),
        say=lambda _line: None,
        scratch=scratch,
        gpu=case.gpu,
    )
    if case.proof == "layers" and subject.code_changed is not None:
        return replace(trial, reference=subject.code_changed, older=subject.reference)
    return trial
