"""Proofs, one after the other, whatever each of them meets."""

import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from coldstart_harness.progress import Progress
from coldstart_harness.proofs.proof import Findings, Proof, Trial
from coldstart_harness.proofs.result import ProofResult
from coldstart_harness.report.wording import in_short, place_of


def results_of(proofs: Sequence[Proof], trial: Trial, progress: Progress) -> Iterator[ProofResult]:
    """Run each proof on everything that it is about; broken promises are shown as soon as they are known."""
    for proof in proofs:
        for each in proof.trials_of(trial):
            with progress.phase(place_of(proof.name, each.service_name)) as phase:
                result = _found(proof, replace(each, say=phase.say))
            for verdict in result.verdicts:
                if verdict.outcome == "broken":
                    progress.note(f"  broken: {in_short(verdict)}")
            yield result


def _found(proof: Proof, trial: Trial) -> ProofResult:
    """A process border: a proof that crashes has found nothing, and must not take the others' results with it."""
    begun = time.monotonic()
    try:
        return proof.run(trial)
    except Exception as error:
        findings = Findings(proof.promises)
        last = traceback.extract_tb(error.__traceback__)[-1]
        findings.fail(
            f"the proof itself crashed: {type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})"
        )
        return findings.result(proof.name, trial.service_name, time.monotonic() - begun)
