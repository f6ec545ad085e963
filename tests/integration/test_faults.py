"""Each proof finds the fault that it is for, in an image of somebody else, and finds nothing in any other image."""

from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.integration.faults.flakes import layers_flake
from tests.integration.faults.images import ENVIRONMENT, Workshop, interpreter
from tests.integration.subjects import THOROUGH

from coldstart_harness.engine import find_engine
from coldstart_harness.proofs.proof import Effort, Trial
from coldstart_harness.proofs.result import Verdict
from coldstart_harness.proofs.table import PROOFS
from coldstart_harness.slo.loading import load_slo

pytestmark = pytest.mark.docker

EFFORT = Effort(runs=1, seconds=2, requests=30)
SLO = Path(__file__).parent / "faults" / "slo.toml"
# The fault, and the one proof that finds it.
OF_THE_SERVER = {
    "ready-too-early": "readiness",
    "clock-liar": "ledger",
    "slow-tail": "latency",
    "drops-in-flight": "drain",
    "collapses": "overload",
    "needs-root": "lockdown",
    "calls-home": "lockdown",
    "ready-while-model-failed": "identity",
}
# The server in these is the healthy one, which its own test asks everything: proofs of services are not run again.
OF_THE_IMAGE = {
    "weights-move-with-code": "layers",
    "stub-libcuda": "cuda",
    "lost-cublas": "cuda",
    "layer-never-the-same": "repeat",
}
FOUND_BY = OF_THE_SERVER | OF_THE_IMAGE
# Asked side by side: none of their bounds here is near; those of the second row share what is saved of the image.
SIDE_BY_SIDE = (("readiness", "lockdown"), ("ledger", "layers", "repeat", "identity", "cuda"))
# Under load, a connection that is long in coming is an answer that is missing.
ALONE = ("latency", "drain", "overload")


@pytest.fixture(scope="session")
def workshop() -> Iterator[Workshop]:
    python, engine = interpreter(), find_engine()
    if python is None:
        pytest.skip(f"{ENVIRONMENT} names no Nix environment to take an interpreter from; `./nixw run .#test` sets it")
    assert engine is not None, "no container engine answers"
    made = Workshop(engine, python)
    yield made
    made.clear()
    engine.client.close()


def broken_in(fault: str, trial: Trial, proofs: Collection[str]) -> dict[str, list[Verdict]]:
    """Proof → its promises that the trial breaks, for those of these proofs that find any."""
    found: dict[str, list[Verdict]] = {}

    def ask(names: Iterable[str]) -> None:
        for name in names:
            if name not in proofs or (fault in OF_THE_IMAGE and PROOFS[name].scope == "service"):
                continue
            results = [PROOFS[name].run(one) for one in PROOFS[name].trials_of(trial)]
            if broken := [v for result in results for v in result.verdicts if v.outcome == "broken"]:
                found[name] = broken

    with ThreadPoolExecutor() as pool:
        list(pool.map(ask, SIDE_BY_SIDE))
    ask(ALONE)
    return found


def trial_of(workshop: Workshop, fault: str, directory: Path) -> Trial:
    """A trial of a subject, beside the same subject with another line in its code, and a layer that Nix builds."""
    reference = workshop.subject(fault, version=2)
    target = load_slo(SLO).target_of(reference)
    flake, scratch = directory / "flake", directory / "scratch"
    flake.mkdir()
    scratch.mkdir()
    layer = "never-the-same" if fault == "layer-never-the-same" else "always-the-same"
    return Trial(
        engine=workshop.engine,
        reference=reference,
        image=target.image,
        services=target.services,
        service_name=None,
        effort=EFFORT,
        say=lambda _line: None,
        scratch=scratch,
        older=workshop.subject(fault, version=1),
        installable=f"{layers_flake(flake, workshop.python)}#{layer}",
    )


def told(found: dict[str, list[Verdict]]) -> str:
    return "\n".join(
        f"{proof}: {verdict.id}: met {verdict.met!r}, wanted {verdict.wanted!r}\n    {verdict.detail}"
        for proof, verdicts in found.items()
        for verdict in verdicts
    )


def test_every_proof_has_a_fault_that_trips_it() -> None:
    """No proof is without a subject in which it, and it alone, finds something."""
    assert set(FOUND_BY.values()) == {*ALONE, *(name for row in SIDE_BY_SIDE for name in row)} == set(PROOFS)


def test_nothing_is_found_in_a_healthy_image(workshop: Workshop, tmp_path: Path) -> None:
    """The server without a fault keeps every promise of every proof."""
    found = broken_in("healthy", trial_of(workshop, "healthy", tmp_path), PROOFS)
    assert not found, told(found)


@pytest.mark.parametrize("fault", FOUND_BY)
def test_a_fault_is_found_by_its_proof(workshop: Workshop, fault: str, tmp_path: Path) -> None:
    """The proof that is for this fault finds a broken promise."""
    assert broken_in(fault, trial_of(workshop, fault, tmp_path), {FOUND_BY[fault]})


@pytest.mark.skipif(not THOROUGH, reason="not shown: it takes minutes; `./nixw run .#test -- --thorough` shows it")
@pytest.mark.parametrize("fault", FOUND_BY)
def test_a_fault_is_found_by_no_other_proof(workshop: Workshop, fault: str, tmp_path: Path) -> None:
    """All proofs but the one that is for this fault find every promise kept."""
    found = broken_in(fault, trial_of(workshop, fault, tmp_path), PROOFS.keys() - {FOUND_BY[fault]})
    assert not found, told(found)
