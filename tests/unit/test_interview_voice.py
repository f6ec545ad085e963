"""Which revision of a voice says an interview's questions."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.synthesis_doubles import PCM, FakeEncoder, FakeSynthesizer
from tests.tts_serving import fake_tts_core, speech_over

from coldstart.runtime.registry import ModelRegistry
from coldstart.runtime.routing import Routing
from coldstart.services.interview_voice import InterviewVoice

Weighted = Callable[[dict[str, float]], InterviewVoice]


@pytest.fixture
def weighted(tmp_path: Path) -> Iterator[Weighted]:
    """The interviewer's voice over two revisions of one model, by their weights."""
    registries: list[ModelRegistry] = []

    def made(weights: dict[str, float]) -> InterviewVoice:
        core = fake_tts_core(tmp_path, FakeSynthesizer(), "tiny")
        entries = [
            replace(core.registry.entries[0], revision=revision, is_one_of_several=True) for revision in ("r1", "r2")
        ]
        routing = Routing(entries, weights, seed=7)
        registry = ModelRegistry(entries, core.registry._loader, core.timeline, routing)
        registries.append(registry)
        registry.start()
        assert registry.wait_settled(10.0)
        return InterviewVoice(speech_over(replace(core, registry=registry), FakeEncoder()))

    yield made
    for registry in registries:
        registry.close(5.0)


@pytest.mark.parametrize("language", ["de", "fr"])
@pytest.mark.parametrize(
    ("weights", "revisions"), [({"tiny@r2": 1.0}, {"r2"}), ({"tiny@r1": 1.0, "tiny@r2": 1.0}, {"r1", "r2"})]
)
def test_questions_are_said_by_weight(
    weighted: Weighted, weights: dict[str, float], revisions: set[str], language: str
) -> None:
    """In a voice of the language and without one; a revision of weight 0 says none, though it comes first."""
    voice = weighted(weights)
    said = [voice.begin("How do you do?", language=language, format_name=PCM) for _ in range(20)]
    assert {utterance.model.revision for utterance in said} == revisions
