"""Replies of registries and token services, which are read whole: they are small, and whoever sends more is broken."""

from typing import Any

import httpx

from coldstart_harness.errors import RegistryFailed
from coldstart_harness.figures import format_bytes

# Source: OCI distribution specification 1.1, "Pushing Manifests": every registry should take manifests of this size.
REPLY_BYTES = 4 << 20


def reply_to(client: httpx.Client, method: str, url: str, **options: Any) -> httpx.Response:
    """One request's reply, its body read and unpacked.

    Args:
        client: sends it.
        options: those of `httpx.Client.stream`.

    Raises:
        RegistryFailed: the body has more than `REPLY_BYTES`.
        httpx.HTTPError: there is no answer.
    """
    content = bytearray()
    with client.stream(method, url, **options) as reply:
        for block in reply.iter_bytes():
            content += block
            if len(content) > REPLY_BYTES:
                raise RegistryFailed(
                    f"{reply.url.host} answered {method} {reply.url.path} with more than {format_bytes(REPLY_BYTES)}; "
                    "that is no manifest, list or token"
                )
    headers = reply.headers.copy()
    headers.pop("Content-Encoding", None)
    return httpx.Response(reply.status_code, headers=headers, content=bytes(content), request=reply.request)
