"""An HTTP client that costs little beside what it measures."""

import http.client
import time
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from coldstart_harness.errors import ServiceFailed

# Far more than any answer takes here: who waits as long waits for a server that hangs.
_TIMEOUT_S = 300.0
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply that was read whole.

    Args:
        body: its bytes.
        first_byte_s: seconds from the request to the body's first byte.
        whole_s: seconds from the request to its last.
    """

    body: bytes
    first_byte_s: float
    whole_s: float


class Connection:
    """One connection that is kept open, as a browser keeps it. Use it as a context manager."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=_TIMEOUT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(
        self, method: str, path: str, content: bytes | None = None, media_type: str = JSON, *, status: int = 200
    ) -> Answer:
        """Send a request and read the whole reply.

        Raises:
            ServiceFailed: its status is not `status`, or there was no whole reply.
        """
        begun = time.perf_counter()
        try:
            self._connection.request(method, path, content, {"Content-Type": media_type})
            response = self._connection.getresponse()
            first = response.read(1)
            first_byte_s = time.perf_counter() - begun
            body = first + response.read()
        except (OSError, http.client.HTTPException) as error:
            after_s = time.perf_counter() - begun
            raise ServiceFailed(f"{method} {path} had no whole reply after {after_s:.1f} s: {error!r}") from None
        whole_s = time.perf_counter() - begun
        if response.status != status:
            raise ServiceFailed(f"{method} {path} was to answer {status}; it gave {response.status}: {body[:300]!r}")
        return Answer(body, first_byte_s, whole_s)
