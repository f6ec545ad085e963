"""One live session over fake models: what is told, in which order, and what waits for what."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.asr_serving import FakeSpeechServing, asr_core
from tests.polling import until

from coldstart.domain.audio import SPEECH_RATE_HZ
from coldstart.domain.errors import EngineFailed, Overloaded, PayloadTooLarge
from coldstart.domain.transcription import TranscriptionOptions, TranscriptionRequest
from coldstart.runtime.core import Core
from coldstart.services.live_session import (
    FinalText,
    LiveEvent,
    LiveParameters,
    LiveSession,
    PartialText,
    SpeechStarted,
)
from coldstart.services.speech_segments import SpeechSegments, VoiceStream

SILENT = LiveParameters(partials=False)


@pytest.fixture
def fakes() -> Iterator[FakeSpeechServing]:
    fakes = FakeSpeechServing()
    yield fakes
    fakes.open_gates()


@pytest.fixture
async def core(tmp_path: Path, fakes: FakeSpeechServing) -> AsyncIterator[Core]:
    core = asr_core(tmp_path, fakes, "tiny", QUEUE_LIMIT="1")
    core.registry.start()
    assert core.registry.wait_settled(10)
    fakes.transcriber.calls.clear()
    yield core
    fakes.open_gates()
    core.registry.close(5)


@contextmanager
def session(
    core: Core, parameters: LiveParameters = SILENT, *, max_unread_s: float = 30.0, max_sound_s: float = 3600.0
) -> Iterator[LiveSession]:
    with SpeechSegments(core.registry).stream() as voice:
        yield make(core, voice, parameters, max_unread_s, max_sound_s)


def make(
    core: Core, voice: VoiceStream, parameters: LiveParameters, max_unread_s: float, max_sound_s: float
) -> LiveSession:
    served = core.registry.find("speech-to-text", None)
    return LiveSession(served, voice, parameters, max_unread_s=max_unread_s, max_sound_s=max_sound_s)


def sound(*stretches: tuple[int, float]) -> NDArray[np.float32]:
    """Number of what is said, or 0, and for how many seconds."""
    return np.concatenate(
        [np.full(round(seconds * SPEECH_RATE_HZ), number / 1000, np.float32) for number, seconds in stretches]
    )


async def told(session: LiveSession) -> list[LiveEvent]:
    return [event async for event in session.events()]


async def test_each_speech_begins_and_is_written_down(core: Core) -> None:
    """With its times from the sound's start, 0.3 s more on either side, and its language."""
    with session(core) as live:
        await live.feed(sound((0, 1), (1, 2), (0, 2), (2, 3), (0, 1)))
        await live.end()
        events = await told(live)
    assert [type(event) for event in events] == [SpeechStarted, FinalText, SpeechStarted, FinalText]
    finals = [event for event in events if isinstance(event, FinalText)]
    assert [(final.segment, final.text, final.language) for final in finals] == [(0, "say 1", "de"), (1, "say 2", "de")]
    assert [final.start_s for final in finals] == pytest.approx([0.7, 4.7], abs=0.05)
    assert [final.end_s for final in finals] == pytest.approx([3.3, 8.3], abs=0.05)


async def test_however_the_sound_is_cut_into_pieces(core: Core) -> None:
    """Pieces of 20 ms, which are no whole windows, give what one piece gives."""
    whole = sound((0, 1), (1, 2), (0, 1))
    results = []
    for size in (len(whole), 320):
        with session(core) as live:
            telling = asyncio.create_task(told(live))
            for begin in range(0, len(whole), size):
                await live.feed(whole[begin : begin + size])
            await live.end()
            results.append(await telling)
    assert results[0] == results[1]
    assert len(results[0]) == 2


async def test_silence_says_nothing(core: Core, fakes: FakeSpeechServing) -> None:
    """And no transcriber is asked."""
    with session(core) as live:
        await live.feed(sound((0, 10)))
        await live.end()
        assert await told(live) == []
    assert fakes.transcriber.calls == []


