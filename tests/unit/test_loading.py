"""From a manifest's entry to a model that serves, with the golden check of next-token models."""

import dataclasses
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from tests.doubles import FakeNextTokenEngine, write_manifest

from coldstart.domain.errors import EngineFailed, ModelRejected
from coldstart.domain.manifest import ModelEntry, load_manifest
from coldstart.domain.next_token import NextTokenRequest
from coldstart.runtime.loading import ModelLoading, TaskServing
from coldstart.runtime.models import AnyServedModel
from coldstart.runtime.timeline import StartupTimeline
from coldstart.services.next_token_golden import check_next_token

Load = Callable[..., AnyServedModel]


@pytest.fixture
def entry(tmp_path: Path) -> ModelEntry:
    return load_manifest(write_manifest(tmp_path, "alpha")).models[0]


@pytest.fixture
def engine() -> FakeNextTokenEngine:
    return FakeNextTokenEngine()


@pytest.fixture
def load(engine: FakeNextTokenEngine) -> Iterator[Load]:
    loaded: list[AnyServedModel] = []

    def load(entry: ModelEntry, **kwargs: Any) -> AnyServedModel:
        serving = TaskServing("fake", lambda: lambda _: engine, check_next_token, lambda _e, _r: None)
        loader = ModelLoading({"next-token": serving}, queue_limit=4)
        warming = kwargs.get("warming", lambda: None)
        loaded.append(loader(entry, kwargs.get("timeline", StartupTimeline()), warming))
        return loaded[-1]

    yield load
    for served in loaded:
        served.close(5)


def test_a_right_model_serves(load: Load, entry: ModelEntry) -> None:
    """It is read, built and warmed up, each phase is measured, and it answers."""
    timeline = StartupTimeline()
    states: list[str] = []
    served = load(entry, timeline=timeline, warming=lambda: states.append("warming"))
    assert states == ["warming"]
    assert list(timeline.model_phases("alpha")) == ["read", "build", "warmup"]
    assert served.engine_name == "fake"
    assert served.scheduler.submit_blocking(NextTokenRequest((65,)), 10).shape == (264,)


def test_a_model_is_served_by_the_first_engine_it_has_an_artifact_for(
    entry: ModelEntry, engine: FakeNextTokenEngine
) -> None:
    """An entry's artifacts decide, not the task alone; without any of them the engines are named."""
    other = TaskServing("other", Mock(), check_next_token, lambda _e, _r: None)
    fake = TaskServing("fake", lambda: lambda _: engine, check_next_token, lambda _e, _r: None)
    chain = dataclasses.replace(other, otherwise=fake)
    served = ModelLoading({"next-token": chain}, queue_limit=4)(entry, StartupTimeline(), lambda: None)
    served.close(5)
    assert served.engine_name == "fake"
    lacking = dataclasses.replace(entry, artifacts={})
    with pytest.raises(ModelRejected, match="has no artifact for engine 'other' or 'fake'; it has none"):
        ModelLoading({"next-token": chain}, queue_limit=4)(lacking, StartupTimeline(), lambda: None)


def test_the_digest_is_the_same_for_the_same_answer(load: Load, entry: ModelEntry) -> None:
    """It is the golden answer's, not the engine's digits: processes agree, and another golden answer is told apart."""
    digest = load(entry).golden_digest
    assert digest == load(entry).golden_digest
    slightly = {token: p + 1e-5 for token, p in entry.golden["probabilities"].items()}
    other = dataclasses.replace(entry, golden={**entry.golden, "probabilities": slightly})
    assert digest != load(other).golden_digest
    assert len(digest) == 64


def test_a_changed_file_is_never_built(load: Load, entry: ModelEntry, engine: FakeNextTokenEngine) -> None:
    """The engine does not see bytes that differ from the manifest."""
    (entry.artifacts["fake"].path / "weights.bin").write_bytes(b"x" * 5000)
    with pytest.raises(ModelRejected, match=r"weights\.bin has sha256"):
        load(entry)
    assert engine.calls == []


