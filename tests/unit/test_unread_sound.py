"""The bounded buffer between a sender and a session."""

import asyncio

import numpy as np
import pytest
from numpy.typing import NDArray

from coldstart.domain.audio import SPEECH_RATE_HZ
from coldstart.domain.errors import Overloaded
from coldstart.services.unread_sound import UnreadSound

WINDOW = 4


def sound(samples: int) -> NDArray[np.float32]:
    return np.arange(1, samples + 1, dtype=np.float32)


def unread(limit_samples: int = 100, most_windows: int = 3) -> UnreadSound:
    return UnreadSound(WINDOW, max_s=limit_samples / SPEECH_RATE_HZ, most_windows=most_windows)


async def test_whole_windows_are_taken_and_not_too_many_at_a_time() -> None:
    """Of 4 samples each, 3 at most; what is less than one waits."""
    buffer = unread()
    await buffer.put(sound(18))
    taken = [await buffer.take(), await buffer.take()]
    assert [len(piece) for piece in taken if piece is not None] == [12, 4]
    assert not buffer.has_window


async def test_at_the_end_the_last_window_is_filled_with_silence() -> None:
    """Then there is nothing more, however often one asks."""
    buffer = unread()
    await buffer.put(sound(2))
    await buffer.end()
    last = await buffer.take()
    assert last is not None
    assert last.tolist() == [1.0, 2.0, 0.0, 0.0]
    assert (await buffer.take(), await buffer.take()) == (None, None)


async def test_a_sender_waits_for_room() -> None:
    """And goes on as soon as there is some; nothing is lost."""
    buffer = UnreadSound(WINDOW, max_s=10 / SPEECH_RATE_HZ + 5, most_windows=3)
    await buffer.put(sound(5 * SPEECH_RATE_HZ))
    waiting = asyncio.create_task(buffer.put(sound(20)))
    await asyncio.sleep(0)
    assert not waiting.done()
    piece = await buffer.take()
    assert piece is not None
    await asyncio.wait_for(waiting, 10)
    assert len(piece) == 12
    assert buffer.unread_s == pytest.approx(5 + 8 / SPEECH_RATE_HZ)


async def test_a_buffer_that_stands_still_refuses() -> None:
    """After as long as its sound lasts; the sentence tells how much waits."""
    buffer = unread(limit_samples=100)
    await buffer.put(sound(100))
    with pytest.raises(Overloaded, match=r"there was no room for 0\.00625 s"):
        await buffer.put(sound(1))


async def test_a_piece_larger_than_the_limit_goes_into_an_empty_buffer() -> None:
    """Or it could never be taken."""
    buffer = unread(limit_samples=8)
    await buffer.put(sound(20))
    assert buffer.unread_s == 20 / SPEECH_RATE_HZ


async def test_a_reader_waits_for_sound() -> None:
    """Until there is a window of it."""
    buffer = unread()
    taking = asyncio.create_task(buffer.take())
    await buffer.put(sound(3))
    await asyncio.sleep(0)
    assert not taking.done()
    await buffer.put(sound(1))
    piece = await taking
    assert piece is not None
    assert piece.tolist() == [1.0, 2.0, 3.0, 1.0]
