"""Proof `ledger`: phases that add up, and services whose own phases do not."""

import hashlib
import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from coldstart_harness.archive.saved import Blob, Saved, read_saved
from coldstart_harness.phases import OwnStart, own_start
from coldstart_harness.proofs.ledger.agreement import disagreement_s, late_models, tolerance_s
from coldstart_harness.proofs.ledger.cache import evict
from coldstart_harness.proofs.ledger.image import archive_of
from coldstart_harness.proofs.ledger.phases import account_of, tells
from coldstart_harness.proofs.ledger.start import Stretch, Watched

MARKS = {"process": 0.2, "imports": 0.55, "listening": 0.6, "ready": 0.6}
# The wall's clock starts at 100 s; the process begins at 100.1 s and is ready 0.6 s later.
SEEN = Watched(
    wall=Stretch(100.0, 100.75),
    load=None,
    create=Stretch(100.0, 100.02),
    start=Stretch(100.02, 100.3),
    process=100.1,
    process_exact=True,
    running=100.25,
    port_open=100.4,
    live=Stretch(100.4, 100.706),
    live_asked=100.4,
    ready=Stretch(100.706, 100.71),
    ready_asked=100.706,
    tried=100.71,
    answer=Stretch(100.71, 100.73),
    token=Stretch(100.73, 100.75),
    own=OwnStart(MARKS, ()),
)


def telling(**marks: float) -> Watched:
    return replace(SEEN, own=OwnStart({**MARKS, **marks}, ()))


def names(watched: Watched, *, inside: bool) -> list[str]:
    return [phase.name for phase in account_of(watched).phases if phase.inside is inside]


def test_phases_of_an_honest_start_add_up() -> None:
    """The engine's calls, the service's own phases and the answers leave nothing out."""
    assert account_of(SEEN).gap_ratio == pytest.approx(0.0, abs=1e-9)
    assert names(SEEN, inside=False) == [
        "create",
        "start to process",
        "process",
        "imports",
        "listening",
        "ready to live seen",
        "ready seen",
        "first answer",
        "first token",
    ]
    assert names(SEEN, inside=True) == ["process to running", "process to port", "port to live", "live to ready"]


def test_a_service_that_says_nothing_is_measured_from_outside() -> None:
    """Then what is seen are the phases."""
    silent = replace(SEEN, own=own_start({}))
    assert not tells(silent)
    assert names(silent, inside=False) == [
        "create",
        "start to process",
        "process to port",
        "port to live",
        "live to ready",
        "first answer",
        "first token",
    ]
    assert account_of(silent).gap_ratio == pytest.approx(0.0, abs=1e-9)


def test_time_that_belongs_to_no_phase_is_a_gap() -> None:
    """No phase is defined as the rest of the wall time."""
    silent = replace(SEEN, own=own_start({}), live=Stretch(100.5, 100.706), live_asked=100.5)
    assert account_of(silent).gap_ratio == pytest.approx(0.1 / 0.75)


@pytest.mark.parametrize("factor", [0.1, 2.0])
def test_a_service_that_tells_of_another_start_does_not_add_up(factor: float) -> None:
    """Too short a start leaves a gap, too long a one a sum that is too large."""
    liar = telling(**{mark: seconds * factor for mark, seconds in MARKS.items()})
    assert account_of(liar).gap_ratio > 0.05


@pytest.mark.parametrize("factor", [0.1, 0.5, 0.85, 1.15, 2.0])
def test_a_service_that_tells_of_another_start_disagrees_with_what_is_seen(factor: float) -> None:
    """Also where it lies within the time that a question waited for its answer."""
    liar = telling(**{mark: seconds * factor for mark, seconds in MARKS.items()})
    disagreement = disagreement_s(liar)
    assert abs(disagreement) > tolerance_s([liar], 0.05)
    assert (disagreement > 0) == (factor > 1)


def test_a_phase_of_a_model_that_took_longer_than_the_start_is_found() -> None:
    """Its path is too long for the wall time, and it ends after the service was ready."""
    model = {"began_s": 0.3, "phases": {"read_s": 0.1, "build_s": 0.9, "warmup_s": 0.1}}
    liar = replace(SEEN, own=own_start({"startup": MARKS, "models": {"m": model}}))
    assert account_of(liar).gap_ratio > 0.05
    assert late_models(liar) == [
        "m began 0.3000 s after the process and was ready at 1.4000 s, the service at 0.6000 s"
    ]


def test_a_model_that_nobody_requires_may_be_late() -> None:
    """The service is ready without it."""
    model = {"began_s": 0.3, "phases": {"read_s": 0.1, "build_s": 0.9}, "required": False}
    own = own_start({"startup": MARKS, "models": {"m": model}})
    assert late_models(replace(SEEN, own=own)) == []


def test_an_answer_that_was_on_its_way_for_long_is_no_lie() -> None:
    """A machine that is busy for a moment leaves no gap."""
    busy = telling(listening=0.35, ready=0.35, imports=0.3)
    assert account_of(busy).gap_ratio == pytest.approx(0.0, abs=1e-9)


