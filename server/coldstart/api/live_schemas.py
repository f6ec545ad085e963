"""The messages of a live transcription; docs/live-transcription.md describes the protocol."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, TypeVar, get_args

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from coldstart.domain.errors import InvalidInput
from coldstart.domain.transcription import TranscriptionOptions
from coldstart.services.live_session import LIVE_RULES, FinalText, LiveEvent, LiveParameters, PartialText, SpeechStarted

# Whisper reads the last 224 tokens of a prompt; a text of this length has more in any language.
_LONGEST_PROMPT = 10_000

MessageT = TypeVar("MessageT", bound="_Message")


class _Message(BaseModel):
    """A text message of the client."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @classmethod
    def read(cls: type[MessageT], message: str | bytes) -> MessageT:
        """The message.

        Raises:
            InvalidInput: it is not a JSON object.
            RequestValidationError: a field has a value that is not allowed.
        """
        (name,) = get_args(cls.model_fields["type"].annotation)
        if isinstance(message, bytes):
            raise InvalidInput(f"met {len(message)} bytes; wanted the text message {name!r}")
        try:
            document = json.loads(message)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"met a text that is no JSON: {error}; wanted the message {name!r}") from None
        if not isinstance(document, dict):
            raise InvalidInput(f"met JSON that is no object; wanted the message {name!r}")
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            raise RequestValidationError(error.errors()) from None


class StartMessage(_Message):
    """The first message: how the sound comes, and how it is written down."""

    type: Literal["start"]
    format: str = "pcm_s16le"
    sample_rate: Literal[16000] = 16000
    model: str | None = None
    language: str | None = None
    prompt: Annotated[str, Field(max_length=_LONGEST_PROMPT)] = ""
    partials: bool = True
    word_timestamps: bool = False
    threshold: Annotated[float, Field(ge=0.05, le=0.95)] | None = None
    silence_ms: Annotated[int, Field(ge=100, le=5000)] = round(LIVE_RULES.min_silence_s * 1000)

    def parameters(self, threshold: float) -> LiveParameters:
        """What the service takes; `threshold` where the message names none."""
        threshold = threshold if self.threshold is None else self.threshold
        return LiveParameters(
            model=self.model,
            options=TranscriptionOptions(
                language=self.language, prompt=self.prompt, word_timestamps=self.word_timestamps
            ),
            rules=replace(LIVE_RULES, threshold=threshold, min_silence_s=self.silence_ms / 1000),
            partials=self.partials,
        )


class EndMessage(_Message):
    """No more sound will come."""

    type: Literal["end"]


def event_document(event: LiveEvent) -> Mapping[str, Any]:
    """An event as the client gets it; times in seconds from the sound's start."""
    match event:
        case SpeechStarted():
            return {"type": "speech_started", "segment": event.segment, "start": _seconds(event.start_s)}
        case PartialText():
            return {"type": "partial", **_text_document(event)}
        case FinalText():
            document = {"type": "final", **_text_document(event), "language": event.language}
            if event.words:
                document["words"] = [
                    {"word": word.text.strip(), "start": _seconds(word.start_s), "end": _seconds(word.end_s)}
                    for word in event.words
                ]
            return document


def _text_document(event: PartialText | FinalText) -> dict[str, Any]:
    return {
        "segment": event.segment,
        "start": _seconds(event.start_s),
        "end": _seconds(event.end_s),
        "text": event.text,
    }


def _seconds(seconds: float) -> float:
    return round(seconds, 3)
