"""Proof `repeat`: what is built again is the same, whatever the sandbox and whatever was there before."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from shutil import which

from coldstart_harness.derivations import closure_of, derivation_of, store_paths
from coldstart_harness.proofs.proof import Findings, Proof, Trial
from coldstart_harness.proofs.repeat.builds import Checked, Chosen, build, check, chosen_of, delete
from coldstart_harness.proofs.result import Promise

_SHOWN = 5

BUILDS_REPEAT = Promise(
    "builds-repeat", "Every derivation builds to the same bytes again, in a sandbox and without one."
)
DIGESTS_AGREE = Promise("digests-agree", "The image has the same digest after its parts were deleted and built again.")


def find_out(trial: Trial, findings: Findings) -> None:
    """Build everything beside what the store has, with and without a sandbox; then delete, build and compare again."""
    reason = _why_not(trial.installable)
    if trial.installable is None or reason:
        findings.not_shown(BUILDS_REPEAT, reason)
        findings.not_shown(DIGESTS_AGREE, reason)
        return
    trial.say(f"evaluating {trial.installable}")
    closure = closure_of(derivation_of(trial.installable))
    missing_s = build(closure[-1:], "true", trial.say, fetch=True)
    findings.measure("what was missing, sandbox = true", "s", [missing_s])
    chosen = chosen_of(closure)
    findings.notes.append(
        f"{len(chosen.derivations)} derivations are built again; left out are {chosen.downloads} downloads, whose "
        f"bytes a hash fixes, and {chosen.from_elsewhere} that were not built here but come from a binary cache"
    )
    checks = [check(chosen, sandbox, trial.say) for sandbox in ("true", "false")]
    _judge_builds(findings, chosen, checks)
    _judge_digests(trial, findings, chosen, all_repeat=not any(checked.differing for checked in checks))


def _why_not(installable: str | None) -> str:
    if installable is None:
        return "nothing says what Nix calls this image (--flake)"
    return "" if which("nix-store") else "nix-store is not on the PATH; start the harness by ./nixw"


def _judge_builds(findings: Findings, chosen: Chosen, checks: Sequence[Checked]) -> None:
    for checked in checks:
        findings.measure(f"all built again beside, sandbox = {checked.sandbox}", "s", [checked.seconds])
        findings.notes += [f"left behind, not ours to remove: {path}" for path in checked.left]
    if any(checked.setting_ignored for checked in checks):
        findings.notes.append("Nix does not let this user choose the sandbox's setting: all was built under its own")
    differing = [path for path in chosen.before if any(path in checked.differing for checked in checks)]
    total = len(chosen.before)
    findings.judge(
        BUILDS_REPEAT,
        not differing,
        met=f"{total - len(differing)} of {total} store paths",
        wanted="all",
        detail="\n".join(_evidence(differing, checks)),
    )


def _evidence(differing: Sequence[Path], checks: Sequence[Checked]) -> Iterator[str]:
    """The first in the order of builds is where to look: those after it may differ because of it."""
    for path in differing[:1]:
        first = next(checked for checked in checks if path in checked.differing)
        yield f"the first store path that differs is {path}, built again under sandbox = {first.sandbox}:"
        yield first.differing[path]
    yield from (f"{path} differs too" for path in differing[1:_SHOWN])
    if len(differing) > _SHOWN:
        yield f"and {len(differing) - _SHOWN} more"


def _judge_digests(trial: Trial, findings: Findings, chosen: Chosen, *, all_repeat: bool) -> None:
    trial.say("deleting what nothing holds alive")
    deleted = delete(chosen)
    findings.notes.append(
        f"{len(deleted)} of {len(chosen.before)} store paths were deleted and built again; the others are held alive "
        "by roots of the garbage collector, running processes, or something else in the store that refers to them"
    )
    rebuilt_s = build(chosen.derivations, "true", trial.say, fetch=False)
    findings.measure("what was deleted, sandbox = true", "s", [rebuilt_s])
    after = store_paths(chosen.before)
    changed = [path for path in chosen.before if path in after and after[path].digest != chosen.before[path].digest]
    top = chosen.derivations[-1].outputs[0]
    if top not in deleted and not changed and not all_repeat:
        findings.not_shown(
            DIGESTS_AGREE, f"{top} is held alive, so that it cannot be built anew from parts that differ"
        )
        return
    findings.judge(
        DIGESTS_AGREE,
        not changed,
        met=f"{after[top].digest} {'again' if top in deleted else 'beside itself: it is held alive'}",
        wanted=chosen.before[top].digest,
        detail="\n".join(f"{path} came back as {after[path].digest}" for path in changed[:_SHOWN]),
    )


PROOF = Proof(
    "repeat",
    "Does building it again give the same bytes?",
    "flake",
    (BUILDS_REPEAT, DIGESTS_AGREE),
    find_out,
)
