"""The OpenAI-compatible routes, by plain requests."""

import json
import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.doubles import FakeNextTokenEngine, FakeTokenizer, fake_logits
from tests.wheel_serving import core_over, wheel_client

from coldstart.domain.distribution import Distribution
from coldstart.runtime.core import Core

COMPLETIONS = "/v1/completions"


@pytest.fixture
def engine() -> FakeNextTokenEngine:
    return FakeNextTokenEngine()


@pytest.fixture
def core(tmp_path: Path, engine: FakeNextTokenEngine) -> Core:
    return core_over(tmp_path, engine, "tiny", "other")


@pytest.fixture
async def client(core: Core) -> AsyncIterator[httpx.AsyncClient]:
    async with wheel_client(core) as client:
        yield client


async def completed(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    reply = await client.post(COMPLETIONS, json={"prompt": "the cat", "temperature": 0, **body})
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


async def streamed(client: httpx.AsyncClient, **body: Any) -> list[dict[str, Any]]:
    reply = await client.post(COMPLETIONS, json={"prompt": "the cat", "temperature": 0, "stream": True, **body})
    assert reply.headers["content-type"].startswith("text/event-stream")
    *events, done, end = reply.text.split("\n\n")
    assert (done, end) == ("data: [DONE]", "")
    return [json.loads(event.removeprefix("data: ")) for event in events]


def greedy(prompt: str, count: int) -> list[int]:
    token_ids = list(FakeTokenizer().encode(prompt))
    for _ in range(count):
        token_ids.append(int(fake_logits(token_ids).argmax()))
    return token_ids[-count:]


async def test_models_are_listed(client: httpx.AsyncClient) -> None:
    """The list has every ready model, and each is found by its name."""
    listed = (await client.get("/v1/models")).json()
    assert [(m["id"], m["object"], m["owned_by"]) for m in listed["data"]] == [
        ("tiny", "model", "coldstart"),
        ("other", "model", "coldstart"),
    ]
    assert (await client.get("/v1/models/other")).json() == listed["data"][1]
    missing = await client.get("/v1/models/gpt-9")
    assert missing.status_code == 404
    assert "'gpt-9'" in missing.json()["error"]["message"]


async def test_temperature_zero_takes_the_most_likely_tokens(client: httpx.AsyncClient) -> None:
    """A greedy completion is the chain of most likely tokens, with the counts of tokens."""
    answer = await completed(client, max_tokens=5, model="tiny")
    assert answer["object"] == "text_completion"
    assert answer["model"] == "tiny"
    assert answer["choices"] == [
        {
            "index": 0,
            "text": FakeTokenizer().decode(greedy("the cat", 5)),
            "logprobs": None,
            "finish_reason": "length",
        }
    ]
    assert answer["usage"] == {"prompt_tokens": 4, "completion_tokens": 5, "total_tokens": 9}


async def test_sixteen_tokens_are_the_default(client: httpx.AsyncClient) -> None:
    """Without max_tokens 16 are made, or as many as the context has room for."""
    assert (await completed(client))["usage"]["completion_tokens"] == 16
    assert (await completed(client, prompt="x" * 60))["usage"]["completion_tokens"] == 4


@pytest.mark.parametrize(
    "prompt",
    ["the cat", ["the cat"], [116, 104, 101, 257], [[116, 104, 101, 257]]],
    ids=["text", "list", "ids", "ids2"],
)
async def test_a_prompt_has_four_forms(client: httpx.AsyncClient, prompt: Any) -> None:
    """One text or one list of token ids, bare or in a list, are the same prompt."""
    assert (await completed(client, prompt=prompt, max_tokens=3))["choices"][0]["text"] == FakeTokenizer().decode(
        greedy("the cat", 3)
    )


async def test_a_seed_repeats_a_drawn_completion(client: httpx.AsyncClient) -> None:
    """Equal seeds draw equal texts, also negative ones; other seeds draw others."""

    async def drawn(seed: int) -> str:
        return str((await completed(client, temperature=3, seed=seed, max_tokens=30))["choices"][0]["text"])

    assert await drawn(-3) == await drawn(-3)
    assert len({await drawn(seed) for seed in range(4)}) == 4


async def test_a_small_top_p_is_greedy(client: httpx.AsyncClient) -> None:
    """When the most likely token alone reaches top_p, no other can be drawn, even at a high temperature."""
    answer = await completed(client, temperature=2, top_p=0.01, max_tokens=8)
    assert answer["choices"][0]["text"] == FakeTokenizer().decode(greedy("the cat", 8))


@pytest.mark.parametrize("stop_after", [1, 2, 3])
@pytest.mark.parametrize("as_list", [False, True])
async def test_a_stop_string_ends_the_text_before_it(client: httpx.AsyncClient, stop_after: int, as_list: bool) -> None:
    """The text ends before the stop string, also one that begins within a token, with finish_reason stop."""
    whole = (await completed(client, max_tokens=12))["choices"][0]["text"]
    stop = whole[stop_after * 4 : stop_after * 4 + 5]
    choice = (await completed(client, max_tokens=12, stop=["never", stop] if as_list else stop))["choices"][0]
    assert choice["text"] == whole[: whole.index(stop)]
    assert choice["finish_reason"] == "stop"


async def test_end_of_text_ends_the_text(tmp_path: Path) -> None:
    """The model's end-of-text token stops the completion, and has no text."""
    engine = FakeNextTokenEngine()
    second = greedy("the cat", 2)[1]
    engine.end_of_text_id = second
    async with wheel_client(core_over(tmp_path, engine, "tiny")) as client:
        answer = await completed(client, max_tokens=12)
    assert answer["choices"][0]["text"] == FakeTokenizer().decode(greedy("the cat", 1))
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"]["completion_tokens"] == 2


async def test_a_stream_adds_up_to_the_whole(client: httpx.AsyncClient) -> None:
    """The chunks' texts joined are the text of the same request without stream, and the last tells the reason."""
    whole = await completed(client, max_tokens=9)
    chunks = await streamed(client, max_tokens=9)
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == whole["choices"][0]["text"]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * (len(chunks) - 1) + ["length"]
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert len(chunks) >= 9
    assert not any("usage" in chunk for chunk in chunks)


async def test_a_stream_tells_usage_when_asked(client: httpx.AsyncClient) -> None:
    """With include_usage the chunks have usage null, and one more with no choices has the counts."""
    *chunks, last = await streamed(client, max_tokens=2, stream_options={"include_usage": True})
    assert all(chunk["usage"] is None for chunk in chunks)
    assert last["choices"] == []
    assert last["usage"] == {"prompt_tokens": 4, "completion_tokens": 2, "total_tokens": 6}


async def test_a_stream_never_sends_the_beginning_of_a_stop_string(client: httpx.AsyncClient) -> None:
    """Text that may begin a stop string is held back, so nothing of it has been sent when it is complete."""
    whole = (await completed(client, max_tokens=12))["choices"][0]["text"]
    stop = whole[6:15]
    chunks = await streamed(client, max_tokens=12, stop=stop)
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == whole[: whole.index(stop)]
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


async def test_logprobs_are_of_the_full_softmax(client: httpx.AsyncClient) -> None:
    """Each token has its log-probability at temperature 1 before top_p, the likeliest ones, and its offset."""
    choice = (await completed(client, max_tokens=4, logprobs=2, temperature=3, top_p=0.5, seed=1))["choices"][0]
    told = choice["logprobs"]
    token_ids = list(FakeTokenizer().encode("the cat"))
    for text, logprob, top in zip(told["tokens"], told["token_logprobs"], told["top_logprobs"], strict=True):
        distribution = Distribution(fake_logits(token_ids), 1.0)
        (token_id,) = FakeTokenizer().encode(text)
        assert logprob == pytest.approx(distribution.log_probability_of(token_id))
        assert top[text] == logprob
        assert sorted(top.values(), reverse=True)[0] == pytest.approx(math.log(distribution.top(1)[0].probability))
        token_ids.append(token_id)
    assert told["text_offset"] == [len("".join(told["tokens"][:i])) for i in range(4)]
    assert "".join(told["tokens"]) == choice["text"]


async def test_logprobs_zero_tells_the_tokens_only(client: httpx.AsyncClient) -> None:
    """logprobs 0 gives each token's log-probability without alternatives."""
    told = (await completed(client, max_tokens=3, logprobs=0))["choices"][0]["logprobs"]
    assert len(told["token_logprobs"]) == 3
    assert told["top_logprobs"] is None


async def test_streamed_logprobs_are_those_of_the_whole(client: httpx.AsyncClient) -> None:
    """Over all chunks every token is told once, in order, with the same offsets, also where text is held back."""
    body = {"max_tokens": 12, "logprobs": 1, "stop": "zzz the"}
    whole = (await completed(client, **body))["choices"][0]["logprobs"]
    chunks = [chunk["choices"][0]["logprobs"] for chunk in await streamed(client, **body)]
    for key in ("tokens", "token_logprobs", "text_offset"):
        assert [item for chunk in chunks for item in chunk[key]] == whole[key]


async def test_echo_gives_the_prompt_back(client: httpx.AsyncClient) -> None:
    """With echo the text begins with the prompt; with logprobs too, each prompt token after the first has its own."""
    choice = (await completed(client, max_tokens=2, echo=True, logprobs=1))["choices"][0]
    assert choice["text"] == "the cat" + FakeTokenizer().decode(greedy("the cat", 2))
    told = choice["logprobs"]
    token_ids = FakeTokenizer().encode("the cat")
    assert told["token_logprobs"][0] is None
    assert told["top_logprobs"][0] is None
    for index in range(1, len(token_ids)):
        expected = Distribution(fake_logits(token_ids[:index]), 1.0).log_probability_of(token_ids[index])
        assert told["token_logprobs"][index] == pytest.approx(expected)
    assert told["text_offset"][:5] == [0, 1, 2, 3, 7]


async def test_no_tokens_can_be_asked_for(client: httpx.AsyncClient) -> None:
    """max_tokens 0 with echo scores a prompt: the text is the prompt and nothing is made."""
    answer = await completed(client, max_tokens=0, echo=True, logprobs=0)
    assert answer["choices"][0]["text"] == "the cat"
    assert answer["usage"]["completion_tokens"] == 0


async def test_a_finished_completion_is_forgotten(
    client: httpx.AsyncClient, core: Core, engine: FakeNextTokenEngine
) -> None:
    """Every completion has the engine forget its sequence in the end."""
    await completed(client, max_tokens=2)
    await streamed(client, max_tokens=2)
    core.registry.get("tiny").scheduler.run(lambda: None).result(5.0)
    assert len(set(engine.forgotten)) == 2


async def test_an_error_before_the_first_token_is_no_stream(tmp_path: Path) -> None:
    """When the engine fails on the prompt, a stream is answered by an error status."""
    async with wheel_client(core_over(tmp_path, FakeNextTokenEngine(poison=65), "tiny")) as client:
        reply = await client.post(COMPLETIONS, json={"prompt": "A", "stream": True})
    assert reply.status_code == 500
    assert reply.json()["error"]["type"] == "server_error"


async def test_an_error_within_a_stream_is_its_last_event(tmp_path: Path) -> None:
    """When the engine fails after the first token, the stream ends with an error object and without [DONE]."""
    engine = FakeNextTokenEngine(poison=greedy("A", 1)[0])
    async with wheel_client(core_over(tmp_path, engine, "tiny")) as client:
        reply = await client.post(COMPLETIONS, json={"prompt": "A", "temperature": 0, "stream": True})
    events = reply.text.strip().split("\n\n")
    assert reply.status_code == 200
    assert json.loads(events[-1].removeprefix("data: "))["error"]["type"] == "server_error"


BAD = [
    ({"prompt": ""}, 400, "prompt is empty", None),
    ({"prompt": []}, 400, "prompt is empty", None),
    ({}, 400, "prompt", "prompt"),
    ({"prompt": ["a", "b"]}, 400, "met a list of 2", "prompt"),
    ({"prompt": {"a": 1}}, 400, "met dict", "prompt"),
    ({"prompt": [1, 2.5]}, 400, "one list of token ids", "prompt"),
    ({"prompt": [1, 264]}, 400, "token 264 is not in the vocabulary", None),
    ({"prompt": "x" * 65}, 400, "64 tokens; the prompt has 65", None),
    ({"prompt": "a", "max_tokens": 64}, 400, "the prompt has 1, and max_tokens is 64", None),
    ({"prompt": "a", "max_tokens": -1}, 400, "met -1", "max_tokens"),
    ({"prompt": "a", "model": "gpt-9"}, 404, "'gpt-9'; there are: tiny", None),
    ({"prompt": "a", "temperature": -0.1}, 400, "met -0.1", "temperature"),
    ({"prompt": "a", "temperature": "1"}, 400, "met '1'", "temperature"),
    ({"prompt": "a", "temperature": float("nan")}, 400, "finite", "temperature"),
    ({"prompt": "a", "top_p": 1.1}, 400, "met 1.1", "top_p"),
    ({"prompt": "a", "seed": 2**63}, 400, "seed", "seed"),
    ({"prompt": "a", "n": 2}, 400, "n is 2; one completion is made for a request", None),
    ({"prompt": "a", "best_of": 2}, 400, "best_of is 2", None),
    ({"prompt": "a", "suffix": "b"}, 400, "suffix", None),
    ({"prompt": "a", "presence_penalty": 0.5}, 400, "penalties are not implemented", None),
    ({"prompt": "a", "logit_bias": {"5": 1}}, 400, "biases are not implemented", None),
    ({"prompt": "a", "logprobs": 6}, 400, "met 6", "logprobs"),
    ({"prompt": "a", "stop": ""}, 400, "not empty", "stop"),
    ({"prompt": "a", "stop": ["a", "b", "c", "d", "e"]}, 400, "at most 4", "stop"),
    ({"prompt": "a", "stop": 5}, 400, "not empty", "stop"),
    ({"prompt": "\ud800"}, 400, "lone surrogate, U+D800, at character 0", None),
    ({"prompt": "x" * 100_001}, 400, "at most 100000", "prompt"),
]


@pytest.mark.parametrize(("body", "status", "says", "param"), BAD, ids=[str(body)[:48] for body, *_ in BAD])
async def test_a_wrong_request_is_openais_error_object(
    client: httpx.AsyncClient, body: dict[str, Any], status: int, says: str, param: str | None
) -> None:
    """Each wrong request gets the error object of OpenAI's API with what was met or what is allowed."""
    reply = await client.post(COMPLETIONS, content=json.dumps(body), headers={"content-type": "application/json"})
    assert reply.status_code == status, reply.text
    error = reply.json()["error"]
    assert says in error["message"]
    assert error["param"] == param
    assert error["type"] == "invalid_request_error"


async def test_what_asks_for_nothing_is_accepted(client: httpx.AsyncClient) -> None:
    """Nulls, neutral values and unknown parameters do not stand in the way of an ordinary client."""
    await completed(
        client,
        max_tokens=None,
        top_p=None,
        seed=None,
        stop=None,
        logprobs=None,
        stream=False,
        n=1,
        best_of=1,
        suffix=None,
        presence_penalty=0,
        frequency_penalty=0.0,
        logit_bias={},
        user="somebody",
        echo=None,
        stream_options=None,
    )
