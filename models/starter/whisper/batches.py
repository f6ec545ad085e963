"""What each step of the training sees: windows at their place in 30 s, and what is to be written for them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor
from torch.utils.data import Dataset

from starter.whisper.features import log_mel
from starter.whisper.network import Heard
from starter.whisper.speech import TICKS, WINDOW_S, Pool, Window, window_of
from starter.whisper.targets import IGNORED, NOWHERE, Row, Targets, frame_labels

_FRAMES_A_SECOND = 100
# So many positions stand for all of the 30 s that lies around a short window.
_DISTANT = 32
_MOST_PROMPT = 223
# What comes before teaches to hear, what comes after to hear as long as Whisper can.
LONG_FROM = 4_400


@dataclass(frozen=True, slots=True)
class Shape:
    """What the windows of a step are like.

    Args:
        is_plain: they begin at 0 s, and no earlier text comes before.
        silent_share: of windows in which nothing is said.
        is_later: earlier text comes before half of them, as long as faster-whisper passes it on, with its times.
    """

    seconds: float
    windows: int
    is_plain: bool = False
    silent_share: float = 1 / 16
    is_later: bool = False


def shape_of(step: int) -> Shape:
    """Short windows first: where to listen is learnt from them. Later every sixteenth step hears 30 s in full, and from
    LONG_FROM on every other one, as a window of a longer recording.
    """
    if step >= LONG_FROM:
        later = Shape(WINDOW_S, 2) if step % 2 else Shape(10.0, 5)
        return replace(later, silent_share=1 / 6, is_later=True)
    if step < 400:
        return Shape(2.4, 16, is_plain=True)
    if step < 1200:
        return Shape(2.4, 16) if step % 2 else Shape(4.0, 10)
    if step % 16 == 15:
        return Shape(WINDOW_S, 2)
    return Shape(10.0, 5) if step % 2 else Shape(4.0, 12)


class Batch(NamedTuple):
    """Tensors of one step; Heard's first.

    Args:
        ids, labels: int64, shape (n, length).
        looks: int64, shape (n, length, 2): first and last position of what is heard of the next token, or NOWHERE.
        frames: int64, shape (n, frames / 2): targets.frame_labels.
    """

    features: Tensor
    positions: Tensor
    repeated: Tensor
    log_counts: Tensor
    ids: Tensor
    labels: Tensor
    looks: Tensor
    frames: Tensor

    @property
    def heard(self) -> Heard:
        return Heard(self.features, self.positions, self.repeated, self.log_counts)


class Batches(Dataset[Batch]):
    """The batch of each step; the same for the same seed and pool, whatever came before."""

    def __init__(self, pool: Pool, targets: Targets, seed: int) -> None:
        self.targets, self._pool, self._seed = targets, pool, seed

    def __getitem__(self, step: int) -> Batch:
        generator, shape = np.random.default_rng((self._seed, step)), shape_of(step)
        ticks = round(shape.seconds * _FRAMES_A_SECOND / 2)
        features = torch.zeros(shape.windows, 80, 2 * ticks)
        frames = np.zeros((shape.windows, ticks), np.int64)
        positions, repeated, rows = [], [], []
        longest_prompt = 0
        if shape.is_later:
            longest_prompt = _MOST_PROMPT if generator.random() < 1 / 2 else 0
        elif not shape.is_plain and generator.random() < 1 / 8:
            longest_prompt = int(np.exp(generator.uniform(1, np.log(_MOST_PROMPT))))
        for index in range(shape.windows):
            first_tick = 0 if shape.is_plain else _first_tick(ticks, generator)
            window = self._window(shape, first_tick == 0, first_tick + ticks == TICKS, generator)
            heard = log_mel(torch.from_numpy(window.samples))[:, :-1]
            features[index, :, : heard.shape[1]] = _masked(heard, generator)
            frames[index] = frame_labels(window, ticks)
            where, again = _around(window, first_tick, ticks, generator)
            positions.append(where)
            repeated.append(again)
            prompt_length = int(generator.integers(1, longest_prompt + 1)) if longest_prompt else 0
            rows.append(self.targets.row(window, first_tick, prompt_length, generator, shape.is_later))
        log_counts = torch.zeros(positions[0].shape[0])
        if repeated[0].shape[0]:
            log_counts[ticks:] = float(np.log((TICKS - ticks) / repeated[0].shape[0]))
        ids, labels, looks = _filled(rows, self.targets.end)
        return Batch(
            *(features, torch.stack(positions), torch.stack(repeated), log_counts),
            *(ids, labels, looks, torch.from_numpy(frames)),
        )

    def _window(self, shape: Shape, is_first: bool, is_last: bool, generator: Generator) -> Window:
        """A window of this length or, one in three of those that do not end the 30 s, of a shorter one."""
        is_shorter = not is_last and generator.random() < 1 / 3
        seconds = generator.uniform(1.0, shape.seconds) if is_shorter else shape.seconds
        return window_of(generator, self._pool, seconds, is_first, is_last, shape.silent_share)


def _first_tick(ticks: int, generator: Generator) -> int:
    """Half of the windows begin at 0 s, as most sounds do, one in eight ends at 30 s, the others lie anywhere."""
    chance = generator.random()
    if chance < 1 / 2 or ticks == TICKS:
        return 0
    return TICKS - ticks if chance < 5 / 8 else int(generator.integers(TICKS - ticks + 1))


def _around(window: Window, first_tick: int, ticks: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """Positions of the window and of what is heard of the rest, and what that repeats: before the window more of the
    pause with which it begins, after it nothing."""
    count = min(_DISTANT, TICKS - ticks)
    strata = (np.arange(count) + generator.random(count)) * ((TICKS - ticks) / max(count, 1))
    distant = np.minimum(strata.astype(np.int64), TICKS - ticks - 1)
    distant = np.where(distant < first_tick, distant, distant + ticks)
    pause = generator.integers(1, max(2, window.lead_ticks - 2), count)
    repeated = np.where(distant < first_tick, pause, -1)
    return torch.from_numpy(np.concatenate([np.arange(first_tick, first_tick + ticks), distant])), torch.from_numpy(
        repeated
    )


def _masked(features: Tensor, generator: Generator) -> Tensor:
    """With a band of up to eight mel bins hidden in half of them. Source: SpecAugment, arXiv:1904.08779."""
    if generator.random() < 0.5:
        first, width = generator.integers(0, 72), generator.integers(1, 9)
        features[first : first + width] = features.mean()
    return features


def _filled(rows: Sequence[Row], end: int) -> tuple[Tensor, Tensor, Tensor]:
    length = max(len(row.ids) for row in rows)
    missing = [length - len(row.ids) for row in rows]
    ids = torch.tensor([[*row.ids, *[end] * more] for row, more in zip(rows, missing, strict=True)])
    labels = torch.tensor([[*row.labels, *[IGNORED] * more] for row, more in zip(rows, missing, strict=True)])
    looks = torch.tensor([[*row.looks, *[NOWHERE] * more] for row, more in zip(rows, missing, strict=True)])
    return ids, labels, looks
