"""The token wheel over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.doubles import FakeNextTokenEngine, fake_logits
from tests.wheel_serving import core_over, wheel_client

from coldstart.domain.distribution import Distribution, drawn_position
from coldstart.runtime.core import Core

SESSIONS = "/api/v1/sessions"


@pytest.fixture
def engine() -> FakeNextTokenEngine:
    return FakeNextTokenEngine()


@pytest.fixture
def core(tmp_path: Path, engine: FakeNextTokenEngine) -> Core:
    return core_over(tmp_path, engine, "tiny", "other", SESSION_LIMIT="3")


@pytest.fixture
async def client(core: Core) -> AsyncIterator[httpx.AsyncClient]:
    async with wheel_client(core) as client:
        yield client


async def created(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    reply = await client.post(SESSIONS, json={"prompt": "the cat", "seed": 5, **body})
    assert reply.status_code == 201, reply.text
    return dict(reply.json())


async def stepped(client: httpx.AsyncClient, session: dict[str, Any], **body: Any) -> dict[str, Any]:
    reply = await client.post(f"{SESSIONS}/{session['id']}/tokens", json=body)
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


def mass(session: dict[str, Any]) -> float:
    distribution = session["distribution"]
    return float(sum(s["probability"] for s in distribution["slices"]) + distribution["rest_probability"])


async def test_models_are_listed_with_their_sizes(client: httpx.AsyncClient) -> None:
    """Every model tells its origin, sizes and readiness."""
    models = (await client.get("/api/models")).json()["models"]
    assert [model["name"] for model in models] == ["tiny", "other"]
    assert models[0] == {
        "name": "tiny",
        "repository": "coldstart/tiny",
        "revision": "r1",
        "license": "MIT",
        "vocabulary_size": FakeNextTokenEngine.vocabulary_size,
        "context_length": 64,
        "ready": True,
        "state": "ready",
    }


async def test_a_session_begins_with_the_prompts_distribution(client: httpx.AsyncClient) -> None:
    """A new session has the first model, the settings asked for, and slices of the full softmax."""
    session = await created(client, top_k=3, temperature=0.5)
    assert session["model"] == "tiny"
    assert session["text"] == "the cat"
    assert session["prompt_token_count"] == len(session["tokens"]) == 4
    assert (session["top_k"], session["temperature"], session["seed"]) == (3, 0.5, 5)
    expected = Distribution(fake_logits([t["id"] for t in session["tokens"]]), 0.5)
    assert session["distribution"]["slices"] == [
        {"token_id": s.token_id, "text": s_text, "probability": s.probability}
        for s, s_text in zip(expected.top(3), _texts(expected), strict=True)
    ]
    assert session["distribution"]["entropy_bits"] == pytest.approx(expected.entropy_bits)


def _texts(distribution: Distribution) -> list[str]:
    from tests.doubles import FAKE_WORDS

    return [FAKE_WORDS[s.token_id - 256] for s in distribution.top(3)]


@pytest.mark.parametrize("top_k", [1, 12, 100])
@pytest.mark.parametrize("temperature", [0.01, 1, 5.0])
async def test_slices_and_rest_add_up_to_one(client: httpx.AsyncClient, top_k: int, temperature: float) -> None:
    """Whatever is shown, the slices and the rest together have probability 1, and fall from first to last."""
    session = await created(client, top_k=top_k, temperature=temperature)
    assert mass(session) == pytest.approx(1.0, abs=1e-6)
    shown = [s["probability"] for s in session["distribution"]["slices"]]
    assert shown == sorted(shown, reverse=True)
    assert len(shown) == top_k


async def test_a_spin_adds_the_token_where_the_pointer_stops(client: httpx.AsyncClient) -> None:
    """The chosen token is the one at the drawn position of the whole vocabulary's wheel, with its probability."""
    session = await created(client)
    after = await stepped(client, session, spin=True)
    before = Distribution(fake_logits([t["id"] for t in session["tokens"]]), 1.0)
    position = drawn_position(5, 0)
    assert after["chosen"]["position"] == position
    assert after["chosen"]["token_id"] == before.token_at(position)
    assert after["chosen"]["probability"] == before.probability_of(before.token_at(position))
    assert after["text"] == session["text"] + after["chosen"]["text"]
    assert after["tokens"][:-1] == session["tokens"]


