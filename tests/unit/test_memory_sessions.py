"""Sessions in memory: how many, how long, and one change at a time."""

import asyncio
from dataclasses import replace

import pytest

from coldstart.domain.errors import NotFound, Overloaded
from coldstart.domain.sessions import SessionStore, WheelSession
from coldstart.storage.memory_sessions import MemorySessionStore


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def session_of(session_id: str) -> WheelSession:
    return WheelSession(session_id, "m", (1, 2), prompt_token_count=2, temperature=1.0, top_k=12, seed=0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> MemorySessionStore:
    return MemorySessionStore(limit=2, ttl_s=10.0, now=clock)


async def test_a_session_is_found_as_it_was_put(store: SessionStore) -> None:
    """What was put last is what is read."""
    await store.add(session_of("a"))
    await store.put(replace(session_of("a"), token_ids=(1, 2, 3)))
    assert (await store.get("a")).token_ids == (1, 2, 3)


async def test_an_unused_session_expires(store: SessionStore, clock: Clock) -> None:
    """At its time to live since the last use, and not before, a session is gone."""
    await store.add(session_of("a"))
    clock.now_s += 9.9
    await store.get("a")
    clock.now_s += 9.9
    await store.get("a")
    clock.now_s += 10.0
    with pytest.raises(NotFound, match="not used for 10 s"):
        await store.get("a")


async def test_expired_sessions_are_named_once(store: SessionStore, clock: Clock) -> None:
    """`remove_expired` returns exactly the sessions whose time is over, each once."""
    await store.add(session_of("a"))
    clock.now_s += 5.0
    await store.add(session_of("b"))
    clock.now_s += 5.0
    assert [s.session_id for s in await store.remove_expired()] == ["a"]
    assert await store.remove_expired() == ()
    assert (await store.get("b")).session_id == "b"


async def test_a_full_store_refuses_and_says_when(store: SessionStore, clock: Clock) -> None:
    """One session too many is Overloaded, with the seconds until the longest unused one expires."""
    await store.add(session_of("a"))
    clock.now_s += 3.0
    await store.add(session_of("b"))
    with pytest.raises(Overloaded, match="2 are allowed") as refusal:
        await store.add(session_of("c"))
    assert refusal.value.retry_after_s == 7


async def test_a_removed_session_makes_room(store: SessionStore) -> None:
    """After `remove` the session is gone, and another fits."""
    await store.add(session_of("a"))
    await store.add(session_of("b"))
    assert (await store.remove("a")).session_id == "a"
    with pytest.raises(NotFound):
        await store.remove("a")
    await store.add(session_of("c"))


async def test_changes_of_one_session_come_one_after_another(store: SessionStore) -> None:
    """Two concurrent additions to one session both end up in it."""
    await store.add(session_of("a"))

    async def append(token_id: int) -> None:
        async with store.exclusive("a") as session:
            await asyncio.sleep(0)
            await store.put(replace(session, token_ids=(*session.token_ids, token_id)))

    await asyncio.gather(*(append(token_id) for token_id in (3, 4, 5)))
    assert (await store.get("a")).token_ids == (1, 2, 3, 4, 5)


async def test_sessions_do_not_wait_for_each_other(store: SessionStore) -> None:
    """Holding one session leaves another free."""
    await store.add(session_of("a"))
    await store.add(session_of("b"))
    async with store.exclusive("a"), asyncio.timeout(5), store.exclusive("b") as other:
        assert other.session_id == "b"


async def test_too_many_waiting_for_one_session_are_refused(store: SessionStore) -> None:
    """The ninth request that waits for a session is Overloaded at once."""
    await store.add(session_of("a"))

    async def wait() -> None:
        async with store.exclusive("a"):
            pass

    async with store.exclusive("a"):
        waiting = [asyncio.create_task(wait()) for _ in range(8)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="8 requests wait"):
            await wait()
    await asyncio.gather(*waiting)


async def test_a_session_that_ended_while_waited_for_is_not_found(store: SessionStore) -> None:
    """Who waited for a session that was deleted meanwhile learns so."""
    await store.add(session_of("a"))

    async def wait() -> None:
        async with store.exclusive("a"):
            pytest.fail("the session had ended")

    async with store.exclusive("a") as session:
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        await store.remove("a")
        await store.put(session)
    with pytest.raises(NotFound):
        await waiting
