"""`prove` from end to end, with proofs and an engine of the tests' own."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from rich.console import Console
from tests.unit.harness_engine_doubles import FakeClient, FakeImage

from coldstart_harness.engine import Engine
from coldstart_harness.errors import ServiceFailed, UsageError
from coldstart_harness.plan import Plan
from coldstart_harness.progress import Progress
from coldstart_harness.proofs.proof import Effort, Findings, Proof, Trial
from coldstart_harness.proofs.result import Promise
from coldstart_harness.proofs.running import LABEL
from coldstart_harness.proofs.table import PROOFS
from coldstart_harness.proving import command
from coldstart_harness.proving.command import ProveOptions, chosen_proofs, prove
from coldstart_harness.proving.subject import in_engine, subject_of
from coldstart_harness.report.document import Report, Subject, read_report
from coldstart_harness.slo.loading import load_slo

SLO = """
version = 1
[service.echo]
port = 8080
liveness = "/live"
readiness = "/ready"
requests.echo.path = "/echo"
"""
PAGE = Path(__file__).parents[2] / "docs/architecture/06-proofs.md"
HOLDS = Promise("holds", "It holds.")


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> FakeClient:
    """The client of the one engine that there is; it has `their/image:1`."""
    client = FakeClient("their/image:1", "their/image:0")
    engine = Engine("docker", "unix:///nowhere", cast(Any, client))
    monkeypatch.setattr(command, "ensure_engine", lambda _say: engine)
    return client


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), color_system=None, width=160)


def shown_on(console: Console) -> str:
    return cast(io.StringIO, console.file).getvalue()


@pytest.fixture
def run(client: FakeClient, console: Console, tmp_path: Path) -> Callable[..., tuple[bool, Report]]:
    """Proves `their/image:1` and returns what `prove` says and what the report says."""
    slo = tmp_path / "their.toml"
    slo.write_text(SLO)

    def run(*proofs: Proof, **more: Any) -> tuple[bool, Report]:
        chosen = {"image": "their/image:1", "slo": load_slo(slo), "plan": None, "out": tmp_path / "out", **more}
        kept = prove(ProveOptions(proofs=proofs, effort=Effort(runs=1), **chosen), Progress(console))
        return kept, read_report(tmp_path / "out/report.json")

    return run


def keeps(_trial: Trial, findings: Findings) -> None:
    findings.judge(HOLDS, True)


def breaks(_trial: Trial, findings: Findings) -> None:
    findings.judge(HOLDS, False, met="2", wanted="1", detail="evidence")


def proof_of(name: str, find_out: Callable[[Trial, Findings], None], scope: Any = "service") -> Proof:
    return Proof(name, f"{name}?", scope, (HOLDS,), find_out)


Run = Callable[..., tuple[bool, Report]]


def test_nothing_broken_is_success(run: Run) -> None:
    """Kept promises, and those that could not be shown, are no failure."""
    kept, report = run(
        proof_of("good", keeps), proof_of("unseen", lambda _trial, findings: findings.not_shown(HOLDS, "no GPU"))
    )
    assert kept
    assert (report.counts.kept, report.counts.broken, report.counts.not_shown) == (1, 0, 1)
    assert not report.interrupted


def test_a_broken_promise_is_told_at_once(run: Run, console: Console) -> None:
    """It stands below its proof's line while the next one runs, and again with its evidence at the end."""
    kept, report = run(proof_of("bad", breaks), proof_of("good", keeps))
    assert not kept
    assert report.counts.broken == 1
    lines = shown_on(console).splitlines()
    assert lines.index("  broken: It holds. (met 2, wanted 1)") < lines.index("good of echo …")
    assert lines[-1] == "1 promise kept, 1 broken, 0 not shown"


