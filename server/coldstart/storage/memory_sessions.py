"""Sessions in this process's memory."""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from coldstart.domain.errors import NotFound, Overloaded
from coldstart.domain.sessions import WheelSession

# Requests that may wait for one session: a person has one or two under way; more is a client gone wrong.
_WAITING_LIMIT = 8
# A refused caller is told to come back within this many seconds: sessions also end before their time.
_LONGEST_RETRY_S = 60


@dataclass(slots=True)
class _Kept:
    session: WheelSession
    used_at: float
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0


class MemorySessionStore:
    """A `SessionStore` that forgets when the process ends.

    Full means refused: a session in use is never thrown out for a newcomer, since its user would lose a text, while
    the newcomer loses a moment. For one event loop; not thread-safe.

    Args:
        limit: sessions at one time, at least 1.
        ttl_s: seconds since its last use that a session lives.
        now: a monotonic clock in seconds.
    """

    def __init__(self, limit: int, ttl_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._ttl_s = ttl_s
        self._now = now
        # Least recently used first, so that the expired are a prefix.
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    async def add(self, session: WheelSession) -> None:
        """As the Protocol says; `retry_after_s` is when the longest unused session expires, at most a minute."""
        if len(self._kept) >= self._limit:
            oldest = next(iter(self._kept.values()))
            wait_s = oldest.used_at + self._ttl_s - self._now()
            raise Overloaded(
                f"{len(self._kept)} sessions are in use, and {self._limit} are allowed at one time",
                retry_after_s=min(max(math.ceil(wait_s), 1), _LONGEST_RETRY_S),
            )
        self._kept[session.session_id] = _Kept(session, self._now())

    async def get(self, session_id: str) -> WheelSession:
        return self._use(session_id).session

    def exclusive(self, session_id: str) -> AbstractAsyncContextManager[WheelSession]:
        return self._exclusive(session_id)

    async def put(self, session: WheelSession) -> None:
        kept = self._kept.get(session.session_id)
        if kept is not None:
            kept.session = session

    async def remove(self, session_id: str) -> WheelSession:
        session = self._use(session_id).session
        del self._kept[session_id]
        return session

    async def remove_expired(self) -> tuple[WheelSession, ...]:
        expired = []
        for kept in self._kept.values():
            if kept.used_at + self._ttl_s > self._now():
                break
            expired.append(kept.session)
        for session in expired:
            del self._kept[session.session_id]
        return tuple(expired)

    @asynccontextmanager
    async def _exclusive(self, session_id: str) -> AsyncIterator[WheelSession]:
        kept = self._use(session_id)
        if kept.waiting >= _WAITING_LIMIT:
            raise Overloaded(f"{kept.waiting} requests wait for session {session_id!r}; {_WAITING_LIMIT} may")
        kept.waiting += 1
        try:
            await kept.lock.acquire()
        finally:
            kept.waiting -= 1
        try:
            yield self._use(session_id).session
        finally:
            kept.lock.release()

    def _use(self, session_id: str) -> _Kept:
        kept = self._kept.get(session_id)
        now = self._now()
        if kept is None or kept.used_at + self._ttl_s <= now:
            raise NotFound(
                f"there is no session {session_id[:64]!r}: it never was, was deleted, or was not used for "
                f"{self._ttl_s:g} s; start another"
            )
        kept.used_at = now
        self._kept.move_to_end(session_id)
        return kept
