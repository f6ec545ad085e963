"""Proof `cuda`: every library that an image needs is there, with and without a GPU."""

import re
import time
from dataclasses import replace

from coldstart_harness import container as containers
from coldstart_harness.archive.elf import Elf, elves_in
from coldstart_harness.archive.image import ImageAtRest, image_at_rest
from coldstart_harness.archive.loading import Loading
from coldstart_harness.errors import ServiceFailed
from coldstart_harness.proofs.cuda.libraries import (
    DRIVER,
    lacking,
    majors_of,
    not_there,
    stubs_in_reach,
    wishes_by_name,
    wishes_when_computing,
    wrong_variables,
)
from coldstart_harness.proofs.proof import Findings, Proof, Trial
from coldstart_harness.proofs.result import Promise
from coldstart_harness.proofs.running import ask, held, serving, start
from coldstart_harness.slo.document import Image

RESOLVE = Promise(
    "libraries-resolve", "Every library that a file needs is found inside the image, except the driver's."
)
NO_STUB = Promise(
    "no-stub-driver-in-a-search-path", "No search path leads to a stand-in for the driver, and none is in its place."
)
MAJORS = Promise("cuda-majors-agree", "Every CUDA library is there in the major version that engines want.")
VARIABLES = Promise(
    "nvidia-variables-are-right", "The variables for NVIDIA's container toolkit are as the image needs."
)
WITHOUT_GPU = Promise(
    "without-a-gpu-as-configured", "Without a GPU it serves on the CPU, or stops with a clear sentence, as it says."
)
AGREES = Promise("agrees-with-cpu", "With a GPU every request gets the answer that is expected of the CPU.")

_POLL_S = 0.1
# The toolkit gives a container no GPU for this value, whatever the image asks for.
_NO_GPU = {"NVIDIA_VISIBLE_DEVICES": "void"}
_REASON = re.compile(r"cuda|gpu|nvidia", re.IGNORECASE)
_SHOWN = 5


def find_out(trial: Trial, findings: Findings) -> None:
    """Read the image at rest, then start it without a GPU, and with one where that was asked for."""
    trial.say(f"saving {trial.reference}")
    with image_at_rest(trial.engine, trial.reference, trial.scratch) as image:
        trial.say("reading its programs and libraries")
        judge_at_rest(image, elves_in(image), trial.image, findings)
    _judge_without_gpu(replace(trial, gpu=False), findings)
    _judge_with_gpu(trial, findings)


def judge_at_rest(image: ImageAtRest, elves: list[Elf], promised: Image, findings: Findings) -> None:
    """Judge what can be seen without starting anything."""
    loading = Loading(image, elves, DRIVER)
    files = f"{len(elves)} programs and libraries"
    unresolved = lacking(loading)
    met = f"{len(unresolved)} of {files} lack one"
    findings.judge(RESOLVE, not unresolved, met=met, wanted="none", detail=_shown(unresolved))
    stubs = stubs_in_reach(image, elves, loading)
    findings.judge(NO_STUB, not stubs, met=f"{len(stubs)} ways to one", wanted="none", detail=_shown(stubs))
    _judge_majors(image, elves, promised, findings)
    wrong = wrong_variables(image.environment, cuda=promised.cuda)
    findings.judge(
        VARIABLES,
        not wrong,
        met=f"{len(wrong)} wrong",
        wanted="all set" if promised.cuda else "none set",
        detail=_shown(wrong),
    )


def _judge_majors(image: ImageAtRest, elves: list[Elf], promised: Image, findings: Findings) -> None:
    by_name = wishes_by_name(elves)
    wanting = sorted({wish.elf.path for wish in by_name})
    if not promised.cuda:
        detail = f"the file of promises says cuda = false; CUDA is needed by {_shown(wanting)}"
        findings.judge(MAJORS, not wanting, met=f"{len(wanting)} files want CUDA", wanted="0", detail=detail)
        return
    wishes = by_name + wishes_when_computing(image, elves)
    missing = not_there(image, elves, wishes)
    files = len({wish.elf.path for wish in wishes})
    met = f"{files} files want {majors_of(wishes) or 'nothing of CUDA'}"
    found = bool(files) and not missing
    detail = _shown(missing) or "cuda = true, and no file wants CUDA"
    findings.judge(MAJORS, found, met=met, wanted="all there", detail=detail)


