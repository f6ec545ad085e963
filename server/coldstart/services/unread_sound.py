"""Sound that has come and waits to be listened to: bounded, so that whoever sends it waits."""

import asyncio

import numpy as np
from numpy.typing import NDArray

from coldstart.domain.audio import SPEECH_RATE_HZ
from coldstart.domain.errors import Overloaded

Samples = NDArray[np.float32]


class UnreadSound:
    """A bounded buffer of samples between one writer and one reader of one event loop.

    Args:
        window_samples: what is taken is whole windows.
        max_s: seconds of sound that may wait; also the seconds that a writer waits for room, for a buffer that stands
            still for as long as its sound lasts is one that nobody keeps up with.
        most_windows: how many windows are taken at a time.
    """

    def __init__(self, window_samples: int, *, max_s: float, most_windows: int) -> None:
        self._window_samples = window_samples
        self._max_s = max_s
        self._most_samples = most_windows * window_samples
        self._samples = np.zeros(0, np.float32)
        self._has_ended = False
        self._is_closed = False
        self._changed = asyncio.Condition()

    @property
    def unread_s(self) -> float:
        """Seconds of sound that wait."""
        return len(self._samples) / SPEECH_RATE_HZ

    @property
    def has_window(self) -> bool:
        """Whether `take` would return at once."""
        return self._has_ended or len(self._samples) >= self._window_samples

    async def put(self, samples: Samples) -> None:
        """Add sound, of at most `max_s`, once there is room for it.

        Raises:
            Overloaded: there was no room for `max_s` seconds.
        """
        added_s = len(samples) / SPEECH_RATE_HZ
        async with self._changed:
            try:
                async with asyncio.timeout(self._max_s):
                    # Any piece goes into a buffer from which a reader could take nothing.
                    await self._changed.wait_for(
                        lambda: self.unread_s + added_s <= self._max_s or len(self._samples) < self._window_samples
                    )
            except TimeoutError:
                raise Overloaded(
                    f"the sound comes faster than it is written down: {self.unread_s:.1f} s wait, of {self._max_s:g} s "
                    f"at most, and there was no room for {self._max_s:g} s"
                ) from None
            if self._is_closed:
                return
            self._samples = np.concatenate([self._samples, samples])
            self._changed.notify_all()

    async def end(self) -> None:
        """No more sound will come."""
        async with self._changed:
            self._has_ended = True
            self._changed.notify_all()

    async def close(self) -> None:
        """Nothing will be taken any more: what waits is dropped, and so is what still comes."""
        async with self._changed:
            self._is_closed = True
            self._samples = np.zeros(0, np.float32)
            self._changed.notify_all()

    async def take(self) -> Samples | None:
        """The next windows, as many as are there; the last one is filled up with silence. None at the end."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.has_window)
            if not len(self._samples):
                return None
            count = min(len(self._samples) // self._window_samples * self._window_samples, self._most_samples)
            if not count:
                missing = self._window_samples - len(self._samples)
                self._samples = np.pad(self._samples, (0, missing))
                count = self._window_samples
            # A copy, for a part of it may be kept for long, and would keep the whole buffer.
            taken, self._samples = self._samples[:count].copy(), self._samples[count:]
            self._changed.notify_all()
            return taken
