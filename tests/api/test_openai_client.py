"""The openai package against a real server on loopback."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from tests.doubles import FakeNextTokenEngine
from tests.wheel_serving import core_over, served

from coldstart.runtime.core import Core


@pytest.fixture
def engine() -> Iterator[FakeNextTokenEngine]:
    engine = FakeNextTokenEngine(context_length=4096, max_batch=1)
    yield engine
    engine.gate.set()


@pytest.fixture
def core(tmp_path: Path, engine: FakeNextTokenEngine) -> Core:
    return core_over(tmp_path, engine, "tiny", QUEUE_LIMIT="1")


@pytest.fixture
def client(core: Core) -> Iterator[openai.OpenAI]:
    with served(core) as address, openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as client:
        yield client


def wait_until_idle(core: Core, engine: FakeNextTokenEngine) -> None:
    """Return once the engine has forgotten a sequence."""
    deadline = time.monotonic() + 10.0
    pause = threading.Event()
    while not engine.forgotten:
        assert time.monotonic() < deadline
        pause.wait(0.01)


def test_models_are_listed(client: openai.OpenAI) -> None:
    """`models.list` and `models.retrieve` give the model."""
    assert [model.id for model in client.models.list()] == ["tiny"]
    assert client.models.retrieve("tiny").owned_by == "coldstart"


def test_a_completion_is_made(client: openai.OpenAI) -> None:
    """`completions.create` gives text, log-probabilities and counts in the client's own types."""
    answer = client.completions.create(
        model="tiny", prompt="the cat", max_tokens=6, temperature=0.8, top_p=0.9, seed=3, logprobs=2, echo=False, n=1
    )
    choice = answer.choices[0]
    assert choice.finish_reason == "length"
    assert choice.logprobs is not None
    assert "".join(choice.logprobs.tokens or ()) == choice.text
    assert answer.usage is not None
    assert answer.usage.total_tokens == 10


def test_a_stream_is_the_same_text(client: openai.OpenAI) -> None:
    """The streamed chunks of a seeded request join to its whole text."""
    whole = client.completions.create(model="tiny", prompt="the cat", max_tokens=20, temperature=2, seed=3)
    stream = client.completions.create(
        model="tiny", prompt="the cat", max_tokens=20, temperature=2, seed=3, stream=True
    )
    assert "".join(chunk.choices[0].text for chunk in stream) == whole.choices[0].text


def test_errors_are_the_clients_own(client: openai.OpenAI) -> None:
    """Refusals arrive as the client's exception classes with our sentence."""
    with pytest.raises(openai.NotFoundError, match="gpt-9"):
        client.completions.create(model="gpt-9", prompt="a")
    with pytest.raises(openai.BadRequestError, match="n is 2"):
        client.completions.create(model="tiny", prompt="a", n=2)


def test_a_closed_stream_stops_the_engine(client: openai.OpenAI, core: Core, engine: FakeNextTokenEngine) -> None:
    """When the client leaves, the engine does no more steps for it, and forgets the sequence."""
    stream = client.completions.create(model="tiny", prompt="the", max_tokens=4000, temperature=1, stream=True)
    next(iter(stream))
    stream.close()
    wait_until_idle(core, engine)
    assert len(engine.calls) < 4000
    steps = len(engine.calls)
    core.registry.get("tiny").scheduler.run(lambda: None).result(5.0)
    assert len(engine.calls) == steps


def test_a_left_request_stops_the_engine(client: openai.OpenAI, core: Core, engine: FakeNextTokenEngine) -> None:
    """A request without stream whose client has left stops too."""
    engine.gate.clear()
    impatient = client.with_options(timeout=0.3)
    with pytest.raises(openai.APITimeoutError):
        impatient.completions.create(model="tiny", prompt="the", max_tokens=4000)
    wait_until_idle_of = threading.Thread(target=wait_until_idle, args=(core, engine))
    engine.gate.set()
    wait_until_idle_of.start()
    wait_until_idle_of.join(10.0)
    assert engine.forgotten
    assert len(engine.calls) < 100