async def test_the_sounds_end_ends_a_segment_within_the_sound(core: Core) -> None:
    """Its last window is filled up, but the text does not end after the sound."""
    with session(core) as live:
        await live.feed(sound((1, 1.001)))
        await live.end()
        final = (await told(live))[-1]
    assert isinstance(final, FinalText)
    assert (final.text, final.end_s) == ("say 1", 1.001)


async def test_words_count_from_the_sounds_start(core: Core) -> None:
    """Where they are asked for."""
    parameters = LiveParameters(options=TranscriptionOptions(language="en", word_timestamps=True), partials=False)
    with session(core, parameters) as live:
        await live.feed(sound((0, 2), (1, 2), (0, 1)))
        await live.end()
        final = (await told(live))[-1]
    assert isinstance(final, FinalText)
    assert final.language == "en"
    assert [word.text for word in final.words] == [" say", " 1"]
    assert [word.start_s for word in final.words] == pytest.approx([2.0, 3.0])
    assert [word.end_s for word in final.words] == pytest.approx([3.0, 4.0])


async def test_an_open_segment_has_a_partial_text(core: Core) -> None:
    """Up to where it was listened to; the final text of the same segment follows."""
    with session(core, LiveParameters()) as live:
        await live.feed(sound((1, 5)))
        async with aclosing(live.events()) as events:
            assert [type(await anext(events)) for _ in range(1)] == [SpeechStarted]
            partial = await anext(events)
            assert isinstance(partial, PartialText)
            assert (partial.segment, partial.text) == (0, "say 1")
            assert partial.end_s == pytest.approx(5.0, abs=0.05)
            await live.feed(sound((0, 1)))
            final = await anext(events)
            assert isinstance(final, FinalText)
            assert final.segment == 0


async def test_partial_texts_are_only_made_while_the_engine_has_nothing_else_to_do(
    core: Core, fakes: FakeSpeechServing
) -> None:
    """Somebody else's request is never behind a text that is soon out of date."""
    scheduler = core.registry.find("speech-to-text", None).scheduler
    fakes.transcriber.gate.clear()
    other = asyncio.create_task(scheduler.submit(TranscriptionRequest(sound((2, 1)))))
    await until(fakes.transcriber.entered.is_set)
    with session(core, LiveParameters()) as live:
        telling = asyncio.create_task(told(live))
        await live.feed(sound((1, 5)))
        await until(lambda: fakes.voice_activity.seconds > 4.9)
        assert (scheduler.active, scheduler.depth) == (1, 0)
        await live.end()
        fakes.transcriber.gate.set()
        events = await telling
    await other
    assert [type(event) for event in events] == [SpeechStarted, FinalText]


async def test_partial_texts_take_half_of_the_time_at_most(core: Core, fakes: FakeSpeechServing) -> None:
    """After one that took ten seconds there is none for ten seconds, however much is said meanwhile."""
    clock = [100.0]
    served = core.registry.find("speech-to-text", None)
    with SpeechSegments(core.registry).stream() as voice:
        live = LiveSession(served, voice, LiveParameters(), max_unread_s=30, max_sound_s=60, now=lambda: clock[0])
        partials: list[LiveEvent] = []

        async def tell() -> None:
            async for event in live.events():
                partials.extend([event] if isinstance(event, PartialText) else [])

        telling = asyncio.create_task(tell())
        fakes.transcriber.gate.clear()
        await live.feed(sound((1, 2)))
        await until(lambda: served.scheduler.active == 1)
        clock[0] += 10
        fakes.transcriber.gate.set()
        await until(lambda: len(partials) == 1)
        clock[0] += 9.9
        await live.feed(sound((1, 5)))
        await until(lambda: fakes.voice_activity.seconds > 6.9)
        # That this is listened to shows that what was due after the piece before it is done.
        await live.feed(sound((1, 0.5)))
        await until(lambda: fakes.voice_activity.seconds > 7.4)
        assert len(partials) == 1
        clock[0] += 0.1
        await live.feed(sound((1, 0.6)))
        await until(lambda: len(partials) == 2)
        telling.cancel()
    assert [len(call) for call in fakes.transcriber.calls] == [1, 1]


