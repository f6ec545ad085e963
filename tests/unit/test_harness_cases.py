"""Which proofs the container tests run on which image."""

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from tests.integration.cases import Case, cases_of, trial_of
from tests.integration.subjects import VARIABLE, Subject, subjects

from coldstart_harness.engine import Engine
from coldstart_harness.proofs.table import PROOFS
from coldstart_harness.slo.loading import SloFile, load_slo

NO_ENGINE = cast("Engine", None)
SUBJECT = Subject(
    attribute="image-theirs",
    reference="theirs:1",
    port=8000,
    layers=("runtime", "code"),
    environment={"SERVICE_MODE": "all"},
    accelerator="cpu",
    code_changed="theirs:1-code-changed",
)
SLO = """
version = 1
[service.ask]
port = 8000
liveness = "/up"
readiness = "/ready"
requests.one.path = "/one"
[service.tell]
port = 8000
liveness = "/up"
readiness = "/ready"
requests.one.path = "/one"
[image.theirs.services]
ask = {}
tell = {}
"""


@pytest.fixture
def slo(tmp_path: Path) -> SloFile:
    (tmp_path / "slo.toml").write_text(SLO, encoding="utf-8")
    return load_slo(tmp_path / "slo.toml")


def test_every_proof_is_run_on_every_image_and_service(slo: SloFile) -> None:
    """Proofs of services once a service, the others once; no two tests have one name."""
    cases = list(cases_of([SUBJECT, replace(SUBJECT, attribute="image-other")], slo))
    assert {case.proof for case in cases} == set(PROOFS)
    assert [case.service for case in cases if case.proof == "drain"] == ["ask", "tell"] * 2
    assert [case.service for case in cases if case.proof == "layers"] == [None] * 2
    names = [f"{case.name}-{promise.id}" for case in cases for promise in PROOFS[case.proof].promises]
    assert len(set(names)) == len(names)
    assert "image-theirs-tell-drain" in {case.name for case in cases}


def test_an_image_for_an_accelerator_needs_one_save_to_show_what_it_does_without(slo: SloFile) -> None:
    """Its proofs are given a GPU, but for `cuda`; an image for the CPU never is."""
    cuda = replace(SUBJECT, accelerator="cuda")
    assert [case.proof for case in cases_of([cuda], slo) if not case.gpu] == ["cuda"]
    assert not any(case.gpu for case in cases_of([SUBJECT], slo))
    assert trial_of(Case(cuda, "drain", "ask"), slo, NO_ENGINE, Path()).gpu
    assert not trial_of(Case(cuda, "cuda", None), slo, NO_ENGINE, Path()).gpu


def test_a_change_of_code_is_pulled_by_a_node_that_has_the_image(slo: SloFile) -> None:
    """`layers` compares the image with itself and a line of code more; every other proof is of the image."""
    trial = trial_of(Case(SUBJECT, "layers", None), slo, NO_ENGINE, Path())
    assert (trial.older, trial.reference) == ("theirs:1", "theirs:1-code-changed")
    assert trial_of(Case(SUBJECT, "identity", None), slo, NO_ENGINE, Path()).reference == "theirs:1"
    without = Case(replace(SUBJECT, code_changed=None), "layers", None)
    assert trial_of(without, slo, NO_ENGINE, Path()).older is None


def test_subjects_are_those_that_the_environment_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file of the `test` command; without it there are none."""
    monkeypatch.delenv(VARIABLE, raising=False)
    assert subjects() == []
    path = tmp_path / "images.json"
    path.write_text(
        '{"image-theirs": {"reference": "theirs:1", "port": 8000, "layers": ["runtime", "code"],'
        ' "environment": {"SERVICE_MODE": "all"}, "accelerator": "cpu", "code_changed": "theirs:1-code-changed"}}'
    )
    monkeypatch.setenv(VARIABLE, str(path))
    assert subjects() == [SUBJECT]
