"""The capability of predicting the token that follows a sequence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class NextTokenRequest:
    """One sequence whose next-token logits are wanted.

    Args:
        token_ids: the whole sequence so far; 1 to `context_length` ids, each in [0, vocabulary_size).
        sequence_id: names the sequence across requests, so that an engine may keep its keys and values
            and compute only what is new. None: nothing is kept.
    """

    token_ids: tuple[int, ...]
    sequence_id: str | None = None


class Tokenizer(Protocol):
    """Text to token ids and back. Thread-safe; does not block on anything but the CPU."""

    def encode(self, text: str) -> tuple[int, ...]:
        """The token ids of `text`, without special tokens; empty for empty text."""
        ...

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of `token_ids`; bytes that are not yet UTF-8 become U+FFFD."""
        ...


class NextTokenEngine(Protocol):
    """A causal language model behind one inference library.

    Not thread-safe: `advance` and `forget` are called from one thread at a time (the scheduler's). `advance` blocks.
    """

    @property
    def tokenizer(self) -> Tokenizer: ...

    @property
    def vocabulary_size(self) -> int: ...

    @property
    def context_length(self) -> int:
        """The most tokens that one sequence may have."""
        ...

    @property
    def end_of_text_id(self) -> int | None: ...

    @property
    def max_batch(self) -> int:
        """The most requests that one call of `advance` takes."""
        ...

    def advance(self, requests: Sequence[NextTokenRequest]) -> "list[NDArray[np.float32] | None]":
        """Do one bounded unit of work for the requests together.

        At most one prefill chunk is computed, and one decoding step for all requests that lack a single token, so
        that a long prompt never holds up other sequences' steps for longer than a chunk.

        Args:
            requests: 1 to `max_batch` requests.

        Returns:
            For each request, in order: the logits of its next token, float32, shape (vocabulary_size,), not
            normalised; or None when it needs another call.
        """
        ...

    def forget(self, sequence_id: str) -> None:
        """Drop what is kept of a sequence; unknown names are ignored."""
        ...

    def close(self) -> None:
        """Free the model. Nothing may be called afterwards."""
        ...