async def test_a_sender_that_is_too_fast_waits(core: Core, fakes: FakeSpeechServing) -> None:
    """While a text is being made, at most so much sound waits; then it goes on, and nothing is lost."""
    fakes.transcriber.gate.clear()
    with session(core, max_unread_s=5) as live:
        telling = asyncio.create_task(told(live))
        await live.feed(sound((1, 2), (0, 1)))
        await until(fakes.transcriber.entered.is_set)
        await live.feed(sound((0, 2), (2, 2)))
        waiting = asyncio.create_task(live.feed(sound((0, 2))))
        await asyncio.sleep(0)
        assert live.duration_s == 7
        fakes.transcriber.gate.set()
        await asyncio.wait_for(waiting, 10)
        await live.end()
        finals = [event.text for event in await telling if isinstance(event, FinalText)]
    assert finals == ["say 1", "say 2"]


async def test_a_sender_that_nobody_keeps_up_with_is_refused(core: Core, fakes: FakeSpeechServing) -> None:
    """After as long as the unread sound lasts."""
    fakes.transcriber.gate.clear()
    with session(core, max_unread_s=0.1) as live:
        telling = asyncio.create_task(told(live))
        await live.feed(sound((1, 2), (0, 1)))
        await until(fakes.transcriber.entered.is_set)
        await live.feed(sound((0, 0.1)))
        with pytest.raises(Overloaded, match="comes faster than it is written down"):
            await live.feed(sound((0, 0.1)))
        telling.cancel()


async def test_a_sound_that_becomes_too_long_is_refused(core: Core) -> None:
    """With the piece that would make it so; what came before is written down."""
    with session(core, max_sound_s=3) as live:
        await live.feed(sound((1, 2)))
        with pytest.raises(PayloadTooLarge, match="longer than 3 s"):
            await live.feed(sound((2, 1.1)))
        await live.end()
        finals = [event.text for event in await told(live) if isinstance(event, FinalText)]
    assert finals == ["say 1"]


async def test_a_full_queue_is_waited_for(core: Core, fakes: FakeSpeechServing) -> None:
    """A request can come again, a live segment cannot."""
    scheduler = core.registry.find("speech-to-text", None).scheduler
    fakes.transcriber.gate.clear()
    others = [asyncio.create_task(scheduler.submit(TranscriptionRequest(sound((2, 1)))))]
    await until(fakes.transcriber.entered.is_set)
    others.append(asyncio.create_task(scheduler.submit(TranscriptionRequest(sound((2, 1))))))
    await until(lambda: not scheduler.has_room)
    with session(core) as live:
        await live.feed(sound((1, 2)))
        await live.end()
        telling = asyncio.create_task(told(live))
        await until(lambda: fakes.voice_activity.seconds > 1.9)
        assert not telling.done()
        fakes.transcriber.gate.set()
        await asyncio.gather(*others)
        assert isinstance((await telling)[-1], FinalText)
    assert scheduler.refusals == 0


async def test_an_engine_that_fails_ends_the_session(core: Core, fakes: FakeSpeechServing) -> None:
    """The sentence is the scheduler's."""
    fakes.transcriber.broken = True
    with session(core) as live:
        await live.feed(sound((1, 2)))
        await live.end()
        with pytest.raises(EngineFailed, match="'tiny' failed on this request"):
            await told(live)


async def test_whoever_stops_listening_leaves_nothing_behind(core: Core, fakes: FakeSpeechServing) -> None:
    """Neither a request in the queue nor a stream in the voice activity engine."""
    scheduler = core.registry.find("speech-to-text", None).scheduler
    fakes.transcriber.gate.clear()
    with session(core) as live:
        await live.feed(sound((1, 2)))
        await live.end()
        telling = asyncio.create_task(told(live))
        await until(fakes.transcriber.entered.is_set)
        telling.cancel()
    fakes.transcriber.gate.set()
    await until(lambda: scheduler.active == 0)
    await until(lambda: len(fakes.voice_activity.forgotten) == 1)
