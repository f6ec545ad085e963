"""Several revisions of one model: what names them, what is refused, and how requests are shared out."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.doubles import write_manifest

from coldstart.apps.modes import served_models
from coldstart.domain.errors import ConfigurationError, InvalidInput
from coldstart.domain.manifest import Manifest, ModelEntry, entries_named, load_manifest
from coldstart.runtime.loading import TaskServing
from coldstart.runtime.routing import Routing, weights_of
from coldstart.runtime.settings import load_settings

OLD, NEW, NEAR = "607a30d" + "0" * 33, "6c0e608" + "0" * 33, "607a30d" + "1" * 33


def entry(name: str, revision: str, *, is_one_of_several: bool = True) -> ModelEntry:
    return ModelEntry(name, "next-token", "fake", f"own/{name}", revision, "MIT", True, {}, {}, is_one_of_several)


ENTRIES = (entry("gpt2", OLD), entry("gpt2", NEW), entry("gpt2", NEAR), entry("alone", "v1", is_one_of_several=False))


def manifest_of(directory: Path, models: Sequence[dict[str, Any]]) -> Path:
    """A manifest of as many models, of which something is said otherwise."""
    path = write_manifest(directory, *(f"m{index}" for index in range(len(models))))
    document = json.loads(path.read_text())
    for model, said in zip(document["models"], models, strict=True):
        model |= said
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize(
    ("wanted", "revisions"),
    [
        ("gpt2", [OLD, NEW, NEAR]),
        (f"gpt2@{NEW}", [NEW]),
        ("gpt2@6c0e608", [NEW]),
        ("gpt2@607a30d1", [NEAR]),
        ("gpt2@6c0e60", []),
        ("gpt2@", []),
        ("gpt2@11c5a3d", []),
        ("gpt", []),
        ("alone", ["v1"]),
        ("alone@v1", ["v1"]),
        ("alone@v", []),
    ],
)
def test_a_name_means_all_revisions_and_a_revision_one(wanted: str, revisions: list[str]) -> None:
    """Seven characters of a revision are enough, fewer are not, unless they are the whole of it."""
    assert [entry.revision for entry in entries_named(wanted, ENTRIES)] == revisions


def test_the_beginning_of_several_revisions_is_told_with_all_of_them() -> None:
    """The sentence has what can be written instead."""
    with pytest.raises(InvalidInput, match=f"'gpt2@607a30d' may be gpt2@{OLD} or gpt2@{NEAR}"):
        entries_named("gpt2@607a30d", ENTRIES)


def test_the_manifest_tells_revisions_of_one_name_apart(tmp_path: Path) -> None:
    """They are called NAME@REVISION; a model alone keeps its name."""
    said = [{"name": "gpt2", "revision": OLD}, {"name": "gpt2", "revision": NEW}, {"name": "other"}]
    models = load_manifest(manifest_of(tmp_path, said)).models
    assert [model.label for model in models] == [f"gpt2@{OLD}", f"gpt2@{NEW}", "other"]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"name": "m0"}, "has model 'm0@r1' twice"),
        ({"name": "m0", "revision": "r2", "task": "x"}, "has model 'm0' for the tasks 'next-token' and 'x'"),
        ({"revision": "a\r\nb"}, r"has model 'm1' at 'a\\r\\nb'; a revision is plain text"),
    ],
)
def test_models_that_cannot_be_told_apart_are_refused(said: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    """At the start, with the path of the manifest."""
    path = manifest_of(tmp_path, [{}, said])
    with pytest.raises(ConfigurationError, match=sentence):
        load_manifest(path)


def test_weights_are_read_by_revision() -> None:
    """A revision that is not named has none; no text is no weights."""
    assert weights_of("gpt2@6c0e608=10, gpt2@607a30d0=90", ENTRIES) == {f"gpt2@{NEW}": 10.0, f"gpt2@{OLD}": 90.0}
    assert weights_of(None, ENTRIES) == {}
    assert weights_of("alone=2", ENTRIES) == {"alone": 2.0}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("gpt2@11c5a3d=1", "names 'gpt2@11c5a3d', which is not there; wanted: NAME@REVISION=WEIGHT of gpt2@607a"),
        ("gpt3=1", "names 'gpt3', which is not there"),
        ("gpt2@6c0e608", "names '', which is not there"),
        ("gpt2=1", "names 'gpt2', which has 3 revisions"),
        ("gpt2@607a30d=1", "MODEL_WEIGHTS: model 'gpt2@607a30d' may be"),
        ("gpt2@6c0e608=-1", "has 'gpt2@6c0e608=-1'; a weight is a number from 0 to 1000000"),
        ("gpt2@6c0e608=nan", "a weight is a number"),
        ("gpt2@6c0e608=much", "a weight is a number"),
        ("gpt2@6c0e608=1e300", "a weight is a number"),
        ("gpt2@6c0e608=1,gpt2@6c0e6080=2", f"names gpt2@{NEW} twice"),
        ("gpt2@6c0e608=0,gpt2@607a30d0=0", "has no weight above 0 for model 'gpt2'"),
    ],
)
def test_weights_that_say_nothing_of_use_are_refused(text: str, sentence: str) -> None:
    """In one sentence with what was met and what is wanted."""
    with pytest.raises(ConfigurationError, match=sentence):
        weights_of(text, ENTRIES)


def test_without_weights_the_first_revision_has_all() -> None:
    """Of each name."""
    routing = Routing(ENTRIES)
    assert [routing.share(entry.label) for entry in ENTRIES] == [1.0, 0.0, 0.0, 1.0]


def test_ten_thousand_draws_are_shared_out_by_weight() -> None:
    """Within four standard deviations, by a fixed seed."""
    old, new, near = (entry.label for entry in ENTRIES[:3])
    routing = Routing(ENTRIES, {old: 90, new: 9, near: 1}, seed=7)
    drawn = Counter(routing.draw([old, new, near]) for _ in range(10_000))
    for label, share in ((old, 0.9), (new, 0.09), (near, 0.01)):
        assert routing.share(label) == pytest.approx(share)
        assert drawn[label] == pytest.approx(10_000 * share, abs=4 * (10_000 * share * (1 - share)) ** 0.5)


def test_among_those_left_the_draw_keeps_their_proportion() -> None:
    """What one cannot take is shared out among the others."""
    old, new, near = (entry.label for entry in ENTRIES[:3])
    routing = Routing(ENTRIES, {old: 60, new: 30, near: 10}, seed=7)
    drawn = Counter(routing.draw([new, near]) for _ in range(10_000))
    assert drawn[new] == pytest.approx(7500, abs=4 * (10_000 * 0.75 * 0.25) ** 0.5)


def test_the_one_model_to_load_may_be_a_revision() -> None:
    """A name loads all of its revisions; the beginning of several of them is refused."""

    def loaded(model: str) -> list[str]:
        serving = TaskServing("fake", _never_called, check=_never_called, recover=_never_called, model=model)
        settings = load_settings({"SERVICE_MODE": "wheel", "MODELS_MANIFEST": "/models.json"})
        return [entry.revision for entry in served_models(settings, Manifest(ENTRIES), {"next-token": serving})]

    assert loaded("gpt2") == [OLD, NEW, NEAR]
    assert loaded("gpt2@6c0e608") == [NEW]
    with pytest.raises(ConfigurationError, match="model 'gpt2@607a30d' may be"):
        loaded("gpt2@607a30d")
    with pytest.raises(ConfigurationError, match=f"has no model 'gpt3' of task 'next-token'; it has gpt2@{OLD}, "):
        loaded("gpt3")


def _never_called(*_arguments: Any) -> Any:
    raise AssertionError("nothing is loaded here")
