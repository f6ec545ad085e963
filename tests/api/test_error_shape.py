"""The shape of every error, on every kind of route."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter
from pydantic import BaseModel, Field
from structlog.testing import capture_logs
from tests.doubles import FakeNextTokenEngine
from tests.wheel_serving import core_over

from coldstart.api.app import create_app
from coldstart.api.problems import REPLIES
from coldstart.domain import errors
from coldstart.domain.errors import (
    ConfigurationError,
    Conflict,
    EngineFailed,
    InvalidInput,
    ModelRejected,
    ModelsLoading,
    NotFound,
    NotReady,
    Overloaded,
    PayloadTooLarge,
    StorageFull,
    Unavailable,
)

INTERNAL = "an internal error; the request id finds it in the log"
ENGINE = "the inference engine failed; the request may be repeated"

LOADING = ModelsLoading("soon", retry_after_s=3, models={"tiny": "loading"}, estimated_wait_s=2.5)

# error, status, OpenAI's status and type, what is told, Retry-After
CASES: list[tuple[Exception, int, int, str, str, str | None]] = [
    (InvalidInput("met 5"), 422, 400, "invalid_request_error", "met 5", None),
    (NotFound("no 'x'"), 404, 404, "invalid_request_error", "no 'x'", None),
    (Conflict("taken"), 409, 409, "invalid_request_error", "taken", None),
    (PayloadTooLarge("big"), 413, 413, "invalid_request_error", "big", None),
    (Overloaded("full", retry_after_s=7), 429, 429, "rate_limit_error", "full", "7"),
    (NotReady("loading", retry_after_s=2), 503, 503, "service_unavailable_error", "loading", "2"),
    (LOADING, 503, 503, "service_unavailable_error", "soon", "3"),
    (StorageFull("full", retry_after_s=60), 507, 507, "server_error", "full", "60"),
    (Unavailable("later"), 503, 503, "service_unavailable_error", "later", "1"),
    (EngineFailed("secret"), 500, 500, "server_error", ENGINE, None),
    (ModelRejected("secret"), 500, 500, "server_error", INTERNAL, None),
    (ConfigurationError("secret"), 500, 500, "server_error", INTERNAL, None),
    (RuntimeError("secret"), 500, 500, "server_error", INTERNAL, None),
]


class Body(BaseModel):
    """A body with one bounded number."""

    temperature: Annotated[float, Field(gt=0, le=5, allow_inf_nan=False)]


def routes() -> APIRouter:
    router = APIRouter()

    @router.get("/raise/{index}")
    @router.get("/v1/raise/{index}")
    async def fail(index: int) -> None:
        raise CASES[index][0]

    @router.post("/body")
    @router.post("/v1/body")
    async def take(body: Body) -> float:
        return body.temperature

    return router


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    core = core_over(tmp_path, FakeNextTokenEngine(), "alpha", MAX_BODY_BYTES="1000")
    transport = httpx.ASGITransport(create_app(core, routers=[routes()]))
    async with httpx.AsyncClient(transport=transport, base_url="http://errors") as client:
        yield client


def assert_problem(reply: httpx.Response, status: int, detail: str | None = None) -> dict[str, Any]:
    """RFC 9457's members, and the request's id in both places."""
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = reply.json()
    assert set(document) - {"errors", "models", "estimated_wait_s"} == {
        "type",
        "title",
        "status",
        "detail",
        "instance",
        "request_id",
    }
    assert (document["type"], document["status"]) == ("about:blank", status)
    assert document["instance"] == reply.request.url.path
    assert document["request_id"] == reply.headers["x-request-id"]
    assert detail is None or document["detail"] == detail
    return document


def assert_openai(reply: httpx.Response, status: int, kind: str, message: str | None = None) -> dict[str, Any]:
    """OpenAI's error object, and nothing beside it."""
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/json"
    assert set(reply.json()) == {"error"}
    error: dict[str, Any] = reply.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == kind
    assert message is None or error["message"] == message
    return error


