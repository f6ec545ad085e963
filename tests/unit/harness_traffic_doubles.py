"""A server on loopback that plays every outcome a request can have, and exchanges made by hand."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from coldstart_harness.slo.document import Request
from coldstart_harness.traffic.client import Exchange, Outcome

EVENTS = ['{"text": "a", "n": 1}', '{"text": "b", "n": 2}', "[DONE]"]


def answer(status: int, body: bytes, *headers: str) -> bytes:
    """A whole HTTP answer."""
    lines = (f"HTTP/1.1 {status} -", f"Content-Length: {len(body)}", *headers)
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def chunk(text: str) -> bytes:
    """One chunk of a chunked body."""
    content = text.encode()
    return b"%x\r\n%s\r\n" % (len(content), content)


STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


@dataclass
class Player:
    """What is played at each path; `connections`, `requests` and `bodies` count, `held` holds `/held` and `/silent`."""

    url: str = ""
    connections: int = 0
    requests: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    held: asyncio.Event = field(default_factory=asyncio.Event)
    conversations: list["asyncio.Task[None] | None"] = field(default_factory=list)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer requests of one connection until it is over."""
        self.connections += 1
        self.conversations.append(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next((int(x[15:]) for x in head.split("\r\n") if x.lower().startswith("content-length:")), 0)
                self.bodies.append(await reader.readexactly(length))
                path = head.split(" ")[1]
                self.requests.append(path)
                if not await self.play(path, writer):
                    break
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def play(self, path: str, writer: asyncio.StreamWriter) -> bool:
        """Play one answer; False where the connection is closed after it."""
        whole = {
            "/right": answer(200, b'{"answer": 42, "usage": {"tokens": 3}}'),
            "/wrong": answer(200, b'{"answer": 41}'),
            "/failed": answer(500, b"oops"),
            "/busy": answer(429, b"{}", "Retry-After: 7"),
            "/starting": answer(503, b"{}"),
            "/sound": answer(200, b"RIFF", "Content-Type: audio/wav; rate=24000"),
            "/stream": STREAM + b"".join(chunk(f"data: {event}\n\n") for event in EVENTS) + b"0\r\n\r\n",
            "/large": STREAM + chunk(f"data: {'x' * 300_000}\n\n") + chunk("data: [DONE]\n\n") + b"0\r\n\r\n",
        }
        cut = {
            "/cut": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
            "/cut-stream": STREAM + chunk(f"data: {EVENTS[0]}\n\n"),
            "/ended-stream": _UNTIL_CLOSE + f"data: {EVENTS[0]}\n\n".encode(),
        }
        if path in whole or path in cut:
            writer.write(whole.get(path) or cut[path])
            await writer.drain()
            return path in whole
        if path == "/reset":
            writer.transport.abort()
            return False
        await self.held.wait()
        writer.write(whole["/right"])
        return True


@asynccontextmanager
async def playing(player: Player | None = None) -> AsyncIterator[Player]:
    """The server, at `url`."""
    player = player or Player()
    server = await asyncio.start_server(player.converse, "127.0.0.1", 0, limit=2**20)
    player.url = url_at(server.sockets[0])
    async with server:
        yield player
        player.held.set()
        await asyncio.gather(*(task for task in player.conversations if task is not None))


def closed_port() -> str:
    """An address at which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return url_at(listener)


def url_at(listener: Any) -> str:
    """The address of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}"


def asking(path: str, **fields: Any) -> Request:
    """A request whose right answer says 42."""
    return Request.model_validate(
        {"path": path, "units": {"name": "tokens", "count": "usage.tokens"}, "expect": {"json": {"answer": 42}}}
        | fields
    )


def streaming(path: str) -> Request:
    """A request whose right answer is the stream of EVENTS."""
    return asking(
        path,
        stream=True,
        units={"name": "tokens", "count": "n"},
        expect={"json": {"text": "ab"}, "last_event": "[DONE]"},
    )


def exchange(
    outcome: Outcome = "right",
    *,
    sent: float = 0.0,
    done: float = 1.0,
    due: float | None = None,
    first_byte: float | None = None,
    status: int | None = 200,
    retry_after: str | None = None,
    units: float = 0.0,
) -> Exchange:
    """One exchange; times in seconds."""
    return Exchange(
        due_s=sent if due is None else due,
        sent_s=sent,
        first_byte_s=first_byte,
        first_event_s=None,
        done_s=done,
        status=status,
        outcome=outcome,
        reason="" if outcome == "right" else "made by hand",
        retry_after=retry_after,
        units=units,
    )
