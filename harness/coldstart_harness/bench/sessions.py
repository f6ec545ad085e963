"""A session of the token wheel, one token after the other."""

import json
from typing import Any

from coldstart_harness.bench.connection import Answer, Connection
from coldstart_harness.errors import ServiceFailed

_SESSIONS_PATH = "/api/v1/sessions"
# One token in every byte-level vocabulary that has it merged with its space, as GPT-2's does.
_WORD = " a"


class WheelSession:
    """One session on one connection.

    The prompt has exactly the wanted number of tokens. Use it as a context manager: the session is ended at the end.
    """

    def __init__(self, url: str, context: int) -> None:
        self._connection = Connection(url)
        prompt = (_WORD * context).strip()
        document = json.loads(self._ask("POST", _SESSIONS_PATH, {"prompt": prompt, "seed": 1}, status=201).body)
        self._path = f"{_SESSIONS_PATH}/{document['id']}"
        if document["prompt_token_count"] != context:
            met = document["prompt_token_count"]
            raise ServiceFailed(f"a prompt of {context} times {_WORD!r} has {met} tokens in this model's vocabulary")

    def spin(self) -> float:
        """Add a token and get the next distribution: the seconds from the request to the whole reply."""
        return self._ask("POST", f"{self._path}/tokens", {"spin": True}, status=200).whole_s

    def __enter__(self) -> "WheelSession":
        return self

    def __exit__(self, *_: object) -> None:
        with self._connection:
            self._ask("DELETE", self._path, None, status=204)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None, *, status: int) -> Answer:
        content = None if body is None else json.dumps(body).encode()
        return self._connection.ask(method, path, content, status=status)
