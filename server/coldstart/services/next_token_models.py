"""The models that predict next tokens, as the services use them."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from prometheus_client import Counter
from prometheus_client.registry import Collector

from coldstart.domain.errors import InvalidInput
from coldstart.domain.manifest import ModelEntry
from coldstart.domain.next_token import NextTokenEngine, NextTokenRequest
from coldstart.runtime.models import ModelState, ServedModel
from coldstart.runtime.registry import ModelRegistry
from coldstart.runtime.turns import Place

NEXT_TOKEN_TASK = "next-token"  # noqa: S105  a task of the manifest

# Characters; a tokenizer takes about a millisecond for a thousand.
_LONG_TEXT = 2000

NextTokenServed = ServedModel[NextTokenEngine, NextTokenRequest, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """One model as it is listed; sizes are None until it is ready."""

    entry: ModelEntry
    state: ModelState
    vocabulary_size: int | None
    context_length: int | None


class NextTokenModel:
    """One ready model: its texts and token ids, and the logits of whatever comes next.

    For one event loop.

    Args:
        served: the model.
        tokens: counts those that are added to texts.
    """

    def __init__(self, served: NextTokenServed, tokens: Counter) -> None:
        self._served = served
        self._tokens = tokens.labels(served.entry.label)
        self._token_texts: dict[int, str] = {}
        self.entry = served.entry
        self.name = served.entry.label
        self.vocabulary_size = served.engine.vocabulary_size
        self.context_length = served.engine.context_length
        self.end_of_text_id = served.engine.end_of_text_id

    async def encode(self, text: str) -> tuple[int, ...]:
        """The token ids of a text; a long one is tokenized in another thread, so that others' steps do not wait.

        Raises:
            InvalidInput: the text is not Unicode: JSON can name half of a surrogate pair.
        """
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise InvalidInput(
                f"the text has a lone surrogate, U+{ord(text[error.start]):04X}, at character {error.start}; "
                "it must be Unicode text"
            ) from None
        tokenizer = self._served.engine.tokenizer
        if len(text) > _LONG_TEXT:
            return await asyncio.to_thread(tokenizer.encode, text)
        return tokenizer.encode(text)

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of tokens together; bytes that are not UTF-8 are U+FFFD."""
        return self._served.engine.tokenizer.decode(token_ids)

    def token_text(self, token_id: int) -> str:
        """The text of one token by itself; a part of a character is U+FFFD."""
        text = self._token_texts.get(token_id)
        if text is None:
            text = self._token_texts[token_id] = self.decode((token_id,))
        return text

    def check_token(self, token_id: int) -> None:
        """Raises: InvalidInput: the id is outside the vocabulary."""
        if not 0 <= token_id < self.vocabulary_size:
            raise InvalidInput(
                f"token {token_id} is not in the vocabulary of model {self.name!r}, "
                f"whose ids are 0 to {self.vocabulary_size - 1}"
            )

    @contextmanager
    def sequence(self, sequence_id: str) -> Iterator[Place]:
        """Room for a sequence of several steps; at the end the engine drops what it keeps of it.

        Raises:
            Overloaded: on entering, when there is none.
        """
        with self._served.scheduler.place() as place:
            try:
                yield place
            finally:
                self.forget(sequence_id)

    async def logits(
        self, token_ids: tuple[int, ...], sequence_id: str, *, place: Place | None = None
    ) -> NDArray[np.float32]:
        """The logits of the token after `token_ids`: float32, shape (vocabulary_size,), not to be written to.

        Args:
            token_ids: 1 to `context_length` ids of the vocabulary.
            sequence_id: names the sequence, of which one request may be under way; say `forget` when it is over.
            place: that of the sequence, where it has several steps; then it is not refused for a full queue.

        Raises:
            Overloaded: at once, when the model's queue is full.
            EngineFailed: the engine failed on this sequence.
            NotReady: the process is shutting down.
        """
        return await self._served.scheduler.submit(NextTokenRequest(token_ids, sequence_id), place=place)

    def count_token(self) -> None:
        """A token that this model made probable was added to a text."""
        self._tokens.inc()

    def forget(self, sequence_id: str) -> None:
        """Have the engine drop what it keeps of a sequence; does not wait for it."""
        self._served.scheduler.run(lambda: self._served.engine.forget(sequence_id))


class NextTokenModels:
    """The registry's models of the next-token task. For one event loop."""

    def __init__(self, registry: ModelRegistry) -> None:
        self._registry = registry
        self._tokens = Counter("generated_tokens", "Tokens added to texts.", ("model",), registry=None)
        self._models: dict[str, NextTokenModel] = {}

    @property
    def collectors(self) -> Sequence[Collector]:
        """Of `/metrics`."""
        return (self._tokens,)

    def get(self, name: str | None) -> NextTokenModel:
        """The model called NAME or NAME@REVISION, or the manifest's first one; see `ModelRegistry.find`.

        Raises:
            NotFound: there is none of that name.
            InvalidInput: the name is the beginning of several revisions.
            NotReady: it is loading, or has failed.
        """
        served = self._registry.find(NEXT_TOKEN_TASK, name)
        wanted = served.entry.label
        if wanted not in self._models:
            self._models[wanted] = NextTokenModel(served, self._tokens)
        return self._models[wanted]

    def check_room(self) -> None:
        """For a request that will need a model, which one it has not been read for yet.

        Raises:
            Overloaded: no model has room, so that whichever it names would refuse it.
        """
        self._registry.check_room(NEXT_TOKEN_TASK)

    def summaries(self) -> tuple[ModelSummary, ...]:
        """All models, ready or not, in the manifest's order."""
        return tuple(
            self._summary(status.entry, status.state)
            for status in self._registry.states().values()
            if status.entry.task == NEXT_TOKEN_TASK
        )

    def _summary(self, entry: ModelEntry, state: ModelState) -> ModelSummary:
        if state is not ModelState.READY:
            return ModelSummary(entry, state, None, None)
        model = self.get(entry.label)
        return ModelSummary(entry, state, model.vocabulary_size, model.context_length)
