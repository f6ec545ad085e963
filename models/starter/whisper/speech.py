"""What the model hears: pools of utterances by voice, and windows made of them, with noise and silence."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import butter, lfilter

from starter.whisper.speaker import SAMPLE_RATE_HZ, Manner, Speaker, Utterance, Word

# American and British; espeak-ng takes no `en-gb`.
ACCENTS = ("en-us", "en")
_VARIANTS = (
    *("", "+m1", "+m2", "+m4", "+m5", "+m6", "+m8", "+f1", "+f3", "+f4", "+f5", "+klatt", "+klatt3", "+klatt4"),
    *("+adam", "+caleb", "+edward", "+linda", "+ian", "+john", "+belinda", "+Michael", "+Andy", "+Annie", "+max"),
    *("+Andrea", "+anika", "+aunty", "+boris", "+Gene", "+grandma", "+grandpa", "+Hugo", "+iven", "+Jacky", "+Lee"),
    *("+Marco", "+Mario", "+Mike", "+Nguyen", "+pablo", "+paul", "+quincy", "+Reed", "+rob", "+steph", "+steph3"),
    *("+Storm", "+travis", "+victor", "+zac"),
)
_HELD_OUT_VARIANTS = ("+m3", "+m7", "+f2", "+klatt2", "+david", "+Alicia")
_SEPARATORS = (" ", " ", ", ", ". ")
_MOST_DIGITS = 10
# What Whisper's encoder hears, and the length of one of its positions and of one tick of its timestamps.
WINDOW_S = 30.0
TICK = 320
TICKS = int(WINDOW_S * SAMPLE_RATE_HZ) // TICK


@dataclass(frozen=True, slots=True)
class Voices:
    """Who speaks, and how.

    Args:
        names: as espeak-ng calls them.
        rates: words a minute.
        scales: as in Manner.
    """

    names: tuple[str, ...]
    rates: tuple[int, ...]
    scales: tuple[float, ...] = (1.0,)


# Half of it is said by smaller or larger heads than the voices have, which makes more voices of them.
TRAINING = Voices(
    names=tuple(accent + variant for accent in ACCENTS for variant in _VARIANTS),
    rates=tuple(range(100, 281, 10)),
    scales=(*(1.0,) * 9, 0.85, 0.9, 0.95, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3),
)
# Their rates lie between those of the training.
HELD_OUT = Voices(
    names=tuple(accent + variant for accent in ACCENTS for variant in _HELD_OUT_VARIANTS),
    rates=(105, 145, 175, 205, 245),
)


class Pool:
    """Utterances to draw from by their length."""

    def __init__(self, utterances: Sequence[Utterance]) -> None:
        self._utterances = sorted(utterances, key=lambda utterance: utterance.samples.size)
        self._sizes = [utterance.samples.size for utterance in self._utterances]

    def draw(self, generator: Generator, most_samples: int) -> Utterance | None:
        """Any of those that are at most so long; None if there is none."""
        count = int(np.searchsorted(self._sizes, most_samples, side="right"))
        return self._utterances[generator.integers(count)] if count else None


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of sound with what is said in it.

    Args:
        samples: float32, shape (n_samples,), mono, 16 kHz, in [-1, 1].
        words: those that are heard to their end, in order.
        cut_at: the sample at which a word begins that goes on beyond the window; None if there is none.
        lead_ticks: so many ticks pass before anything is said.
    """

    samples: NDArray[np.float32]
    words: tuple[Word, ...]
    cut_at: int | None
    lead_ticks: int


def utterances(speaker: Speaker, generator: Generator, voices: Voices, count: int) -> list[Utterance]:
    """Random digits, one to ten at a time, in random manners of these voices; voice by voice."""
    asked = []
    for _ in range(count):
        manner = Manner(
            voice=str(generator.choice(voices.names)),
            rate=int(generator.choice(voices.rates)),
            pitch=int(generator.integers(25, 76)),
            pitch_range=int(generator.integers(20, 81)),
            separator=str(generator.choice(_SEPARATORS)),
            scale=float(generator.choice(voices.scales)),
        )
        asked.append((manner, generator.integers(0, 10, generator.integers(1, _MOST_DIGITS + 1)).tolist()))
    return [speaker.say(digits, manner) for manner, digits in sorted(asked, key=lambda pair: pair[0].voice)]


