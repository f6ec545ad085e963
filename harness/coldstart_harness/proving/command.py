"""`prove`, and the commands of single proofs, which are the same with one proof."""

import hashlib
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from coldstart_harness import __version__
from coldstart_harness.engine import ensure_engine
from coldstart_harness.errors import UsageError
from coldstart_harness.machine import MachineFacts, engine_facts, machine_facts
from coldstart_harness.plan import Plan
from coldstart_harness.progress import Progress
from coldstart_harness.proofs.proof import Effort, Proof, Trial
from coldstart_harness.proofs.result import ProofResult
from coldstart_harness.proofs.running import remove_leftovers
from coldstart_harness.proofs.table import PROOFS
from coldstart_harness.proving.session import results_of
from coldstart_harness.proving.subject import id_of, in_engine, subject_of
from coldstart_harness.report.document import SCHEMA_VERSION, PromiseFile, Report, Subject, counts_of
from coldstart_harness.report.terminal import print_report
from coldstart_harness.report.written import ensure_directory, write_report
from coldstart_harness.slo.document import Image
from coldstart_harness.slo.loading import SloFile, Target


@dataclass(frozen=True)
class ProveOptions:
    """What a person chooses.

    Args:
        proofs: those that run, in this order.
        image: what they are about, as the person names it; None: nothing but what Nix builds.
        slo: the file of promises; None: there is none, which is right only where no image is proved.
        plan: what can be built; None: nothing.
        out: directory for the report.
        effort: how much is asked.
        against: an image that nodes have already, named likewise.
        flake: what Nix calls the image.
        gpu: containers are given all GPUs.
    """

    proofs: tuple[Proof, ...]
    image: str | None
    slo: SloFile | None
    plan: Plan | None
    out: Path
    effort: Effort
    against: str | None = None
    flake: str | None = None
    gpu: bool = False


def chosen_proofs(only: str | None) -> tuple[Proof, ...]:
    """The proofs that `--only a,b` names, in the order in which they run; all of them without it.

    Raises:
        UsageError: a name is unknown; the sentence has those that there are.
    """
    if only is None:
        return tuple(PROOFS.values())
    names = [name.strip() for name in only.split(",") if name.strip()]
    unknown = [name for name in names if name not in PROOFS]
    if unknown or not names:
        raise UsageError(f"--only names {', '.join(unknown) or 'nothing'}; there are: {', '.join(PROOFS)}")
    return tuple(proof for name, proof in PROOFS.items() if name in names)


def prove(options: ProveOptions, progress: Progress) -> bool:
    """Run the proofs, show what they find, and write the report, also of a run that is interrupted.

    Returns:
        Whether no promise was found broken.

    Raises:
        UsageError: there is no such image, or nothing is promised of it.
        HarnessError: the image could not be built or loaded.
    """
    ensure_directory(options.out)
    machine = machine_facts()
    with tempfile.TemporaryDirectory(prefix="coldstart-prove-") as scratch:
        trial = _trial(options, progress, Path(scratch))
        report = _empty_report(options, trial, machine)
        results: list[ProofResult] = []
        try:
            for result in results_of(options.proofs, trial, progress):
                results.append(result)  # noqa: PERF402 - those before an interruption are kept
            report = replace(report, interrupted=False)
        finally:
            if report.interrupted:
                remove_leftovers(trial)
            report = replace(report, proofs=tuple(results), counts=counts_of(results))
            print_report(report, write_report(report, options.out), progress.console)
    return report.counts.broken == 0


def _trial(options: ProveOptions, progress: Progress, scratch: Path) -> Trial:
    engine = ensure_engine(progress.note)
    target = Target("", Image(), {})
    # First, for the image may take over its name when it is loaded.
    older = None if options.against is None else id_of(options.against, engine, options.plan, progress)
    reference = options.flake or ""
    if options.image is not None:
        if options.slo is None:
            raise UsageError(f"nothing is promised of {options.image}: give a file of promises")
        reference = in_engine(options.image, engine, options.plan, progress)
        target = options.slo.target_of(reference)
    return Trial(
        engine=engine,
        reference=reference,
        image=target.image,
        services=target.services,
        service_name=None,
        effort=options.effort,
        say=progress.note,
        scratch=scratch,
        older=older,
        installable=options.flake,
        gpu=options.gpu,
    )


def _empty_report(options: ProveOptions, trial: Trial, machine: MachineFacts) -> Report:
    """The report as it stands before the first proof, which is as good as interrupted."""
    reference = trial.reference
    return Report(
        schema_version=SCHEMA_VERSION,
        harness_version=__version__,
        taken_at=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=machine,
        engine=engine_facts(trial.engine),
        subject=Subject(reference) if options.image is None else subject_of(trial.engine, reference),
        older=options.against,
        gpu=options.gpu,
        promises=None if options.slo is None else _promise_file(options.slo.path),
        effort=options.effort,
        interrupted=True,
        counts=counts_of(()),
        questions={proof.name: proof.question for proof in options.proofs},
        proofs=(),
    )


def _promise_file(path: Path) -> PromiseFile:
    return PromiseFile(path.name, hashlib.sha256(path.read_bytes()).hexdigest())