async def test_one_seed_gives_one_text(client: httpx.AsyncClient) -> None:
    """Two sessions of one prompt and seed spin the same tokens; another seed gives others."""

    async def spun(seed: int) -> list[int]:
        session = await created(client, seed=seed, temperature=3.0)
        for _ in range(10):
            session = await stepped(client, session, spin=True)
        await client.delete(f"{SESSIONS}/{session['id']}")
        return [token["id"] for token in session["tokens"]]

    assert await spun(11) == await spun(11) != await spun(12)


async def test_without_a_seed_one_is_chosen_and_told(client: httpx.AsyncClient) -> None:
    """Sessions without a seed get different ones, which are in the answer."""
    seeds = {(await created(client, seed=None))["seed"] for _ in range(3)}
    assert len(seeds) > 1


async def test_a_spin_can_hit_the_rest(client: httpx.AsyncClient) -> None:
    """A token outside of the slices shown can be spun, and is told like any other."""
    session = await created(client, top_k=1, temperature=5.0)
    for _ in range(20):
        shown = session["distribution"]["slices"][0]["token_id"]
        session = await stepped(client, session, spin=True)
        if session["chosen"]["token_id"] != shown:
            return
    pytest.fail("twenty spins at temperature 5 all gave the likeliest token")


async def test_a_token_is_picked_by_its_id(client: httpx.AsyncClient) -> None:
    """Any token of the vocabulary may be picked, also one outside of the slices."""
    session = await created(client, top_k=1)
    after = await stepped(client, session, token_id=65)
    assert after["text"] == "the catA"
    assert after["chosen"]["position"] is None
    assert after["chosen"]["probability"] < 0.01


async def test_undo_takes_chosen_tokens_back_and_no_others(client: httpx.AsyncClient) -> None:
    """Undo restores the former document; with nothing chosen it is refused."""
    session = await created(client)
    await stepped(client, session, spin=True)
    undone = await client.delete(f"{SESSIONS}/{session['id']}/tokens/last")
    assert undone.json() == session
    refused = await client.delete(f"{SESSIONS}/{session['id']}/tokens/last")
    assert refused.status_code == 422
    assert "no token has been chosen" in refused.json()["detail"]


async def test_after_undo_the_same_seed_spins_the_same(client: httpx.AsyncClient) -> None:
    """Seed and number of chosen tokens decide a spin, so undo and spin repeats; a new seed may not."""
    session = await created(client)
    first = await stepped(client, session, spin=True)
    await client.delete(f"{SESSIONS}/{session['id']}/tokens/last")
    assert (await stepped(client, session, spin=True))["chosen"] == first["chosen"]


async def test_settings_change_without_a_step(client: httpx.AsyncClient) -> None:
    """PATCH shows the same text under another temperature, number of slices and seed, and keeps them."""
    session = await created(client)
    reply = await client.patch(f"{SESSIONS}/{session['id']}", json={"temperature": 2.0, "top_k": 2, "seed": 9})
    changed = reply.json()
    assert changed["text"] == session["text"]
    assert (changed["temperature"], changed["top_k"], changed["seed"]) == (2.0, 2, 9)
    assert len(changed["distribution"]["slices"]) == 2
    assert (await client.get(f"{SESSIONS}/{session['id']}")).json() == changed


async def test_a_step_may_change_settings_first(client: httpx.AsyncClient) -> None:
    """Temperature and number of slices given with a spin apply to it and stay."""
    session = await created(client)
    after = await stepped(client, session, spin=True, temperature=0.01, top_k=1)
    assert after["chosen"]["token_id"] == session["distribution"]["slices"][0]["token_id"]
    assert (after["temperature"], after["top_k"], len(after["distribution"]["slices"])) == (0.01, 1, 1)


async def test_seen_positions_cost_no_step(client: httpx.AsyncClient, engine: FakeNextTokenEngine) -> None:
    """Showing, changing settings and undo ask the engine for nothing; a spin asks for one step."""
    session = await created(client)
    before = len(engine.calls)
    await client.get(f"{SESSIONS}/{session['id']}")
    await client.patch(f"{SESSIONS}/{session['id']}", json={"temperature": 2.0})
    assert len(engine.calls) == before
    await stepped(client, session, spin=True)
    assert len(engine.calls) == before + 1
    await client.delete(f"{SESSIONS}/{session['id']}/tokens/last")
    assert len(engine.calls) == before + 1


