"""The interviewer that is a language model behind an OpenAI-compatible API."""

import asyncio
import json
import re
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import httpx
import structlog
from pydantic import BaseModel, SecretStr, ValidationError

from coldstart.domain.errors import ConfigurationError
from coldstart.domain.interview import AnswerReport, Interview, Interviewer, Question
from coldstart.engines.chat_prompts import NotesReply, QuestionReply, notes_messages, question_messages
from coldstart.engines.circuit_breaker import CircuitBreaker

_Reply = TypeVar("_Reply", bound=BaseModel)
_SOURCE = "chat"
# Far more than the longest reply that is taken, and room for a model that thinks aloud first.
_MAX_REPLY_BYTES = 256 * 1024
_MAX_REPLY_TOKENS = 2000
# Of the connection only: a request that has been sent may have been answered already.
_CONNECT_RETRIES = 1
_FAILURES_IN_A_ROW = 3
_PAUSE_S = 60.0
_TOKEN = re.compile(r"[!-~]+")


class _ChatFailed(Exception):
    """One sentence without its full stop; shown to candidates, so it names no address and holds no reply."""


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message


class _Completion(BaseModel):
    """As much of a chat completion as is read. Source: the API reference of OpenAI."""

    choices: list[_Choice]


class ChatInterviewer:
    """An `Interviewer` that asks a language model, and another interviewer where that fails.

    A failure is no error: the question is then the other interviewer's, and its note says why. After three failures in
    a row the language model is left alone for a minute. It may be asked from one event loop after another.

    Args:
        bank: who is asked instead.
        base_url: of the API, up to and without `/chat/completions`; http or https. A user and password in it are sent
            where there is no key.
        key: sent as a bearer token; None: none is sent.
        model: the model's name there.
        timeout_s: seconds for a question, for which somebody waits.
        notes_timeout_s: seconds for notes, which are longer.
        now: seconds, as `time.monotonic`.

    Raises:
        ConfigurationError: the address or the key cannot be used; neither is shown.
    """

    def __init__(
        self,
        bank: Interviewer,
        base_url: str,
        key: SecretStr | None,
        model: str,
        *,
        timeout_s: float = 10.0,
        notes_timeout_s: float = 30.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bank = bank
        self._model = model
        self._timeout_s = timeout_s
        self._notes_timeout_s = notes_timeout_s
        self._breaker = CircuitBreaker(_FAILURES_IN_A_ROW, _PAUSE_S, now)
        self._url, self._auth = _address_of(base_url, key)
        # Certificates: certifi's, and those of the system, or of SSL_CERT_FILE, which OpenSSL itself reads.
        self._tls = httpx.create_ssl_context(trust_env=False)
        self._tls.load_default_certs()
        self._log = structlog.get_logger("coldstart.chat")

    async def next_question(self, interview: Interview) -> Question | None:
        """What to ask after the answers so far; None: as many questions as planned have been asked."""
        if len(interview.questions) >= interview.plan.question_count:
            return None
        try:
            reply = await self._ask(question_messages(interview), QuestionReply, self._timeout_s)
        except _ChatFailed as failure:
            question = await self._bank.next_question(interview)
            note = f"{failure}; the question is from the question bank."
            return question and replace(question, note=_joined(note, question.note))
        return Question(len(interview.questions) + 1, reply.question, _SOURCE)

    async def notes_on(
        self, interview: Interview, answers: Sequence[AnswerReport]
    ) -> tuple[Sequence[str], str, str | None]:
        """Notes on a finished interview, one sentence each; who wrote them; and why not who should have."""
        try:
            reply = await self._ask(notes_messages(interview, answers), NotesReply, self._notes_timeout_s)
        except _ChatFailed as failure:
            notes, source, note = await self._bank.notes_on(interview, answers)
            return notes, source, _joined(f"{failure}; the notes are by the rules of the question bank.", note)
        return reply.notes, _SOURCE, None

    async def _ask(self, messages: Sequence[Mapping[str, str]], form: type[_Reply], timeout_s: float) -> _Reply:
        """What the language model replies, in a form.

        Raises:
            _ChatFailed: it does not, whatever the reason.
        """
        if not self._breaker.lets_through():
            raise _ChatFailed("The language model failed several times and is left alone for a minute")
        try:
            reply = _content(await self._post(self._request(messages, form), timeout_s), form)
        except _ChatFailed as failure:
            self._breaker.failed()
            # There is a cause where no connection was made, so nothing of a reply is in it: a name, a certificate.
            self._log.warning("chat_failed", reason=str(failure), cause=failure.__cause__ and str(failure.__cause__))
            raise
        self._breaker.succeeded()
        return reply

    def _request(self, messages: Sequence[Mapping[str, str]], form: type[BaseModel]) -> dict[str, Any]:
        schema = {"name": form.__name__, "strict": True, "schema": form.model_json_schema()}
        return {
            "model": self._model,
            "messages": messages,
            "max_completion_tokens": _MAX_REPLY_TOKENS,
            "response_format": {"type": "json_schema", "json_schema": schema},
        }

    async def _post(self, request: Mapping[str, Any], timeout_s: float) -> bytes:
        """The body of the reply to a chat completion request.

        A client for each: turns are further apart than connections are kept, and jobs run in loops of their own.
        """
        transport = httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False, retries=_CONNECT_RETRIES)
        # A body that is packed could be a thousand times as long once it is unpacked.
        headers = {"content-type": "application/json", "accept-encoding": "identity"}
        try:
            async with (
                asyncio.timeout(timeout_s),
                httpx.AsyncClient(transport=transport, timeout=timeout_s, trust_env=False) as client,
                client.stream(
                    "POST", self._url, content=json.dumps(request).encode(), headers=headers, auth=self._auth
                ) as response,
            ):
                return await _body(response)
        except (TimeoutError, httpx.TimeoutException):
            raise _ChatFailed(f"The language model did not answer within {timeout_s:g} s") from None
        except httpx.ConnectError as error:
            raise _ChatFailed("The language model cannot be reached") from error
        except httpx.HTTPError:
            raise _ChatFailed("The connection to the language model broke off") from None


