"""The proofs on every image under test: each promise of each proof is a test, named by image, service, proof, promise.

A proof runs once for an image and service; its promises' tests read what it found. A new row of nix/variants.nix and a
new promise of a proof are tested without an edit here.
"""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.integration.subjects import VARIABLE, Subject, subjects

from coldstart_harness.engine import find_engine
from coldstart_harness.proofs.proof import Effort, Trial
from coldstart_harness.proofs.result import ProofResult
from coldstart_harness.proofs.table import PROOFS
from coldstart_harness.slo.loading import load_slo

pytestmark = pytest.mark.docker

SLO = load_slo(Path(__file__).parents[2] / "slo.toml")
# Of the first promise of a proof, whose test runs the proof.
PROOF_TIMEOUT_S = 600
EFFORT = Effort(runs=5, seconds=4, requests=1000)


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


def cases() -> Iterator[Case]:
    for subject in subjects():
        for proof in PROOFS.values():
            services = SLO.target_of(subject.reference).services if proof.scope == "service" else (None,)
            yield from (Case(subject, proof.name, service) for service in services)


def parameters() -> list[object]:
    """A case and a promise each; a test that says why, where nobody names an image."""
    found = [
        pytest.param(case, promise.id, id=f"{case.name}-{promise.id}", marks=[pytest.mark.gpu] if case.gpu else [])
        for case in cases()
        for promise in PROOFS[case.proof].promises
    ]
    reason = f"{VARIABLE} names no images: `./nixw run .#test` builds and loads them, and sets it"
    return list(found) or [pytest.param(None, None, id="no-image", marks=pytest.mark.skip(reason=reason))]


def trial_of(case: Case, scratch: Path) -> Trial:
    engine = find_engine()
    assert engine is not None, "the images under test are in an engine that does not answer any more"
    subject = case.subject
    target = SLO.target_of(subject.reference)
    trial = Trial(
        engine=engine,
        reference=subject.reference,
        image=target.image,
        services=target.services,
        service_name=case.service,
        effort=EFFORT,
        say=lambda _line: None,
        scratch=scratch,
        gpu=case.gpu,
    )
    if case.proof == "layers" and subject.code_changed is not None:
        return replace(trial, reference=subject.code_changed, older=subject.reference)
    return trial


@pytest.fixture(scope="session")
def found_in(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Case], ProofResult]:
    """Runs the proof of a case, or says what it found before."""

    @functools.cache
    def found(case: Case) -> ProofResult:
        return PROOFS[case.proof].run(trial_of(case, tmp_path_factory.mktemp(case.proof)))

    return found


@pytest.mark.timeout(PROOF_TIMEOUT_S)
@pytest.mark.parametrize(("case", "promise"), parameters())
def test_promise(
    case: Case,
    promise: str,
    found_in: Callable[[Case], ProofResult],
    record_property: Callable[[str, object], None],
) -> None:
    """The promise is kept; where this machine cannot show it, the reason is said."""
    verdict = next(verdict for verdict in found_in(case).verdicts if verdict.id == promise)
    for name in ("met", "wanted", "detail"):
        record_property(name, getattr(verdict, name))
    if verdict.outcome == "not shown":
        pytest.skip(f"not shown: {verdict.detail}")
    evidence = f"{verdict.sentence} Met: {verdict.met}, wanted: {verdict.wanted}.\n{verdict.detail}"
    assert verdict.outcome == "kept", evidence
