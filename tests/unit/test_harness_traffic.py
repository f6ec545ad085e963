"""Requests, what becomes of them, and the loops that make load of them."""

import asyncio
import socket
import time
from email.utils import formatdate
from typing import cast

import aiohttp
import pytest
from tests.polling import until
from tests.unit.harness_traffic_doubles import asking, closed_port, exchange, playing, streaming, url_at

from coldstart_harness.errors import LoadImpossible
from coldstart_harness.slo.document import Request
from coldstart_harness.traffic.client import Client, Exchange
from coldstart_harness.traffic.events import events_in
from coldstart_harness.traffic.loops import closed_loop, for_seconds, open_loop
from coldstart_harness.traffic.retry_after import seconds_to_wait

OUTCOMES = [
    (asking("/right"), "right", 200),
    (asking("/wrong"), "wrong", 200),
    (asking("/failed"), "wrong", 500),
    (asking("/busy"), "turned away", 429),
    (asking("/starting"), "turned away", 503),
    (asking("/starting", expect={"status": 503}), "right", 503),
    (asking("/reset"), "lost", None),
    (asking("/cut"), "lost", 200),
    (streaming("/stream"), "right", 200),
    (streaming("/cut-stream"), "lost", 200),
    (streaming("/ended-stream"), "lost", 200),
    (streaming("/busy"), "turned away", 429),
]


@pytest.mark.parametrize("fresh", [True, False], ids=["fresh", "kept"])
@pytest.mark.parametrize(("request_", "outcome", "status"), OUTCOMES, ids=[f"{r.path}-{o}" for r, o, _ in OUTCOMES])
async def test_every_end_of_a_request_is_one_outcome(
    request_: Request, outcome: str, status: int | None, fresh: bool
) -> None:
    """Never an exception; what is not right says why, and times are in order."""
    async with playing() as player, Client(player.url, fresh=fresh) as client:
        met = await client.send(request_)
    assert (met.outcome, met.status) == (outcome, status), met.reason
    assert bool(met.reason) == (outcome != "right")
    assert met.sent_s <= (met.first_byte_s or met.sent_s) <= (met.first_event_s or met.done_s) <= met.done_s


@pytest.mark.parametrize("fresh", [True, False], ids=["fresh", "kept"])
@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
async def test_nothing_is_asked_twice(method: str, fresh: bool) -> None:
    """What was lost is lost, also where a client might ask again by itself."""
    async with playing() as player, Client(player.url, fresh=fresh) as client:
        await client.send(asking("/right"))
        met = await client.send(asking("/reset", method=method))
    assert met.outcome == "lost"
    assert player.requests == ["/right", "/reset"]


async def test_a_closed_port_is_refused() -> None:
    """Nobody accepted the connection."""
    async with Client(closed_port()) as client:
        assert (await client.send(asking("/right"))).outcome == "refused"


