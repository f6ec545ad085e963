"""The commands of the proofs: which flags they have, and what becomes of them."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from coldstart_harness import cli_proofs
from coldstart_harness.cli import app
from coldstart_harness.errors import UsageError
from coldstart_harness.proofs.proof import Effort
from coldstart_harness.proofs.table import PROOFS
from coldstart_harness.proving.command import ProveOptions

SLO = """
version = 1
[service.echo]
port = 8080
liveness = "/live"
readiness = "/ready"
requests.echo.path = "/echo"
"""
OF_ONE_IMAGE = [name for name, proof in PROOFS.items() if proof.scope != "flake" and name != "layers"]


class Calls:
    """Stands in for `prove`: keeps what it was asked, and says what it is told to."""

    def __init__(self) -> None:
        self.options: list[ProveOptions] = []
        self.kept = True

    def __call__(self, options: ProveOptions, _progress: object) -> bool:
        self.options.append(options)
        return self.kept


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Calls:
    """What the commands ask for, with a file of promises in the environment as the flake's apps give it."""
    calls = Calls()
    slo = tmp_path / "slo.toml"
    slo.write_text(SLO)
    monkeypatch.setattr(cli_proofs, "run_proofs", calls)
    monkeypatch.setenv("COLDSTART_SLO", str(slo))
    monkeypatch.delenv("COLDSTART_PLAN", raising=False)
    return calls


def status_of(*arguments: str) -> int:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code


def test_prove_runs_everything_unless_told(calls: Calls) -> None:
    """All proofs, with the default effort, into `out/prove`."""
    assert status_of("prove", "their:1") == 0
    (options,) = calls.options
    assert options.proofs == tuple(PROOFS.values())
    assert (options.image, options.effort, options.out) == ("their:1", Effort(), Path("out/prove"))
    assert (options.against, options.flake, options.gpu, options.plan) == (None, None, False, None)


def test_prove_takes_what_a_person_chooses(calls: Calls) -> None:
    """Every flag reaches the run."""
    chosen = "--only drain --out there --against old:1 --flake .#image --runs 2 --seconds 3 --requests 100 --gpu"
    assert status_of("prove", "their:1", *chosen.split()) == 0
    (options,) = calls.options
    assert [proof.name for proof in options.proofs] == ["drain"]
    assert (options.out, options.against, options.flake, options.gpu) == (Path("there"), "old:1", ".#image", True)
    assert options.effort == Effort(runs=2, seconds=3, requests=100)


@pytest.mark.parametrize("arguments", [["prove", "their:1"], ["readiness", "their:1"], ["repeat", ".#image"]])
def test_the_exit_status_says_whether_a_promise_is_broken(calls: Calls, arguments: list[str]) -> None:
    """0 when nothing is broken, 1 when something is."""
    assert status_of(*arguments) == 0
    calls.kept = False
    assert status_of(*arguments) == 1


@pytest.mark.parametrize("name", OF_ONE_IMAGE)
def test_each_proof_is_a_command(calls: Calls, name: str) -> None:
    """It runs that proof and no other, on the image that it is given."""
    assert status_of(name, "their:1", "--runs", "2") == 0
    (options,) = calls.options
    assert (options.proofs, options.image, options.effort.runs) == ((PROOFS[name],), "their:1", 2)


def test_layers_compares_the_first_image_with_the_second(calls: Calls) -> None:
    """OLD is what nodes have, NEW is what is proved."""
    assert status_of("layers", "their:0", "their:1") == 0
    (options,) = calls.options
    assert (options.proofs, options.against, options.image) == ((PROOFS["layers"],), "their:0", "their:1")


def test_repeat_builds_what_nix_calls_the_image(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    """It needs neither an image nor a file of promises."""
    monkeypatch.delenv("COLDSTART_SLO")
    assert status_of("repeat", ".#image") == 0
    (options,) = calls.options
    assert (options.proofs, options.flake) == ((PROOFS["repeat"],), ".#image")
    assert (options.image, options.slo) == (None, None)


@pytest.mark.parametrize(
    "arguments",
    [["prove"], ["prove", "their:1", "--runs", "0"], ["prove", "their:1", "--fast"], ["layers", "one:1"], ["proof"]],
)
def test_wrong_use_is_status_2(calls: Calls, arguments: list[str]) -> None:
    """A missing argument, a value out of its range, an unknown flag or command: nothing runs."""
    assert status_of(*arguments) == 2
    assert calls.options == []


def test_an_unknown_proof_is_wrong_use(calls: Calls) -> None:
    """The error is one that ends the program with status 2."""
    with pytest.raises(UsageError, match="--only names drian"):
        status_of("prove", "their:1", "--only", "drian")
    assert calls.options == []


def test_promises_have_to_be_given(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file of promises there is nothing to prove."""
    monkeypatch.delenv("COLDSTART_SLO")
    assert status_of("prove", "their:1") == 2
    assert calls.options == []


def test_the_schema_is_printed() -> None:
    """What the command prints is the schema and nothing else."""
    schema: dict[str, Any] = json.loads(CliRunner().invoke(app, ["report-schema"]).stdout)
    assert schema["title"] == "Report of proofs"


def test_the_page_of_an_older_report_is_drawn_again(tmp_path: Path) -> None:
    """`report FILE --out DIR` leaves document and page there."""
    facts = {
        "schema_version": 1,
        "harness_version": "0.1.0",
        "taken_at": "2026-01-02T03:04:05+00:00",
        "machine": {"processor": "", "cpus": 1, "memory": "", "kernel": "", "load_average_before": 0.0},
        "engine": {"kind": "podman", "version": "4", "storage_driver": "overlay"},
        "subject": {"reference": "their:1"},
        "older": None,
        "gpu": False,
        "promises": None,
        "effort": {},
        "interrupted": False,
        "counts": {"kept": 0, "broken": 0, "not_shown": 0},
        "questions": {},
        "proofs": [],
    }
    (tmp_path / "report.json").write_text(json.dumps(facts))
    assert status_of("report", str(tmp_path / "report.json"), "--out", str(tmp_path / "out")) == 0
    assert "their:1" in (tmp_path / "out/report.html").read_text(encoding="utf-8")
