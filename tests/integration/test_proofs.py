"""The proofs on every image under test: each promise of each proof is a test, named by image, service, proof, promise.

A proof runs once for an image and service; its promises' tests read what it found. A new row of nix/variants.nix and a
new promise of a proof are tested without an edit here.
"""

import functools
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.integration.cases import Case, cases_of, is_thorough, smaller_of, trial_of
from tests.integration.subjects import THOROUGH, VARIABLE, subjects

from coldstart_harness.engine import find_engine
from coldstart_harness.proofs.result import ProofResult
from coldstart_harness.proofs.table import PROOFS
from coldstart_harness.slo.loading import load_slo

pytestmark = pytest.mark.docker

SLO = load_slo(Path(__file__).parents[2] / "slo.toml")
# Of the first promise of a proof, whose test runs the proof.
PROOF_TIMEOUT_S = 600


def marks_of(case: Case) -> list[pytest.MarkDecorator]:
    if PROOFS[case.proof].scope == "flake":
        command = f"./nixw run .#harness -- {case.proof} .#{case.subject.attribute}"
        return [pytest.mark.skip(reason=f"not shown: it builds everything thrice, for minutes; `{command}` shows it")]
    smaller = smaller_of(case, subjects(), SLO)
    if not THOROUGH and (smaller or is_thorough(case)):
        command = "./nixw run .#test -- --thorough"
        where = f", as in {smaller.attribute}" if smaller else ""
        return [pytest.mark.skip(reason=f"not shown: it takes minutes for {case.service}{where}; `{command}` shows it")]
    return [pytest.mark.gpu] if case.gpu else []


def parameters() -> list[object]:
    """A case and a promise each; a test that says why, where nobody names an image."""
    found: list[object] = [
        pytest.param(case, promise.id, id=f"{case.name}-{promise.id}", marks=marks_of(case))
        for case in cases_of(subjects(), SLO)
        for promise in PROOFS[case.proof].promises
    ]
    reason = f"{VARIABLE} names no images: `./nixw run .#test` builds and loads them, and sets it"
    return found or [pytest.param(None, None, id="no-image", marks=pytest.mark.skip(reason=reason))]


@pytest.fixture(scope="session")
def found_in(scratch: Path) -> Callable[[Case], ProofResult]:
    """Runs the proof of a case, or says what it found before."""
    engine = find_engine()
    assert engine is not None, "the images under test are in an engine that does not answer any more"

    @functools.cache
    def found(case: Case) -> ProofResult:
        trial = trial_of(case, SLO, engine, scratch)
        return PROOFS[case.proof].run(trial)

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