def test_a_proof_that_crashes_leaves_the_others_alone(run: Run) -> None:
    """It is broken by the exception's type and message; those before and after it are found all the same."""

    def crash(_trial: Trial, _findings: Findings) -> None:
        raise KeyError("port")

    kept, report = run(proof_of("first", keeps), proof_of("wild", crash), proof_of("last", keeps))
    assert not kept
    assert [verdict.outcome for _result, verdict in report.verdicts] == ["kept", "broken", "kept"]
    detail = report.proofs[1].verdicts[0].detail
    assert detail.startswith("the proof itself crashed: KeyError: 'port' (test_harness_proving.py:")


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), SystemExit(143)])
def test_an_interrupted_run_leaves_its_report_and_no_container(
    run: Run, client: FakeClient, console: Console, tmp_path: Path, interruption: BaseException
) -> None:
    """What was found before is written and marked; containers of this session go, those of others stay."""
    other = f"{LABEL}=another session"
    client.containers.labels.append(other)

    def interrupt(trial: Trial, _findings: Findings) -> None:
        for collection in (client.containers, client.networks):
            collection.labels.append(f"{LABEL}={trial.session}")
        raise interruption

    with pytest.raises(type(interruption)):
        run(proof_of("first", keeps), proof_of("long", interrupt), proof_of("never", keeps))
    report = read_report(tmp_path / "out/report.json")
    assert report.interrupted
    assert [result.proof for result in report.proofs] == ["first"]
    assert report.counts.kept == 1
    assert (client.containers.labels, client.networks.labels) == ([other], [])
    assert shown_on(console).splitlines()[-1].endswith("(interrupted: not all proofs have run)")


def test_the_report_says_what_was_proved_and_how(run: Run) -> None:
    """The image with its labels, the file of promises with its hash, the effort, the engine, each proof's question."""
    _kept, report = run(proof_of("good", keeps))
    assert report.subject == Subject("their/image:1", "sha256:their/image:1", 1000, "1.2", "cafe")
    assert report.promises is not None
    assert report.promises.name == "their.toml"
    assert len(report.promises.sha256) == 64
    assert (report.effort.runs, str(report.engine)) == (1, "docker 20.10, storage driver overlay2")
    assert report.questions == {"good": "good?"}


def test_a_trial_has_what_the_caller_gave(run: Run, tmp_path: Path) -> None:
    """The older image by its id, Nix's name, the GPUs and the effort, with a directory that is removed afterwards."""
    seen: list[Trial] = []

    def look(trial: Trial, findings: Findings) -> None:
        seen.append(trial)
        assert trial.scratch.is_dir()
        trial.say("looking")
        findings.judge(HOLDS, True)

    kept, report = run(proof_of("look", look, "image"), against="their/image:0", flake=".#image", gpu=True)
    (trial,) = seen
    assert kept
    assert (trial.reference, trial.older, trial.installable, trial.gpu) == (
        "their/image:1",
        "sha256:their/image:0",
        ".#image",
        True,
    )
    assert (trial.effort.runs, list(trial.services), trial.service_name) == (1, ["echo"], None)
    assert not trial.scratch.exists()
    assert (report.older, report.gpu) == ("their/image:0", True)


