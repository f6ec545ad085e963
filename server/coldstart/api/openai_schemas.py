"""What the OpenAI-compatible routes take and give."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from coldstart.domain.errors import InvalidInput
from coldstart.services.completions import CompletionParameters, CompletionPiece, TokenLogprob

# OpenAI's limits.
_MOST_STOPS = 4
_MOST_LOGPROBS = 5
_INT64 = 2**63
# A probability that rounds to zero has no logarithm in JSON; OpenAI tells this one.
_LEAST_LOGPROB = -9999.0
# Characters or token ids; longer ones are refused unread, for tokenizing costs CPU.
_LONGEST_PROMPT = 100_000

# Parameters of OpenAI's API that this server has no use for: the values that ask for nothing, and why not others.
_NEUTRAL: dict[str, tuple[tuple[Any, ...], str]] = {
    "n": ((None, 1), "one completion is made for a request"),
    "best_of": ((None, 1), "one completion is made for a request"),
    "suffix": ((None, ""), "the models continue a text and cannot fill a gap in it"),
    "presence_penalty": ((None, 0), "penalties are not implemented"),
    "frequency_penalty": ((None, 0), "penalties are not implemented"),
    "logit_bias": ((None, {}), "biases are not implemented"),
}


def _one_prompt(value: Any) -> Any:
    """One text or one list of token ids, bare or as a list's only element."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str | list):
        value = value[0]
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(type(item) is int for item in value):
        return tuple(value)
    met = f"a list of {len(value)}" if isinstance(value, list) else type(value).__name__
    raise PydanticCustomError("prompt", f"must be one text or one list of token ids; met {met}")


def _stop_list(value: Any) -> Any:
    stops = [value] if isinstance(value, str) else value
    if stops is None:
        return ()
    if not isinstance(stops, list) or len(stops) > _MOST_STOPS or not all(isinstance(s, str) and s for s in stops):
        raise PydanticCustomError("stop", f"must be a text that is not empty, or a list of at most {_MOST_STOPS}")
    return tuple(stops)


class StreamOptions(BaseModel):
    """What a stream tells beside the text."""

    include_usage: bool = False


class CompletionRequest(BaseModel):
    """A prompt to complete. Unknown parameters are ignored; known ones that ask for more than there is are refused."""

    model_config = ConfigDict(extra="ignore", strict=True, allow_inf_nan=False, frozen=True)

    model: str | None = None
    prompt: Annotated[
        str | tuple[int, ...],
        BeforeValidator(_one_prompt, json_schema_input_type=str | list[str] | list[int] | list[list[int]]),
        Field(max_length=_LONGEST_PROMPT),
    ]
    max_tokens: Annotated[int, Field(ge=0)] | None = None
    temperature: Annotated[float, Field(ge=0, le=5)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    seed: Annotated[int, Field(ge=-_INT64, lt=_INT64)] | None = None
    stop: Annotated[tuple[str, ...], BeforeValidator(_stop_list, json_schema_input_type=str | list[str] | None)] = ()
    logprobs: Annotated[int, Field(ge=0, le=_MOST_LOGPROBS)] | None = None
    echo: bool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Any = None
    best_of: Any = None
    suffix: Any = None
    presence_penalty: Any = None
    frequency_penalty: Any = None
    logit_bias: Any = None

    def parameters(self) -> CompletionParameters:
        """What the service takes.

        Raises:
            InvalidInput: a parameter asks for what this server does not do.
        """
        for name, (allowed, reason) in _NEUTRAL.items():
            met = getattr(self, name)
            if isinstance(met, bool) or met not in allowed:
                raise InvalidInput(f"{name} is {str(met)[:80]}; {reason}, so it must be {allowed[1]!r} or left out")
        return CompletionParameters(
            model=self.model,
            prompt=self.prompt,
            max_tokens=self.max_tokens,
            temperature=1.0 if self.temperature is None else self.temperature,
            top_p=1.0 if self.top_p is None else self.top_p,
            seed=self.seed,
            stops=self.stop,
            logprobs=self.logprobs,
            echo=bool(self.echo),
        )

    @property
    def includes_usage(self) -> bool:
        """Whether a stream ends with its token counts."""
        return self.stream_options is not None and self.stream_options.include_usage


def completion_document(
    completion_id: str, created: int, model: str, pieces: Sequence[CompletionPiece], *, with_logprobs: bool
) -> dict[str, Any]:
    """A `text_completion` object: a whole answer, or one chunk of a stream.

    Args:
        created: seconds since 1970.
    """
    logprobs = [token for piece in pieces for token in piece.logprobs]
    return {
        "id": completion_id,
        "object": "text_completion",
        "created": created,
        "model": model,
        "choices": [
            {
                "index": 0,
                "text": "".join(piece.text for piece in pieces),
                "logprobs": _logprobs_document(logprobs) if with_logprobs else None,
                "finish_reason": pieces[-1].finish_reason,
            }
        ],
    }


def usage_document(prompt_tokens: int, completion_tokens: int) -> dict[str, int]:
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }


def _logprobs_document(tokens: Sequence[TokenLogprob]) -> dict[str, Any]:
    """Offsets count characters of the text given back, so without `echo` the first one is 0."""
    return {
        "tokens": [token.text for token in tokens],
        "token_logprobs": [None if token.logprob is None else _told(token.logprob) for token in tokens],
        "top_logprobs": [_alternatives(token) for token in tokens] if any(token.top for token in tokens) else None,
        "text_offset": [token.offset for token in tokens],
    }


def _alternatives(token: TokenLogprob) -> dict[str, float] | None:
    return {text: _told(logprob) for text, logprob in token.top} or None


def _told(logprob: float) -> float:
    return max(logprob, _LEAST_LOGPROB)
