"""Transcriptions and translations in OpenAI's form, so that its client works with this server unchanged."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from itertools import chain
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from coldstart.api.admission import begins_work_of
from coldstart.api.answering import answered_by
from coldstart.api.bodies import takes_sound_files
from coldstart.api.dependencies import service_of
from coldstart.api.openai_audio_schemas import (
    ResponseFormat,
    TranscriptionForm,
    TranslationForm,
    form_documentation,
    usage_document,
    verbose_document,
    word_documents,
)
from coldstart.api.server_sent_events import event_of, event_stream
from coldstart.api.uploads import read_upload
from coldstart.services.subtitles import srt_of, vtt_of
from coldstart.services.transcription import TranscriptionRun, Transcriptions, WrittenWindow

router = APIRouter(prefix="/v1/audio", tags=["openai"])

Service = Annotated[Transcriptions, Depends(service_of(Transcriptions))]


@router.post("/transcriptions", openapi_extra=form_documentation(TranscriptionForm))
@begins_work_of(Transcriptions)
@takes_sound_files
async def transcribe(service: Service, request: Request) -> Response:
    """Write down what is said, whole or as a stream of server-sent events, a segment each."""
    upload = await read_upload(request)
    form = TranscriptionForm.of(upload.fields)
    run = service.begin(upload.data, form.parameters())
    answered_by(request, run.model)
    if form.stream:
        return await event_stream(_events(run), request)
    windows = await _all(run)
    if form.response_format != "verbose_json":
        return _told(form.response_format, run, windows)
    document = verbose_document("transcribe", run.language, run.duration_s, _text(windows), windows)
    if not form.tells_segments:
        del document["segments"]
    if form.tells_words:
        document["words"] = word_documents(windows)
    return JSONResponse(document)


@router.post("/translations", openapi_extra=form_documentation(TranslationForm))
@begins_work_of(Transcriptions)
@takes_sound_files
async def translate(service: Service, request: Request) -> Response:
    """Write down in English what is said."""
    upload = await read_upload(request)
    form = TranslationForm.of(upload.fields)
    run = service.begin(upload.data, form.parameters())
    answered_by(request, run.model)
    windows = await _all(run)
    if form.response_format != "verbose_json":
        return _told(form.response_format, run, windows)
    return JSONResponse(verbose_document("translate", "en", run.duration_s, _text(windows), windows))


async def _all(run: TranscriptionRun) -> list[WrittenWindow]:
    async with aclosing(run.windows()) as windows:
        return [window async for window in windows]


async def _events(run: TranscriptionRun) -> AsyncGenerator[bytes, None]:
    text = _GrowingText()
    async with aclosing(run.windows()) as windows:
        async for window in windows:
            for segment in window.segments:
                if delta := text.add(segment.text):
                    yield event_of({"type": "transcript.text.delta", "delta": delta})
    # OpenAI's usage here counts tokens, which are not what this server's work depends on.
    yield event_of({"type": "transcript.text.done", "text": text.text})


def _told(response_format: ResponseFormat, run: TranscriptionRun, windows: Sequence[WrittenWindow]) -> Response:
    segments = chain.from_iterable(window.segments for window in windows)
    match response_format:
        case "srt":
            return PlainTextResponse(srt_of(segments), media_type="application/x-subrip; charset=utf-8")
        case "vtt":
            return PlainTextResponse(vtt_of(segments), media_type="text/vtt")
        case "text":
            return PlainTextResponse(_text(windows) + "\n")
        case _:
            return JSONResponse({"text": _text(windows), "usage": usage_document(run.duration_s)})


def _text(windows: Sequence[WrittenWindow]) -> str:
    text = _GrowingText()
    for window in windows:
        for segment in window.segments:
            text.add(segment.text)
    return text.text


class _GrowingText:
    """Segments joined as the model spaces them, without space at the ends, so that the parts told are the whole."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._space = ""

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def add(self, text: str) -> str:
        """What the text grows by; space at its end waits for what comes after it."""
        text = self._space + text if self._parts else text.lstrip()
        grown = text.rstrip()
        if grown:
            self._parts.append(grown)
            self._space = text[len(grown) :]
        return grown
