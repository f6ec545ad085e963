"""The registry: states of models, what is handed out, and the end."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from coldstart.domain.errors import ModelRejected, NotFound, NotReady, Overloaded
from coldstart.domain.manifest import ModelEntry
from coldstart.runtime.models import AnyServedModel, ModelState
from coldstart.runtime.registry import ModelRegistry, Readiness
from coldstart.runtime.routing import Routing
from coldstart.runtime.timeline import StartupTimeline


def entry(name: str, *, required: bool = True) -> ModelEntry:
    return ModelEntry(name, "next-token", "fake", f"own/{name}", "r1", "MIT", required, {}, {})


def revision(revision: str, *, required: bool = True) -> ModelEntry:
    return replace(entry("a", required=required), revision=revision, is_one_of_several=True)


class FakeScheduler:
    depth = 3
    refusals = 5
    failures = 7
    has_room = True

    def check_room(self) -> None:
        if not self.has_room:
            self.refusals += 1
            raise Overloaded("full", retry_after_s=1)


@dataclass
class FakeServed:
    entry: ModelEntry
    golden_digest: str = "d1"
    device: str = "cuda"
    scheduler: FakeScheduler = field(default_factory=FakeScheduler)
    closed_with: list[float] = field(default_factory=list)

    def close(self, deadline_s: float) -> None:
        self.closed_with.append(deadline_s)


class Loader:
    """Holds each model at two gates, and fails those that have an error."""

    def __init__(self) -> None:
        self.build = threading.Event()
        self.warm_up = threading.Event()
        self.errors: dict[str, Exception] = {}
        self.served: dict[str, FakeServed] = {}
        self.threads: list[str] = []

    def __call__(self, entry: ModelEntry, timeline: StartupTimeline, warming: Callable[[], None]) -> AnyServedModel:
        self.threads.append(threading.current_thread().name)
        with timeline.model_phase(entry.label, "read"):
            assert self.build.wait(10)
        warming()
        assert self.warm_up.wait(10)
        if entry.label in self.errors:
            raise self.errors[entry.label]
        self.served[entry.label] = FakeServed(entry)
        return cast(AnyServedModel, self.served[entry.label])

    def release(self) -> None:
        self.build.set()
        self.warm_up.set()


@pytest.fixture
def loader() -> Iterator[Loader]:
    loader = Loader()
    yield loader
    loader.release()


def reached(registry: ModelRegistry, name: str, state: ModelState) -> bool:
    with registry._changed:
        return registry._changed.wait_for(lambda: registry.states()[name].state is state, 10)


def test_a_model_goes_through_its_states(loader: Loader) -> None:
    """pending, loading, warming, ready; only the last is handed out and counts as ready."""
    timeline = StartupTimeline()
    registry = ModelRegistry([entry("a")], loader, timeline)
    assert registry.states()["a"].state is ModelState.PENDING
    registry.start()
    assert reached(registry, "a", ModelState.LOADING)
    with pytest.raises(NotReady, match="model 'a' is not ready: it is loading"):
        registry.get("a")
    loader.build.set()
    assert reached(registry, "a", ModelState.WARMING)
    assert not registry.readiness().ready
    assert "models" not in timeline.marks
    loader.warm_up.set()
    assert registry.wait_settled(10)
    assert registry.get("a") is cast(Any, loader.served["a"])
    assert registry.readiness() == Readiness(True)
    assert registry.all_ready


def test_a_status_tells_what_is_known(loader: Loader) -> None:
    """Golden digest, device, phases and the queue's figures come with the state."""
    registry = ModelRegistry([entry("a")], loader, StartupTimeline())
    loader.release()
    registry.start()
    assert registry.wait_settled(10)
    status = registry.states()["a"]
    assert (status.golden, status.device, status.queue_depth) == ("d1", "cuda", 3)
    assert (status.refusals, status.failures, status.share) == (5, 7, 1.0)
    assert status.reason is None
    assert set(status.phases) == {"read"}


def test_models_load_in_parallel(loader: Loader) -> None:
    """All are loading before any is done, each in a thread of its own."""
    registry = ModelRegistry([entry("a"), entry("b")], loader, StartupTimeline())
    registry.start()
    assert reached(registry, "a", ModelState.LOADING)
    assert reached(registry, "b", ModelState.LOADING)
    loader.release()
    assert registry.wait_settled(10)
    assert sorted(loader.threads) == ["load-a", "load-b"]


