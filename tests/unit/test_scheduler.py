"""The scheduler: order, bounds, cancellation, failure and end."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence

import pytest
import structlog
from tests.polling import until

from coldstart.domain.errors import EngineFailed, NotReady, Overloaded
from coldstart.runtime.pace import Pace
from coldstart.runtime.scheduler import Scheduler

Make = Callable[..., Scheduler[int, int]]


class DoublingEngine:
    """Doubles numbers; negative ones take as many calls as their size; those in `poison` make it raise."""

    def __init__(self, max_batch: int = 4) -> None:
        self.max_batch = max_batch
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Semaphore(0)
        self.calls: list[list[int]] = []
        self.threads: set[str] = set()
        self.poison: set[int] = set()
        self.too_few = False
        self._seen: dict[int, int] = {}

    def advance(self, requests: Sequence[int]) -> list[int | None]:
        self.calls.append(list(requests))
        self.threads.add(threading.current_thread().name)
        self.entered.release()
        assert self.gate.wait(10)
        if self.poison & set(requests):
            raise ValueError("poisoned")
        return [] if self.too_few else [self._double(number) for number in requests]

    def _double(self, number: int) -> int | None:
        self._seen[number] = self._seen.get(number, 0) + 1
        return None if self._seen[number] < -number else 2 * number


@pytest.fixture
def engine() -> Iterator[DoublingEngine]:
    engine = DoublingEngine()
    yield engine
    engine.gate.set()


@pytest.fixture
async def make(engine: DoublingEngine) -> AsyncIterator[Make]:
    with contextlib.ExitStack() as stack:

        def make(queue_limit: int = 8, recover: Callable[[int], None] | None = None) -> Scheduler[int, int]:
            scheduler = Scheduler(engine, name="double", queue_limit=queue_limit, recover=recover)
            stack.callback(scheduler.close, 5)
            stack.callback(engine.gate.set)
            return scheduler

        yield make


async def entered(engine: DoublingEngine) -> None:
    assert await asyncio.to_thread(engine.entered.acquire, timeout=10)


def begin(awaitable: Awaitable[int]) -> "asyncio.Future[int]":
    return asyncio.ensure_future(awaitable)


async def test_results_come_back_to_their_requests(make: Make, engine: DoublingEngine) -> None:
    """Each caller gets its own result, from the one thread that touches the engine."""
    scheduler = make()
    assert await asyncio.gather(*(scheduler.submit(n) for n in range(1, 8))) == [2, 4, 6, 8, 10, 12, 14]
    assert engine.threads == {"engine-double"}


async def test_requests_that_arrive_meanwhile_join_the_next_call(make: Make, engine: DoublingEngine) -> None:
    """Continuous batching: a long request does not keep others out, and stays in every call until its result."""
    scheduler = make()
    engine.gate.clear()
    long = begin(scheduler.submit(-3))
    await entered(engine)
    short = [begin(scheduler.submit(1)), begin(scheduler.submit(2))]
    await until(lambda: scheduler.depth == 2)
    engine.gate.set()
    assert await asyncio.gather(long, *short) == [-6, 2, 4]
    assert engine.calls == [[-3], [-3, 1, 2], [-3]]


async def test_a_batch_is_never_larger_than_the_engine_takes(make: Make, engine: DoublingEngine) -> None:
    """What does not fit waits, in order."""
    scheduler = make()
    engine.gate.clear()
    first = begin(scheduler.submit(9))
    await entered(engine)
    rest = [begin(scheduler.submit(n)) for n in range(1, 7)]
    await until(lambda: scheduler.depth == 6)
    engine.gate.set()
    await asyncio.gather(first, *rest)
    assert engine.calls == [[9], [1, 2, 3, 4], [5, 6]]


async def test_a_full_queue_refuses_at_once(
    make: Make, engine: DoublingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal does not wait for the engine, says when what is before it will be done, and is counted."""
    monkeypatch.setattr(Pace, "seconds_for", lambda _, requests: 10 + requests)
    scheduler = make(queue_limit=1)
    engine.gate.clear()
    running = begin(scheduler.submit(1))
    await entered(engine)
    waiting = begin(scheduler.submit(2))
    await until(lambda: scheduler.depth == 1)
    with pytest.raises(Overloaded, match="the queue of model 'double' is full: 1 requests wait") as raised:
        await scheduler.submit(3)
    assert raised.value.retry_after_s == 12
    assert scheduler.refusals == 1
    engine.gate.set()
    assert [await running, await waiting] == [2, 4]


