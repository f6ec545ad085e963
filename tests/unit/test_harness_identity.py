"""Proof `identity` on small images made by hand, and without an engine."""

import hashlib
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.unit.harness_image_doubles import docker_save, link, put, tar_of

from coldstart_harness.archive.image import ImageAtRest, opened_image
from coldstart_harness.archive.tree import Entry
from coldstart_harness.engine import Engine
from coldstart_harness.errors import ServiceFailed
from coldstart_harness.proofs import identity
from coldstart_harness.proofs.identity.copies import CopyRefused, Said, names, write_copy
from coldstart_harness.proofs.identity.models import largest_of_each_form, named_models
from coldstart_harness.proofs.proof import Effort, Findings, Trial
from coldstart_harness.proofs.result import ProofResult, Verdict
from coldstart_harness.slo.document import Image, Service

WEIGHTS = bytes(range(256)) * 50
OTHER = b"in another form" * 10
CONFIG = b"{}"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def manifest(**changes: Any) -> bytes:
    """A manifest of one model in two forms."""
    onnx = {"path": "model.onnx.data", "sha256": sha256(WEIGHTS), "size": len(WEIGHTS)}
    files = [{"path": "config.json", "sha256": sha256(CONFIG), "size": 2}, onnx]
    torch = [{"path": "model.safetensors", "sha256": sha256(OTHER), "size": len(OTHER)}]
    forms = {"onnx": {"path": "/models/onnx", "files": files}, "torch": {"path": "/models/torch", "files": torch}}
    model = {"name": "small", "revision": "1", "artifacts": forms, **changes}
    return json.dumps({"schema_version": 1, "models": [model]}).encode()


def image_of(said: bytes, weights: bytes = WEIGHTS) -> bytes:
    layer = tar_of(
        put("store/weights", weights, mode=0o444),
        link("models/onnx/model.onnx.data", "/store/weights"),
        put("models/onnx/config.json", CONFIG),
        put("models/torch/model.safetensors", OTHER),
        put("models.json", said),
    )
    return docker_save([layer], Env=["MODELS_MANIFEST=/models.json"])


@contextmanager
def opened(directory: Path, content: bytes) -> Iterator[ImageAtRest]:
    path = directory / "image.tar"
    path.write_bytes(content)
    with opened_image(path, directory) as image:
        yield image


PROMISED = Image(models_manifest="MODELS_MANIFEST")


def at_rest(directory: Path, content: bytes, promised: Image = PROMISED) -> dict[str, Verdict]:
    findings = Findings(identity.PROOF.promises)
    with opened(directory, content) as image:
        models = named_models(image, promised)
        assert models is not None
        identity.judge_at_rest(image, models, findings)
    for promise in identity.PROOF.promises[2:]:
        findings.not_shown(promise, "not asked")
    return {verdict.id: verdict for verdict in findings.result("identity", None, 0.0).verdicts}


@pytest.mark.parametrize("place", ["MODELS_MANIFEST", "/models.json"])
def test_an_image_that_holds_what_it_says_is_right(place: str, tmp_path: Path) -> None:
    """By a variable or a path; links are followed, and every file of every form is hashed."""
    found = at_rest(tmp_path, image_of(manifest()), Image(models_manifest=place))
    assert found["models-are-named"].outcome == "kept"
    assert (found["models-have-their-hashes"].outcome, found["models-have-their-hashes"].met) == (
        "kept",
        "3 of 3 files",
    )


def test_a_changed_file_is_named_with_both_hashes(tmp_path: Path) -> None:
    """The bytes in the layer count, not what the image says of them."""
    hashes = at_rest(tmp_path, image_of(manifest(), WEIGHTS[::-1]))["models-have-their-hashes"]
    assert hashes.outcome == "broken"
    for part in ("/models/onnx/model.onnx.data", sha256(WEIGHTS), sha256(WEIGHTS[::-1])):
        assert part in hashes.detail


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """Models may be named in the file of promises alone."""
    file = {"path": "/models/none.bin", "sha256": "0" * 64}
    promised = Image.model_validate({"models": {"a": {"revision": "1", "files": [file]}}})
    found = at_rest(tmp_path, image_of(manifest()), promised)
    assert found["models-are-named"].outcome == "kept"
    assert found["models-have-their-hashes"].detail == "a: /models/none.bin is not in the image"


