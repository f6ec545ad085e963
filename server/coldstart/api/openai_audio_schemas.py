"""What the routes of OpenAI's audio API take, and the forms in which they tell a transcription."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from coldstart.domain.errors import InvalidInput
from coldstart.domain.languages import LANGUAGE_NAMES
from coldstart.domain.transcription import Segment, TranscriptionOptions, Word
from coldstart.services.transcription import TranscriptionParameters, WrittenWindow

ResponseFormat = Literal["json", "text", "srt", "verbose_json", "vtt"]
Granularity = Literal["word", "segment"]

# Whisper reads the last 224 tokens of a prompt; a text of this length has more in any language.
_LONGEST_PROMPT = 10_000
# Whisper's features have 100 frames a second, and a segment's `seek` counts them.
_FRAMES_PER_SECOND = 100

FormT = TypeVar("FormT", bound="TranslationForm")


class TranslationForm(BaseModel):
    """The parts of a form beside its file. Unknown parts are ignored, and empty ones count as left out."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False, populate_by_name=True)

    model: str | None = None
    prompt: Annotated[str, Field(max_length=_LONGEST_PROMPT)] = ""
    response_format: ResponseFormat = "json"
    temperature: Annotated[float, Field(ge=0, le=1)] = 0.0
    vad_filter: bool = False

    @classmethod
    def of(cls: type[FormT], parts: Mapping[str, Sequence[str]]) -> FormT:
        """Read the parts of a form, each with all values that it came with.

        Raises:
            RequestValidationError: a part has a value that is not allowed.
            InvalidInput: parts that exclude one another.
        """
        lists = {name for name, field in cls.model_fields.items() if field.validation_alias is not None}
        met = {
            name: values if name.removesuffix("[]") in lists else values[-1]
            for name, given in parts.items()
            if (values := [value for value in given if value])
        }
        try:
            form = cls.model_validate(met)
        except ValidationError as error:
            problems = [{**problem, "loc": ("body", *problem["loc"])} for problem in error.errors()]
            raise RequestValidationError(problems) from None
        form.check()
        return form

    def check(self) -> None:
        """Raises: InvalidInput: parts exclude one another."""

    def parameters(self) -> TranscriptionParameters:
        """What the service takes."""
        options = TranscriptionOptions(task="translate", prompt=self.prompt, temperature=self.temperature)
        return TranscriptionParameters(self.model, options, self.vad_filter)


class TranscriptionForm(TranslationForm):
    """As `TranslationForm`, with what only transcriptions have."""

    language: str | None = None
    stream: bool = False
    timestamp_granularities: Annotated[
        tuple[Granularity, ...],
        Field(validation_alias=AliasChoices("timestamp_granularities[]", "timestamp_granularities")),
    ] = ()

    def check(self) -> None:
        if self.timestamp_granularities and self.response_format != "verbose_json":
            raise InvalidInput(
                f"timestamp_granularities need response_format 'verbose_json'; it is {self.response_format!r}"
            )
        if self.stream and self.response_format not in ("json", "text"):
            raise InvalidInput(
                f"a stream has events of text, so response_format must be 'json' or 'text'; "
                f"it is {self.response_format!r}"
            )

    def parameters(self) -> TranscriptionParameters:
        options = TranscriptionOptions(
            language=self.language,
            prompt=self.prompt,
            temperature=self.temperature,
            word_timestamps="word" in self.timestamp_granularities,
        )
        return TranscriptionParameters(self.model, options, self.vad_filter)

    @property
    def tells_segments(self) -> bool:
        """Whether a verbose answer has segments: unless words alone are asked for."""
        return set(self.timestamp_granularities) != {"word"}

    @property
    def tells_words(self) -> bool:
        """Whether a verbose answer has words."""
        return "word" in self.timestamp_granularities


def form_documentation(form: type[BaseModel]) -> dict[str, Any]:
    """The request body in /openapi.json, for a form that is read by hand: its parts and the file beside them."""
    schema = form.model_json_schema()
    schema["properties"] = {"file": {"type": "string", "format": "binary"}, **schema["properties"]}
    schema["required"] = ["file"]
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def usage_document(duration_s: float) -> dict[str, Any]:
    """What OpenAI charges for, which its clients read."""
    return {"type": "duration", "seconds": _seconds(duration_s)}


def verbose_document(
    task: str, language: str | None, duration_s: float, text: str, windows: Sequence[WrittenWindow]
) -> dict[str, Any]:
    """A `TranscriptionVerbose` or `TranslationVerbose` object with its segments, without words.

    Args:
        language: ISO 639-1 code of `text`; None where there is no text that has one.
    """
    return {
        "task": task,
        "language": "unknown" if language is None else LANGUAGE_NAMES.get(language, language),
        "duration": _seconds(duration_s),
        "text": text,
        "segments": segment_documents(windows),
        "usage": usage_document(duration_s),
    }


def segment_documents(windows: Sequence[WrittenWindow]) -> list[dict[str, Any]]:
    """`TranscriptionSegment` objects; `seek` is where the window of a segment begins."""
    pairs = [(window, segment) for window in windows for segment in window.segments]
    return [_segment_document(number, window, segment) for number, (window, segment) in enumerate(pairs)]


def word_documents(windows: Sequence[WrittenWindow]) -> list[dict[str, Any]]:
    """`TranscriptionWord` objects."""
    return [_word_document(word) for window in windows for segment in window.segments for word in segment.words]


def _segment_document(number: int, window: WrittenWindow, segment: Segment) -> dict[str, Any]:
    return {
        "id": number,
        "seek": round(window.start_s * _FRAMES_PER_SECOND),
        "start": _seconds(segment.start_s),
        "end": _seconds(segment.end_s),
        "text": segment.text,
        "tokens": list(segment.token_ids),
        "temperature": segment.temperature,
        "avg_logprob": segment.average_log_probability,
        "compression_ratio": segment.compression_ratio,
        "no_speech_prob": segment.no_speech_probability,
    }


def _word_document(word: Word) -> dict[str, Any]:
    return {"word": word.text.strip(), "start": _seconds(word.start_s), "end": _seconds(word.end_s)}


def _seconds(seconds: float) -> float:
    return round(seconds, 3)