def test_a_second_start_loads_nothing_twice(loader: Loader) -> None:
    """The command starts the registry early, the lifespan once more."""
    loader.release()
    registry = ModelRegistry([entry("a")], loader, StartupTimeline())
    registry.start()
    registry.start()
    assert registry.wait_settled(10)
    assert len(loader.threads) == 1


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ModelRejected("weights.bin differs"), "weights.bin differs"),
        (MemoryError("no room"), "MemoryError: no room"),
    ],
)
def test_a_failed_model_keeps_its_reason_and_is_never_ready(loader: Loader, error: Exception, reason: str) -> None:
    """Whatever a library raises is the model's failure; other models are not touched by it."""
    loader.errors["a"] = error
    loader.release()
    registry = ModelRegistry([entry("a"), entry("b")], loader, StartupTimeline())
    with capture_logs() as logs:
        registry.start()
        assert registry.wait_settled(10)
    assert registry.states()["a"].reason == reason
    assert [log["reason"] for log in logs if log["event"] == "model_failed"] == [reason]
    with pytest.raises(NotReady, match="model 'a' failed to load"):
        registry.get("a")
    assert registry.get("b")
    assert registry.readiness() == Readiness(False, (f"model 'a' is failed: {reason}",), 30)


def test_an_optional_model_does_not_hold_readiness_back(loader: Loader) -> None:
    """Ready means every required one; all_ready means every one."""
    loader.errors["b"] = ModelRejected("no")
    loader.release()
    registry = ModelRegistry([entry("a"), entry("b", required=False)], loader, StartupTimeline())
    registry.start()
    assert registry.wait_settled(10)
    assert registry.readiness().ready
    assert not registry.all_ready


def test_no_models_is_not_ready(loader: Loader) -> None:
    """An image without models serves nothing, and says so."""
    registry = ModelRegistry([], loader, StartupTimeline())
    registry.start()
    assert registry.readiness() == Readiness(False, ("the manifest names no model",), 30)
    assert not registry.all_ready


def test_an_unknown_name_is_told_the_known_ones(loader: Loader) -> None:
    """A caller sees what there is."""
    registry = ModelRegistry([entry("a"), entry("b")], loader, StartupTimeline())
    with pytest.raises(NotFound, match="there is no model 'c'; there are: a, b"):
        registry.get("c")


def test_the_timeline_hears_when_all_required_models_are_ready(loader: Loader) -> None:
    """Not before the last of them, and whatever becomes of optional ones."""
    timeline = StartupTimeline()
    loader.errors["c"] = ModelRejected("no")
    loader.build.set()
    registry = ModelRegistry([entry("a"), entry("b"), entry("c", required=False)], loader, timeline)
    registry.start()
    assert all(reached(registry, name, ModelState.WARMING) for name in "abc")
    assert "models" not in timeline.marks
    loader.release()
    assert registry.wait_settled(10)
    assert "models" in timeline.marks


def test_close_frees_what_is_ready(loader: Loader) -> None:
    """Each model gets what is left of the deadline."""
    loader.release()
    registry = ModelRegistry([entry("a"), entry("b")], loader, StartupTimeline())
    registry.start()
    assert registry.wait_settled(10)
    registry.close(5.0)
    for served in loader.served.values():
        assert len(served.closed_with) == 1
        assert 0.0 <= served.closed_with[0] <= 5.0


def test_a_model_that_is_done_loading_after_the_close_is_freed(loader: Loader) -> None:
    """Its own thread frees it, and it never becomes ready."""
    registry = ModelRegistry([entry("a")], loader, StartupTimeline())
    registry.start()
    assert reached(registry, "a", ModelState.LOADING)
    thread = next(t for t in threading.enumerate() if t.name == "load-a")
    registry.close(0.0)
    loader.release()
    thread.join(10)
    assert loader.served["a"].closed_with == [0]
    assert registry.states()["a"].state is ModelState.WARMING


def handed_out(registry: ModelRegistry, loader: Loader, name: str | None, times: int = 200) -> set[str]:
    """The labels of the models that as many requests get."""
    labels = {id(served): label for label, served in loader.served.items()}
    return {labels[id(registry.find("next-token", name))] for _ in range(times)}


