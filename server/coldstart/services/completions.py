"""Text completions: a prompt is continued, token by token, until something ends it."""

import secrets
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from coldstart.domain.distribution import Distribution, drawn_position, most_likely_token
from coldstart.domain.errors import InvalidInput
from coldstart.domain.text_stream import StopGate, TextStream
from coldstart.runtime.turns import Place
from coldstart.services.next_token_models import NextTokenModel, NextTokenModels

FinishReason = Literal["stop", "length"]

# OpenAI's default.
_MAX_TOKENS = 16
_SEEDS = 2**64


@dataclass(frozen=True, slots=True)
class CompletionParameters:
    """What to complete and how.

    Args:
        prompt: a text or its token ids.
        max_tokens: at most so many are made; None: 16, or fewer where the context has no room.
        temperature: 0 takes the most likely token, above it tokens are drawn.
        top_p: in (0, 1]; only the most likely tokens that together reach it are drawn from.
        seed: the same seed, prompt and parameters give the same text; None: another one each time.
        stops: texts before which to stop.
        logprobs: how many alternatives to tell for each token, 0 to 5; None: no log-probabilities at all.
        echo: give the prompt back before its completion.
    """

    model: str | None
    prompt: str | tuple[int, ...]
    max_tokens: int | None = None
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int | None = None
    stops: tuple[str, ...] = ()
    logprobs: int | None = None
    echo: bool = False


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """One token's log-probabilities, of the full softmax at temperature 1, before top_p.

    Args:
        text: of the token by itself.
        offset: where its text begins, in characters of the text given back.
        logprob: natural logarithm; None for the prompt's first token, which nothing precedes.
        top: the most likely tokens, most likely first, and this one; equal texts once.
    """

    text: str
    offset: int
    logprob: float | None
    top: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class CompletionPiece:
    """Some more text with the tokens that begin in it; the last one has the reason for the end."""

    text: str
    logprobs: tuple[TokenLogprob, ...]
    finish_reason: FinishReason | None = None


class Completions:
    """Begins completions. For one event loop."""

    def __init__(self, models: NextTokenModels) -> None:
        self._models = models

    async def begin(self, parameters: CompletionParameters) -> "Completion":
        """Check the parameters against the model; nothing is computed yet.

        Raises:
            InvalidInput: the prompt is empty, has tokens outside the vocabulary, or is too long for `max_tokens` more.
            NotFound, NotReady: the model is unknown or not ready.
        """
        model = self._models.get(parameters.model)
        token_ids = await _prompt_tokens(model, parameters.prompt)
        room = model.context_length - len(token_ids)
        wanted = min(_MAX_TOKENS, room) if parameters.max_tokens is None else parameters.max_tokens
        if room < 1 or wanted > room:
            raise InvalidInput(
                f"the context of model {model.name!r} has {model.context_length} tokens; the prompt has "
                f"{len(token_ids)}, and max_tokens is {max(wanted, 1)}"
            )
        return Completion(model, token_ids, wanted, parameters)