async def test_work_that_would_come_later_is_refused_by_the_same_queue(make: Make, engine: DoublingEngine) -> None:
    """Asking for room raises what submitting would, and counts as the refusal that it is."""
    scheduler = make(queue_limit=1)
    scheduler.check_room()
    engine.gate.clear()
    running = begin(scheduler.submit(1))
    await entered(engine)
    waiting = begin(scheduler.submit(2))
    await until(lambda: scheduler.depth == 1)
    assert not scheduler.has_room
    with pytest.raises(Overloaded, match="the queue of model 'double' is full: 1 requests wait"):
        scheduler.check_room()
    assert scheduler.refusals == 1
    engine.gate.set()
    assert [await running, await waiting] == [2, 4]
    assert scheduler.has_room


async def test_work_keeps_its_place_between_its_steps(make: Make, engine: DoublingEngine) -> None:
    """Work whose next step was not submitted yet is in no queue, and fills the process all the same."""
    scheduler = make(queue_limit=2)
    with contextlib.ExitStack() as stack:
        places = [stack.enter_context(scheduler.place()) for _ in range(engine.max_batch + 2)]
        assert scheduler.depth == 0
        with pytest.raises(Overloaded):
            await scheduler.submit(1)
        assert await scheduler.submit(2, place=places[0]) == 4
        assert not scheduler.has_room
    assert await scheduler.submit(3) == 6


async def test_work_that_ends_badly_gives_its_place_back(make: Make, engine: DoublingEngine) -> None:
    """A failed request and a cancelled one take no room from others."""
    engine.poison = {7}
    scheduler = make(queue_limit=1)
    for _ in range(2 * engine.max_batch):
        with pytest.raises(EngineFailed):
            await scheduler.submit(7)
        cancelled = begin(scheduler.submit(1))
        await asyncio.sleep(0)
        cancelled.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await cancelled
    assert await scheduler.submit(3) == 6


async def test_a_flood_of_refusals_is_one_line(make: Make, engine: DoublingEngine) -> None:
    """The log says that the queue is full, not how often within a second."""
    with structlog.testing.capture_logs() as log:
        scheduler = make(queue_limit=1)
        engine.gate.clear()
        running = begin(scheduler.submit(1))
        await entered(engine)
        waiting = begin(scheduler.submit(2))
        await until(lambda: scheduler.depth == 1)
        for _ in range(50):
            with contextlib.suppress(Overloaded):
                scheduler.check_room()
        engine.gate.set()
        await asyncio.gather(running, waiting)
    told = [line for line in log if line["event"] == "queue_full"]
    assert scheduler.refusals == 50
    assert [(line["queue_limit"], line["refusals"]) for line in told] == [(1, 1)]


