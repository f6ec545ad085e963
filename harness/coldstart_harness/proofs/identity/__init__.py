"""Proof `identity`: an image serves the very models that it says, or none."""

from collections.abc import Sequence

from coldstart_harness.archive.image import ImageAtRest, image_at_rest
from coldstart_harness.archive.tree import Entry
from coldstart_harness.figures import format_seconds
from coldstart_harness.proofs.identity.copies import CopyRefused, Said, flipped_start, healthy_start, names
from coldstart_harness.proofs.identity.models import (
    NamedFile,
    NamedModel,
    labels_of,
    largest_of_each_form,
    named_models,
    wrong_files,
)
from coldstart_harness.proofs.proof import Findings, Proof, Trial
from coldstart_harness.proofs.result import Promise

MODELS_ARE_NAMED = Promise(
    "models-are-named", "The image says which models it serves, each with its revision and its files."
)
MODELS_HAVE_THEIR_HASHES = Promise(
    "models-have-their-hashes", "Every file of a model is in the image's layers with the sha256 that the image says."
)
NEVER_READY = Promise(
    "a-flipped-byte-is-never-ready",
    "With one byte of a model's weights changed the service never says that it is ready.",
)
NAMED = Promise(
    "a-flipped-byte-is-named", "With one byte of a model's weights changed the service names the file that is wrong."
)

_NOTHING_NAMED = "the file of promises names neither a manifest (models_manifest) nor models"


def find_out(trial: Trial, findings: Findings) -> None:
    """Recompute the hashes from the layers, then start copies with one byte flipped."""
    trial.say(f"saving {trial.reference}")
    with image_at_rest(trial.engine, trial.reference, trial.scratch) as image:
        models = named_models(image, trial.image)
        if models is None:
            for promise in PROOF.promises:
                findings.not_shown(promise, _NOTHING_NAMED)
            return
        judge_at_rest(image, models, findings)
        try:
            _judge_flips(trial, image, models, findings)
        except CopyRefused as error:
            findings.not_shown(NEVER_READY, str(error))
            findings.not_shown(NAMED, str(error))


def judge_at_rest(image: ImageAtRest, models: tuple[NamedModel, ...], findings: Findings) -> None:
    """Judge what the image says, and whether its layers hold it."""
    unnamed = [model.name for model in models if not model.revision or not model.files or not all(model.forms)]
    files = sum(len(model.files) for model in models)
    findings.judge(
        MODELS_ARE_NAMED,
        bool(models) and not unnamed,
        met=", ".join(f"{model.name} at {model.revision or 'no revision'}" for model in models) or "no model",
        wanted="each with a revision and files",
        detail=f"without a revision or files: {', '.join(unnamed)}" if unnamed else "no model is named",
    )
    wrong = wrong_files(image, models)
    findings.judge(
        MODELS_HAVE_THEIR_HASHES,
        bool(files) and not wrong,
        met=f"{files - len(wrong)} of {files} files",
        wanted="all",
        detail=wrong[0] if wrong else "no file is named, so nothing could be recomputed",
    )


def _judge_flips(trial: Trial, image: ImageAtRest, models: tuple[NamedModel, ...], findings: Findings) -> None:
    """Each model by itself, in each service: every service must mind one, and every model must be minded by one.

    Which service reads which model is not known from outside, nor which form of it; so the weights of all forms of a
    model are changed at once, and a model that one of several services does not read may be changed under it.
    """
    weights = {
        label: largest_of_each_form(image, model) for label, model in zip(labels_of(models), models, strict=True)
    }
    weights = {name: files for name, files in weights.items() if files}
    if not weights:
        findings.judge(NEVER_READY, False, detail="no file of any model is in the image")
        findings.judge(NAMED, False, detail="no file of any model is in the image")
        return
    careless: dict[tuple[str, str], str] = {}
    unnamed: list[str] = []
    for service in trial.services:
        asked = trial.of(service)
        every = [entry for files in weights.values() for _, entry in files]
        trial.say(f"{service}: starting a copy with the same bytes")
        seconds, healthy = healthy_start(asked, image, every)
        findings.measure(f"{service}: a copy with the same bytes serves", "s", [seconds])
        for name, files in weights.items():
            trial.say(f"{service}: starting a copy with a byte of {name} flipped")
            said = flipped_start(asked, image, [entry for _, entry in files], seconds)
            if said.ready_after_s is not None:
                after = format_seconds(said.ready_after_s)
                careless[service, name] = (
                    f"{service} said that it is ready {after} after its start, with {_flip(files)}"
                )
            elif not any(names(said, healthy, part) for file, entry in files for part in _names_of(file, entry.path)):
                unnamed.append(f"{service} does not name {_shown(files)}: {_end_of(said)}")
    _judge(findings, list(trial.services), list(weights), careless, unnamed)


def _judge(
    findings: Findings,
    services: list[str],
    models: list[str],
    careless: dict[tuple[str, str], str],
    unnamed: list[str],
) -> None:
    blind = [key for key in careless if all((key[0], model) in careless for model in models)]
    unread = [key for key in careless if all((service, key[1]) in careless for service in services)]
    bad = [careless[key] for key in careless if key in blind or key in unread]
    copies = len(services) * len(models)
    findings.judge(
        NEVER_READY,
        not bad,
        met=f"{len(bad)} of {copies} copies ready without noticing",
        wanted="none",
        detail="; ".join(bad),
    )
    if len(careless) == copies:
        findings.not_shown(NAMED, "every copy became ready, so that there was nothing to name")
        return
    refused = copies - len(careless)
    findings.judge(
        NAMED,
        not unnamed,
        met=f"{refused - len(unnamed)} of {refused} copies name the file",
        wanted="all",
        detail="; ".join(unnamed),
    )


def _names_of(file: NamedFile, real_path: str) -> set[str]:
    """A file may be named as the image names it, or by what its links lead to."""
    return {path.rpartition("/")[2] for path in (file.path, real_path)}


def _shown(files: Sequence[tuple[NamedFile, Entry]]) -> str:
    return " or ".join(file.path.rpartition("/")[2] for file, _ in files)


def _flip(files: Sequence[tuple[NamedFile, Entry]]) -> str:
    return f"the byte in the middle of {' and '.join(file.path for file, _ in files)} flipped"


def _end_of(said: Said) -> str:
    last = " / ".join(said.lines[-3:]) or "it said nothing"
    return f"{said.ending or 'it still ran'}; {last}"


PROOF = Proof(
    "identity",
    "Does the image hold the models that it names, and does it notice when a byte of them is another?",
    "image",
    (MODELS_ARE_NAMED, MODELS_HAVE_THEIR_HASHES, NEVER_READY, NAMED),
    find_out,
)
