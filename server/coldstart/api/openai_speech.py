"""Speech in OpenAI's form, so that its client works with this server unchanged; and the voices that there are."""

import base64
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, BeforeValidator, Field
from starlette.responses import JSONResponse, Response

from coldstart.api.admission import begins_work_of
from coldstart.api.answering import answered_by
from coldstart.api.dependencies import service_of
from coldstart.api.server_sent_events import event_of, event_stream
from coldstart.api.sound_replies import sound_reply
from coldstart.services.speech import (
    DEFAULT_FORMAT,
    FASTEST,
    SLOWEST,
    OfferedVoice,
    Speech,
    SpeechParameters,
    Utterance,
)
from coldstart.services.voice_names import DEFAULT_VOICE

router = APIRouter(prefix="/v1", tags=["openai"])

Service = Annotated[Speech, Depends(service_of(Speech))]


def _voice_name(value: Any) -> Any:
    """A voice by name, or OpenAI's object with a voice's id."""
    return value["id"] if isinstance(value, dict) and set(value) == {"id"} else value


class SpeechRequestBody(BaseModel):
    """A text to be said. `instructions` and unknown parameters are ignored: the voices cannot be told how to speak."""

    input: str
    model: str | None = None
    voice: Annotated[str, BeforeValidator(_voice_name)] = DEFAULT_VOICE
    response_format: str = DEFAULT_FORMAT
    speed: Annotated[float, Field(ge=SLOWEST, le=FASTEST, allow_inf_nan=False)] = 1.0
    stream_format: Literal["audio", "sse"] = "audio"

    def parameters(self) -> SpeechParameters:
        """As the service takes them."""
        return SpeechParameters(self.input, self.model, self.voice, self.response_format, self.speed)


@router.post("/audio/speech")
@begins_work_of(Speech)
async def speak(body: SpeechRequestBody, service: Service, request: Request) -> Response:
    """Say a text. The sound leaves sentence by sentence, as bytes of a file or as server-sent events."""
    utterance = service.begin(body.parameters())
    answered_by(request, utterance.model)
    if body.stream_format == "sse":
        return await event_stream(_events(utterance), request)
    return await sound_reply(utterance, service.media_types[body.response_format])


@router.get("/voices")
async def list_voices(service: Service) -> Response:
    """The voices of all models, each model's default first, with the other names that a voice answers to.

    `refused` tells of the files in TTS_VOICES that are no voices.
    """
    refused = [{"model": model, "reason": reason} for model, reason in service.refused_voices()]
    voices = [_voice_document(offered) for offered in service.voices()]
    return JSONResponse({"object": "list", "data": voices, "refused": refused})


async def _events(utterance: Utterance) -> AsyncGenerator[bytes, None]:
    async with aclosing(utterance.pieces()) as pieces:
        async for piece in pieces:
            yield event_of({"type": "speech.audio.delta", "audio": base64.b64encode(piece).decode()})
    # OpenAI's usage here counts tokens, which are not what this server's work depends on.
    yield event_of({"type": "speech.audio.done"})


def _voice_document(offered: OfferedVoice) -> dict[str, Any]:
    voice = offered.voice
    return {
        "id": voice.name,
        "object": "voice",
        "name": voice.name,
        "language": voice.language,
        "description": voice.description,
        "model": offered.model_label,
        "aliases": list(offered.aliases),
    }