def test_the_time_until_the_next_question_is_no_lie() -> None:
    """Nor is an answer that said otherwise and came late: readiness was seen with the next one."""
    model = {"began_s": 0.2, "phases": {"build_s": 0.4}}
    own = own_start({"startup": {"listening": 0.1, "models": 0.6, "ready": 0.6}, "models": {"m": model}})
    polled = replace(SEEN, own=own, live=Stretch(100.4, 100.41), ready=Stretch(100.41, 100.71), ready_asked=100.65)
    assert account_of(polled).gap_ratio == pytest.approx(0.0, abs=1e-9)
    earlier = replace(polled, ready_asked=100.705, live_asked=100.4)
    assert account_of(earlier).gap_ratio == pytest.approx(0.005 / 0.75)


def test_readiness_that_came_too_early_is_another_proofs_finding() -> None:
    """A service that tells honestly when it was ready is not called a liar because its readiness route was early."""
    early = replace(
        telling(models=0.6),
        live=Stretch(100.4, 100.41),
        ready=Stretch(100.41, 100.42),
        ready_asked=100.41,
        tried=100.42,
    )
    assert account_of(early).gap_ratio < 0.05
    assert disagreement_s(early) == 0.0


def test_without_the_kernels_account_the_services_phases_are_no_part_of_the_sum() -> None:
    """The engine says later than the kernel that the process runs, so the two cannot be laid end to end."""
    foreign = replace(SEEN, process=100.29, process_exact=False, running=100.29)
    assert "imports" not in names(foreign, inside=False)
    assert account_of(foreign).gap_ratio == pytest.approx(0.0, abs=1e-9)
    # It began between the call at 100.02 s and 100.29 s, and was ready between 100.71 s and 100.73 s.
    assert disagreement_s(foreign) == 0.0
    assert disagreement_s(replace(foreign, own=OwnStart({"ready": 0.4}, ()))) == pytest.approx(-0.02)
    assert disagreement_s(replace(foreign, own=OwnStart({"ready": 0.75}, ()))) == pytest.approx(0.04)


def test_the_tolerance_is_a_part_of_what_is_seen_and_never_less_than_50_ms() -> None:
    """5 % of a long start is more than what clocks and answers on their way differ by."""
    assert tolerance_s([SEEN], 0.05) == 0.05
    slow = replace(SEEN, ready=Stretch(100.706, 120.1))
    assert tolerance_s([SEEN, slow, slow], 0.05) == pytest.approx(1.0)


def test_a_load_comes_first_and_counts() -> None:
    """The wall time begins with it."""
    loaded = replace(SEEN, wall=Stretch(98.0, 100.75), load=Stretch(98.0, 100.0))
    assert names(loaded, inside=False)[0] == "image load"
    assert account_of(loaded).gap_ratio == pytest.approx(0.0, abs=1e-9)


def test_the_first_token_of_a_first_answer_that_streams_lies_before_its_end() -> None:
    """One request, two phases."""
    streaming = replace(SEEN, wall=Stretch(100.0, 100.73), token=Stretch(100.71, 100.715))
    assert names(streaming, inside=False)[-2:] == ["first token", "rest of the first answer"]
    assert account_of(streaming).gap_ratio == pytest.approx(0.0, abs=1e-9)


def test_a_copy_of_an_image_has_the_same_layers_above_a_new_one(tmp_path: Path) -> None:
    """It can be read as what an engine saves; every layer has the digest that the config names."""
    layer = tmp_path / "layer.tar"
    layer.write_bytes(b"before" + b"x" * 2_000_001 + b"after")
    digest = "sha256:" + hashlib.sha256(b"x" * 2_000_001).hexdigest()
    config = {"config": {"Env": ["A=b"]}, "rootfs": {"type": "layers", "diff_ids": [digest]}, "history": [{}]}
    saved = Saved(config, 1, "", None, (Blob(layer, 6, 2_000_001, None),))
    contents = []
    for token in ("one", "two"):
        path = tmp_path / f"{token}.tar"
        path.write_bytes(b"".join(archive_of(saved, f"copy:{token}", token)))
        copy = read_saved(path, tmp_path)
        assert copy.config["config"] == {"Env": ["A=b"]}
        assert copy.config["rootfs"]["diff_ids"][1:] == [digest]
        assert len(copy.config["history"]) == 2
        layers = [blob.path.read_bytes()[blob.start : blob.start + blob.size_bytes] for blob in copy.blobs]
        assert [f"sha256:{hashlib.sha256(each).hexdigest()}" for each in layers] == copy.config["rootfs"]["diff_ids"]
        with tarfile.open(path) as tar, tarfile.open(fileobj=io.BytesIO(layers[0])) as lowest:
            manifest = json.load(tar.extractfile("manifest.json") or io.BytesIO())
            assert manifest[0]["RepoTags"] == [f"copy:{token}"]
            assert lowest.getnames() == [f".coldstart-harness-{token}"]
        contents.append(layers[0])
    assert contents[0] != contents[1]


def test_eviction_counts_what_there_is(tmp_path: Path) -> None:
    """Every file with content, once; links and empty files have no pages."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "large").write_bytes(bytes(3_000_000))
    (tmp_path / "small").write_bytes(b"abc")
    (tmp_path / "empty").touch()
    (tmp_path / "link").symlink_to("small")
    evicted = evict([tmp_path])
    assert evicted.size_bytes == 3_000_003
    assert 0 <= evicted.left_bytes <= evicted.size_bytes