@pytest.mark.parametrize(
    "changes", [{"revision": ""}, {"artifacts": {}}, {"artifacts": {"x": {"path": "/", "files": []}}}]
)
def test_a_model_without_revision_or_files_is_found(changes: Mapping[str, Any], tmp_path: Path) -> None:
    """A name alone says nothing."""
    assert at_rest(tmp_path, image_of(manifest(**changes)))["models-are-named"].outcome == "broken"


@pytest.mark.parametrize(
    ("said", "place", "sentence"),
    [
        (b"{", "MODELS_MANIFEST", "is not JSON"),
        (b'{"models": [{"name": "a"}]}', "MODELS_MANIFEST", r"not a model manifest: models\.0\.artifacts"),
        (b"{}", "OTHER_MANIFEST", "sets no OTHER_MANIFEST"),
        (b"{}", "/none.json", "/none.json is not in the image"),
    ],
)
def test_a_manifest_that_is_none_is_said(said: bytes, place: str, sentence: str, tmp_path: Path) -> None:
    """The sentence has what was met."""
    with opened(tmp_path, image_of(said)) as image, pytest.raises(ServiceFailed, match=sentence):
        named_models(image, Image(models_manifest=place))


def test_a_copy_differs_in_one_bit_of_the_file_itself(tmp_path: Path) -> None:
    """The file that links lead to is copied, with its mode; one byte in its middle is another."""
    with opened(tmp_path, image_of(manifest())) as image:
        models = named_models(image, PROMISED)
        assert models is not None
        [(_, weights), (_, other)] = largest_of_each_form(image, models[0])
        assert (weights.path, other.path) == ("/store/weights", "/models/torch/model.safetensors")
        write_copy(image, weights, tmp_path / "copy.tar", flipped=True)
        write_copy(image, weights, tmp_path / "same.tar", flipped=False)
    with tarfile.open(tmp_path / "copy.tar") as archive:
        [member] = archive.getmembers()
        file = archive.extractfile(member)
        assert file is not None
        content = file.read()
    assert (member.name, member.mode) == ("weights", 0o444)
    middle = len(WEIGHTS) // 2
    assert [at for at in range(len(WEIGHTS)) if content[at] != WEIGHTS[at]] == [middle]
    with tarfile.open(tmp_path / "same.tar") as archive:
        file = archive.extractfile("weights")
        assert file is not None
        assert file.read() == WEIGHTS


HEALTHY = Said(1.0, ("12:00:01 loading /m/model.bin", "12:00:02 ready in 1.2 s"), None)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("12:00:07 loading /m/model.bin", False),
        ("model.bin has sha256 0123456789abcdef", True),
        ('{"reason":"model.bin: wrong"}', True),
        ("model.bin.data is wrong", False),
        ("my-model.bin is wrong", False),
        ("something is wrong", False),
        ("wrong: /m/model.bin.", True),
    ],
)
def test_a_file_is_named_in_a_line_that_a_healthy_copy_does_not_say(line: str, named: bool) -> None:
    """That it is being loaded is said by both; another file's name is not this one's."""
    assert names(Said(None, ("12:00:01 starting", line), None), HEALTHY, "model.bin") is named


REFUSES = Said(None, ("weights are wrong: model.onnx.data",), None)
SILENT = Said(None, ("starting", "failed"), "it ended with exit code 1")
READY = Said(0.5, ("ready",), None)
SERVICE = Service.model_validate(
    {"port": 1, "liveness": "/l", "readiness": "/r", "requests": {"a": {"path": "/a"}}},
)


def proved(
    monkeypatch: pytest.MonkeyPatch,
    directory: Path,
    copies: Mapping[tuple[str, str], Said | Exception],
    promised: Image = PROMISED,
    held: bytes | None = None,
) -> ProofResult:
    """The whole proof with copies that are told what to say, by service and the file that was flipped."""

    @contextmanager
    def image_at_rest(_engine: Engine, _reference: str, _scratch: Path) -> Iterator[ImageAtRest]:
        with opened(directory, image_of(held or manifest())) as image:
            yield image

    def flipped_start(trial: Trial, _image: ImageAtRest, weights: Sequence[Entry], _healthy_s: float) -> Said:
        said = copies[str(trial.service_name), weights[0].path]
        if isinstance(said, Exception):
            raise said
        return said

    monkeypatch.setattr(identity, "image_at_rest", image_at_rest)
    monkeypatch.setattr(identity, "healthy_start", lambda *_: (1.0, HEALTHY))
    monkeypatch.setattr(identity, "flipped_start", flipped_start)
    services = dict.fromkeys(dict.fromkeys(service for service, _ in copies), SERVICE)
    engine: Any = None
    trial = Trial(engine, "an-image", promised, services, None, Effort(), lambda _line: None, directory)
    return identity.PROOF.run(trial)