WEIGHTS = {"a@r1": 6.0, "a@r2": 3.0, "a@r3": 1.0}


def test_revisions_share_the_requests_that_name_none(loader: Loader) -> None:
    """Also those that name no model; a revision by its name gets all that ask for it."""
    entries = [revision("r1"), revision("r2"), revision("r3")]
    loader.release()
    registry = ModelRegistry(entries, loader, StartupTimeline(), Routing(entries, WEIGHTS, seed=7))
    registry.start()
    assert registry.wait_settled(10)
    assert handed_out(registry, loader, "a") == handed_out(registry, loader, None) == {"a@r1", "a@r2", "a@r3"}
    assert handed_out(registry, loader, "a@r3") == {"a@r3"}
    assert registry.get("a") is cast(Any, loader.served["a@r1"])


def test_a_revision_without_a_share_answers_who_names_it(loader: Loader) -> None:
    """By default that is every revision but the first."""
    entries = [revision("r1"), revision("r2")]
    loader.release()
    registry = ModelRegistry(entries, loader, StartupTimeline())
    registry.start()
    assert registry.wait_settled(10)
    assert handed_out(registry, loader, "a") == {"a@r1"}
    assert handed_out(registry, loader, "a@r2") == {"a@r2"}


@pytest.mark.parametrize("required", [True, False])
def test_the_share_of_a_revision_that_fails_goes_to_the_others(loader: Loader, required: bool) -> None:
    """Requests are answered; readiness tells of it where the revision is required."""
    entries = [revision("r1", required=required), revision("r2"), revision("r3")]
    loader.errors["a@r1"] = ModelRejected("no")
    loader.release()
    registry = ModelRegistry(entries, loader, StartupTimeline(), Routing(entries, WEIGHTS, seed=7))
    registry.start()
    assert registry.wait_settled(10)
    assert handed_out(registry, loader, "a") == {"a@r2", "a@r3"}
    assert registry.get("a") is cast(Any, loader.served["a@r2"])
    with pytest.raises(NotReady, match="model 'a@r1' failed to load"):
        registry.find("next-token", "a@r1")
    assert registry.readiness().ready is not required
    assert not registry.all_ready


def test_where_no_revision_is_ready_the_one_that_may_become_so_is_told(loader: Loader) -> None:
    """Rather than one that has failed: it makes sense to come again."""
    entries = [revision("r1"), revision("r2")]
    loader.errors["a@r1"] = ModelRejected("no")
    registry = ModelRegistry(entries, loader, StartupTimeline(), Routing(entries, {"a@r1": 1, "a@r2": 1}))
    with pytest.raises(NotReady, match="model 'a@r1' is not ready: it is pending"):
        registry.find("next-token", "a")
    registry.start()
    with pytest.raises(NotReady, match="is not ready"):
        registry.find("next-token", "a")
    loader.release()
    assert registry.wait_settled(10)


def test_room_is_looked_for_where_requests_go(loader: Loader) -> None:
    """A revision without a share lets nobody in; a refusal counts for the one with the largest share."""
    entries = [revision("r1"), revision("r2"), revision("r3")]
    registry = ModelRegistry(entries, loader, StartupTimeline(), Routing(entries, {"a@r2": 10, "a@r3": 90}))
    loader.release()
    registry.start()
    assert registry.wait_settled(10)
    loader.served["a@r3"].scheduler.has_room = False
    registry.check_room("next-token")
    loader.served["a@r2"].scheduler.has_room = False
    with pytest.raises(Overloaded):
        registry.check_room("next-token")
    assert [registry.states()[entry.label].refusals for entry in entries] == [5, 5, 6]


def test_room_is_looked_for_at_what_is_ready(loader: Loader) -> None:
    """Where no revision that has a share is ready, the others are asked."""
    loader.errors["a@r1"] = ModelRejected("broken")
    entries = [revision("r1"), revision("r2")]
    registry = ModelRegistry(entries, loader, StartupTimeline())
    loader.release()
    registry.start()
    assert registry.wait_settled(10)
    registry.check_room("next-token")
    loader.served["a@r2"].scheduler.has_room = False
    with pytest.raises(Overloaded):
        registry.check_room("next-token")