def test_the_older_image_keeps_its_identity_when_the_newer_takes_its_name(
    run: Run, client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OLD is what had the name before NEW was built and loaded under it."""
    planned = cast(Any, type("Planned", (), {"reference": "their/image:1"})())
    monkeypatch.setattr("coldstart_harness.proving.subject.build_image", lambda *_args: (Path("image"), Path("loader")))
    monkeypatch.setattr(
        "coldstart_harness.proving.subject.load_image",
        lambda *_args: client.identities.update({"their/image:1": "new"}),
    )
    seen: list[str | None] = []

    def look(trial: Trial, findings: Findings) -> None:
        seen.append(trial.older)
        findings.judge(HOLDS, True)

    plan = Plan(images={"theirs": planned}, checks={})
    _kept, report = run(proof_of("look", look), image="theirs", plan=plan, against="their/image:1")
    assert (seen, report.subject.image_id) == (["sha256:their/image:1"], "sha256:new")


def test_what_nix_builds_is_proved_without_an_image(run: Run) -> None:
    """`repeat` needs no image in the engine and no file of promises."""
    kept, report = run(proof_of("again", keeps, "flake"), image=None, slo=None, flake=".#image")
    assert kept
    assert report.subject == Subject(".#image")
    assert report.promises is None


def test_a_place_that_cannot_be_written_is_found_before_the_proofs(run: Run, tmp_path: Path) -> None:
    """Nobody waits ten minutes to learn that `--out` is a file."""
    (tmp_path / "taken").write_text("")

    def never(_trial: Trial, _findings: Findings) -> None:
        pytest.fail("a proof ran")

    with pytest.raises(UsageError, match="taken"):
        run(proof_of("never", never), out=tmp_path / "taken")


def test_an_image_is_found_by_reference(client: FakeClient, console: Console) -> None:
    """What the engine has is taken as it is; what nobody has is refused with what could be given."""
    engine = Engine("docker", "", cast(Any, client))
    assert in_engine("their/image:1", engine, None, Progress(console)) == "their/image:1"
    with pytest.raises(UsageError, match=r"no image their/image:2.*a path to a \.tar$"):
        in_engine("their/image:2", engine, None, Progress(console))


def test_an_archive_is_loaded(client: FakeClient, console: Console, tmp_path: Path) -> None:
    """A path to one image's archive names that image; another file, and an archive of two, is refused."""
    engine = Engine("docker", "", cast(Any, client))
    archive = tmp_path / "image.tar"
    with tarfile.open(archive, "w"):
        pass
    with pytest.raises(UsageError, match=r"image\.tar is no archive of an image: invalid tar header"):
        in_engine(str(archive), engine, None, Progress(console))
    client.archives[archive.read_bytes()] = [FakeImage("0123", "loaded:1")]
    assert in_engine(str(archive), engine, None, Progress(console)) == "loaded:1"
    client.archives[archive.read_bytes()] = [FakeImage("0123")]
    assert in_engine(str(archive), engine, None, Progress(console)) == "sha256:0123"
    client.archives[archive.read_bytes()] = [FakeImage("a"), FakeImage("b")]
    with pytest.raises(UsageError, match="holds 2 images; a proof is of one"):
        in_engine(str(archive), engine, None, Progress(console))


def test_an_attribute_of_the_flake_is_built_and_loaded(
    client: FakeClient, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`image-wheel` is what the plan says, and is named by its reference from then on."""
    engine = Engine("docker", "", cast(Any, client))
    planned = cast(Any, type("Planned", (), {"reference": "coldstart-wheel:1"})())
    plan = Plan(images={"image-wheel": planned}, checks={})
    done: list[object] = []
    monkeypatch.setattr("coldstart_harness.proving.subject.build_image", lambda *_args: (Path("image"), Path("loader")))
    monkeypatch.setattr("coldstart_harness.proving.subject.load_image", lambda *args: done.append(args[1:3]))
    assert in_engine("image-wheel", engine, plan, Progress(console)) == "coldstart-wheel:1"
    assert done == [(planned, Path("loader"))]
    with pytest.raises(UsageError, match=r"\(or one of image-wheel, which are built\)"):
        in_engine("image-whel", engine, plan, Progress(console))


def test_an_image_that_vanished_is_a_failure(client: FakeClient) -> None:
    """It is said by its name."""
    with pytest.raises(ServiceFailed, match="has no image gone:1 any more"):
        subject_of(Engine("docker", "", cast(Any, client)), "gone:1")


def test_every_proof_asks_and_promises() -> None:
    """Each has its own name, a question, and promises with sentences; no two promises share an id."""
    assert [proof.name for proof in PROOFS.values()] == list(PROOFS)
    assert [name for name, proof in PROOFS.items() if not (proof.question.endswith("?") and proof.promises)] == []
    promises = [promise for proof in PROOFS.values() for promise in proof.promises]
    assert len({promise.id for promise in promises}) == len(promises)
    assert [promise.id for promise in promises if not promise.sentence.endswith(".")] == []


def test_every_proof_is_explained() -> None:
    """The page has a section for each proof, in the order of the table, and a row that says what it is about."""
    text = PAGE.read_text(encoding="utf-8")
    sections = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    assert [section for section in sections if section in PROOFS] == list(PROOFS)
    about = {"service": "each service", "image": "the image at rest", "flake": "what Nix builds"}
    for name, proof in PROOFS.items():
        assert f"| [{name}](#{name}) |" in text
        assert next(line for line in text.splitlines() if f"(#{name})" in line).endswith(f"| {about[proof.scope]} |")


def test_proofs_are_chosen_by_name() -> None:
    """`--only` takes names with commas, in any order; without it every proof runs, in the order of the table."""
    assert chosen_proofs(None) == tuple(PROOFS.values())
    assert [proof.name for proof in chosen_proofs("drain, readiness")] == ["readiness", "drain"]


@pytest.mark.parametrize(("only", "met"), [("drian,readiness", "drian"), (",", "nothing")])
def test_an_unknown_proof_is_refused_with_those_that_there_are(only: str, met: str) -> None:
    """The sentence has the name met and the names allowed."""
    with pytest.raises(UsageError, match=f"--only names {met}; there are: readiness, ledger, "):
        chosen_proofs(only)
