"""The web server, and how it ends: no new work, what has begun is finished, models are freed, exit status 0."""

import asyncio
import gc
import socket
import time
from collections.abc import Sequence
from types import FrameType
from typing import TYPE_CHECKING

import structlog
import uvicorn
from fastapi import FastAPI

from coldstart.api.app import create_app
from coldstart.runtime.core import Core

if TYPE_CHECKING:
    from coldstart.apps.modes import Composition

# After the grace: time for the last refusals to reach their clients before connections are cut.
_LAST_WORDS_S = 2
_POLL_S = 0.02
# 8 s of sound as 16-bit samples at 16 kHz.
_MAX_MESSAGE_BYTES = 256 * 1024
# Below the minute after which proxies take a silent connection for dead.
_PING_INTERVAL_S = 20.0
# How long a connection that was accepted may take to send its first request, and still hear its refusal.
_LAST_CALL_S = 0.5


def build_app(core: Core, services: "Sequence[Composition]") -> FastAPI:
    """The application with the routers and services of the chosen mode."""
    instances = {kind: instance for service in services for kind, instance in service.services(core).items()}
    routers = [router for service in services for router in service.routers()]
    return create_app(core, routers=routers, services=instances)


def serve(app: FastAPI, core: Core, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT has been answered."""
    DrainingServer(config_of(app), core).run(sockets=[listener])


def config_of(app: FastAPI) -> uvicorn.Config:
    """How uvicorn serves the application."""
    return uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        # The library is imported, and at hand, only where a route takes WebSockets.
        ws="websockets-sansio" if app.state.takes_websockets else "none",
        ws_max_size=_MAX_MESSAGE_BYTES,
        ws_ping_interval=_PING_INTERVAL_S,
        # A client whose sound waits unread is not read at all, its pongs neither: it must not count as dead for that.
        ws_ping_timeout=None,
        # Sound does not become smaller by it, and a small message could become a large one.
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_LAST_WORDS_S,
    )


class DrainingServer(uvicorn.Server):
    """uvicorn, except that it goes on accepting while it drains, so that new requests get 503 and not a reset.

    The first signal turns readiness off at once and lets what has begun finish, up to the grace; a second one ends
    the process without further waiting.
    """

    def __init__(self, config: uvicorn.Config, core: Core) -> None:
        super().__init__(config)
        self._core = core
        self._log = structlog.get_logger("coldstart.server")

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to answer, and say where."""
        await super().startup(sockets)
        # What the start has made stays for good, so the collector need never look at it again.
        gc.freeze()
        gc.enable()
        host, port = sockets[0].getsockname()[:2] if sockets else (self.config.host, self.config.port)
        self._log.info("listening", host=host, port=port, after_s=round(self._core.timeline.elapsed_s(), 4))
        self._core.timeline.mark("listening")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Unlike uvicorn's, does not have the signal raised again afterwards: a wanted end has exit status 0."""
        if self.should_exit:
            self.force_exit = True
        self._core.lifecycle.begin_shutdown()
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, refuse what is left, then close sockets and free the models."""
        grace_s = self._core.settings.shutdown_grace_s
        self._log.info("shutdown_begins", in_flight=self._core.lifecycle.in_flight, grace_s=grace_s)
        if not await self._drained(grace_s):
            self._log.warning("shutdown_grace_over", in_flight=self._core.lifecycle.in_flight)
            # Answers 503 to everything that still waits for an engine.
            await asyncio.to_thread(self._core.registry.close, 0.0)
        await self._last_call()
        await super().shutdown(sockets)
        self._log.info("shutdown_ends", after_s=round(self._core.timeline.elapsed_s(), 3))

    async def _drained(self, grace_s: float) -> bool:
        """Wait until nothing is in flight; False when the grace is over or a second signal came."""
        deadline = time.monotonic() + grace_s
        while self._core.lifecycle.in_flight:
            self._close_idle_connections()
            if self.force_exit or time.monotonic() >= deadline:
                return False
            await asyncio.sleep(_POLL_S)
        return True

    async def _last_call(self) -> None:
        """Accept nobody any more, and hear those who were accepted: uvicorn would cut off a request on its way."""
        await asyncio.sleep(_POLL_S)  # what waits in the listener's queue becomes a connection
        for server in self.servers:
            server.close()
        deadline = time.monotonic() + _LAST_CALL_S
        while any(map(_is_waited_for, self.server_state.connections)):
            if self.force_exit or time.monotonic() >= deadline:
                return
            await asyncio.sleep(_POLL_S)

    def _close_idle_connections(self) -> None:
        for connection in list(self.server_state.connections):
            # One without any request yet is left alone: its request is on the way and is to get its 503. So is a
            # WebSocket: its session sees the shutdown and ends by itself, and the client then confirms the close.
            if not _is_waited_for(connection):
                # uvicorn's word for: close when the answer in hand is complete, or now where there is none.
                connection.shutdown()


def _is_waited_for(connection: object) -> bool:
    """Whether uvicorn has seen no request on it yet, or it is a WebSocket that is not closed."""
    return getattr(connection, "cycle", None) is None