@pytest.mark.parametrize("index", range(len(CASES)), ids=lambda index: type(CASES[index][0]).__name__)
async def test_every_error_has_its_row(client: httpx.AsyncClient, index: int) -> None:
    """Status, message and Retry-After are the table's, as a problem and as OpenAI's object; internals are not told."""
    _, status, openai_status, kind, told, retry_after = CASES[index]
    problem, openai = await client.get(f"/raise/{index}"), await client.get(f"/v1/raise/{index}")
    assert_problem(problem, status, told)
    assert_openai(openai, openai_status, kind, told)
    for reply in (problem, openai):
        assert reply.headers.get("retry-after") == retry_after
        assert "secret" not in reply.text


def test_no_error_class_is_left_out() -> None:
    """A new class in domain/errors.py needs a case here, and a row unless a parent's is right for it."""
    classes = {c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.ColdstartError)}
    assert classes - {errors.ColdstartError} == {type(case[0]) for case in CASES} - {RuntimeError}
    assert set(REPLIES) <= classes | {Exception} | {c for c in REPLIES if c.__module__.startswith("fastapi")}


async def test_a_path_that_is_not_there(client: httpx.AsyncClient) -> None:
    """404 names the path."""
    assert_problem(await client.get("/nowhere"), 404, "there is nothing at /nowhere")
    assert_openai(await client.get("/v1/nowhere"), 404, "invalid_request_error", "there is nothing at /v1/nowhere")


async def test_a_method_that_is_not_taken(client: httpx.AsyncClient) -> None:
    """405 names the method met and those allowed, and has the Allow header."""
    reply = await client.delete("/livez")
    assert_problem(reply, 405, "/livez does not take DELETE; it takes GET")
    assert reply.headers["allow"] == "GET"
    assert_openai(await client.get("/v1/body"), 405, "invalid_request_error")


@pytest.mark.parametrize(
    ("content", "field", "message"),
    [
        ('{"temperature": 7}', "body.temperature", "Input should be less than or equal to 5, met 7"),
        ('{"temperature": NaN}', "body.temperature", "Input should be a finite number, met nan"),
        ("{}", "body.temperature", "Field required"),
        ('{"temperature": ', "body.16", "JSON decode error"),
    ],
)
async def test_a_body_that_is_not_valid(client: httpx.AsyncClient, content: str, field: str, message: str) -> None:
    """422 (OpenAI: 400) names each field, the rule, and the value met."""
    headers = {"content-type": "application/json"}
    document = assert_problem(await client.post("/body", content=content, headers=headers), 422)
    assert document["errors"] == [{"field": field, "message": message}]
    assert document["detail"] == f"{field}: {message}"
    error = assert_openai(await client.post("/v1/body", content=content, headers=headers), 400, "invalid_request_error")
    assert error["param"] == field.removeprefix("body.")


async def test_a_long_value_is_not_told_back(client: httpx.AsyncClient) -> None:
    """A prompt in the wrong place does not come back in the error."""
    reply = await client.post("/body", json={"temperature": "prompt " * 20})
    assert "prompt" not in reply.text


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_that_is_too_large(client: httpx.AsyncClient, declared: bool) -> None:
    """413 by the declared length, and by the bytes themselves when they come in chunks."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * 400

    reply = await client.post("/body", content=b" " * 1200 if declared else chunks())
    met = "1200" if declared else "at least 1200"
    assert_problem(reply, 413, f"the request body has {met} bytes; at most 1000 are taken")
    assert reply.headers["connection"] == "close"


async def test_an_internal_error_is_in_the_log_with_the_request_id(client: httpx.AsyncClient) -> None:
    """What the caller is not told, the log tells, under the id that the caller has."""
    index = next(i for i, case in enumerate(CASES) if isinstance(case[0], RuntimeError))
    with capture_logs() as logs:
        await client.get(f"/raise/{index}")
    assert [(log["log_level"], log["route"]) for log in logs if log["event"] == "internal_error"] == [
        ("error", "/raise/{index}")
    ]