class _Bearer(httpx.Auth):
    """The key, in a header."""

    def __init__(self, key: SecretStr) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add it to a request."""
        request.headers["authorization"] = f"Bearer {self._key.get_secret_value()}"
        yield request


def _address_of(base_url: str, key: SecretStr | None) -> tuple[httpx.URL, httpx.Auth | None]:
    """Where requests go, and what says who sends them."""
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        raise ConfigurationError("LLM_BASE_URL is no URL; it must be one of http or https") from None
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
        raise ConfigurationError(
            "LLM_BASE_URL must begin with http:// or https://, name a host, and have neither query nor fragment"
        )
    if url.userinfo:
        raise ConfigurationError(
            "LLM_BASE_URL has a user or a password in it; LLM_API_KEY or LLM_API_KEY_FILE has the key"
        )
    if key is not None and not _TOKEN.fullmatch(key.get_secret_value()):
        raise ConfigurationError("LLM_API_KEY has characters that no key has; it must be ASCII without blanks")
    asked = url.copy_with(path=f"{url.path.rstrip('/')}/chat/completions")
    return asked, None if key is None else _Bearer(key)


async def _body(response: httpx.Response) -> bytes:
    if response.status_code != httpx.codes.OK:
        raise _ChatFailed(_refusal(response.status_code))
    if response.headers.get("content-encoding", "identity") != "identity":
        raise _ChatFailed("The language model's reply is packed, which was not asked for")
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > _MAX_REPLY_BYTES:
            raise _ChatFailed(f"The language model's reply is longer than {_MAX_REPLY_BYTES} bytes")
    return bytes(body)


def _refusal(status: int) -> str:
    match status:
        case 401 | 403:
            return f"The language model's server does not accept the key (status {status})"
        case 429:
            return "The language model has too many requests (status 429)"
        case _ if status >= 500:
            return f"The language model's server failed (status {status})"
        case _:
            return f"The language model's server refused the request (status {status})"


def _content(body: bytes, form: type[_Reply]) -> _Reply:
    """What the model wrote, checked."""
    if not body.strip():
        raise _ChatFailed("The language model's reply is empty")
    try:
        choices = _Completion.model_validate_json(body).choices
        content = choices[0].message.content if choices else None
        if not content:
            raise _ChatFailed("The language model's reply has no text")
        return form.model_validate_json(content)
    except ValidationError:
        raise _ChatFailed("The language model's reply is not in the form that was asked for") from None


def _joined(*notes: str | None) -> str:
    return " ".join(note for note in notes if note)
