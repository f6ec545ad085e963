"""Proof `layers`: what a node that has an older image must pull for a newer one, layer by layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from coldstart_harness.archive.changes import changed_paths, shown_paths
from coldstart_harness.archive.image import ImageAtRest, Layer, image_at_rest, manifest_size, pulled_bytes
from coldstart_harness.figures import format_bytes
from coldstart_harness.proofs.proof import Findings, Proof, Trial
from coldstart_harness.proofs.result import Promise
from coldstart_harness.slo.document import Image

SIZE_IN_BOUNDS = Promise("size-in-bounds", "The image's files, uncompressed, are not larger than promised.")
CODE_CHANGE_IS_SMALL = Promise(
    "code-change-is-small", "A node that has the older image pulls no more for this one than a change of code may cost."
)
STABLE_LAYERS_STAY = Promise(
    "stable-layers-stay", "No layer that is promised to be stable is among those that the node pulls."
)

_BYTES_PER_MB = 1_000_000
_BYTES_PER_MIB = 1 << 20
_LONGEST_NAME = 60
_NO_OLDER = "no older image was given to compare with"


@dataclass(frozen=True)
class Pull:
    """A layer that a node must pull: its bytes on the way, and the paths in it that the older image does not have."""

    layer: Layer
    size_bytes: int
    changed: tuple[str, ...]


def find_out(trial: Trial, findings: Findings) -> None:
    """Compare the image with the older one, both as the engine saves them."""
    trial.say(f"saving {trial.reference}")
    with image_at_rest(trial.engine, trial.reference, trial.scratch) as new:
        judge_size(new, trial.image, findings)
        if trial.older is None:
            for layer in new.layers:
                findings.measure(f"uncompressed: {name_of(layer)}", "B", [layer.content_bytes])
            findings.not_shown(CODE_CHANGE_IS_SMALL, _NO_OLDER)
            findings.not_shown(STABLE_LAYERS_STAY, _NO_OLDER)
            return
        trial.say(f"saving {trial.older}")
        with image_at_rest(trial.engine, trial.older, trial.scratch) as old:
            trial.say("compressing the layers that differ, as registries get them")
            judge_pulls(old, new, trial.image, findings)


def judge_size(image: ImageAtRest, promised: Image, findings: Findings) -> None:
    """Judge and measure the size of all files in all layers, as engines count it."""
    size = sum(layer.content_bytes for layer in image.layers)
    bound = None if promised.size_mb is None else promised.size_mb * _BYTES_PER_MB
    largest = max(image.layers, key=lambda layer: layer.content_bytes, default=None)
    detail = "" if largest is None else f"the largest layer is {name_of(largest)}, {_text(largest.content_bytes)}"
    findings.judge_at_most(SIZE_IN_BOUNDS, size, bound, _text, detail=detail)
    findings.measure("uncompressed", "B", [size])


def judge_pulls(old: ImageAtRest, new: ImageAtRest, promised: Image, findings: Findings) -> None:
    """Judge and measure what a node pulls that has the older image."""
    pulls = pulls_of(old, new)
    overhead = 0 if new.saved.config == old.saved.config else new.saved.config_bytes + manifest_size(new)
    total = sum(pull.size_bytes for pull in pulls) + overhead
    for pull in pulls:
        findings.measure(f"to pull: {name_of(pull.layer)}", "B", [pull.size_bytes])
        findings.notes.append(f"{name_of(pull.layer)}: {_text(pull.size_bytes)} to pull; {shown_paths(pull.changed)}")
    findings.measure("to pull: config and manifest", "B", [overhead])
    findings.measure("to pull", "B", [total])
    _note_on_other_engines(old, pulls, findings)
    detail = "; ".join(f"{name_of(p.layer)}: {_text(p.size_bytes)}, {shown_paths(p.changed)}" for p in pulls)
    bound = promised.code_change_mib * _BYTES_PER_MIB
    findings.judge_at_most(CODE_CHANGE_IS_SMALL, total, bound, _text, detail=detail)
    _judge_stable(new, pulls, promised.stable_layers, findings)


def pulls_of(old: ImageAtRest, new: ImageAtRest) -> list[Pull]:
    """The layers to pull, from the lowest.

    Docker's own storage knows a layer by all layers below it: from the first that differs on, it pulls every one. A
    promise to nodes of every kind is one to these.

    Source: `makeDownloadFunc` and `Download` in moby's distribution/xfer/download.go.
    """
    held = [layer.diff_id for layer in old.layers]
    same = 0
    while same < min(len(held), len(new.layers)) and held[same] == new.layers[same].diff_id:
        same += 1
    return [Pull(layer, pulled_bytes(layer), changed_paths(old, new, layer)) for layer in new.layers[same:]]


def name_of(layer: Layer) -> str:
    """How a layer is called in the report: its number from 1, and what its history says."""
    said = " ".join((layer.created_by or layer.diff_id).split())
    shown = said if len(said) <= _LONGEST_NAME else said[: _LONGEST_NAME - 1] + "…"
    return f"layer {layer.number + 1} ({shown})"


def _judge_stable(new: ImageAtRest, pulls: Sequence[Pull], patterns: Sequence[str], findings: Findings) -> None:
    if not patterns:
        findings.not_shown(STABLE_LAYERS_STAY, "the file of promises names no stable layers")
        return
    stable = [layer for layer in new.layers if any(fnmatchcase(layer.created_by, pattern) for pattern in patterns)]
    if not stable:
        findings.not_shown(STABLE_LAYERS_STAY, f"no layer's history is like {' or '.join(patterns)}")
        return
    moved = [pull for pull in pulls if pull.layer in stable]
    findings.judge(
        STABLE_LAYERS_STAY,
        not moved,
        met=f"{len(moved)} of {len(stable)} stable layers to pull",
        wanted="none",
        detail="; ".join(f"{name_of(p.layer)}: {_text(p.size_bytes)}, {shown_paths(p.changed)}" for p in moved),
    )


def _note_on_other_engines(old: ImageAtRest, pulls: Sequence[Pull], findings: Findings) -> None:
    held = {layer.diff_id for layer in old.layers}
    there = sum(pull.size_bytes for pull in pulls if pull.layer.diff_id in held)
    if there:
        findings.notes.append(
            f"{_text(there)} of this is in layers that the node has already, above one that differs: Docker's own"
            " storage pulls them again, containerd and Podman do not"
        )


def _text(size: float) -> str:
    return format_bytes(round(size))


PROOF = Proof(
    "layers",
    "What must a node pull that has an older image, and which store paths changed?",
    "image",
    (SIZE_IN_BOUNDS, CODE_CHANGE_IS_SMALL, STABLE_LAYERS_STAY),
    find_out,
)