class Completion:
    """One completion; `pieces` runs it, once.

    Attributes:
        model: that answers.
        token_count: tokens made so far, with an end-of-text token, which has no text.
    """

    def __init__(
        self, model: NextTokenModel, prompt: tuple[int, ...], max_tokens: int, parameters: CompletionParameters
    ) -> None:
        self.model = model.entry
        self.prompt_token_count = len(prompt)
        self.token_count = 0
        self._model = model
        self._prompt = prompt
        self._max_tokens = max_tokens
        self._parameters = parameters
        self._seed = (secrets.randbits(64) if parameters.seed is None else parameters.seed) % _SEEDS
        self._sequence_id = f"completion-{secrets.token_hex(16)}"

    async def pieces(self) -> AsyncGenerator[CompletionPiece, None]:
        """The text as it is made. Close the iterator to stop early; the engine then does no more for it.

        Raises:
            Overloaded: before the first token only: the model's queue is full.
            EngineFailed, NotReady: at any time.
        """
        # One place for the whole: half a text is of no use to anybody, and is lost work.
        with self._model.sequence(self._sequence_id) as place:
            output = _Output(self._model, self._parameters.stops, () if self._parameters.echo else self._prompt)
            if self._parameters.echo:
                yield await self._echo(output, place)
            token_ids = self._prompt
            finish_reason: FinishReason | None = None if self._max_tokens else "length"
            while finish_reason is None:
                logits = await self._logits(token_ids, place)
                token_id = self._choose(logits)
                token_ids = (*token_ids, token_id)
                self.token_count += 1
                self._model.count_token()
                text = ""
                if token_id == self._model.end_of_text_id:
                    finish_reason = "stop"
                else:
                    text = output.push(token_id, self._logprobs_of(token_id, logits))
                    finish_reason = self._reason_to_end(output)
                if text:
                    yield CompletionPiece(text, output.take_logprobs())
            yield CompletionPiece(output.rest(), output.take_logprobs(), finish_reason)

    def _reason_to_end(self, output: "_Output") -> FinishReason | None:
        if output.stopped:
            return "stop"
        return "length" if self.token_count >= self._max_tokens else None

    def _choose(self, logits: NDArray[np.float32]) -> int:
        if self._parameters.temperature == 0.0:
            return most_likely_token(logits)
        position = drawn_position(self._seed, self.token_count)
        return Distribution(logits, self._parameters.temperature).token_at(position, self._parameters.top_p)

    async def _logits(self, token_ids: tuple[int, ...], place: Place) -> NDArray[np.float32]:
        return await self._model.logits(token_ids, self._sequence_id, place=place)

    async def _echo(self, output: "_Output", place: Place) -> CompletionPiece:
        """The prompt's text; its tokens' log-probabilities cost a step each, for engines tell only the last one's."""
        text = ""
        for index, token_id in enumerate(self._prompt):
            logprobs: _Logprobs | None = None
            if self._parameters.logprobs is not None:
                logprobs = (None, ())
                if index:
                    logprobs = self._logprobs_of(token_id, await self._logits(self._prompt[:index], place))
            text += output.echo(token_id, logprobs)
        return CompletionPiece(text, output.take_logprobs())

    def _logprobs_of(self, token_id: int, logits: NDArray[np.float32]) -> "_Logprobs | None":
        if self._parameters.logprobs is None:
            return None
        distribution = Distribution(logits, 1.0)
        top: dict[str, float] = {}
        if self._parameters.logprobs:
            for piece in distribution.top(self._parameters.logprobs):
                top.setdefault(self._model.token_text(piece.token_id), distribution.log_probability_of(piece.token_id))
            top.setdefault(self._model.token_text(token_id), distribution.log_probability_of(token_id))
        return distribution.log_probability_of(token_id), tuple(top.items())


# A token's log-probability and its alternatives'.
_Logprobs = tuple[float | None, tuple[tuple[str, float], ...]]


class _Output:
    """The text given out so far, and the tokens whose text is still held back."""

    def __init__(self, model: NextTokenModel, stops: Sequence[str], context: Sequence[int]) -> None:
        self._model = model
        self._stream = TextStream(model.decode, context)
        self._gate = StopGate(stops)
        self._made = 0
        self._given = 0
        self._ended = False
        self._waiting: deque[TokenLogprob] = deque()

    @property
    def stopped(self) -> bool:
        """Whether a stop string was met."""
        return self._gate.stopped

    def push(self, token_id: int, logprobs: _Logprobs | None) -> str:
        """The text that can be given out after this token."""
        return self._give(self._gate.push(self._make(token_id, logprobs)))

    def echo(self, token_id: int, logprobs: _Logprobs | None) -> str:
        """As `push`, for a token of the prompt, which no stop string ends."""
        return self._give(self._make(token_id, logprobs))

    def rest(self) -> str:
        """What was held back, at the end."""
        self._ended = True
        return self._give("" if self.stopped else self._gate.push(self._stream.rest()) + self._gate.rest())

    def take_logprobs(self) -> tuple[TokenLogprob, ...]:
        """The tokens, not taken before, whose text begins in what was given out; at an unstopped end all others."""
        taken = []
        everything = self._ended and not self.stopped
        while self._waiting and (everything or self._waiting[0].offset < self._given):
            taken.append(self._waiting.popleft())
        return tuple(taken)

    def _make(self, token_id: int, logprobs: _Logprobs | None) -> str:
        if logprobs is not None:
            self._waiting.append(TokenLogprob(self._model.token_text(token_id), self._made, *logprobs))
        text = self._stream.push(token_id)
        self._made += len(text)
        return text

    def _give(self, text: str) -> str:
        self._given += len(text)
        return text


async def _prompt_tokens(model: NextTokenModel, prompt: str | tuple[int, ...]) -> tuple[int, ...]:
    if isinstance(prompt, str):
        token_ids = await model.encode(prompt)
    else:
        token_ids = prompt
        for token_id in token_ids:
            model.check_token(token_id)
    if not token_ids:
        raise InvalidInput("the prompt is empty; it must have at least one token")
    return token_ids