async def test_an_ended_session_is_forgotten(
    client: httpx.AsyncClient, core: Core, engine: FakeNextTokenEngine
) -> None:
    """DELETE answers 204, has the engine forget the sequence, and afterwards the session is not found."""
    session = await created(client)
    assert (await client.delete(f"{SESSIONS}/{session['id']}")).status_code == 204
    core.registry.get("tiny").scheduler.run(lambda: None).result(5.0)
    assert engine.forgotten == [session["id"]]
    for reply in (
        await client.get(f"{SESSIONS}/{session['id']}"),
        await client.delete(f"{SESSIONS}/{session['id']}"),
        await client.post(f"{SESSIONS}/{session['id']}/tokens", json={"spin": True}),
        await client.delete(f"{SESSIONS}/{session['id']}/tokens/last"),
        await client.patch(f"{SESSIONS}/{session['id']}", json={"seed": 1}),
    ):
        assert reply.status_code == 404
        assert session["id"] in reply.json()["detail"]


async def test_concurrent_spins_lose_no_token(client: httpx.AsyncClient) -> None:
    """Requests on one session are served one after another: five spins at once add five tokens."""
    session = await created(client)
    await asyncio.gather(*(stepped(client, session, spin=True) for _ in range(5)))
    shown = (await client.get(f"{SESSIONS}/{session['id']}")).json()
    assert len(shown["tokens"]) == len(session["tokens"]) + 5


async def test_a_part_of_a_character_can_be_shown(client: httpx.AsyncClient) -> None:
    """A token that is a part of a character shows as U+FFFD, and the whole text as the character."""
    session = await created(client, prompt="the")
    for token_id in "é".encode():
        session = await stepped(client, session, token_id=token_id)
        assert session["chosen"]["text"] == "\ufffd"
    assert session["text"] == "theé"


async def test_a_full_store_refuses_new_sessions(client: httpx.AsyncClient) -> None:
    """The session above the limit gets 429 with Retry-After; after one has ended another fits."""
    sessions = [await created(client) for _ in range(3)]
    refused = await client.post(SESSIONS, json={"prompt": "the cat"})
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    assert "3 are allowed" in refused.json()["detail"]
    await client.delete(f"{SESSIONS}/{sessions[0]['id']}")
    await created(client)


async def test_a_failed_step_leaves_the_session_as_it_was(tmp_path: Path) -> None:
    """When the engine fails on a token, the session still has its former text."""
    core = core_over(tmp_path, FakeNextTokenEngine(poison=65), "tiny")
    async with wheel_client(core) as client:
        session = await created(client)
        failed = await client.post(f"{SESSIONS}/{session['id']}/tokens", json={"token_id": 65})
        assert failed.status_code == 500
        assert (await client.get(f"{SESSIONS}/{session['id']}")).json() == session


async def test_a_session_that_could_not_begin_takes_no_place(tmp_path: Path) -> None:
    """A prompt on which the engine fails leaves no session behind."""
    core = core_over(tmp_path, FakeNextTokenEngine(poison=65), "tiny", SESSION_LIMIT="1")
    async with wheel_client(core) as client:
        assert (await client.post(SESSIONS, json={"prompt": "A"})).status_code == 500
        await created(client)


async def test_a_full_context_is_a_refusal(client: httpx.AsyncClient) -> None:
    """A text as long as the model takes can be shown and shortened, and not lengthened."""
    session = await created(client, prompt="x" * 63)
    session = await stepped(client, session, spin=True)
    assert len(session["tokens"]) == session["context_length"]
    refused = await client.post(f"{SESSIONS}/{session['id']}/tokens", json={"spin": True})
    assert refused.status_code == 422
    assert "64 tokens, the most that model 'tiny' takes" in refused.json()["detail"]
    assert (await client.delete(f"{SESSIONS}/{session['id']}/tokens/last")).status_code == 200


async def test_answers_are_what_the_schema_says(client: httpx.AsyncClient, core: Core) -> None:
    """The documents, which are written as plain dicts for speed, are valid against their own schemas."""
    from coldstart.api.wheel_schemas import SessionDocument

    session = await created(client)
    after = await stepped(client, session, spin=True)
    for document in (session, after):
        parsed = SessionDocument.model_validate_json(json.dumps(document), strict=True, extra="forbid")
        assert json.loads(parsed.model_dump_json(exclude_unset=True)) == document
