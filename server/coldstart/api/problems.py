"""The one table from error to HTTP reply, in the two forms in which replies are written."""

import http
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from coldstart.domain.errors import (
    ColdstartError,
    Conflict,
    EngineFailed,
    InvalidInput,
    ModelsLoading,
    NotFound,
    NotReady,
    Overloaded,
    PayloadTooLarge,
    StorageFull,
    Unavailable,
)

_OPENAI_PREFIX = "/v1/"


@dataclass(frozen=True, slots=True)
class ReplyKind:
    """How one class of errors is answered.

    Args:
        status: of problem documents.
        openai_type: OpenAI's word for it.
        openai_status: where OpenAI's API answers with another status.
        detail: what a caller is told instead of the error's own message; None tells the message.
        headers: sent along.
        members: attributes of the error that a problem document has, too.
    """

    status: int
    openai_type: str
    openai_status: int | None = None
    detail: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    members: tuple[str, ...] = ()


# A new failure: one class in domain/errors.py, one row here. The most specific class wins.
REPLIES: Mapping[type[Exception], ReplyKind] = {
    InvalidInput: ReplyKind(422, "invalid_request_error", openai_status=400),
    RequestValidationError: ReplyKind(422, "invalid_request_error", openai_status=400),
    NotFound: ReplyKind(404, "invalid_request_error"),
    Conflict: ReplyKind(409, "invalid_request_error"),
    # The rest of the body is not read, so the connection cannot be used again.
    PayloadTooLarge: ReplyKind(413, "invalid_request_error", headers={"connection": "close"}),
    Overloaded: ReplyKind(429, "rate_limit_error"),
    StorageFull: ReplyKind(507, "server_error"),
    NotReady: ReplyKind(503, "service_unavailable_error"),
    ModelsLoading: ReplyKind(503, "service_unavailable_error", members=("models", "estimated_wait_s")),
    Unavailable: ReplyKind(503, "service_unavailable_error"),
    EngineFailed: ReplyKind(500, "server_error", detail="the inference engine failed; the request may be repeated"),
    Exception: ReplyKind(500, "server_error", detail="an internal error; the request id finds it in the log"),
}


def reply_to(error: Exception, scope: Scope) -> Response:
    """The reply that tells an error: RFC 9457, or OpenAI's error object on OpenAI's routes.

    Args:
        error: anything; what is not in the table is an internal error and shows nothing of itself.
        scope: of the ASGI request.
    """
    if isinstance(error, HTTPException):
        kind = _framework_kind(error)
        message = _framework_message(error, scope)
    else:
        kind = next(REPLIES[cls] for cls in type(error).__mro__ if cls in REPLIES)
        message = kind.detail or (_summary(error) if isinstance(error, RequestValidationError) else str(error))
    errors = _field_errors(error) if isinstance(error, RequestValidationError) else ()
    headers = dict(kind.headers)
    if isinstance(error, Unavailable):
        headers["retry-after"] = str(error.retry_after_s)
    if scope["path"].startswith(_OPENAI_PREFIX):
        return _openai_error(kind, message, errors, headers)
    members = {name: getattr(error, name) for name in kind.members}
    return _problem(kind.status, message, errors, headers, scope, members)


def is_internal(error: Exception) -> bool:
    """Whether nobody expected this error, so that its traceback belongs in the log."""
    return not isinstance(error, ColdstartError | HTTPException | RequestValidationError)


def _problem(
    status: int,
    detail: str,
    errors: Sequence[Mapping[str, str]],
    headers: Mapping[str, str],
    scope: Scope,
    members: Mapping[str, Any],
) -> Response:
    """Source: RFC 9457; `about:blank` says that the title is the status's own phrase."""
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": scope["path"],
        "request_id": scope.get("state", {}).get("request_id"),
        **members,
    }
    if errors:
        document["errors"] = list(errors)
    return JSONResponse(document, status, headers, media_type="application/problem+json")


def _openai_error(
    kind: ReplyKind, message: str, errors: Sequence[Mapping[str, str]], headers: Mapping[str, str]
) -> Response:
    """Source: the error object of OpenAI's API reference; `param` is the first field that is wrong."""
    param = errors[0]["field"].removeprefix("body.") if errors else None
    document = {"error": {"message": message, "type": kind.openai_type, "param": param, "code": None}}
    return JSONResponse(document, kind.openai_status or kind.status, headers)


def _framework_kind(error: HTTPException) -> ReplyKind:
    """What the web framework refuses by itself: no such route, no such method, an unreadable body."""
    openai_type = "server_error" if error.status_code >= http.HTTPStatus.INTERNAL_SERVER_ERROR else REPLIES[NotFound]
    return ReplyKind(
        error.status_code,
        openai_type if isinstance(openai_type, str) else openai_type.openai_type,
        headers=error.headers or {},
    )


def _framework_message(error: HTTPException, scope: Scope) -> str:
    match error.status_code:
        case http.HTTPStatus.NOT_FOUND:
            return f"there is nothing at {scope['path']}"
        case http.HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = (error.headers or {}).get("Allow", "other methods")
            return f"{scope['path']} does not take {scope['method']}; it takes {allowed}"
        case _:
            return error.detail


def _field_errors(error: RequestValidationError) -> list[dict[str, str]]:
    return [
        {"field": ".".join(str(part) for part in problem["loc"]), "message": _sentence(problem)}
        for problem in error.errors()
    ]


def _summary(error: RequestValidationError) -> str:
    return "; ".join(f"{problem['field']}: {problem['message']}" for problem in _field_errors(error))


def _sentence(problem: Mapping[str, Any]) -> str:
    """Pydantic's sentence, and the value met where it is short enough to be of use."""
    message, met = str(problem["msg"]), problem.get("input")
    if problem["type"] in ("missing", "json_invalid") or isinstance(met, dict | list | bytes):
        return message
    # repr, for NaN and infinity have no JSON form
    shown = repr(met)
    return f"{message}, met {shown}" if len(shown) <= 80 else message