async def test_a_cancelled_request_leaves_the_queue_and_never_runs(make: Make, engine: DoublingEngine) -> None:
    """Its place is free at once, and the engine never sees it."""
    scheduler = make()
    engine.gate.clear()
    running = begin(scheduler.submit(1))
    await entered(engine)
    waiting = begin(scheduler.submit(2))
    await until(lambda: scheduler.depth == 1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert scheduler.depth == 0
    engine.gate.set()
    await running
    await scheduler.submit(3)
    assert engine.calls == [[1], [3]]


async def test_a_request_cancelled_in_the_batch_is_in_no_further_call(make: Make, engine: DoublingEngine) -> None:
    """A long prefill whose client has left stops at the next call."""
    scheduler = make()
    engine.gate.clear()
    long = begin(scheduler.submit(-100))
    await entered(engine)
    long.cancel()
    with pytest.raises(asyncio.CancelledError):
        await long
    engine.gate.set()
    assert await scheduler.submit(1) == 2
    assert engine.calls == [[-100], [1]]


async def test_one_poisoned_request_does_not_fail_its_batch_mates(make: Make, engine: DoublingEngine) -> None:
    """After a failing batch each request is tried by itself, once what the engine kept for it is dropped."""
    recovered: list[int] = []
    scheduler = make(recover=recovered.append)
    engine.poison = {2}
    engine.gate.clear()
    held = begin(scheduler.submit(9))
    await entered(engine)
    batch = [begin(scheduler.submit(n)) for n in (1, 2, 3)]
    await until(lambda: scheduler.depth == 3)
    engine.gate.set()
    results = await asyncio.gather(held, *batch, return_exceptions=True)
    assert [results[0], results[1], results[3]] == [18, 2, 6]
    assert isinstance(results[2], EngineFailed)
    assert "poisoned" not in str(results[2])
    assert recovered[:3] == [1, 2, 3]


async def test_an_engine_that_failed_goes_on_serving(make: Make, engine: DoublingEngine) -> None:
    """A failure belongs to a request, not to the scheduler."""
    scheduler = make()
    engine.poison = {2}
    with pytest.raises(EngineFailed):
        await scheduler.submit(2)
    assert await scheduler.submit(1) == 2


async def test_a_recovery_that_fails_is_survived(make: Make, engine: DoublingEngine) -> None:
    """Whatever recovery raises, the request fails as an engine failure and the thread lives on."""

    def recover(_: int) -> None:
        raise RuntimeError("no recovery")

    scheduler = make(recover=recover)
    engine.poison = {2}
    with pytest.raises(EngineFailed):
        await scheduler.submit(2)
    assert await scheduler.submit(1) == 2


async def test_results_of_the_wrong_number_are_a_failure(make: Make, engine: DoublingEngine) -> None:
    """An engine that loses a request must not leave its caller waiting."""
    scheduler = make()
    engine.too_few = True
    with pytest.raises(EngineFailed):
        await scheduler.submit(1)


async def test_calls_run_on_the_engines_thread(make: Make) -> None:
    """`run` is the way to `forget`, and its errors come with the future."""
    scheduler = make()
    name = scheduler.run(lambda: threading.current_thread().name)
    assert await asyncio.wrap_future(name) == "engine-double"
    failing = scheduler.run(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        await asyncio.wrap_future(failing)


async def test_a_thread_may_wait_for_a_result_but_not_for_ever(make: Make, engine: DoublingEngine) -> None:
    """The warm-up's way in: a result, or a failure after the time given, and the queue is clear again."""
    scheduler = make()
    assert await asyncio.to_thread(scheduler.submit_blocking, 4, 10.0) == 8
    engine.gate.clear()
    with pytest.raises(EngineFailed, match=r"gave no answer within 0\.01 s"):
        await asyncio.to_thread(scheduler.submit_blocking, 5, 0.01)
    engine.gate.set()
    await until(lambda: scheduler.active == 0)


async def test_close_finishes_what_is_there(make: Make, engine: DoublingEngine) -> None:
    """Within the deadline nothing that was accepted is lost; afterwards nothing is accepted."""
    scheduler = make()
    engine.gate.clear()
    requests = [begin(scheduler.submit(n)) for n in (1, 2, -5)]
    await entered(engine)
    closing = asyncio.create_task(asyncio.to_thread(scheduler.close, 10.0))
    await until(lambda: scheduler.run(lambda: None).cancelled())
    with pytest.raises(NotReady):
        await scheduler.submit(3)
    engine.gate.set()
    assert await asyncio.gather(*requests) == [2, 4, -10]
    assert await closing


async def test_close_refuses_the_rest_after_the_deadline(make: Make, engine: DoublingEngine) -> None:
    """Callers are told, even while the engine hangs; then the engine must not be freed."""
    scheduler = make()
    engine.gate.clear()
    requests = [begin(scheduler.submit(n)) for n in range(1, 7)]
    await entered(engine)
    assert not await asyncio.to_thread(scheduler.close, 0.0)
    for refused in await asyncio.gather(*requests, return_exceptions=True):
        assert isinstance(refused, NotReady)
    engine.gate.set()
    assert await asyncio.to_thread(scheduler.close, 5.0)


def test_retry_after_is_what_the_queue_will_take() -> None:
    """Ten requests at half a second each are done in five; an engine that hangs says as long as it has hung."""
    now = [0.0]
    pace = Pace(lambda: now[0])
    assert pace.seconds_for(10) == 1
    pace.begin()
    now[0] = 1.0
    pace.end(2)
    assert pace.seconds_for(10) == 5
    now[0] = 31.0
    assert pace.seconds_for(10) == 30
    now[0] = 1000.0
    assert pace.seconds_for(10) == 60


async def test_an_only_step_does_not_wait_for_work_of_many(make: Make, engine: DoublingEngine) -> None:
    """It has a place, as long as it lasts, and its turn comes among the steps of what has begun."""
    engine.max_batch = 1
    scheduler = make()

    async def work(first: int, steps: int) -> None:
        with scheduler.place() as place:
            for number in range(first, first + steps):
                await scheduler.submit(number, place=place, is_only_step=steps == 1)

    engine.gate.clear()
    tasks = [asyncio.create_task(work(first, 5)) for first in (10, 20, 30)]
    await entered(engine)
    tasks.append(asyncio.create_task(work(1, 1)))
    await until(lambda: scheduler.depth == 3)
    engine.gate.set()
    await asyncio.gather(*tasks)
    assert engine.calls.index([1]) == 2
