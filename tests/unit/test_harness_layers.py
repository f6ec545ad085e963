"""Proof `layers` on small images made by hand."""

import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.unit.harness_image_doubles import docker_save, put, tar_of

from coldstart_harness.archive.changes import shown_paths
from coldstart_harness.archive.image import ImageAtRest, opened_image
from coldstart_harness.proofs import layers
from coldstart_harness.proofs.proof import Findings
from coldstart_harness.proofs.result import ProofResult, Verdict
from coldstart_harness.slo.document import Image

WEIGHTS = tar_of(put("nix/store/aaa-weights/model", bytes(range(256)) * 400))
CODE = tar_of(put("nix/store/bbb-code/server.py", b"one"))
CHANGED = tar_of(put("nix/store/ccc-code/server.py", b"two"))
NOTES = ["model a", "code"]

Opened = Callable[[Sequence[bytes], Sequence[str]], ImageAtRest]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Makes an image of layers and their history; it is closed when the test ends."""
    with ExitStack() as stack:

        def open_image(contents: Sequence[bytes], notes: Sequence[str]) -> ImageAtRest:
            path = tmp_path / f"{len(list(tmp_path.iterdir()))}.tar"
            path.write_bytes(docker_save(contents, notes))
            return stack.enter_context(opened_image(path, tmp_path))

        yield open_image


def found(old: ImageAtRest, new: ImageAtRest, promised: Image) -> ProofResult:
    findings = Findings(layers.PROOF.promises)
    layers.judge_size(new, promised, findings)
    layers.judge_pulls(old, new, promised, findings)
    return findings.result("layers", None, 0.0)


def verdict(result: ProofResult, name: str) -> Verdict:
    return next(verdict for verdict in result.verdicts if verdict.id == name)


def test_a_change_of_code_pulls_the_code_layer_only(opened: Opened) -> None:
    """Both promises hold, and the figures and notes name the one layer and its store path."""
    promised = Image(stable_layers=["model *"], size_mb=1)
    result = found(opened([WEIGHTS, CODE], NOTES), opened([WEIGHTS, CHANGED], NOTES), promised)
    assert [verdict.outcome for verdict in result.verdicts] == ["kept", "kept", "kept"]
    figures = {figure.name: figure.median for figure in result.figures}
    parts = figures["to pull: layer 2 (code)"] + figures["to pull: config and manifest"]
    assert figures["to pull"] == parts
    assert "to pull: layer 1 (model a)" not in figures
    assert result.notes == (f"layer 2 (code): {figures['to pull: layer 2 (code)']:.0f} B to pull; /nix/store/ccc-code",)


def test_a_code_change_that_moves_the_weights_is_found(opened: Opened) -> None:
    """A stable layer that has other bytes is named with them, and the change is too large."""
    moved = tar_of(put("nix/store/aaa-weights/model", bytes(range(256)) * 400), put("nix/store/ccc-code/s", b"x"))
    promised = Image(stable_layers=["model *"], code_change_mib=0.0005)
    result = found(opened([WEIGHTS], ["model a"]), opened([moved], ["model a"]), promised)
    stays = verdict(result, "stable-layers-stay")
    assert stays.outcome == "broken"
    assert "layer 1 (model a)" in stays.detail
    assert "/nix/store/ccc-code" in stays.detail
    assert "aaa-weights" not in stays.detail
    assert verdict(result, "code-change-is-small").outcome == "broken"


def test_weights_above_code_are_found(opened: Opened) -> None:
    """Docker pulls every layer above one that differs, so that weights above code are pulled with each change."""
    notes = ["code", "model a"]
    result = found(opened([CODE, WEIGHTS], notes), opened([CHANGED, WEIGHTS], notes), Image(stable_layers=["model *"]))
    assert verdict(result, "stable-layers-stay").outcome == "broken"
    assert any("containerd and Podman do not" in note for note in result.notes)


def test_equal_images_pull_nothing(opened: Opened) -> None:
    """Not even a manifest."""
    result = found(opened([WEIGHTS, CODE], NOTES), opened([WEIGHTS, CODE], NOTES), Image(stable_layers=["model *"]))
    assert {figure.name: figure.median for figure in result.figures}["to pull"] == 0


@pytest.mark.parametrize(
    ("patterns", "reason"), [([], "names no stable layers"), (["weights*"], "no layer's history is like weights*")]
)
def test_patterns_that_match_nothing_promise_nothing(opened: Opened, patterns: list[str], reason: str) -> None:
    """A promise that cannot break is not shown as kept."""
    old, new = opened([WEIGHTS, CODE], NOTES), opened([WEIGHTS, CHANGED], NOTES)
    stays = verdict(found(old, new, Image(stable_layers=patterns)), "stable-layers-stay")
    assert stays.outcome == "not shown"
    assert reason in stays.detail


def test_an_image_that_is_too_large_is_found(opened: Opened) -> None:
    """The sum of the files counts, and the largest layer is named."""
    image = opened([WEIGHTS, CODE], NOTES)
    size = verdict(found(image, image, Image(size_mb=0.1)), "size-in-bounds")
    assert (size.outcome, size.met, size.wanted) == ("broken", "102 kB", "at most 100 kB")
    assert "layer 1 (model a)" in size.detail


def test_other_files_are_compared_by_what_is_in_them(opened: Opened) -> None:
    """Outside the Nix store a file is new by its bytes, its mode or its link, and not by its time."""
    same = put("app/same.py", b"same")
    touched: tarfile.TarInfo = put("app/same.py", b"same")[0]
    touched.mtime = 5
    old = tar_of(same, put("app/edited.py", b"1234"), put("app/mode", b"m"))
    new = tar_of(
        (touched, b"same"), put("app/edited.py", b"1235"), put("app/mode", b"m", mode=0o755), put("app/x", b"")
    )
    result = found(opened([old], ["app"]), opened([new], ["app"]), Image())
    assert result.notes[0].endswith("to pull; /app/edited.py, /app/mode, /app/x")


def test_many_paths_are_counted_by_directory() -> None:
    """A report names directories where it would name hundreds of files."""
    paths = [f"/usr/lib/python/{number}" for number in range(9)] + ["/nix/store/a-b"]
    assert shown_paths(paths) == "9 under /usr/lib, /nix/store/a-b"
    assert shown_paths([]) == "nothing in it is new"