def window_of(
    generator: Generator, pool: Pool, seconds: float, is_first: bool, is_last: bool, silent_share: float
) -> Window:
    """Utterances that fit, between pauses.

    Args:
        is_first: it begins the 30 s; one in six begins within an utterance, as a window of a longer recording does.
        is_last: it ends the 30 s; one in four ends within an utterance.
        silent_share: of windows that hold none.
    """
    sound = np.zeros(int(seconds * SAMPLE_RATE_HZ), np.float32)
    is_silent, begins_within = generator.random() < silent_share, is_first and generator.random() < 1 / 6
    is_cut = is_last and generator.random() < 0.25
    position = 0 if begins_within else int(generator.uniform(0.1, 0.5) * SAMPLE_RATE_HZ)
    words: list[Word] = []
    while not is_silent and position < sound.size:
        most = sound.size - position
        utterance = pool.draw(generator, most + (4 * SAMPLE_RATE_HZ if is_cut else 0))
        if utterance is None:
            break
        if begins_within and not words:
            utterance = _later_part(utterance, generator)
        heard = utterance.samples[:most].astype(np.float32)
        sound[position : position + heard.size] = heard * (generator.uniform(0.3, 1.0) / 32768)
        words += [Word(word.digit, word.begin + position, word.end + position) for word in utterance.words]
        position += utterance.samples.size + int((0.05 + generator.exponential(0.5)) * SAMPLE_RATE_HZ)
        if generator.random() < 0.1:
            break
    whole = tuple(word for word in words if word.end <= sound.size)
    cut_at = next((word.begin for word in words if word.end > sound.size and word.begin < sound.size), None)
    lead = words[0].begin if words else sound.size
    return Window(recorded(generator, sound), whole, cut_at, lead // TICK)


def _later_part(utterance: Utterance, generator: Generator) -> Utterance:
    """From the beginning of one of its words on."""
    first = int(generator.integers(len(utterance.words)))
    begin = utterance.words[first].begin
    words = tuple(Word(word.digit, word.begin - begin, word.end - begin) for word in utterance.words[first:])
    return Utterance(utterance.samples[begin:], words)


def recorded(generator: Generator, sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """As a microphone in a room would have it: a band, an echo, noise, a level; half are left clean."""
    if generator.random() < 0.5:
        return sound
    if generator.random() < 0.3:
        low, high = generator.uniform(50, 350), generator.uniform(3200, 7500)
        numerator, denominator = butter(2, (low, high), "bandpass", fs=SAMPLE_RATE_HZ)
        sound = lfilter(numerator, denominator, sound).astype(np.float32)
    if generator.random() < 0.2:
        delay = int(generator.uniform(0.01, 0.06) * SAMPLE_RATE_HZ)
        echo = np.zeros_like(sound)
        echo[delay:] = sound[:-delay]
        sound = sound + np.float32(generator.uniform(0.1, 0.4)) * echo
    level = float(np.abs(sound).max()) or 0.3
    ratio_db = generator.uniform(8, 45)
    mixed = sound + _noise(generator, sound.size) * np.float32(level * 0.3 * 10 ** (-ratio_db / 20))
    gain = generator.uniform(0.05, 1.0) / max(float(np.abs(mixed).max()), 1e-6)
    return (mixed * gain).astype(np.float32)


def _noise(generator: Generator, n_samples: int) -> NDArray[np.float32]:
    """White to brown noise of mean square 1."""
    white = generator.standard_normal(n_samples, np.float32)
    coloured = lfilter([1.0], [1.0, -generator.uniform(0.0, 0.98)], white)
    return np.asarray(coloured / (np.sqrt(np.mean(coloured**2)) + 1e-9), np.float32)
