"""What the token wheel's routes refuse, and in which words."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.doubles import FakeNextTokenEngine
from tests.wheel_serving import core_over, wheel_client

SESSIONS = "/api/v1/sessions"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with wheel_client(core_over(tmp_path, FakeNextTokenEngine(), "tiny", "other")) as client:
        yield client


BAD_SESSIONS = [
    ('{"prompt": ""}', 422, "prompt is empty"),
    ('{"prompt": "%s"}' % ("x" * 64), 422, "64 tokens; model 'tiny' takes at most 63"),
    ('{"prompt": "%s"}' % ("x" * 100_001), 422, "at most 100000 characters"),
    ('{"prompt": "\\ud800"}', 422, "prompt"),
    ('{"prompt": 5}', 422, "body.prompt"),
    ('{"prompt": "a", "model": "gpt-9"}', 404, "'gpt-9'; there are: tiny, other"),
    ('{"prompt": "a", "temperature": NaN}', 422, "body.temperature"),
    ('{"prompt": "a", "temperature": Infinity}', 422, "body.temperature"),
    ('{"prompt": "a", "temperature": "NaN"}', 422, "body.temperature"),
    ('{"prompt": "a", "temperature": "0.5"}', 422, "body.temperature"),
    ('{"prompt": "a", "temperature": 0}', 422, "greater than 0, met 0"),
    ('{"prompt": "a", "temperature": 5.1}', 422, "less than or equal to 5, met 5.1"),
    ('{"prompt": "a", "top_k": 0}', 422, "greater than or equal to 1, met 0"),
    ('{"prompt": "a", "top_k": 101}', 422, "less than or equal to 100, met 101"),
    ('{"prompt": "a", "top_k": 2.5}', 422, "body.top_k"),
    ('{"prompt": "a", "top_k": true}', 422, "body.top_k"),
    ('{"prompt": "a", "seed": -1}', 422, "greater than or equal to 0, met -1"),
    ('{"prompt": "a", "seed": 9007199254740992}', 422, "body.seed"),
    ('{"prompt": "a", "tokens": 3}', 422, "body.tokens"),
    ('{"prompt": "a"', 422, "body"),
    ("[]", 422, "body"),
    ("", 422, "body"),
]


@pytest.mark.parametrize(("body", "status", "says"), BAD_SESSIONS, ids=[body[:48] for body, _, _ in BAD_SESSIONS])
async def test_a_wrong_session_says_what_was_met(client: httpx.AsyncClient, body: str, status: int, says: str) -> None:
    """Each wrong request for a session is a problem document that tells what was met or what is allowed."""
    reply = await client.post(SESSIONS, content=body, headers={"content-type": "application/json"})
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    assert says in reply.json()["detail"]


BAD_STEPS = [
    ("{}", "neither"),
    ('{"spin": false}', "neither"),
    ('{"spin": true, "token_id": 1}', "both"),
    ('{"token_id": 264}', "token 264 is not in the vocabulary of model 'tiny', whose ids are 0 to 263"),
    ('{"token_id": -1}', "token -1 is not in the vocabulary"),
    ('{"token_id": 1e400}', "body.token_id"),
    ('{"token_id": "5"}', "body.token_id"),
    ('{"spin": "yes"}', "body.spin"),
    ('{"spin": true, "temperature": NaN}', "body.temperature"),
]


@pytest.mark.parametrize(("body", "says"), BAD_STEPS, ids=[body for body, _ in BAD_STEPS])
async def test_a_wrong_step_says_what_was_met(client: httpx.AsyncClient, body: str, says: str) -> None:
    """Each wrong step is 422 with what was met or what is allowed, and the session is as before."""
    session = (await client.post(SESSIONS, json={"prompt": "the cat"})).json()
    url = f"{SESSIONS}/{session['id']}"
    reply = await client.post(f"{url}/tokens", content=body, headers={"content-type": "application/json"})
    assert reply.status_code == 422
    assert says in reply.json()["detail"]
    assert (await client.get(url)).json() == session
