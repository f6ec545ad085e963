"""Which revision of a model answers a request that names none."""

import math
import random
from collections.abc import Mapping, Sequence
from itertools import groupby

from coldstart.domain.errors import ConfigurationError, InvalidInput
from coldstart.domain.manifest import ModelEntry, entries_named

_LARGEST_WEIGHT = 1_000_000


class Routing:
    """The shares that the revisions of a model have of such requests, and the draw among them. Thread-safe.

    Each request is drawn by itself, so the shares hold for any mix of callers, and nothing is kept of them. Who must
    stay with a revision names it, as the reply to the first request does.

    Args:
        entries: the models.
        weights: label → weight, as `weights_of` reads them; without any, a model's first revision has the whole share.
        seed: repeats the same draws; None: others at each start.
    """

    def __init__(
        self,
        entries: Sequence[ModelEntry],
        weights: Mapping[str, float] | None = None,
        seed: int | None = None,
    ) -> None:
        self._generator = random.Random(seed)  # noqa: S311  whoever foresees a draw learns no secret
        self._shares: dict[str, float] = {}
        for revisions in _by_name(entries):
            given = [(weights or {}).get(entry.label, 0.0) for entry in revisions]
            if not any(given):
                given[0] = 1.0
            whole = math.fsum(given)
            self._shares |= {entry.label: weight / whole for entry, weight in zip(revisions, given, strict=True)}

    def share(self, label: str) -> float:
        """In [0, 1]; the revisions of a model together have 1."""
        return self._shares[label]

    def draw(self, labels: Sequence[str]) -> str:
        """One of these, by their shares, of which one at least is above 0."""
        return self._generator.choices(labels, [self._shares[label] for label in labels])[0]


def weights_of(text: str | None, entries: Sequence[ModelEntry]) -> Mapping[str, float]:
    """MODEL_WEIGHTS, such as `gpt2@607a30d=90,gpt2@6c0e608=10`, as label → weight.

    Raises:
        ConfigurationError: it is written otherwise, or names no revision that there is, one twice, or none with a
            weight above 0.
    """
    weights: dict[str, float] = {}
    for item in filter(None, (part.strip() for part in (text or "").split(","))):
        wanted, _, number = item.rpartition("=")
        entry = _revision_named(wanted, entries)
        if entry.label in weights:
            raise ConfigurationError(f"MODEL_WEIGHTS names {entry.label} twice; each revision has one weight")
        weights[entry.label] = _weight(item, number)
    for revisions in _by_name(entries):
        given = [weights[entry.label] for entry in revisions if entry.label in weights]
        if given and not any(given):
            raise ConfigurationError(
                f"MODEL_WEIGHTS has no weight above 0 for model {revisions[0].name!r}; one of its revisions must answer"
            )
    return weights


def _revision_named(wanted: str, entries: Sequence[ModelEntry]) -> ModelEntry:
    try:
        found = entries_named(wanted, entries)
    except InvalidInput as error:
        raise ConfigurationError(f"MODEL_WEIGHTS: {error}") from None
    if len(found) != 1:
        met = f"has {len(found)} revisions" if found else "is not there"
        there = ", ".join(entry.full_name for entry in entries) or "none"
        raise ConfigurationError(
            f"MODEL_WEIGHTS names {wanted!r}, which {met}; wanted: NAME@REVISION=WEIGHT of {there}"
        )
    return found[0]


def _weight(item: str, number: str) -> float:
    try:
        weight = float(number)
    except ValueError:
        weight = math.nan
    if not 0 <= weight <= _LARGEST_WEIGHT:
        raise ConfigurationError(f"MODEL_WEIGHTS has {item!r}; a weight is a number from 0 to {_LARGEST_WEIGHT}")
    return weight


def _by_name(entries: Sequence[ModelEntry]) -> list[list[ModelEntry]]:
    def name(entry: ModelEntry) -> str:
        return entry.name

    return [list(revisions) for _, revisions in groupby(sorted(entries, key=name), key=name)]
