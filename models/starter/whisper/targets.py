"""What the decoder is to write for a window, in Whisper's form, and where it is to look as it writes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from tokenizers import Tokenizer

from starter.whisper.layout import END_OF_TEXT, NO_SPEECH, NO_TIMESTAMPS, PREVIOUS, START
from starter.whisper.speaker import DIGITS, Word
from starter.whisper.speech import TICK, TICKS, Window

# A label that is not counted, and a place where nothing need be looked at.
IGNORED = -100
NOWHERE = (-1, -1)
# Of frames, beside the ten digits.
NO_DIGIT = len(DIGITS)
_MOST_TOKENS = 448
# faster-whisper lets no first timestamp be later than 1.00 s.
_LATEST_FIRST_TICK = 50


@dataclass(frozen=True, slots=True)
class Row:
    """The decoder's input ids; for each the token that comes next, or IGNORED; and the ticks, first and last, in which
    that is heard, or NOWHERE."""

    ids: list[int]
    labels: list[int]
    looks: list[tuple[int, int]]


class Targets:
    """Rows for windows, in the ids of a tokenizer."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._end, self._start = tokenizer.token_to_id(END_OF_TEXT), tokenizer.token_to_id(START)
        self._no_speech = tokenizer.token_to_id(NO_SPEECH)
        self._no_timestamps = tokenizer.token_to_id(NO_TIMESTAMPS)
        self._previous = tokenizer.token_to_id(PREVIOUS)
        self._zero_s = tokenizer.token_to_id("<|0.00|>")
        self._digits = [tokenizer.encode(f" {digit}").ids[0] for digit in DIGITS]

    @property
    def end(self) -> int:
        return self._end

    @property
    def first_timestamp(self) -> int:
        return self._zero_s

    def row(
        self, window: Window, first_tick: int, prompt_length: int, generator: Generator, is_later: bool = False
    ) -> Row:
        """One window's row: with timestamps in nine of ten.

        Args:
            first_tick: where the window's sound begins in the 30 s.
            prompt_length: so many tokens of an earlier text come first; 0 for none.
            is_later: the earlier text is always what was written for the window before.
        """
        is_timed = generator.random() < 0.9
        if not window.words and window.cut_at is None:
            row = self._silence(is_timed, generator)
        elif is_timed:
            row = self._timed(window, first_tick)
        else:
            row = self._untimed(window)
        prompt: list[int] = []
        if prompt_length:
            prompt = (self._earlier if is_later else self._prompt)(prompt_length, generator)
        return Row(
            [*prompt, *row.ids][:_MOST_TOKENS],
            [*[IGNORED] * len(prompt), *row.labels][:_MOST_TOKENS],
            [*[NOWHERE] * len(prompt), *row.looks][:_MOST_TOKENS],
        )

    def _silence(self, is_timed: bool, generator: Generator) -> Row:
        # A decoder that must write a timestamp first, though it hears nothing, writes 0.00 and ends.
        first = self._zero_s if generator.random() < 0.2 else self._no_speech
        return Row([self._start, self._zero_s if is_timed else self._no_timestamps], [first, self._end], [NOWHERE] * 2)

    def _timed(self, window: Window, first_tick: int) -> Row:
        """A segment for each word, between its timestamps; and where a word begins that goes on beyond the window.

        The time just written says where to look next. In a longer segment a decoder as small as this loses its place.
        """
        said: list[int] = []
        looks: list[tuple[int, int]] = []
        end = 0
        for word, look in zip(window.words, _looks(window.words), strict=True):
            # Times never go back, though a word may end within the tick in which the next begins.
            begin, end = max(end, word.begin // TICK), -(-word.end // TICK)
            said += [self._timestamp(first_tick + begin, is_first=not said), self._digits[word.digit]]
            said.append(self._timestamp(first_tick + end))
            looks += [(max(0, begin - 1), begin + 2), look, (max(0, end - 3), end)]
        if window.cut_at is not None:
            begin = max(end, window.cut_at // TICK)
            said.append(self._timestamp(first_tick + begin, is_first=not said))
            looks.append((max(0, begin - 1), begin + 2))
        return Row([self._start, *said], [*said, self._end], [*looks, NOWHERE])

    def _untimed(self, window: Window) -> Row:
        said = [self._digits[word.digit] for word in window.words]
        return Row(
            [self._start, self._no_timestamps, *said],
            [IGNORED, *said, self._end],
            [NOWHERE, *_looks(window.words), NOWHERE],
        )

    def _earlier(self, length: int, generator: Generator) -> list[int]:
        """The end of what was written for the window before: digits between their times."""
        words = -(-length // 3)
        begins = np.sort(generator.integers(0, TICKS - 30, words))
        ends = np.minimum(begins + generator.integers(8, 30, words), [*begins[1:], TICKS])
        tokens: list[int] = []
        for digit, begin, end in zip(generator.integers(0, 10, words), begins, ends, strict=True):
            tokens += [self._timestamp(int(begin)), self._digits[digit], self._timestamp(int(end))]
        return [self._previous, *tokens[-length:]]

    def _prompt(self, length: int, generator: Generator) -> list[int]:
        """An earlier text: digits, with timestamps or without, or anything at all."""
        if generator.random() < 0.2:
            return [self._previous, *generator.integers(0, self._end, length).tolist()]
        tokens = [self._digits[digit] for digit in generator.integers(0, 10, length)]
        if generator.random() < 0.5:
            for place, tick in zip(range(0, length, 6), np.sort(generator.integers(0, 1500, length)), strict=False):
                tokens[place] = self._timestamp(int(tick))
        return [self._previous, *tokens]

    def _timestamp(self, tick: int, is_first: bool = False) -> int:
        return self._zero_s + (min(tick, _LATEST_FIRST_TICK) if is_first else tick)


def _looks(words: Sequence[Word]) -> list[tuple[int, int]]:
    return [(word.begin // TICK, max(word.begin, word.end - 1) // TICK) for word in words]


def frame_labels(window: Window, ticks: int) -> NDArray[np.int64]:
    """For each tick which digit is said, or NO_DIGIT."""
    labels = np.full(ticks, NO_DIGIT)
    for word, (first, last) in zip(window.words, _looks(window.words), strict=True):
        labels[first : last + 1] = word.digit
    return labels