async def test_a_connection_that_nobody_takes_is_refused() -> None:
    """A full queue of connections drops what comes; that is not an accepted request that is late."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        callers = [socket.socket() for _ in range(4)]
        for caller in callers:
            caller.setblocking(False)
            caller.connect_ex(listener.getsockname())
        async with Client(url_at(listener), timeout_s=0.2) as client:
            met = await client.send(asking("/right"))
        for caller in callers:
            caller.close()
    assert met.outcome == "refused"


async def test_an_accepted_connection_without_an_answer_is_late() -> None:
    """The connection stood, so somebody has taken the request."""
    async with playing() as player, Client(player.url, timeout_s=0.1) as client:
        met = await client.send(asking("/silent"))
    assert (met.outcome, met.first_byte_s) == ("late", None)


async def test_a_want_of_sockets_is_not_the_services_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load that this machine cannot make is said, instead of being counted as refusals."""

    async def none_left(*_: object, **__: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(aiohttp.TCPConnector, "connect", none_left)
    async with Client("http://127.0.0.1:1") as client:
        with pytest.raises(LoadImpossible, match="EMFILE"):
            await client.send(asking("/right"))


async def test_refusals_keep_when_to_return() -> None:
    """The header's text, and None where there is none."""
    async with playing() as player, Client(player.url) as client:
        met = [(await client.send(asking(path))).retry_after for path in ("/busy", "/starting")]
    assert met == ["7", None]


async def test_units_are_counted_in_bodies_and_streams() -> None:
    """Once for a document, summed over a stream's events."""
    async with playing() as player, Client(player.url) as client:
        assert [(await client.send(request)).units for request in (asking("/right"), streaming("/stream"))] == [3, 3]


async def test_a_form_is_sent_and_a_sound_comes_back() -> None:
    """The very bytes of the request, as often as it is sent; the answer's media type is judged, its length counted."""
    form = {"form": {"voice": "default"}, "units": {"name": "samples", "bytes_each": 2}}
    right = asking("/sound", **form, expect={"media_type": "audio/wav", "min_bytes": 4})
    wrong = asking("/sound", **form, expect={"media_type": "audio/flac"})
    async with playing() as player, Client(player.url) as client:
        met = [await client.send(request) for request in (right, right, wrong)]
    assert [one.outcome for one in met] == ["right", "right", "wrong"]
    assert met[2].reason == "the body is audio/wav instead of audio/flac: 'RIFF'"
    assert met[0].units == 2
    assert player.bodies == [right.content, right.content, wrong.content]


async def test_an_event_of_any_size_is_read() -> None:
    """Audio comes in events of hundreds of kilobytes."""
    request = asking("/large", stream=True, expect={"contains": "x" * 300_000, "last_event": "[DONE]"})
    async with playing() as player, Client(player.url) as client:
        met = await client.send(request)
    assert (met.outcome, met.reason) == ("right", "")


@pytest.mark.parametrize(("fresh", "connections"), [(True, 3), (False, 1)])
async def test_connections_are_fresh_or_kept(fresh: bool, connections: int) -> None:
    """As the caller chose."""
    async with playing() as player, Client(player.url, fresh=fresh) as client:
        for _ in range(3):
            await client.send(asking("/right"))
    assert player.connections == connections


EVENT_STREAMS = [
    (b"data: a\n\ndata: b\n\n", ["a", "b"]),
    (b"data:a\r\n\r\nevent: x\r\ndata: b\r\n\r\n", ["a", "b"]),
    (b"data: a\ndata: b\n\n", ["a\nb"]),
    (b": comment\n\ndata: a\n\n", ["a"]),
    (b"data: a\n\ndata: b\n", ["a"]),
    (b"data: a", []),
    (b"", []),
]


@pytest.mark.parametrize(("stream", "events"), EVENT_STREAMS)
def test_an_event_ends_with_an_empty_line(stream: bytes, events: list[str]) -> None:
    """What has not ended is not there yet."""
    assert events_in(stream) == events


async def test_a_closed_loop_keeps_its_concurrency() -> None:
    """That many are under way at a time, and none is left when it is over."""
    async with playing() as player, Client(player.url) as client:
        loop = asyncio.create_task(
            closed_loop(client, asking("/held"), concurrency=3, until=lambda exchanges: len(exchanges) >= 6)
        )
        await until(lambda: len(player.requests) == 3)
        assert not loop.done()
        player.held.set()
        exchanges = await loop
    # Each of the three asks once more while fewer than six are over.
    assert 6 <= len(exchanges) <= 8
    assert {met.outcome for met in exchanges} == {"right"}


async def test_callers_that_fail_can_be_made_to_pause() -> None:
    """A refusal takes no time, so that without a pause it is asked again thousands of times a second."""
    begun = time.monotonic()
    async with Client(closed_port()) as client:
        await closed_loop(client, asking("/right"), concurrency=1, until=lambda met: len(met) >= 3, pause_s=0.05)
    assert time.monotonic() - begun >= 3 * 0.05


def test_seconds_count_from_the_call() -> None:
    """A loop given no time ends at once."""
    assert for_seconds(0.0)([])
    assert not for_seconds(60.0)([])


class _SlowToSend:
    """Blocks the loop when it is first asked, as a machine that is busy does."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def send(self, _request: Request, due_s: float) -> Exchange:
        sent = time.monotonic()
        until_s, self._seconds = sent + self._seconds, 0.0
        while time.monotonic() < until_s:
            pass
        return exchange(due=due_s, sent=sent, done=time.monotonic())


async def test_an_arrival_that_falls_behind_keeps_its_due_time() -> None:
    """What it waited for its turn is part of its latency: no coordinated omission."""
    client = cast(Client, _SlowToSend(0.2))
    met = await open_loop(client, asking("/right"), rate_per_s=200, seconds=0.3)
    behind = [one for one in met if one.sent_s - one.due_s > 0.05]
    assert len(behind) > 10
    assert all(one.latency_s >= one.sent_s - one.due_s for one in met)
    assert [one.due_s for one in met] == sorted(one.due_s for one in met)


async def test_arrivals_do_not_wait_for_answers() -> None:
    """A service that answers nothing still gets every arrival, at the mean rate that was asked for."""
    async with playing() as player, Client(player.url, timeout_s=5.0) as client:
        loop = asyncio.create_task(open_loop(client, asking("/held"), rate_per_s=100, seconds=0.5, seed=1))
        await until(lambda: len(player.requests) > 25)
        assert not loop.done()
        player.held.set()
        met = await loop
    assert 25 < len(met) < 80
    assert {one.outcome for one in met} == {"right"}


async def test_the_same_seed_gives_the_same_arrivals() -> None:
    """So that two images can be given the same load."""
    client = cast(Client, _SlowToSend(0.0))
    first, second, other = [
        [one.due_s for one in await open_loop(client, asking("/right"), rate_per_s=500, seconds=0.1, seed=seed)]
        for seed in (1, 1, 2)
    ]
    gaps = [[round(due - times[0], 6) for due in times] for times in (first, second, other)]
    assert gaps[0] == gaps[1] != gaps[2]


def test_retry_after_is_seconds_or_a_date() -> None:
    """A date that is over asks for no wait; what is neither is told from it."""
    assert seconds_to_wait("7") == 7
    assert seconds_to_wait(formatdate(time.time() + 100, usegmt=True)) == pytest.approx(100, abs=5)
    assert seconds_to_wait("Fri, 31 Dec 1999 23:59:59 GMT") == 0
    assert {seconds_to_wait(text) for text in ("soon", "", "-1", "1.5", None)} == {None}