def _judge_without_gpu(trial: Trial, findings: Findings) -> None:
    wrong = []
    for name in trial.services:
        trial.say(f"{name}: starting without a GPU")
        asked = trial.of(name)
        wrong += _why_not_serving(asked) if trial.image.without_gpu == "serves" else _why_not_stopping(asked)
    met = f"{len(trial.services) - len(wrong)} of {len(trial.services)} services"
    wanted = f"all, as without_gpu = {trial.image.without_gpu} says"
    findings.judge(WITHOUT_GPU, not wrong, met=met, wanted=wanted, detail="; ".join(wrong))


def _why_not_serving(trial: Trial) -> list[str]:
    try:
        with serving(trial, environment=_NO_GPU):
            return []
    except ServiceFailed as error:
        return [f"{trial.service_name}: {error} {error.details}".rstrip()]


def _why_not_stopping(trial: Trial) -> list[str]:
    with held(trial, environment=_NO_GPU) as container:
        try:
            start(container)
        except ServiceFailed as error:
            return [f"{trial.service_name}: {error}"]
        deadline = time.monotonic() + trial.asked.start_timeout_s
        while containers.is_running(container):
            if time.monotonic() > deadline:
                return [f"{trial.service_name} still ran after {trial.asked.start_timeout_s:.0f} s instead of stopping"]
            time.sleep(_POLL_S)
        container.reload()
        log = containers.log_tail(container)
        return why_unclear(str(trial.service_name), int(container.attrs["State"]["ExitCode"]), log)


def why_unclear(service: str, exit_code: int, log: str) -> list[str]:
    """A sentence where a service that stopped for want of a GPU did not say so; none where it did.

    Args:
        service: its name.
        exit_code: how it ended.
        log: the last lines that it wrote.
    """
    if exit_code == 0:
        return [f"{service} ended with exit code 0 instead of a failure's"]
    if any(_REASON.search(line) for line in _outside_tracebacks(log)):
        return []
    return [f"{service} ended with exit code {exit_code} and no sentence on the GPU or its driver: {log or 'no log'}"]


def _outside_tracebacks(log: str) -> list[str]:
    """Lines without Python tracebacks: one ends with the first line that is not indented, the error itself."""
    lines, inside = [], False
    for line in log.splitlines():
        if line.startswith("Traceback (most recent call last)"):
            inside = True
        elif not inside:
            lines.append(line)
        elif line and not line.startswith(" "):
            inside = False
    return lines


def _judge_with_gpu(trial: Trial, findings: Findings) -> None:
    if not trial.image.cuda:
        findings.not_shown(AGREES, "the image has no CUDA engines: the file of promises does not say cuda = true")
        return
    if not trial.gpu:
        findings.not_shown(AGREES, "no GPU was given (--gpu)")
        return
    wrong, requests = [], 0
    for name, service in trial.services.items():
        trial.say(f"{name}: asking with a GPU")
        with serving(trial.of(name)) as running:
            for request_name, request in service.requests.items():
                requests += 1
                answer = ask(running.url, request)
                if answer.outcome != "right":
                    wrong.append(f"{name}, {request_name}: {answer.outcome}: {answer.reason}")
    met = f"{requests - len(wrong)} of {requests} answers"
    findings.judge(AGREES, not wrong, met=met, wanted="all", detail="; ".join(wrong))


def _shown(sentences: list[str]) -> str:
    left = len(sentences) - _SHOWN
    return "; ".join(sentences[:_SHOWN]) + (f"; and {left} more" if left > 0 else "")


PROOF = Proof(
    "cuda",
    "Is every library that the image needs inside it, except the driver's, and what does it do without a GPU?",
    "image",
    (RESOLVE, NO_STUB, MAJORS, VARIABLES, WITHOUT_GPU, AGREES),
    find_out,
)
