"""A chat endpoint that says what a test tells it to, byte by byte."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Asked:
    """One request that came in."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        """Its body."""
        document: dict[str, Any] = json.loads(self.body)
        return document


@dataclass
class ChatStandIn:
    """What was asked, and the bytes that answer the next request; None: no answer until the server ends."""

    port: int = 0
    reply: bytes | None = b""
    asked: list[Asked] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its address, as LLM_BASE_URL has it."""
        return f"http://127.0.0.1:{self.port}/v1"


def http(body: bytes | str, status: int = 200, headers: str = "") -> bytes:
    """A whole reply."""
    data = body.encode() if isinstance(body, str) else body
    head = f"HTTP/1.1 {status} X\r\ncontent-length: {len(data)}\r\nconnection: close\r\n{headers}\r\n"
    return head.encode() + data


def completion(content: Any) -> bytes:
    """A chat completion whose text is this, as JSON unless it is a text already."""
    text = content if isinstance(content, str) or content is None else json.dumps(content)
    message = {"role": "assistant", "content": text}
    return http(json.dumps({"id": "1", "object": "chat.completion", "choices": [{"index": 0, "message": message}]}))


@asynccontextmanager
async def chat_stand_in() -> AsyncIterator[ChatStandIn]:
    """The endpoint, listening on a free port of this machine."""
    stand_in, ended = ChatStandIn(), asyncio.Event()
    server = await asyncio.start_server(_answering(stand_in, ended), "127.0.0.1", 0)
    stand_in.port = server.sockets[0].getsockname()[1]
    try:
        yield stand_in
    finally:
        ended.set()
        server.close()
        await server.wait_closed()


def _answering(stand_in: ChatStandIn, ended: asyncio.Event) -> Callable[..., Any]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            stand_in.asked.append(await _read(reader))
            if stand_in.reply is None:
                await ended.wait()
            else:
                writer.write(stand_in.reply)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has gone, which is what some tests are about
        finally:
            writer.close()

    return answer


async def _read(reader: asyncio.StreamReader) -> Asked:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    body = await reader.readexactly(int(headers["content-length"]))
    return Asked(first.split()[1], headers, body)