def outcomes(result: ProofResult) -> list[str]:
    return [verdict.outcome for verdict in result.verdicts]


def test_a_service_that_minds_its_weights_is_right(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is never ready and names the file: all four promises are kept."""
    assert outcomes(proved(monkeypatch, tmp_path, {("a", "/store/weights"): REFUSES})) == ["kept"] * 4


def test_a_service_that_is_ready_with_wrong_weights_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the file that was changed; there is nothing that it could have named."""
    result = proved(monkeypatch, tmp_path, {("a", "/store/weights"): READY})
    assert outcomes(result) == ["kept", "kept", "broken", "not shown"]
    assert "/models/onnx/model.onnx.data" in result.verdicts[2].detail


def test_a_service_that_fails_without_a_name_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its last lines and its end are the evidence."""
    result = proved(monkeypatch, tmp_path, {("a", "/store/weights"): SILENT})
    assert outcomes(result) == ["kept", "kept", "kept", "broken"]
    assert "exit code 1; starting / failed" in result.verdicts[3].detail


def two_models() -> Image:
    def model(path: str, content: bytes) -> dict[str, Any]:
        return {"revision": "1", "files": [{"path": path, "sha256": sha256(content)}]}

    models = {"one": model("/store/weights", WEIGHTS), "two": model("/models/torch/model.safetensors", OTHER)}
    return Image.model_validate({"models": models})


def test_each_revision_of_a_model_is_flipped_by_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two of one name are two models: a service that minds one of them only is found."""
    [model] = json.loads(manifest())["models"]
    forms = model["artifacts"]
    revisions = [{**model, "revision": name, "artifacts": {name: form}} for name, form in forms.items()]
    said = json.dumps({"schema_version": 1, "models": revisions}).encode()
    other = Said(None, ("model.safetensors is wrong",), None)
    copies = {("a", "/store/weights"): REFUSES, ("a", "/models/torch/model.safetensors"): other}
    kept = proved(monkeypatch, tmp_path, copies, held=said)
    assert (outcomes(kept), kept.verdicts[2].met) == (["kept"] * 4, "0 of 2 copies ready without noticing")
    careless = proved(monkeypatch, tmp_path, {**copies, ("a", "/models/torch/model.safetensors"): READY}, held=said)
    assert outcomes(careless)[2] == "broken"


def test_a_service_may_be_ready_without_a_model_that_another_reads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Which of several services reads which model is not known: each minds one, each model is minded by one."""
    refuses = {"one": Said(None, ("weights: wrong",), None), "two": Said(None, ("model.safetensors: wrong",), None)}
    one, two = "/store/weights", "/models/torch/model.safetensors"
    copies = {("a", one): refuses["one"], ("a", two): READY, ("b", one): READY, ("b", two): refuses["two"]}
    assert outcomes(proved(monkeypatch, tmp_path, copies, two_models())) == ["kept"] * 4


@pytest.mark.parametrize("careless", [("a", "b"), ("b",)])
def test_a_model_or_a_service_that_minds_nothing_is_found(
    careless: Sequence[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A model that no service minds is wrong, and so is a service that minds no model."""
    one, two = "/store/weights", "/models/torch/model.safetensors"
    refuses = Said(None, ("weights: wrong", "model.safetensors: wrong"), None)
    copies: dict[tuple[str, str], Said | Exception] = {(s, p): refuses for s in "ab" for p in (one, two)}
    copies |= {(service, two): READY for service in careless}
    copies |= {(service, one): READY for service in careless if len(careless) == 1}
    assert outcomes(proved(monkeypatch, tmp_path, copies, two_models()))[2] == "broken"


def test_an_engine_that_replaces_no_files_shows_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The promises on copies are not shown, with its reason; those at rest stand."""
    result = proved(monkeypatch, tmp_path, {("a", "/store/weights"): CopyRefused("no such right")})
    assert outcomes(result) == ["kept", "kept", "not shown", "not shown"]
    assert result.verdicts[3].detail == "no such right"


def test_an_image_of_which_nothing_is_said_shows_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Somebody else's file of promises need not name models."""
    assert outcomes(proved(monkeypatch, tmp_path, {("a", "x"): READY}, Image())) == ["not shown"] * 4
