"""When somebody speaks in a sound file."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import JSONResponse, Response

from coldstart.api.admission import begins_work_of
from coldstart.api.answering import answered_by
from coldstart.api.bodies import takes_sound_files
from coldstart.api.dependencies import service_of
from coldstart.api.openai_audio_schemas import form_documentation
from coldstart.api.uploads import read_upload
from coldstart.domain.speech_spans import SpanRules
from coldstart.services.speech_files import SpeechFiles

router = APIRouter(prefix="/v1/audio", tags=["speech segments"])

Service = Annotated[SpeechFiles, Depends(service_of(SpeechFiles))]

_DEFAULTS = SpanRules()
_Milliseconds = Annotated[int, Field(ge=0, le=60_000)]


class SegmentsForm(BaseModel):
    """The parts of a form beside its file. Unknown parts are ignored, and empty ones count as left out."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    threshold: Annotated[float, Field(ge=0.05, le=0.95)] | None = None
    min_speech_ms: _Milliseconds = round(_DEFAULTS.min_speech_s * 1000)
    min_silence_ms: _Milliseconds = round(_DEFAULTS.min_silence_s * 1000)
    padding_ms: _Milliseconds = round(_DEFAULTS.padding_s * 1000)

    @classmethod
    def of(cls, parts: Mapping[str, Sequence[str]]) -> "SegmentsForm":
        """Read the parts; of a part that came several times, the last.

        Raises:
            RequestValidationError: a part has a value that is not allowed.
        """
        try:
            return cls.model_validate({name: values[-1] for name, values in parts.items() if values[-1]})
        except ValidationError as error:
            problems = [{**problem, "loc": ("body", *problem["loc"])} for problem in error.errors()]
            raise RequestValidationError(problems) from None

    def rules(self) -> SpanRules:
        """What counts as speech, but for the threshold."""
        return SpanRules(
            min_speech_s=self.min_speech_ms / 1000,
            min_silence_s=self.min_silence_ms / 1000,
            padding_s=self.padding_ms / 1000,
        )


@router.post("/speech-segments", openapi_extra=form_documentation(SegmentsForm))
@begins_work_of(SpeechFiles)
@takes_sound_files
async def speech_segments(service: Service, request: Request) -> Response:
    """When somebody speaks, in seconds from the sound's start."""
    upload = await read_upload(request)
    form = SegmentsForm.of(upload.fields)
    spoken = await service.listen(upload.data, form.rules(), threshold=form.threshold)
    answered_by(request, spoken.model)
    document: dict[str, Any] = {
        "duration": round(spoken.duration_s, 3),
        "speech_duration": round(sum(span.duration_s for span in spoken.spans), 3),
        "segments": [{"start": round(span.start_s, 3), "end": round(span.end_s, 3)} for span in spoken.spans],
    }
    return JSONResponse(document)
