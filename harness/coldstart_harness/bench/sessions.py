"""A client of the token wheel that costs little beside what it measures."""

import http.client
import json
import time
from typing import Any
from urllib.parse import urlsplit

from coldstart_harness.errors import ServiceFailed

_SESSIONS_PATH = "/api/v1/sessions"
_TIMEOUT_S = 120.0
# One token in every byte-level vocabulary that has it merged with its space, as GPT-2's does.
_WORD = " a"


class WheelSession:
    """One session on one connection that is kept open, as a browser keeps it.

    The prompt has exactly the wanted number of tokens. Use it as a context manager: the session is ended at the end.
    """

    def __init__(self, url: str, context: int) -> None:
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=_TIMEOUT_S)
        prompt = (_WORD * context).strip()
        started = time.perf_counter()
        document = self._ask("POST", _SESSIONS_PATH, {"prompt": prompt, "seed": 1}, status=201)
        self.first_s = time.perf_counter() - started
        self._path = f"{_SESSIONS_PATH}/{document['id']}"
        if document["prompt_token_count"] != context:
            met = document["prompt_token_count"]
            raise ServiceFailed(f"a prompt of {context} times {_WORD!r} has {met} tokens in this model's vocabulary")

    def spin(self) -> float:
        """Add a token and get the next distribution: the seconds from the request to the whole reply."""
        started = time.perf_counter()
        self._ask("POST", f"{self._path}/tokens", {"spin": True}, status=200)
        return time.perf_counter() - started

    def __enter__(self) -> "WheelSession":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._ask("DELETE", self._path, None, status=204)
        finally:
            self._connection.close()

    def _ask(self, method: str, path: str, body: dict[str, Any] | None, *, status: int) -> dict[str, Any]:
        content = None if body is None else json.dumps(body)
        self._connection.request(method, path, content, {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        answer = response.read()
        if response.status != status:
            raise ServiceFailed(f"{method} {path} was to answer {status}; it gave {response.status}: {answer[:300]!r}")
        document: dict[str, Any] = json.loads(answer) if answer else {}
        return document