def test_an_answer_beyond_the_tolerance_is_rejected(load: Load, entry: ModelEntry, engine: FakeNextTokenEngine) -> None:
    """The sentence has the distance and the tolerance, and the engine is freed."""
    shifted = {token: p * 0.9 for token, p in entry.golden["probabilities"].items()}
    golden = {**entry.golden, "probabilities": shifted}
    with pytest.raises(ModelRejected, match=r"total variation 0\.\d+ from the manifest's, which allows 0\.001"):
        load(dataclasses.replace(entry, golden=golden))
    assert engine.closed


def test_a_distance_that_is_no_number_is_rejected(load: Load, entry: ModelEntry) -> None:
    """NaN is not within any tolerance."""
    golden = {**entry.golden, "probabilities": {65: float("nan")}}
    with pytest.raises(ModelRejected, match="total variation nan"):
        load(dataclasses.replace(entry, golden=golden))


def test_another_tokenization_is_rejected(load: Load, entry: ModelEntry) -> None:
    """A tokenizer that makes other ids of the golden prompt is not the model's."""
    golden = {**entry.golden, "token_ids": (1, 2)}
    with pytest.raises(ModelRejected, match=r"of the golden prompt, the manifest says \[1, 2\]"):
        load(dataclasses.replace(entry, golden=golden))


def test_an_engine_without_tolerance_is_rejected(load: Load, entry: ModelEntry) -> None:
    """What cannot be compared must not become ready."""
    golden = {**entry.golden, "tolerance": {"other": 0.1}}
    with pytest.raises(ModelRejected, match="the manifest has no tolerance for engine 'fake'"):
        load(dataclasses.replace(entry, golden=golden))


def test_a_golden_answer_of_another_form_is_rejected(load: Load, entry: ModelEntry) -> None:
    """The sentence names the model and what its golden answer lacks."""
    with pytest.raises(ModelRejected, match="'alpha': its golden answer is not one of next tokens: KeyError"):
        load(dataclasses.replace(entry, golden={"text": "seven"}))


def test_an_engine_that_fails_its_warm_up_is_freed(load: Load, entry: ModelEntry, engine: FakeNextTokenEngine) -> None:
    """Nothing of a failed model stays in memory."""
    engine.poison = entry.golden["token_ids"][0]
    with pytest.raises(EngineFailed):
        load(entry)
    assert engine.closed


def test_an_unknown_task_names_those_that_are_served(load: Load, entry: ModelEntry) -> None:
    """A manifest for another service mode is told apart from a broken one."""
    with pytest.raises(ModelRejected, match="has task 'speech'; this process serves next-token"):
        load(dataclasses.replace(entry, task="speech"))


def test_a_missing_artifact_names_those_there_are(load: Load, entry: ModelEntry) -> None:
    """An image built for another engine says which one."""
    with pytest.raises(ModelRejected, match="has no artifact for engine 'fake'; it has other"):
        load(dataclasses.replace(entry, artifacts={"other": entry.artifacts["fake"]}))


def test_the_library_is_imported_while_files_are_read(
    entry: ModelEntry, engine: FakeNextTokenEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Preparation has begun before reading is over: neither waits for the other's end to begin."""
    prepared = threading.Event()

    def verify(_: object) -> None:
        assert prepared.wait(10)

    def prepare() -> Callable[[Path], FakeNextTokenEngine]:
        prepared.set()
        return lambda _: engine

    monkeypatch.setattr("coldstart.runtime.loading.verify_artifact", verify)
    serving: TaskServing[Any, Any, Any] = TaskServing("fake", prepare, lambda *_: "digest", lambda _e, _r: None)
    served = ModelLoading({"next-token": serving}, 4)(entry, StartupTimeline(), lambda: None)
    assert served.golden_digest == "digest"
    served.close(5)
